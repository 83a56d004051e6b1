/**
 * A part of a BTF that stands for the whole: its types have the ids that they have there, and what
 * it lacks is looked up in the whole, which is fetched when something first asks for it.
 *
 *     u32 type_count, str_len;      of the whole: ids end at type_count, strings at str_len
 *     u32 count, filter_len;
 *     u32 id_delta[count];          ids of the types here, each as distance from the one before
 *     u8 filter[filter_len];        Bloom filter over the essential names that only the whole has
 *     u8 btf[];                     the types as BTF, what they refer to by the whole's ids
 *
 * All types that share an essential name are here, or none is, so that names found here need no second look.
 */
import { encodeUtf8 } from '../platform/index.ts';
import { Btf } from './btf.ts';
import { BTF_KIND, type BtfKind } from './kinds.ts';
import { essentialName } from './name-index.ts';
import type { BtfType } from './types.ts';

const HEADER = 16;
/** bits that each name sets in the filter */
const PROBES = 4;

/** Bits of a name in a filter of `bits` bits. */
function* probes(name: string, bits: number): Generator<number> {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (const byte of encodeUtf8(name)) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
    b ^= b >>> 13;
  }
  for (let n = 0; n < PROBES; n++) yield ((a + Math.imul(n, b | 1)) >>> 0) % bits;
}

/** A Bloom filter over names, `bytes` long. */
export function nameFilter(names: Iterable<string>, bytes: number): Uint8Array {
  const filter = new Uint8Array(bytes);
  for (const name of names)
    for (const bit of probes(name, 8 * bytes)) filter[bit >> 3] = (filter[bit >> 3] as number) | (1 << (bit & 7));
  return filter;
}

export class QuickBtf extends Btf {
  readonly #fetch: () => Uint8Array;
  readonly #typeCount: number;
  readonly #endString: number;
  readonly #ids: Uint32Array;
  /** id to position among the types here, plus one */
  readonly #position: Uint16Array;
  readonly #filter: Uint8Array;
  #whole: Btf | undefined;

  /**
   * @param bytes the part, as described above
   * @param fetch gives the whole, raw
   * @throws BtfError
   */
  static open(bytes: Uint8Array, fetch: () => Uint8Array): QuickBtf {
    return new QuickBtf(bytes, fetch);
  }

  private constructor(bytes: Uint8Array, fetch: () => Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const [typeCount, endString, count, filterLength] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [
      number,
      number,
      number,
      number,
    ];
    const filterAt = HEADER + 4 * count;
    super(bytes.subarray(filterAt + filterLength), undefined);
    this.#fetch = fetch;
    this.#typeCount = typeCount;
    this.#endString = endString;
    this.#filter = bytes.subarray(filterAt, filterAt + filterLength);
    this.#ids = new Uint32Array(count);
    this.#position = new Uint16Array(typeCount);
    let id = 0;
    for (let n = 0; n < count; n++) {
      id += view.getUint32(HEADER + 4 * n, true);
      this.#ids[n] = id;
      this.#position[id] = n + 1;
    }
  }

  /** The whole, fetched now if it has not been. */
  get whole(): Btf {
    this.#whole ??= Btf.parse(this.#fetch());
    return this.#whole;
  }
  /** Whether something has asked for more than is here. */
  get isWhole(): boolean {
    return this.#whole !== undefined;
  }

  override get bytes(): Uint8Array {
    return this.whole.bytes;
  }
  override get strings(): Uint8Array {
    return this.whole.strings;
  }
  override get typeCount(): number {
    return this.#typeCount;
  }
  override get endString(): number {
    return this.#endString;
  }
  override string(offset: number): string {
    return this.whole.string(offset);
  }
  override offsetOfType(id: number): number {
    return this.whole.offsetOfType(id);
  }
  override typeById(id: number): BtfType {
    const at = this.#position[id];
    return at ? this.typeAt(at - 1, id) : id === 0 ? super.typeById(0) : this.whole.typeById(id);
  }
  override kindById(id: number): number {
    return id === 0 ? 0 : (BTF_KIND[this.typeById(id).kind as BtfKind] as number);
  }
  override types(): Generator<BtfType> {
    return this.whole.types();
  }
  override *findAllByName(name: string, kind?: BtfKind, flavours = false): Generator<number> {
    let isHere = false;
    for (const id of super.findAllByName(name, undefined, flavours)) {
      isHere = true;
      if (kind === undefined || this.typeById(id).kind === kind) yield id;
    }
    if (!isHere && name !== '' && this.#isElsewhere(essentialName(name)))
      yield* this.whole.findAllByName(name, kind, flavours);
  }
  protected override idAt(n: number): number {
    return this.#ids[n] as number;
  }

  /** False is certain. */
  #isElsewhere(name: string): boolean {
    for (const bit of probes(name, 8 * this.#filter.length))
      if (!(((this.#filter[bit >> 3] as number) >> (bit & 7)) & 1)) return false;
    return true;
  }
}
