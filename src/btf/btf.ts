/**
 * BTF data as Linux 6.12 Documentation/bpf/btf.rst, section 2 lays it out:
 *
 *     struct btf_header { u16 magic; u8 version; u8 flags; u32 hdr_len; u32 type_off, type_len; u32 str_off, str_len; }
 *
 * Parsing makes an index of where each type begins and checks that all of each is there;
 * a type becomes an object when it is asked for. Split BTF (a module's) continues its
 * base's ids and string offsets.
 */
import { concatBytes, decodeUtf8 } from '../platform/index.ts';
import { decodeType } from './decode.ts';
import { BtfError } from './error.ts';
import {
  BTF_HEADER_SIZE,
  BTF_KIND,
  BTF_MAGIC,
  BTF_TYPE_SIZE,
  BTF_VERSION,
  type BtfKind,
  BYTES_PER_ELEMENT,
  FIXED_EXTRA,
} from './kinds.ts';
import { type Field, fieldOf } from './layout.ts';
import { NameIndex } from './name-index.ts';
import { type BtfType, isModifier } from './types.ts';

const VOID: BtfType = { id: 0, kind: 'void', name: '' };

/** Modifiers and typedefs followed before a chain of them is called a loop, as libbpf's MAX_RESOLVE_DEPTH. */
const MAX_RESOLVE_DEPTH = 32;
/** Bytes of strings for each byte of the string section: tails may be shared, but not by thousands. */
const MAX_STRING_SHARING = 16;
/** Bytes of a pointer: BPF's and x86-64's. */
export const POINTER_SIZE = 8;

export class Btf {
  readonly base: Btf | undefined;
  readonly littleEndian: boolean;
  /** id of the first type of this data: 1, or after the base's */
  readonly startId: number;
  /** offset of this data's first string: 0, or after the base's */
  readonly startString: number;

  readonly #bytes: Uint8Array;
  readonly #strings: Uint8Array;
  readonly #count: number;
  readonly #view: DataView;
  readonly #offsets: Uint32Array;
  readonly #nameOff: Uint32Array;
  readonly #kinds: Uint8Array;
  readonly #cache: (BtfType | undefined)[] = [];
  readonly #stringCache = new Map<number, string>();
  /** bytes of strings that may still be decoded: offsets into the middle of long ones multiply */
  #stringBudget: number;
  /** structures share parts: without this, some hand-made ones would take forever */
  readonly #align = new Map<number, number>();
  #index: NameIndex | undefined;
  readonly #names = { string: (offset: number): string => this.ownString(offset) };

  /**
   * @param bytes raw BTF (a `.BTF` section, /sys/kernel/btf/vmlinux)
   * @param base BTF that this data continues
   * @throws BtfError
   */
  static parse(bytes: Uint8Array, base?: Btf): Btf {
    return new Btf(bytes, base);
  }

  protected constructor(given: Uint8Array, base: Btf | undefined) {
    // Never a Buffer, whose slice() is a view.
    const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < BTF_HEADER_SIZE) throw new BtfError(`${bytes.length} bytes are too few for a header`);
    const magic = view.getUint16(0, true);
    const le = magic === BTF_MAGIC;
    if (!le && view.getUint16(0, false) !== BTF_MAGIC)
      throw new BtfError(`magic is 0x${magic.toString(16)}, not 0xeb9f`, { offset: 0 });
    const version = view.getUint8(2);
    if (version !== BTF_VERSION) throw new BtfError(`version ${version} is unknown`, { offset: 2 });
    const flags = view.getUint8(3);
    if (flags !== 0) throw new BtfError(`flags 0x${flags.toString(16)} are unknown`, { offset: 3 });
    const header = view.getUint32(4, le);
    const typeOff = view.getUint32(8, le);
    const typeLen = view.getUint32(12, le);
    const strOff = view.getUint32(16, le);
    const strLen = view.getUint32(20, le);
    if (header < BTF_HEADER_SIZE || header > bytes.length)
      throw new BtfError(`header length ${header} is impossible`, { offset: 4 });
    const room = bytes.length - header;
    if (typeOff + typeLen > room)
      throw new BtfError(`types (${typeLen} bytes at ${typeOff}) lie beyond the end`, { offset: 8 });
    if (strOff + strLen > room)
      throw new BtfError(`strings (${strLen} bytes at ${strOff}) lie beyond the end`, { offset: 16 });
    if (typeOff % 4 !== 0) throw new BtfError('types are not aligned', { offset: 8 });
    if (typeOff + typeLen > strOff) throw new BtfError('types and strings overlap', { offset: 16 });
    const strings = bytes.subarray(header + strOff, header + strOff + strLen);
    if (strLen === 0 ? base === undefined : strings[strLen - 1] !== 0)
      throw new BtfError('the last string does not end', { offset: header + strOff });
    if (base === undefined && strings[0] !== 0)
      throw new BtfError('the first string is not empty', { offset: header + strOff });

    this.#bytes = bytes;
    this.base = base;
    this.littleEndian = le;
    this.#strings = strings;
    this.startId = base?.typeCount ?? 1;
    this.startString = base?.endString ?? 0;
    this.#stringBudget = strings.length * MAX_STRING_SHARING + 65536;
    this.#view = view;

    // 12 bytes is the least a type takes, so the data itself bounds these allocations.
    const most = Math.floor(typeLen / BTF_TYPE_SIZE);
    const offsets = new Uint32Array(most);
    const nameOff = new Uint32Array(most);
    const kinds = new Uint8Array(most);
    const start = header + typeOff;
    const end = start + typeLen;
    let count = 0;
    for (let at = start; at < end; count++) {
      if (end - at < BTF_TYPE_SIZE)
        throw new BtfError('the last type is cut off', { typeId: this.startId + count, offset: at });
      const info = view.getUint32(at + 4, le);
      const kind = (info >>> 24) & 31;
      if (kind === 0 || kind >= BYTES_PER_ELEMENT.length)
        throw new BtfError(`kind ${kind} is unknown`, { typeId: this.startId + count, offset: at });
      offsets[count] = at;
      nameOff[count] = view.getUint32(at, le);
      kinds[count] = kind;
      at += BTF_TYPE_SIZE + (FIXED_EXTRA[kind] as number) + (BYTES_PER_ELEMENT[kind] as number) * (info & 0xffff);
      if (at > end)
        throw new BtfError('the last type is cut off', {
          typeId: this.startId + count,
          offset: offsets[count] as number,
        });
    }
    const limit = this.startString + strings.length;
    for (let n = 0; n < count; n++) {
      if ((nameOff[n] as number) >= limit && nameOff[n] !== 0)
        throw new BtfError(`name offset ${nameOff[n]} lies beyond the strings`, { typeId: this.startId + n });
    }
    this.#offsets = offsets.subarray(0, count);
    this.#nameOff = nameOff.subarray(0, count);
    this.#kinds = kinds.subarray(0, count);
    this.#count = count;
  }

  /** the data as given */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
  /** string section of this data */
  get strings(): Uint8Array {
    return this.#strings;
  }
  /** types here and in the base, void included: ids are 0 .. typeCount - 1 */
  get typeCount(): number {
    return this.startId + this.#count;
  }

  /** Offset after the last string, base included. */
  get endString(): number {
    return this.startString + this.#strings.length;
  }

  /** String at an offset of the string section. @throws BtfError beyond its end */
  string(offset: number): string {
    return this.ownString(offset);
  }

  /** As {@link string}, a character a byte: as Linux looks at names, which may be no UTF-8. */
  byteString(offset: number): string {
    if (offset < this.startString && this.base) return this.base.byteString(offset);
    const start = offset - this.startString;
    const end = this.#strings.indexOf(0, start);
    return Array.from(this.#strings.subarray(start, end), (byte) => String.fromCharCode(byte)).join('');
  }

  /** String at an offset that one of this data's types has. */
  protected ownString(offset: number): string {
    if (offset < this.startString && this.base) return this.base.string(offset);
    const known = this.#stringCache.get(offset);
    if (known !== undefined) return known;
    const start = offset - this.startString;
    if (start >= this.#strings.length) {
      if (offset === 0) return '';
      throw new BtfError(`string offset ${offset} lies beyond the strings`);
    }
    const end = this.#strings.indexOf(0, start);
    this.#stringBudget -= end - start;
    if (this.#stringBudget < 0) throw new BtfError('strings overlap each other too often');
    const text = decodeUtf8(this.#strings, start, end);
    this.#stringCache.set(offset, text);
    return text;
  }

  /** A type. @throws BtfError for an id that is not there */
  typeById(id: number): BtfType {
    if (id === 0) return VOID;
    if (id < this.startId && this.base) return this.base.typeById(id);
    return this.typeAt(id - this.startId, id);
  }

  /** The n-th type of this data, which is number `id`. */
  protected typeAt(n: number, id: number): BtfType {
    const known = this.#cache[n];
    if (known !== undefined) return known;
    const at = this.#offsets[n];
    if (at === undefined) throw new BtfError(`there is no type [${id}], the last is [${this.typeCount - 1}]`);
    const type = decodeType(this.#names, id, this.#view, at, this.littleEndian);
    this.#cache[n] = type;
    return type;
  }

  /** Kind of a type, without decoding it. */
  kindById(id: number): number {
    if (id === 0) return 0;
    if (id < this.startId && this.base) return this.base.kindById(id);
    const kind = this.#kinds[id - this.startId];
    if (kind === undefined) throw new BtfError(`there is no type [${id}], the last is [${this.typeCount - 1}]`);
    return kind;
  }

  /** Where type `id` of this data (not its base's) begins in {@link bytes}. */
  offsetOfType(id: number): number {
    const at = this.#offsets[id - this.startId];
    if (at === undefined) throw new BtfError(`there is no type [${id}] in this data`);
    return at;
  }

  /** Types of this data, in order, without void and without the base's. */
  *types(): Generator<BtfType> {
    for (let id = this.startId; id < this.typeCount; id++) yield this.typeById(id);
  }

  /** Id of the first type of that name (and kind), base first; 0 where there is none. */
  findByName(name: string, kind?: BtfKind): number {
    for (const id of this.findAllByName(name, kind)) return id;
    return 0;
  }

  /** Ids of all types of that name (and kind), ascending. With `flavours`, `name___any` too. */
  *findAllByName(name: string, kind?: BtfKind, flavours = false): Generator<number> {
    if (this.base) yield* this.base.findAllByName(name, kind, flavours);
    if (name === '') return;
    const wanted = kind === undefined ? -1 : BTF_KIND[kind];
    for (const n of this.#nameIndex().find(name, flavours))
      if (wanted < 0 || this.#kinds[n] === wanted) yield this.idAt(n);
  }

  /** Id of the n-th type of this data. */
  protected idAt(n: number): number {
    return this.startId + n;
  }

  #nameIndex(): NameIndex {
    if (this.#index) return this.#index;
    if (!this.base) {
      this.#index = new NameIndex(this.#strings, this.#nameOff);
    } else {
      // Names of split BTF may lie in the base's strings: one table over both.
      const chain: Uint8Array[] = [];
      for (let btf: Btf | undefined = this; btf; btf = btf.base) chain.unshift(btf.strings);
      this.#index = new NameIndex(concatBytes(chain), this.#nameOff);
    }
    return this.#index;
  }

  /** The type behind typedefs, const, volatile, restrict and type tags. @throws BtfError where they run in a circle */
  resolve(id: number): BtfType {
    let type = this.typeById(id);
    for (let depth = 0; type.kind === 'typedef' || isModifier(type); depth++) {
      if (depth >= MAX_RESOLVE_DEPTH) throw new BtfError('typedefs and modifiers nest too deeply', { typeId: id });
      type = this.typeById(type.type);
    }
    return type;
  }

  /** Bytes that a value of the type takes. @throws BtfError for types without a size */
  sizeOf(id: number): number {
    let elements = 1;
    let type = this.resolve(id);
    for (let depth = 0; ; depth++) {
      switch (type.kind) {
        case 'int':
        case 'struct':
        case 'union':
        case 'enum':
        case 'enum64':
        case 'float':
        case 'datasec':
          return elements * type.size;
        case 'ptr':
          return elements * POINTER_SIZE;
        case 'array':
          elements *= type.length;
          if (elements > 0xffff_ffff) throw new BtfError('an array is larger than 4 GiB', { typeId: id });
          type = this.resolve(type.type);
          break;
        case 'var':
          type = this.resolve(type.type);
          break;
        default:
          throw new BtfError(`a ${type.kind} has no size`, { typeId: id });
      }
      if (depth >= MAX_RESOLVE_DEPTH) throw new BtfError('arrays nest too deeply', { typeId: id });
    }
  }

  /** Natural alignment of the type in bytes, as libbpf's `btf__align_of`. */
  alignOf(id: number, depth = 0): number {
    if (depth > MAX_RESOLVE_DEPTH) throw new BtfError('types nest too deeply', { typeId: id });
    const type = this.resolve(id);
    const known = this.#align.get(type.id);
    if (known !== undefined) return known;
    const align = this.#alignOf(type, depth);
    this.#align.set(type.id, align);
    return align;
  }

  #alignOf(type: BtfType, depth: number): number {
    switch (type.kind) {
      case 'int':
      case 'enum':
      case 'enum64':
      case 'float':
        return Math.max(1, Math.min(POINTER_SIZE, type.size));
      case 'ptr':
        return POINTER_SIZE;
      case 'array':
        return this.alignOf(type.type, depth + 1);
      case 'struct':
      case 'union': {
        let align = 1;
        for (const member of type.members) {
          const wanted = this.alignOf(member.type, depth + 1);
          if (member.bitfieldSize === 0 && member.bitOffset % (8 * wanted) !== 0) return 1;
          align = Math.max(align, wanted);
        }
        return type.size % align === 0 ? align : 1;
      }
      default:
        throw new BtfError(`a ${type.kind} has no alignment`, { typeId: type.id });
    }
  }

  /**
   * Where a field lies: `offsetOf('task_struct', 'se.sum_exec_runtime')`, `offsetOf('bio', 'bi_io_vec[2].bv_len')`.
   * Anonymous members are looked through.
   *
   * @param struct name of a struct, union or typedef, or a type id
   * @throws BtfError naming the member that is not there
   */
  offsetOf(struct: string | number, path: string): Field {
    return fieldOf(this, struct, path);
  }
}
