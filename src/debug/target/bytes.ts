/** Bytes of DWARF sections: little-endian numbers, LEB128, strings. */
import { encodeUtf8 } from '../../platform/index.ts';

export class Bytes {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }
  u8(...values: readonly number[]): void {
    this.#bytes.push(...values);
  }
  u16(value: number): void {
    this.u8(value & 0xff, value >> 8);
  }
  u32(value: number): void {
    for (let n = 0; n < 4; n++) this.#bytes.push((value >>> (8 * n)) & 0xff);
  }
  u64(value: bigint): void {
    for (let n = 0n; n < 8n; n++) this.#bytes.push(Number((value >> (8n * n)) & 0xffn));
  }
  uleb(value: number): void {
    let rest = value;
    do {
      const byte = rest & 0x7f;
      rest >>>= 7;
      this.#bytes.push(rest === 0 ? byte : byte | 0x80);
    } while (rest !== 0);
  }
  sleb(value: number): void {
    for (let rest = value; ; ) {
      const byte = rest & 0x7f;
      rest >>= 7;
      const isLast = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
      this.#bytes.push(isLast ? byte : byte | 0x80);
      if (isLast) return;
    }
  }
  string(text: string): void {
    this.u8(...encodeUtf8(text), 0);
  }
  append(other: Bytes): void {
    for (const byte of other.#bytes) this.#bytes.push(byte);
  }
  /** Another's, with its length in front. */
  entry(other: Bytes): void {
    this.u32(other.length);
    this.append(other);
  }
  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
