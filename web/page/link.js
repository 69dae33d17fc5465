// The host's end of a line: asks a board one thing at a time, and asks again where bytes are lost.

/** What a board refuses to do, in words. */
export class Refusal extends Error {}

/** What went wrong on the line. */
export class LineError extends Error {}

/** How long a board may be silent, and how often it is asked. A board at work says so at least once a second. */
const SILENCE = 2000;
const TRIES = 4;

export class Connection {
  /** `line` has `write(bytes)`, and calls `onbytes` with what comes and `onend` when it is gone. */
  constructor(core, line) {
    this.core = core;
    this.line = line;
    // Two hosts, or two runs of one, must not begin with the same number.
    this.number = crypto.getRandomValues(new Uint32Array(1))[0];
    this.turn = Promise.resolve();
    this.waiting = null;
    core.functions.other_board();
    line.onbytes = (bytes) => this.feed(bytes);
    line.onend = (why) => this.waiting?.fail(new LineError(why));
  }

  /** Asks `request`, by core's names; the answer has `reply` and the bytes of its `body`. */
  async ask(request) {
    return checked(await this.exchange(JSON.stringify(request)));
  }

  /** Asks the request whose message has these bytes, in hexadecimal; the bytes of the answer's, refusals too. */
  async askBytes(body) {
    const bytes = Uint8Array.from(body.match(/../g), (pair) => parseInt(pair, 16));
    const text = this.core.decoder.decode(this.core.call('request', bytes));
    return (await this.exchange(text)).body;
  }

  exchange(text) {
    // In turn, also behind one that failed.
    const answer = this.turn.then(() => this.send(text));
    this.turn = answer.catch(() => {});
    return answer;
  }

  async send(text) {
    this.number = (this.number + 1) >>> 0;
    const number = this.number;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const frame = this.core.call('frame', text, number, tries > 0 ? 1 : 0);
      if (frame.length === 0) throw new LineError(`${text} is no request`);
      const answered = this.wait(number);
      // Where writing fails too, that is told, and once.
      answered.catch(() => {});
      await this.line.write(frame);
      const answer = await answered;
      if (answer) return answer;
    }
    throw new LineError('the board does not answer: is it running pocketrec, and is nobody else asking it?');
  }

  /** The answer to a number, or nothing after a silence. */
  wait(number) {
    return new Promise((done, fail) => {
      let timer;
      const again = () => {
        clearTimeout(timer);
        timer = setTimeout(() => end(null), SILENCE);
      };
      const end = (answer) => {
        clearTimeout(timer);
        this.waiting = null;
        done(answer);
      };
      this.waiting = {
        take: (answer) => {
          if (answer.number !== number) return;
          if (answer.reply?.Working) again();
          else end(answer);
        },
        fail: (why) => {
          clearTimeout(timer);
          this.waiting = null;
          fail(why);
        },
      };
      again();
    });
  }

  feed(bytes) {
    for (const answer of this.core.json('answers', bytes)) this.waiting?.take(answer);
  }
}

function checked(answer) {
  if (answer.version !== undefined) {
    throw new LineError(`the board speaks version ${answer.version} of the protocol, which this page does not: page and firmware are of different days`);
  }
  if (answer.refused !== undefined) throw new Refusal(answer.refused);
  if (answer.reply === null) throw new LineError('the board answered what this page does not know: page and firmware are of different days');
  return answer;
}
