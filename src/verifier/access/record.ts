/**
 * Special fields of map values and allocated objects: locks, timers, kptrs, list heads
 * (btf_parse_fields(), `struct btf_record`).
 */
import { type Btf, isComposite } from '../../btf/index.ts';
import type { MapFacts } from '../kernel.ts';

export type FieldKind =
  | 'bpf_spin_lock'
  | 'bpf_timer'
  | 'bpf_wq'
  | 'kptr'
  | 'kptr_untrusted'
  | 'percpu_kptr'
  | 'bpf_list_head'
  | 'bpf_list_node'
  | 'bpf_rb_root'
  | 'bpf_rb_node'
  | 'bpf_refcount';

export interface SpecialField {
  readonly kind: FieldKind;
  readonly offset: number;
  readonly size: number;
  /** kptrs: what is pointed to, in `btf`; list heads and roots: the BTF of their elements */
  readonly btf?: Btf;
  readonly typeId?: number;
  /** list heads and roots: the element's type and the node's name in it */
  readonly contains?: { readonly typeId: number; readonly node: string; readonly nodeOffset: number };
}

export const isKptr = (kind: FieldKind): boolean =>
  kind === 'kptr' || kind === 'kptr_untrusted' || kind === 'percpu_kptr';

/** what a root's elements hang by */
const nodeOf: Readonly<Partial<Record<FieldKind, FieldKind>>> = {
  bpf_list_head: 'bpf_list_node',
  bpf_rb_root: 'bpf_rb_node',
};
/** BTF_FIELDS_MAX */
const MAX_FIELDS = 11;

const sizes: ReadonlyMap<string, number> = new Map([
  ['bpf_spin_lock', 4],
  ['bpf_timer', 16],
  ['bpf_wq', 16],
  ['bpf_list_head', 16],
  ['bpf_list_node', 24],
  ['bpf_rb_root', 16],
  ['bpf_rb_node', 32],
  ['bpf_refcount', 4],
]);
const tags: ReadonlyMap<string, FieldKind> = new Map([
  ['kptr_untrusted', 'kptr_untrusted'],
  ['kptr', 'kptr'],
  ['percpu_kptr', 'percpu_kptr'],
]);

/** `contains:foo:node` of a list head or root, from the declaration tag on its member. */
function containsOf(btf: Btf, owner: number, component: number, nodeKind: string): SpecialField['contains'] {
  for (const t of btf.types()) {
    if (t.kind !== 'decl_tag' || t.type !== owner || t.component !== component || !t.name.startsWith('contains:'))
      continue;
    const [, struct, node] = t.name.split(':');
    const typeId = btf.findByName(struct ?? '', 'struct');
    const type = typeId ? btf.typeById(typeId) : undefined;
    if (!type || !isComposite(type)) return undefined;
    const member = type.members.find((m) => m.name === node);
    if (member && btf.resolve(member.type).name !== nodeKind) return undefined;
    return member ? { typeId, node: member.name, nodeOffset: member.bitOffset / 8 } : undefined;
  }
  return undefined;
}

function pointerField(btf: Btf, typeId: number, offset: number, kernelOf: KernelBtf): SpecialField | undefined {
  const ptr = btf.resolve(typeId);
  if (ptr.kind !== 'ptr') return undefined;
  const tag = btf.typeById(ptr.type);
  if (tag.kind !== 'type_tag') return undefined;
  const kind = tags.get(tag.name);
  if (!kind) return undefined;
  const target = btf.resolve(tag.type);
  if (!isComposite(target) && target.kind !== 'fwd') return undefined;
  const kernel = kernelOf();
  const id = kernel?.findByName(target.name, target.kind === 'union' ? 'union' : 'struct');
  if (kernel && id) return { kind, offset, size: 8, btf: kernel, typeId: id };
  return { kind, offset, size: 8, btf, typeId: target.id };
}

function collect(btf: Btf, owner: number, base: number, out: SpecialField[], kernel: KernelBtf, depth: number): void {
  const type = btf.resolve(owner);
  if (depth > 8) return;
  // `owner` and `component` are what declaration tags are on: a member, or a variable
  const visit = (typeId: number, offset: number, tagged: number, component: number): void => {
    const t = btf.resolve(typeId);
    if (t.kind === 'array') {
      const size = safeSize(btf, t.type);
      if (size === 0) return;
      for (let n = 0; n < t.length && out.length <= MAX_FIELDS; n++)
        visit(t.type, offset + n * size, tagged, component);
      return;
    }
    const size = isComposite(t) ? sizes.get(t.name) : undefined;
    if (size !== undefined) {
      const kind = t.name as FieldKind;
      const nodeKind = nodeOf[kind];
      const contains = nodeKind ? containsOf(btf, tagged, component, nodeKind) : undefined;
      out.push({ kind, offset, size, ...(contains ? { btf, contains } : {}) });
      return;
    }
    const ptr = pointerField(btf, typeId, offset, kernel);
    if (ptr) out.push(ptr);
    else if (t.kind === 'struct') collect(btf, typeId, offset, out, kernel, depth + 1);
  };
  if (isComposite(type)) {
    type.members.forEach((m, n) => {
      if (m.bitfieldSize === 0) visit(m.type, base + m.bitOffset / 8, type.id, n);
    });
  } else if (type.kind === 'datasec') {
    for (const v of type.vars) {
      const variable = btf.typeById(v.type);
      if (variable.kind === 'var') visit(variable.type, base + v.offset, variable.id, -1);
    }
  }
}

function safeSize(btf: Btf, id: number): number {
  try {
    return btf.sizeOf(id);
  } catch {
    return 0;
  }
}

/** Asked when a type names one of the kernel's: reading its BTF takes longer than verifying most programs. */
type KernelBtf = () => Btf | undefined;

/** The special fields of the maps and types that one verification meets. */
export class Records {
  readonly #kernel: KernelBtf;
  readonly #maps = new Map<MapFacts, readonly SpecialField[]>();

  /** @param kernel the BTF in which kptrs' targets are looked up */
  constructor(kernel: KernelBtf) {
    this.#kernel = kernel;
  }

  /** Fields of a map's values, by offset. */
  ofMap(map: MapFacts): readonly SpecialField[] {
    let fields = this.#maps.get(map);
    if (!fields) {
      fields = map.btf && map.btfValueTypeId ? this.ofType(map.btf, map.btfValueTypeId) : [];
      this.#maps.set(map, fields);
    }
    return fields;
  }

  ofType(btf: Btf, typeId: number): readonly SpecialField[] {
    const out: SpecialField[] = [];
    collect(btf, typeId, 0, out, this.#kernel, 0);
    // the kernel takes no such type: what holds it has no BTF
    if (out.length > MAX_FIELDS || out.some((f) => nodeOf[f.kind] && !f.contains)) return [];
    return out.sort((a, b) => a.offset - b.offset);
  }
}

export const fieldAt = (fields: readonly SpecialField[], offset: number): SpecialField | undefined =>
  fields.find((f) => f.offset === offset);
