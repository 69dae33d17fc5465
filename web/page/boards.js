// The two kinds of board that may be at the other end of a line.

import { fromBase64, toBase64 } from './core.js';

/** Where the page's board keeps its flash. */
const PLACE = 'pocketrec.flash';

/** The board in this page: core's service, with flash in the browser's storage. */
export class PageBoard {
  constructor(core) {
    this.core = core;
    this.onbytes = () => {};
    this.onend = () => {};
    /** Why nothing is kept, if so. */
    this.unkept = null;
    this.start();
  }

  start() {
    let flash = new Uint8Array();
    try {
      const kept = localStorage.getItem(PLACE);
      if (kept) flash = fromBase64(kept);
    } catch {
      this.unkept = 'This browser keeps nothing for this page: take your ratings away as a file before you close it.';
    }
    this.core.call('start', flash);
    this.keep();
  }

  async write(bytes) {
    this.core.call('receive', bytes, clock());
    // One slice after the other: the page stays alive in between.
    for (let more = true; more; ) {
      more = this.core.work(clock());
      const sent = this.core.call('sent');
      // Kept before it is told, as on a board.
      this.keep();
      if (sent.length > 0) this.onbytes(sent);
      if (more) await new Promise((next) => setTimeout(next));
    }
  }

  keep() {
    const flash = this.core.call('changed_flash');
    if (flash.length === 0) return;
    try {
      localStorage.setItem(PLACE, toBase64(flash));
      this.unkept = null;
    } catch {
      this.unkept ??= 'The browser did not keep that: take your ratings away as a file before you close this page.';
    }
  }

  /** Calls `then` when another window with this page has learned something. */
  watch(then) {
    addEventListener('storage', (event) => {
      if (event.key === PLACE) {
        this.start();
        then();
      }
    });
  }

  async close() {}
}

function clock() {
  return Math.round(performance.now()) >>> 0;
}

/** A board on a serial port. */
export class SerialBoard {
  static isPossible() {
    return 'serial' in navigator;
  }

  /** Asks the person for a port, and opens it. */
  static async choose() {
    const port = await navigator.serial.requestPort();
    await port.open({ baudRate: 115200 });
    return new SerialBoard(port);
  }

  constructor(port) {
    this.port = port;
    this.onbytes = () => {};
    this.onend = () => {};
    this.writer = port.writable.getWriter();
    this.reading = this.read();
  }

  async read() {
    let why = 'the board was unplugged';
    // A readable side that failed is replaced by another as long as the port is there: bytes were lost, no more.
    while (this.port.readable && !this.closed) {
      this.reader = this.port.readable.getReader();
      try {
        for (;;) {
          const { value, done } = await this.reader.read();
          if (done) break;
          this.onbytes(value);
        }
        if (!this.closed) break;
      } catch (error) {
        why = `the line failed: ${error.message}`;
      } finally {
        this.reader.releaseLock();
      }
    }
    if (!this.closed) this.onend(why);
  }

  async write(bytes) {
    await this.writer.write(bytes);
  }

  async close() {
    this.closed = true;
    try {
      await this.reader?.cancel();
      await this.reading;
      this.writer.releaseLock();
      await this.port.close();
    } catch {
      // It is gone already.
    }
  }
}
