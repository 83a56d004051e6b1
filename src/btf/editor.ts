/**
 * Changes to BTF data in place, where its layout stays: words of existing types, and types and
 * strings added at the end of their sections.
 */
import { concatBytes, encodeUtf8 } from '../platform/index.ts';
import { Btf } from './btf.ts';
import { BTF_HEADER_SIZE, BTF_MAGIC, BTF_VERSION } from './kinds.ts';

/** Type section offset within the data, from a parsed header. */
function typeStart(bytes: Uint8Array): { start: number; length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { start: view.getUint32(4, true) + view.getUint32(8, true), length: view.getUint32(12, true) };
}

export class BtfEditor {
  readonly #btf: Btf;
  readonly #types: Uint8Array;
  readonly #view: DataView;
  readonly #start: number;
  readonly #added: number[] = [];
  readonly #strings: Uint8Array[] = [];
  #addedTypes = 0;
  #addedStrings = 0;
  #changed = false;

  constructor(btf: Btf) {
    const { start, length } = typeStart(btf.bytes);
    this.#btf = btf;
    this.#start = start;
    this.#types = btf.bytes.slice(start, start + length);
    this.#view = new DataView(this.#types.buffer);
  }

  /** Writes word `n` of a type, 0 = name_off, 1 = info, 2 = size or type, 3... what follows. */
  setWord(id: number, n: number, value: number): void {
    const at = this.#btf.offsetOfType(id) - this.#start + n * 4;
    if (this.#view.getUint32(at, true) === value >>> 0) return;
    this.#view.setUint32(at, value, true);
    this.#changed = true;
  }

  word(id: number, n: number): number {
    return this.#view.getUint32(this.#btf.offsetOfType(id) - this.#start + n * 4, true);
  }

  /** Appends a type of these words, without its id. Returns its id. */
  addType(words: readonly number[]): number {
    this.#added.push(...words);
    this.#changed = true;
    return this.#btf.typeCount + this.#addedTypes++;
  }

  /** Appends a string. Returns its offset. */
  addString(text: string): number {
    const bytes = encodeUtf8(`${text}\0`);
    const at = this.#btf.endString + this.#addedStrings;
    this.#strings.push(bytes);
    this.#addedStrings += bytes.length;
    this.#changed = true;
    return at;
  }

  /** The data as changed; the same object where nothing was. */
  finish(): Btf {
    if (!this.#changed) return this.#btf;
    const added = new Uint8Array(new Uint32Array(this.#added).buffer);
    const strings = concatBytes([this.#btf.strings, ...this.#strings]);
    const types = this.#types.length + added.length;
    const header = new DataView(new ArrayBuffer(BTF_HEADER_SIZE));
    header.setUint16(0, BTF_MAGIC, true);
    header.setUint8(2, BTF_VERSION);
    header.setUint32(4, BTF_HEADER_SIZE, true);
    header.setUint32(12, types, true);
    header.setUint32(16, types, true);
    header.setUint32(20, strings.length, true);
    const bytes = concatBytes([new Uint8Array(header.buffer), this.#types, added, strings]);
    return Btf.parse(bytes, this.#btf.base);
  }
}
