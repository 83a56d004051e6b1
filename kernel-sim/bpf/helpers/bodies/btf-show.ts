/**
 * Kernel memory as text by its BTF type, as bpf_snprintf_btf and bpf_seq_printf_btf print it (bpf-helpers(7)):
 * `(struct list_head){.next = (struct list_head *)0x…,}`. Zeroes are left out unless asked for, and so is all that holds only zeroes.
 */

import {
  type Btf,
  type BtfArray,
  type BtfComposite,
  type BtfMember,
  type BtfType,
  isEnum,
} from '../../../../src/btf/index.ts';
import type { Addr } from '../../../../src/machine/addr.ts';

/** BTF_F_* */
export const BTF_F = { COMPACT: 1, NONAME: 2, PTR_RAW: 4, ZERO: 8 } as const;
/** typedefs, pointers and arrays that a name may go through */
const MAX_ITER = 10;
const MAX_DEPTH = 32;
const MAX_SUFFIX = 9;

export interface ShowEnv {
  readonly btf: Btf;
  /** @throws GuestFault where memory cannot be read */
  bytes(at: Addr, size: number): Uint8Array;
  /** what %p prints in an address's place */
  hash(address: bigint): bigint;
}
/** Where in the tree a value stands. */
interface Place {
  readonly depth: number;
  readonly member?: BtfMember;
  /** elements of arrays say neither name nor type */
  readonly isElement?: boolean;
}

const bitsOf = (bytes: Uint8Array, bit: number, bits: number): bigint => {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] as number);
  return (value >> BigInt(bit)) & ((1n << BigInt(bits)) - 1n);
};
const isPrint = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0;

export class BtfShow {
  readonly #env: ShowEnv;
  readonly #flags: number;
  #text = '';
  constructor(env: ShowEnv, flags: number) {
    this.#env = env;
    this.#flags = flags;
  }
  show(id: number, at: Addr): string {
    this.#text = '';
    this.#value(id, at, { depth: 0 });
    return this.#text;
  }
  #has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }
  /** qualifiers say nothing here; typedefs only in names */
  #skip(id: number, typedefs: boolean): BtfType {
    const { btf } = this.#env;
    let type = btf.typeById(id);
    for (let n = 0; n < MAX_DEPTH; n++) {
      const passes =
        type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'type_tag';
      if (!passes && !(typedefs && type.kind === 'typedef')) break;
      type = btf.typeById((type as { readonly type: number }).type);
    }
    return type;
  }

  /** `.member = (type)` and the bracket behind it. */
  #name(id: number, { member, isElement }: Place): string {
    if (isElement) return '';
    const { btf } = this.#env;
    let type = btf.typeById(member?.type ?? id);
    let name: string | undefined;
    let brackets = '';
    let stars = '';
    let arrays = '';
    let isTypedef = false;
    let n = 0;
    for (; n < MAX_ITER; n++) {
      if (type.kind === 'typedef') {
        name ??= type.name;
        isTypedef = true;
      } else if (type.kind === 'array') {
        brackets = '[';
        if (arrays.length < 2 * MAX_SUFFIX) arrays += '[]';
      } else if (type.kind === 'ptr') {
        if (stars.length < MAX_SUFFIX) stars += '*';
      } else if (type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict') {
        type = this.#skip(type.id, false);
        continue;
      } else break;
      if (type.type === 0) {
        type = btf.typeById(0);
        break;
      }
      type = this.#skip(type.type, false);
    }
    if (n === MAX_ITER) return '';
    const isComposite = type.kind === 'struct' || type.kind === 'union';
    if (isComposite && brackets === '') brackets = '{';
    if (stars !== '') brackets = '';
    if (this.#has(BTF_F.NONAME)) return brackets;
    const label = name ?? type.name;
    const prefix = isTypedef ? '' : isComposite ? type.kind : isEnum(type) ? 'enum' : '';
    const before = member !== undefined && member.name !== '' ? `.${member.name} = ` : '';
    const gap = prefix !== '' && label !== '' ? ' ' : '';
    return `${before}(${prefix}${gap}${label}${stars === '' ? '' : ` ${stars}`}${arrays})${brackets}`;
  }
  #line(depth: number, text: string, delimiter = depth === 0 ? '' : ','): void {
    const compact = this.#has(BTF_F.COMPACT);
    this.#text += `${compact ? '' : ' '.repeat(Math.min(depth, MAX_DEPTH))}${text}${delimiter}${compact ? '' : '\n'}`;
  }
  #scalar(id: number, place: Place, text: string, isZero: boolean): void {
    if (isZero && place.depth > 0 && !this.#has(BTF_F.ZERO)) return;
    this.#line(place.depth, this.#name(id, place) + text);
  }

  #value(id: number, at: Addr, place: Place): void {
    const type = this.#skip(id, true);
    switch (type.kind) {
      case 'int':
        this.#int(id, type.size, type.signed, at, place);
        return;
      case 'enum':
      case 'enum64': {
        const raw = bitsOf(this.#env.bytes(at, type.size), 0, 8 * type.size);
        const value = type.signed ? BigInt.asIntN(8 * type.size, raw) : raw;
        const named = type.values.find((v) => v.value === value);
        this.#scalar(id, place, named?.name ?? String(BigInt.asIntN(8 * type.size, raw)), !named && raw === 0n);
        return;
      }
      case 'ptr': {
        const raw = bitsOf(this.#env.bytes(at, 8), 0, 64);
        const shown = this.#has(BTF_F.PTR_RAW) || raw === 0n ? raw : this.#env.hash(raw);
        this.#scalar(id, place, `0x${shown.toString(16).padStart(16, '0')}`, raw === 0n);
        return;
      }
      case 'struct':
      case 'union':
        this.#aggregate(id, place, '}', (inner) => this.#members(type, at, inner));
        return;
      case 'array':
        this.#aggregate(id, place, ']', (inner) => this.#elements(type, at, inner));
        return;
      default:
        this.#text += `<unsupported kind:${this.#env.btf.kindById(type.id)}>`;
    }
  }
  #int(id: number, size: number, signed: boolean, at: Addr, place: Place): void {
    const raw = bitsOf(this.#env.bytes(at, size), 0, 8 * size);
    const text = size > 8 ? `0x${raw.toString(16)}` : String(signed ? BigInt.asIntN(8 * size, raw) : raw);
    this.#scalar(id, place, text, raw === 0n);
  }
  /** What is in it comes first: where that is nothing, it is left out itself, unless it is the outermost. */
  #aggregate(id: number, place: Place, end: string, inside: (depth: number) => void): void {
    const before = this.#text;
    this.#line(place.depth, this.#name(id, place), '');
    const opened = this.#text.length;
    inside(place.depth + 1);
    if (this.#text.length === opened && place.depth > 0 && !this.#has(BTF_F.ZERO)) this.#text = before;
    else this.#line(place.depth, end);
  }
  #members(type: BtfComposite, at: Addr, depth: number): void {
    for (const member of type.members) {
      const byte = member.bitOffset >>> 3;
      const place = { depth, member };
      if (member.bitfieldSize === 0) {
        this.#value(member.type, at + byte, place);
        continue;
      }
      const bit = member.bitOffset & 7;
      const bytes = this.#env.bytes(at + byte, (bit + member.bitfieldSize + 7) >>> 3);
      const raw = bitsOf(bytes, bit, member.bitfieldSize);
      this.#scalar(member.type, place, `0x${raw.toString(16)}`, raw === 0n);
    }
  }
  /** Bytes are characters where they can be, up to the first zero. */
  #elements(type: BtfArray, at: Addr, depth: number): void {
    const element = this.#skip(type.type, true);
    const size = this.#env.btf.sizeOf(type.type);
    const isText = element.kind === 'int' && element.size === 1;
    const place = { depth, isElement: true };
    for (let n = 0; n < type.length; n++) {
      const byte = isText ? (this.#env.bytes(at + n, 1)[0] as number) : 0;
      if (isText && byte === 0) return;
      if (isText && isPrint(byte)) this.#scalar(type.type, place, `'${String.fromCharCode(byte)}'`, false);
      else this.#value(type.type, at + n * size, place);
    }
  }
}
