/**
 * Access specs of CO-RE: `0:1:2` read against a root type, "member 2 of member 1 of element 0"
 * (Documentation/bpf/llvm_reloc.rst, "CO-RE Relocations").
 *
 * The low-level spec counts every step, anonymous members included. The high-level one keeps
 * array indices and named members only: what a source line says, and what is matched by name.
 */
import { type Btf, type BtfArray, type BtfType, isComposite, isEnum } from '../../btf/index.ts';
import { CORE_SUBJECT, CoreError, type CoreKind } from './kinds.ts';

/** Steps that a spec may have. */
export const MAX_SPEC = 64;

/** One step of a high-level spec. */
export interface Accessor {
  /** struct, union or enum that `index` is in; the element's type for an array step */
  readonly type: number;
  readonly index: number;
  /** '' for an array step */
  readonly name: string;
}

export interface Spec {
  readonly btf: Btf;
  readonly root: number;
  readonly kind: CoreKind;
  readonly steps: Accessor[];
  /** low-level steps taken */
  depth: number;
  bitOffset: number;
}

export const newSpec = (btf: Btf, root: number, kind: CoreKind): Spec => ({
  btf,
  root,
  kind,
  steps: [],
  depth: 0,
  bitOffset: 0,
});

/** An array at the end of its struct without a length: any index is inside it. */
export function isFlexible(btf: Btf, holder: Accessor | undefined, array: BtfArray): boolean {
  if (!holder || holder.name === '' || array.length > 0) return false;
  const type = btf.typeById(holder.type);
  return isComposite(type) && holder.index === type.members.length - 1;
}

function parseSteps(access: string): number[] {
  const steps = access.split(':').map((step) => (/^\d{1,9}$/.test(step) ? Number(step) : Number.NaN));
  if (steps.some(Number.isNaN)) throw new CoreError(`access string '${access}' is malformed`);
  if (steps.length > MAX_SPEC) throw new CoreError(`access string '${access.slice(0, 40)}...' has too many steps`);
  return steps;
}

/** Reads an access string against the object's own BTF. @throws CoreError, BtfError */
export function parseSpec(btf: Btf, root: number, access: string, kind: CoreKind): Spec {
  const spec = newSpec(btf, root, kind);
  const subject = CORE_SUBJECT[kind];
  if (subject === 'type') {
    if (access !== '0') throw new CoreError(`access string '${access}' does not go with ${kind}`);
    return spec;
  }
  const raw = parseSteps(access);
  spec.depth = raw.length;
  const first = raw[0] as number;
  let type: BtfType = btf.resolve(root);
  if (subject === 'enumval') {
    const value = isEnum(type) && raw.length === 1 ? type.values[first] : undefined;
    if (!value) throw new CoreError(`access string '${access}' names no value of type [${root}]`);
    spec.steps.push({ type: type.id, index: first, name: value.name });
    return spec;
  }
  spec.steps.push({ type: type.id, index: first, name: '' });
  spec.bitOffset = first * btf.sizeOf(type.id) * 8;
  for (const index of raw.slice(1)) {
    if (isComposite(type)) {
      const member = type.members[index];
      if (!member) throw new CoreError(`'${access}': type [${type.id}] has no member ${index}`);
      spec.bitOffset += member.bitOffset;
      if (member.name !== '') spec.steps.push({ type: type.id, index, name: member.name });
      type = btf.resolve(member.type);
    } else if (type.kind === 'array') {
      if (!isFlexible(btf, spec.steps.at(-1), type) && index >= type.length)
        throw new CoreError(`'${access}': array [${type.id}] has no element ${index}`);
      type = btf.resolve(type.type);
      spec.steps.push({ type: type.id, index, name: '' });
      spec.bitOffset += index * btf.sizeOf(type.id) * 8;
    } else {
      throw new CoreError(`'${access}': a ${type.kind} has neither members nor elements`);
    }
  }
  return spec;
}

/** A spec for people: `struct task_struct.se.sum_exec_runtime`, `enum e::VALUE`. */
export function formatSpec(spec: Spec): string {
  const root = spec.btf.typeById(spec.root);
  const name = `${root.kind === 'typedef' || root.kind === 'int' ? '' : `${root.kind === 'enum64' ? 'enum' : root.kind} `}${root.name || '(anonymous)'}`;
  if (CORE_SUBJECT[spec.kind] === 'type') return name;
  if (CORE_SUBJECT[spec.kind] === 'enumval') return `${name}::${spec.steps[0]?.name ?? '?'}`;
  const path = spec.steps
    .map((step, n) => (step.name !== '' ? `.${step.name}` : n === 0 && step.index === 0 ? '' : `[${step.index}]`))
    .join('');
  return `${name}${path}`;
}

/** A spec as bpf_core_format_spec() of libbpf writes it. */
export function longSpec(spec: Spec, access: string): string {
  const root = spec.btf.typeById(spec.root);
  const head = `<${spec.kind}> [${spec.root}] ${root.kind} ${root.name || '<anon>'}`;
  if (CORE_SUBJECT[spec.kind] === 'type') return head;
  if (CORE_SUBJECT[spec.kind] === 'enumval') return `${head}::${spec.steps[0]?.name ?? ''}`;
  const path = spec.steps
    .map((step, n) => (step.name !== '' ? `.${step.name}` : n > 0 || step.index > 0 ? `[${step.index}]` : ''))
    .join('');
  const bits = spec.bitOffset % 8 === 0 ? '' : `.${spec.bitOffset % 8}`;
  return `${head}${path} (${access} @ offset ${Math.floor(spec.bitOffset / 8)}${bits})`;
}
