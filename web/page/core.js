// Core, compiled to WebAssembly: a board, the frames of its line, and the search. See web/src/lib.rs.

/** The bytes of one of the page's packed parts: gzip, in base64. */
export async function unpack(id) {
  const element = document.getElementById(id);
  const bytes = fromBase64(element.textContent.trim());
  element.remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export function toBase64(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return btoa(parts.join(''));
}

/** The functions of the WebAssembly module, with bytes and text in place of addresses. */
export class Core {
  static async load(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Core(instance.exports);
  }

  constructor(functions) {
    this.functions = functions;
    this.encoder = new TextEncoder();
    this.decoder = new TextDecoder();
  }

  /** Calls a function that takes bytes or text; returns the bytes that it puts out. */
  call(name, input, ...numbers) {
    const bytes = typeof input === 'string' ? this.encoder.encode(input) : (input ?? new Uint8Array());
    const at = this.functions.input(bytes.length);
    new Uint8Array(this.functions.memory.buffer, at, bytes.length).set(bytes);
    const length = this.functions[name](...numbers);
    // The memory may have grown, and then it is another buffer.
    return new Uint8Array(this.functions.memory.buffer, this.functions.output(), length).slice();
  }

  /** As `call`, of what puts out JSON. */
  json(name, input, ...numbers) {
    return JSON.parse(this.decoder.decode(this.call(name, input, ...numbers)));
  }

  /** Lets the page's board work for a moment; whether it has more to do. */
  work(now) {
    return this.functions.work(now) !== 0;
  }
}
