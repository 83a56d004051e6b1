/** The log of BPF_BTF_LOAD, in the words of Linux 6.12. */

import type { Btf } from '../btf.ts';
import type { BtfMember, BtfSecVar, BtfType } from '../types.ts';

/** Linux's error names for refused BTF. */
export type BtfErrno = 'EINVAL' | 'E2BIG' | 'EEXIST' | 'ELOOP' | 'ENOTSUPP';

/** A refusal; its message is the last of the log. @internal becomes the verdict of BTF_LOAD */
export class BtfRefused extends Error {
  readonly errno: BtfErrno;
  constructor(errno: BtfErrno) {
    super(errno);
    this.errno = errno;
  }
}

const ENCODINGS: Readonly<Record<number, string>> = { 0: '(none)', 1: 'SIGNED', 2: 'CHAR', 4: 'BOOL' };

/** What follows a type's name. */
function details(type: BtfType): string {
  switch (type.kind) {
    case 'int':
      return `size=${type.size} bits_offset=${type.bitOffset} nr_bits=${type.bits} encoding=${ENCODINGS[type.encoding] ?? 'UNKN'}`;
    case 'struct':
    case 'union':
      return `size=${type.size} vlen=${type.members.length}`;
    case 'enum':
    case 'enum64':
      return `size=${type.size} vlen=${type.values.length}`;
    case 'datasec':
      return `size=${type.size} vlen=${type.vars.length}`;
    case 'array':
      return `type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.length}`;
    case 'fwd':
      return type.of;
    case 'func_proto': {
      const list = type.params.map((p, n) =>
        p.type === 0 && n === type.params.length - 1 ? 'vararg' : `${p.type} ${p.name || '(anon)'}`,
      );
      return `return=${type.type} args=(${list.join(', ') || 'void'})`;
    }
    case 'var':
      return `type_id=${type.type} linkage=${['static', 'global', 'extern'].indexOf(type.linkage)}`;
    case 'float':
      return `size=${type.size}`;
    case 'decl_tag':
      return `type=${type.type} component_idx=${type.component}`;
    case 'void':
      return '';
    default:
      return `type_id=${type.type}`;
  }
}

export class BtfLog {
  readonly #parts: string[] | undefined;
  /** the type that messages are about */
  typeId = 0;
  /** what is named by an empty string: not by offset 0, which is no name */
  readonly emptyNames = new Set<BtfType | BtfMember>();
  /** structures are repeated before their members once their own line is past */
  resolving = false;

  /** @param wanted log_level is not 0 */
  constructor(wanted: boolean) {
    this.#parts = wanted ? [] : undefined;
  }

  get text(): string {
    return this.#parts?.join('') ?? '';
  }

  write(text: string): void {
    this.#parts?.push(text);
  }

  type(type: BtfType, message = ''): void {
    if (!this.#parts) return;
    this.write(
      `[${this.typeId}] ${type.kind.toUpperCase()} ${this.#name(type)} ${details(type)}${message === '' ? '' : ` ${message}`}\n`,
    );
  }

  /** Without details: the type's own bytes are not all there, or not to be trusted. */
  basic(kind: string, name: string, message: string): void {
    this.write(`[${this.typeId}] ${kind.toUpperCase()} ${name || '(anon)'} ${message}\n`);
  }

  #name(named: BtfType | BtfMember): string {
    return named.name || (this.emptyNames.has(named) ? '' : '(anon)');
  }

  member(struct: BtfType & { readonly kindFlag: boolean }, member: BtfMember, message = ''): void {
    if (!this.#parts) return;
    if (this.resolving) this.type(struct);
    const size = struct.kindFlag ? ` bitfield_size=${member.bitfieldSize}` : '';
    this.write(
      `\t${this.#name(member)} type_id=${member.type}${size} bits_offset=${member.bitOffset}${message === '' ? '' : ` ${message}`}\n`,
    );
  }

  secVar(datasec: BtfType, secvar: BtfSecVar, message = ''): void {
    if (!this.#parts) return;
    if (this.resolving) this.type(datasec);
    this.write(
      `\t type_id=${secvar.type} offset=${secvar.offset} size=${secvar.size}${message === '' ? '' : ` ${message}`}\n`,
    );
  }
}

/** Makes a check's refusal: logs, and is to be thrown. */
export type Refuse = (message: string, errno?: BtfErrno) => BtfRefused;

/**
 * Names as C identifiers, as Linux checks them: dots too, and Latin-1's letters, which its isalpha() knows
 * (lib/ctype.c). @param name a character a byte ({@link Btf.byteString})
 */
export const isIdentifier = (name: string): boolean =>
  /^[A-Za-z_.\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff][A-Za-z0-9_.\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]*$/.test(
    name,
  ) && name.length < 512;
/** Names of sections: anything printable. */
export const isSectionName = (name: string): boolean => /^[\x20-\x7e]+$/.test(name) && name.length < 512;

/** The name of a type for messages when its data may be wrong. */
export function safeName(btf: Btf, offset: number): string {
  return offset < btf.endString ? btf.string(offset) : '(invalid-name-offset)';
}
