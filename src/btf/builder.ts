/**
 * BTF data from types: the inverse of parsing. Each name is stored once. Types are given as
 * {@link BtfType} without ids; they get the next id in order, so references may point ahead.
 */
import { concatBytes, encodeUtf8 } from '../platform/index.ts';
import type { Btf } from './btf.ts';
import { BTF_HEADER_SIZE, BTF_KIND, BTF_LINKAGES, BTF_MAGIC, BTF_VERSION, type BtfLinkage } from './kinds.ts';
import type { BtfType } from './types.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
/** A type that has no id yet. */
export type NewBtfType = WithoutId<Exclude<BtfType, { kind: 'void' }>>;

const linkageNumber = (linkage: BtfLinkage): number => BTF_LINKAGES.indexOf(linkage);

export class BtfBuilder {
  readonly #words: number[] = [];
  readonly #strings = new Map<string, number>();
  readonly #pieces: Uint8Array[] = [];
  readonly #base: Btf | undefined;
  #length = 0;
  #next: number;

  /** @param base BTF that the new data continues: its ids and strings come first */
  constructor(base?: Btf) {
    this.#base = base;
    this.#next = base?.typeCount ?? 1;
    this.#length = base ? 0 : 1;
    if (!base) this.#pieces.push(Uint8Array.of(0));
    this.#strings.set('', 0);
  }

  /** Id that the next type gets. */
  get nextId(): number {
    return this.#next;
  }

  /** Offset of a name, stored if it is new. */
  string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const offset = (this.#base?.endString ?? 0) + this.#length;
    const bytes = encodeUtf8(`${text}\0`);
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    this.#strings.set(text, offset);
    return offset;
  }

  /** Adds a type. Returns its id. */
  add(type: NewBtfType): number {
    const { vlen, flag, last, extra } = this.#encode(type);
    this.#words.push(
      this.string(type.name),
      ((flag ? 1 : 0) << 31) | (BTF_KIND[type.kind] << 24) | (vlen & 0xffff),
      last,
      ...extra,
    );
    return this.#next++;
  }

  #encode(type: NewBtfType): { vlen: number; flag: boolean; last: number; extra: number[] } {
    const plain = (
      last: number,
      extra: number[] = [],
    ): { vlen: number; flag: boolean; last: number; extra: number[] } => ({ vlen: 0, flag: false, last, extra });
    switch (type.kind) {
      case 'int':
        return plain(type.size, [(type.encoding << 24) | (type.bitOffset << 16) | type.bits]);
      case 'array':
        return plain(0, [type.type, type.indexType, type.length]);
      case 'struct':
      case 'union': {
        const flag = type.kindFlag || type.members.some((m) => m.bitfieldSize > 0);
        const extra = type.members.flatMap((m) => [
          this.string(m.name),
          m.type,
          flag ? (m.bitfieldSize << 24) | m.bitOffset : m.bitOffset,
        ]);
        return { vlen: type.members.length, flag, last: type.size, extra };
      }
      case 'enum':
        return {
          vlen: type.values.length,
          flag: type.signed,
          last: type.size,
          extra: type.values.flatMap((v) => [this.string(v.name), Number(BigInt.asIntN(32, v.value))]),
        };
      case 'enum64':
        return {
          vlen: type.values.length,
          flag: type.signed,
          last: type.size,
          extra: type.values.flatMap((v) => [
            this.string(v.name),
            Number(BigInt.asIntN(32, v.value)),
            Number(BigInt.asIntN(32, v.value >> 32n)),
          ]),
        };
      case 'fwd':
        return { ...plain(0), flag: type.of === 'union' };
      case 'func':
        return { ...plain(type.type), vlen: linkageNumber(type.linkage) };
      case 'func_proto':
        return {
          vlen: type.params.length,
          flag: false,
          last: type.type,
          extra: type.params.flatMap((p) => [this.string(p.name), p.type]),
        };
      case 'var':
        return plain(type.type, [linkageNumber(type.linkage)]);
      case 'datasec':
        return {
          vlen: type.vars.length,
          flag: false,
          last: type.size,
          extra: type.vars.flatMap((v) => [v.type, v.offset, v.size]),
        };
      case 'float':
        return plain(type.size);
      case 'decl_tag':
        return plain(type.type, [type.component]);
      default:
        return plain(type.type);
    }
  }

  /** The data: header, types, strings. */
  bytes(): Uint8Array {
    const types = new Int32Array(this.#words);
    const strings = concatBytes(this.#pieces);
    const out = new Uint8Array(BTF_HEADER_SIZE + types.byteLength + strings.length);
    const header = new DataView(out.buffer);
    header.setUint16(0, BTF_MAGIC, true);
    header.setUint8(2, BTF_VERSION);
    header.setUint32(4, BTF_HEADER_SIZE, true);
    header.setUint32(12, types.byteLength, true);
    header.setUint32(16, types.byteLength, true);
    header.setUint32(20, strings.length, true);
    out.set(new Uint8Array(types.buffer), BTF_HEADER_SIZE);
    out.set(strings, BTF_HEADER_SIZE + types.byteLength);
    return out;
  }
}
