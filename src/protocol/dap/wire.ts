/** Messages of the Debug Adapter Protocol on a stream: `Content-Length: N`, an empty line, N bytes of JSON ("Base Protocol"). */

const HEADER_END = '\r\n\r\n';
/** a message longer than this is none */
const LONGEST = 64 << 20;

export function encodeMessage(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}${HEADER_END}`, 'latin1'), body]);
}

/** Takes bytes as they come, gives what is complete. */
export class MessageReader {
  #rest = Buffer.alloc(0);

  /** @throws SyntaxError where the stream is none of this protocol */
  take(bytes: Buffer): unknown[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const out: unknown[] = [];
    for (;;) {
      const end = this.#rest.indexOf(HEADER_END, 0, 'latin1');
      if (end < 0) {
        if (this.#rest.length > 8192) throw new SyntaxError('no header of the Debug Adapter Protocol in 8192 bytes');
        return out;
      }
      const length = Number(/content-length: *(\d+)/i.exec(this.#rest.toString('latin1', 0, end))?.[1] ?? Number.NaN);
      if (!(length <= LONGEST)) throw new SyntaxError('a header of the Debug Adapter Protocol has a Content-Length');
      const from = end + HEADER_END.length;
      if (this.#rest.length < from + length) return out;
      const body = this.#rest.toString('utf8', from, from + length);
      this.#rest = this.#rest.subarray(from + length);
      out.push(JSON.parse(body));
    }
  }
}
