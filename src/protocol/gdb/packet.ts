/**
 * Packets of gdb's remote protocol (GDB manual, appendix E.1 "Overview"): `$data#checksum`, acknowledged by `+` until
 * both sides agree on doing without. Data are bytes, held as strings of one character a byte.
 */

/** `}` and the byte with bit 5 turned stand for what a packet cannot hold. */
const ESCAPED = /[#$}*]/g;

const checksum = (data: string): string => {
  let sum = 0;
  for (let n = 0; n < data.length; n++) sum = (sum + data.charCodeAt(n)) & 0xff;
  return sum.toString(16).padStart(2, '0');
};

/** What is sent for these data. */
export function framed(data: string): string {
  const body = data.replace(ESCAPED, (c) => `}${String.fromCharCode(c.charCodeAt(0) ^ 0x20)}`);
  return `$${body}#${checksum(body)}`;
}

export type Received =
  | { readonly kind: 'packet'; readonly data: string }
  /** its checksum is wrong: to be asked for again */
  | { readonly kind: 'damaged' }
  /** Ctrl-C */
  | { readonly kind: 'interrupt' }
  /** the last packet did not arrive: to be sent again */
  | { readonly kind: 'again' };

/** a packet longer than this is none */
const LONGEST = 1 << 20;

/** Takes bytes as they come, gives what is complete. */
export class PacketReader {
  #rest = '';

  take(bytes: string): Received[] {
    this.#rest += bytes;
    const out: Received[] = [];
    for (;;) {
      const at = this.#rest.search(/[$\u0003-]/);
      if (at < 0) {
        this.#rest = '';
        return out;
      }
      const first = this.#rest[at];
      if (first !== '$') {
        out.push({ kind: first === '-' ? 'again' : 'interrupt' });
        this.#rest = this.#rest.slice(at + 1);
        continue;
      }
      const end = this.#rest.indexOf('#', at);
      if (end < 0 || end + 2 >= this.#rest.length) {
        this.#rest = this.#rest.length > LONGEST ? '' : this.#rest.slice(at);
        return out;
      }
      const body = this.#rest.slice(at + 1, end);
      const isWhole = checksum(body) === this.#rest.slice(end + 1, end + 3).toLowerCase();
      this.#rest = this.#rest.slice(end + 3);
      out.push(isWhole ? { kind: 'packet', data: unescaped(body) } : { kind: 'damaged' });
    }
  }
}

const unescaped = (body: string): string =>
  body.replace(/\}([\s\S])/g, (_, c: string) => String.fromCharCode(c.charCodeAt(0) ^ 0x20));
