/** Reads a section from front to back: fixed numbers, LEB128 (DWARF 5, 7.6), strings. */
import { decodeUtf8 } from '../platform/index.ts';
import { DwarfError } from './error.ts';

export class Cursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  get ended(): boolean {
    return this.at >= this.bytes.length;
  }
  #take(bytes: number): number {
    const { at } = this;
    if (!(at >= 0 && bytes >= 0 && at + bytes <= this.bytes.length))
      throw new DwarfError(`${bytes} bytes at ${at} lie beyond the section's ${this.bytes.length}`);
    this.at = at + bytes;
    return at;
  }
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u24(): number {
    return this.u16() | (this.u8() << 16);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  /** Of 1, 2, 4 or 8 bytes. */
  fixed(bytes: number, signed = false): bigint {
    let value = 0n;
    const from = this.#take(bytes);
    for (let n = bytes - 1; n >= 0; n--) value = (value << 8n) | BigInt(this.bytes[from + n] as number);
    return signed ? BigInt.asIntN(8 * bytes, value) : value;
  }
  uleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80 || shift > 63n) return BigInt.asUintN(64, value);
    }
  }
  sleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; ) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80 || shift > 70n) return BigInt.asIntN(64, BigInt.asIntN(Number(shift), value));
    }
  }
  /** An index or a count. */
  number(): number {
    return Number(this.uleb());
  }
  slice(bytes: number): Uint8Array {
    const from = this.#take(bytes);
    return this.bytes.subarray(from, from + bytes);
  }
  string(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new DwarfError(`a string at ${this.at} has no end`);
    const text = decodeUtf8(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }
}
