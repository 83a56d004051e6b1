/** A function's signature from BTF in bpftool's words: `int hello(void * ctx)`, `int add(struct pt_regs * ctx, long n)`. */
import type { Btf, BtfType } from '../../btf/index.ts';

/** Types nest no deeper than the kernel allows (BTF's MAX_RESOLVE_DEPTH). */
const MAX_DEPTH = 32;

/** '' where the id is no function's. */
export function prototype(btf: Btf, funcId: number): string {
  const func = btf.typeById(funcId);
  return func.kind === 'func' ? declaration(btf, btf.typeById(func.type), func.name) : '';
}

function declaration(btf: Btf, proto: BtfType, name: string): string {
  if (proto.kind !== 'func_proto') return '';
  const params = proto.params.map((p) => (p.type === 0 && p.name === '' ? '...' : `${typeText(btf, p.type)}${p.name}`));
  return `${typeText(btf, proto.type)}${name}(${params.join(', ')})`;
}

/** A type followed by a blank, as it stands in front of a name. */
function typeText(btf: Btf, id: number, depth = 0): string {
  if (depth > MAX_DEPTH) return '... ';
  const type = btf.typeById(id);
  const inner = (target: number): string => typeText(btf, target, depth + 1);
  switch (type.kind) {
    case 'void':
      return 'void ';
    case 'int':
    case 'float':
    case 'typedef':
      return `${type.name} `;
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name} `;
    case 'enum':
    case 'enum64':
      return `enum ${type.name} `;
    case 'fwd':
      return `${type.of} ${type.name} `;
    case 'array':
      return `${inner(type.type)}[${type.length}]`;
    case 'ptr':
      return `${inner(type.type)}* `;
    case 'const':
    case 'volatile':
    case 'restrict':
      return `${type.kind} ${inner(type.type)}`;
    case 'type_tag':
      return inner(type.type);
    case 'func_proto':
      return declaration(btf, type, '');
    default:
      return `${type.name} `;
  }
}
