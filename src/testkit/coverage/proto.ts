/** A message of protocol buffers, as it is written (https://protobuf.dev/programming-guides/encoding). */

const VARINT = 0;
const LENGTH = 2;

export class Proto {
  readonly #bytes: number[] = [];

  int(field: number, value: number): this {
    this.#varint(field * 8 + VARINT);
    return this.#varint(value);
  }
  bytes(field: number, value: Iterable<number>): this {
    const list = [...value];
    this.#varint(field * 8 + LENGTH);
    this.#varint(list.length);
    for (const byte of list) this.#bytes.push(byte);
    return this;
  }
  message(field: number, message: Proto): this {
    return this.bytes(field, message.#bytes);
  }
  packed(field: number, values: readonly number[]): this {
    const inner = new Proto();
    for (const value of values) inner.#varint(value);
    return this.message(field, inner);
  }
  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
  /** of whole numbers from 0 that a double holds exactly */
  #varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
    return this;
  }
}
