/** BTF as text, one type after another: what `bpftool btf dump file F` prints (bpftool-btf(8), "format raw"). */
import type { Btf } from '../btf.ts';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED } from '../kinds.ts';
import type { BtfInt, BtfType } from '../types.ts';

const named = (name: string): string => `'${name || '(anon)'}'`;

export function intEncoding(type: BtfInt): string {
  switch (type.encoding) {
    case 0:
      return '(none)';
    case BTF_INT_SIGNED:
      return 'SIGNED';
    case BTF_INT_CHAR:
      return 'CHAR';
    case BTF_INT_BOOL:
      return 'BOOL';
    default:
      return 'UNKN';
  }
}

/** Lines of one type; members are indented by a tab. */
export function rawType(btf: Btf, type: BtfType): string {
  const head = `[${type.id}] ${type.kind.toUpperCase()} ${named(type.name)}`;
  switch (type.kind) {
    case 'void':
      return head;
    case 'int':
      return `${head} size=${type.size} bits_offset=${type.bitOffset} nr_bits=${type.bits} encoding=${intEncoding(type)}`;
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      return `${head} type_id=${type.type}`;
    case 'array':
      return `${head} type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.length}`;
    case 'struct':
    case 'union': {
      const members = type.members.map(
        (m) =>
          `\n\t${named(m.name)} type_id=${m.type} bits_offset=${m.bitOffset}${m.bitfieldSize > 0 ? ` bitfield_size=${m.bitfieldSize}` : ''}`,
      );
      return `${head} size=${type.size} vlen=${type.members.length}${members.join('')}`;
    }
    case 'enum':
    case 'enum64': {
      const suffix = type.kind === 'enum' ? '' : type.signed ? 'LL' : 'ULL';
      const values = type.values.map((v) => `\n\t${named(v.name)} val=${v.value}${suffix}`);
      return `${head} encoding=${type.signed ? 'SIGNED' : 'UNSIGNED'} size=${type.size} vlen=${type.values.length}${values.join('')}`;
    }
    case 'fwd':
      return `${head} fwd_kind=${type.of}`;
    case 'func':
      return `${head} type_id=${type.type} linkage=${type.linkage}`;
    case 'func_proto':
      return `${head} ret_type_id=${type.type} vlen=${type.params.length}${type.params.map((p) => `\n\t${named(p.name)} type_id=${p.type}`).join('')}`;
    case 'var':
      return `${head} type_id=${type.type}, linkage=${type.linkage}`;
    case 'datasec': {
      const vars = type.vars.map((v) => {
        const what = btf.typeById(v.type);
        return `\n\ttype_id=${v.type} offset=${v.offset} size=${v.size} (${what.kind.toUpperCase()} ${named(what.name)})`;
      });
      return `${head} size=${type.size} vlen=${type.vars.length}${vars.join('')}`;
    }
    case 'float':
      return `${head} size=${type.size}`;
    case 'decl_tag':
      return `${head} type_id=${type.type} component_idx=${type.component}`;
  }
}

/** All types of this data (of split BTF, without its base's), with a newline at the end. */
export function dumpRaw(btf: Btf): string {
  const out: string[] = [];
  for (const type of btf.types()) out.push(rawType(btf, type), '\n');
  return out.join('');
}
