/**
 * Into a kernel structure by offset (btf_struct_walk(), btf_struct_access()), and whether one
 * structure can stand for another (btf_struct_ids_match()).
 */
import { type Btf, type BtfComposite, type BtfMember, type BtfType, isComposite, isModifier } from '../../btf/index.ts';
import * as R from '../state/regtype.ts';

export type WalkResult =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'ptr'; readonly id: number; readonly flags: number; readonly field: string }
  | { readonly kind: 'struct'; readonly id: number }
  | { readonly kind: 'error'; readonly message: string; readonly errno: string };

const error = (message: string, errno = 'EACCES'): WalkResult => ({ kind: 'error', message, errno });

/** Modifiers and typedefs off; keeps where it ended. */
export function skipModifiers(btf: Btf, id: number): BtfType {
  let t = btf.typeById(id);
  while (isModifier(t) || t.kind === 'typedef') t = btf.typeById(t.type);
  return t;
}

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
  if (!elem) return error(`field ${member.name} doesn't have size`, 'EFAULT');
  const end = start + elem.total;
  if (off >= end) return 'next';
  const inside = elem.size > 0 ? (off - start) % elem.size : 0;
  const { type } = elem;
  if (isComposite(type)) return { into: type.id, off: inside };
  if (type.kind === 'ptr') {
    if (size !== 8 || inside !== 0) {
      return error(
        `cannot access ptr member ${member.name} with moff ${start + (off - start - inside)} in struct ${owner.name} with off ${off} size ${size}`,
      );
    }
    const target = skipModifiers(btf, type.type);
    if (isComposite(target)) return { kind: 'ptr', id: target.id, flags: tagFlag(btf, type.type), field: member.name };
  }
  if (off + size > end && !loose)
    return error(
      `access beyond the end of member ${member.name} (mend:${end}) in struct ${owner.name} with off ${off} size ${size}`,
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
  const beyond = error(`access beyond struct ${t.name} at off ${off} size ${size}`);
  const last = t.members[t.members.length - 1];
  if (!last || last.bitfieldSize) return beyond;
  const array = skipModifiers(btf, last.type);
  const start = last.bitOffset / 8;
  if (array.kind !== 'array' || array.length !== 0 || start !== t.size || off < start) return beyond;
  const elem = skipModifiers(btf, array.type);
  // only arrays of structures are walked, everything else is a number
  if (!isComposite(elem)) return { kind: 'scalar' };
  return elem.size === 0 ? beyond : { into: elem.id, off: (off - start) % elem.size };
}

/** What lies at `offset` of structure `id`, read `size` bytes wide. */
export function walkStruct(btf: Btf, id: number, offset: number, size: number): WalkResult {
  let t = btf.typeById(id);
  let off = offset;
  let flags = 0;
  for (let depth = 0; depth < 32; depth++) {
    if (!isComposite(t)) return error(`Type '${t.name}' is not a struct`, 'EINVAL');
    // which member of a union is there is not known
    if (t.kind === 'union' && t.members.length !== 1) flags = R.PTR_UNTRUSTED;
    let step: Step = 'hole';
    if (off + size > t.size) step = flexibleArray(btf, t, off, size);
    else {
      for (const member of t.members) {
        step = walkMember(btf, t, member, off, size, flags !== 0);
        if (step !== 'next') break;
      }
    }
    if (step === 'hole' || step === 'next')
      return error(`struct ${t.name} doesn't have field at offset ${off}`, 'EINVAL');
    if (!('into' in step)) return step.kind === 'ptr' ? { ...step, flags: step.flags | flags } : step;
    t = btf.typeById(step.into);
    off = step.off;
  }
  return error('structures nest too deeply', 'EINVAL');
}

/** The structure that begins at `off` inside `id`, of any depth; used to match a pointer into a structure with a type. */
function structsAt(btf: Btf, id: number, off: number): number[] {
  const out: number[] = [];
  let t = btf.typeById(id);
  let at = off;
  for (let depth = 0; depth < 32 && isComposite(t); depth++) {
    let next: BtfType | undefined;
    for (const member of t.members) {
      if (member.bitfieldSize) continue;
      const start = member.bitOffset / 8;
      const elem = resolveSize(btf, member.type);
      if (!elem || at < start || at >= start + elem.total || !isComposite(elem.type)) continue;
      next = elem.type;
      at = (at - start) % elem.size;
      break;
    }
    if (!next) break;
    if (at === 0) out.push(next.id);
    t = next;
  }
  return out;
}

const sameType = (a: Btf, aId: number, b: Btf, bId: number): boolean => {
  if (a === b) return aId === bId;
  const x = a.typeById(aId);
  const y = b.typeById(bId);
  return x.kind === y.kind && x.name === y.name && x.name !== '' && 'size' in x && 'size' in y && x.size === y.size;
};

/** `btf_struct_ids_match`: the pointer at `off` into `id` is a pointer to `wanted`, maybe through its first members. */
export function structIdsMatch(
  btf: Btf,
  id: number,
  off: number,
  wantedBtf: Btf,
  wanted: number,
  strict: boolean,
): boolean {
  if (off === 0 && sameType(btf, id, wantedBtf, wanted)) return true;
  if (strict) return false;
  return structsAt(btf, id, off).some((inner) => sameType(btf, inner, wantedBtf, wanted));
}
