/**
 * Into a kernel structure by offset (btf_struct_walk(), btf_struct_access()), and whether one
 * structure can stand for another (btf_struct_ids_match()).
 */
import { type Btf, type BtfComposite, type BtfMember, type BtfType, isComposite, isModifier } from '../../btf/index.ts';
import * as R from '../state/regtype.ts';

export type WalkResult =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'ptr'; readonly id: number; readonly flags: number; readonly field: string }
  | { readonly kind: 'struct'; readonly id: number; readonly flags?: number }
  | { readonly kind: 'error'; readonly message: string; readonly errno: string };

const error = (message: string, errno = 'EACCES'): WalkResult => ({ kind: 'error', message, errno });

/** Modifiers and typedefs off; keeps where it ended. */
export function skipModifiers(btf: Btf, id: number): BtfType {
  let t = btf.typeById(id);
  while (isModifier(t) || t.kind === 'typedef') t = btf.typeById(t.type);
  return t;
}

/** `__btf_name_by_offset`: what messages call a type or member without a name. */
export const nameOf = (named: { readonly name: string }): string => named.name || '(anon)';

interface Elem {
  readonly type: BtfType;
  readonly size: number;
  readonly total: number;
}

/** `__btf_resolve_size`: an array's element, however deep. */
function resolveSize(btf: Btf, id: number): Elem | undefined {
  let count = 1;
  let t = btf.typeById(id);
  for (let depth = 0; depth < 32; depth++) {
    if (isModifier(t) || t.kind === 'typedef') t = btf.typeById(t.type);
    else if (t.kind === 'array') {
      count *= t.length;
      t = btf.typeById(t.type);
    } else if (t.kind === 'ptr') return { type: t, size: 8, total: 8 * count };
    else if ('size' in t) return { type: t, size: t.size, total: t.size * count };
    else return undefined;
  }
  return undefined;
}

/** The tag on a pointed-to type: what kind of memory it is. */
function tagFlag(btf: Btf, id: number): number {
  const t = btf.typeById(id);
  if (t.kind !== 'type_tag') return 0;
  return t.name === 'user' ? R.MEM_USER : t.name === 'percpu' ? R.MEM_PERCPU : t.name === 'rcu' ? R.MEM_RCU : 0;
}

type Step = WalkResult | 'next' | 'hole' | { into: number; off: number };

function walkMember(btf: Btf, owner: BtfComposite, member: BtfMember, off: number, size: number, loose: boolean): Step {
  const start = Math.floor(member.bitOffset / 8);
  if (off + size <= start) return 'hole';
  if (member.bitfieldSize) {
    const end = Math.ceil((member.bitOffset + member.bitfieldSize) / 8);
    return off <= start && end <= off + size ? { kind: 'scalar' } : 'next';
  }
  if (off < start) return 'hole';
  const elem = resolveSize(btf, member.type);
  if (!elem) return error(`field ${nameOf(member)} doesn't have size`, 'EFAULT');
  const end = start + elem.total;
  if (off >= end) return 'next';
  const inside = elem.size > 0 ? (off - start) % elem.size : 0;
  const { type } = elem;
  if (isComposite(type)) return inside === 0 ? { kind: 'struct', id: type.id } : { into: type.id, off: inside };
  if (type.kind === 'ptr') {
    if (size !== 8 || inside !== 0) {
      return error(
        `cannot access ptr member ${nameOf(member)} with moff ${off - inside} in struct ${nameOf(owner)} with off ${off} size ${size}`,
      );
    }
    const target = skipModifiers(btf, type.type);
    if (isComposite(target))
      return { kind: 'ptr', id: target.id, flags: tagFlag(btf, type.type), field: nameOf(member) };
  }
  if (off + size > end && !loose)
    return error(
      `access beyond the end of member ${nameOf(member)} (mend:${end}) in struct ${nameOf(owner)} with off ${off} size ${size}`,
    );
  return { kind: 'scalar' };
}

/** Beyond a structure's end there may be the elements of a flexible array. */
function flexibleArray(
  btf: Btf,
  t: BtfComposite,
  off: number,
  size: number,
): WalkResult | { into: number; off: number } {
  const beyond = error(`access beyond struct ${nameOf(t)} at off ${off} size ${size}`);
  const last = t.members[t.members.length - 1];
  if (!last || last.bitfieldSize) return beyond;
  const array = skipModifiers(btf, last.type);
  const start = last.bitOffset / 8;
  if (array.kind !== 'array' || array.length !== 0 || off < start) return beyond;
  const elem = skipModifiers(btf, array.type);
  if (elem.kind === 'int') return { kind: 'scalar' };
  return isComposite(elem) && elem.size > 0 ? { into: elem.id, off: (off - start) % elem.size } : beyond;
}

/** One structure and the ones inside that do not begin at the offset (btf_struct_walk()). */
function walkOnce(btf: Btf, id: number, offset: number, size: number, flagsBefore: number): WalkResult {
  let t = btf.typeById(id);
  let off = offset;
  let flags = flagsBefore;
  for (let depth = 0; depth < 32; depth++) {
    if (isModifier(t) || t.kind === 'typedef') t = skipModifiers(btf, t.id);
    if (!isComposite(t)) return error(`Type '${nameOf(t)}' is not a struct`, 'EINVAL');
    // which member of a union is there is not known
    if (t.kind === 'union' && t.members.length !== 1) flags |= R.PTR_UNTRUSTED;
    let step: Step = 'hole';
    if (off + size > t.size) step = flexibleArray(btf, t, off, size);
    else {
      for (const member of t.members) {
        step = walkMember(btf, t, member, off, size, (flags & R.PTR_UNTRUSTED) !== 0);
        if (step !== 'next') break;
      }
    }
    if (step === 'hole' || step === 'next')
      return error(`struct ${nameOf(t)} doesn't have field at offset ${off}`, 'EINVAL');
    if (!('into' in step)) {
      if (step.kind === 'ptr') return { ...step, flags: step.flags | flags };
      return step.kind === 'struct' ? { ...step, flags } : step;
    }
    t = btf.typeById(step.into);
    off = step.off;
  }
  return error('structures nest too deeply', 'EINVAL');
}

/** What lies at `offset` of structure `id`, read `size` bytes wide: a number or a pointer (btf_struct_access()). */
export function walkStruct(btf: Btf, id: number, offset: number, size: number): WalkResult {
  let found = walkOnce(btf, id, offset, size, 0);
  // a structure that begins there is dived into
  while (found.kind === 'struct') found = walkOnce(btf, found.id, 0, size, found.flags ?? 0);
  return found;
}

/** `btf_types_are_same`: ids of different BTFs never are. */
const sameType = (a: Btf, aId: number, b: Btf, bId: number): boolean => a === b && aId === bId;

/**
 * `btf_struct_ids_match`: the pointer at `off` into `id` is a pointer to `wanted`, maybe through its first members.
 *
 * @param say takes the line that the walk ends with where there is no structure
 */
export function structIdsMatch(
  say: (line: string) => void,
  btf: Btf,
  id: number,
  off: number,
  wantedBtf: Btf,
  wanted: number,
  strict: boolean,
): boolean {
  if (off === 0 && sameType(btf, id, wantedBtf, wanted)) return true;
  if (strict) return false;
  let found = walkOnce(btf, id, off, 1, 0);
  while (found.kind === 'struct') {
    if (sameType(btf, found.id, wantedBtf, wanted)) return true;
    found = walkOnce(btf, found.id, 0, 1, found.flags ?? 0);
  }
  if (found.kind === 'error') say(found.message);
  return false;
}
