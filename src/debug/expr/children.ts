/** What a value is made of, one level at a time: members, elements, what a pointer points to. */
import { findMember, isComposite as isCompositeType } from '../../btf/index.ts';
import { DebugError } from '../error.ts';
import { elementOf, memberOf, pointee, type Scope } from './evaluate.ts';
import { isArray, isComposite, isPointer, resolved, type Type, target, type Value } from './value.ts';

export interface Child {
  /** `pid`, `[3]`, `*` */
  readonly name: string;
  /** C for it, where the whole has some: `(task)->pid` */
  readonly expression: string | undefined;
  readonly value: Value;
}

/** How many it has; undefined: none that could be shown. Elements of arrays are counted by number, others are named. */
export function childCount(value: Value): { readonly indexed?: number; readonly named?: number } | undefined {
  const type = resolved(value.type);
  if (type?.kind === 'array') return { indexed: type.length };
  if (isComposite(value.type)) return { named: names(value.type).length };
  if (!isPointer(value.type) || value.bits === 0n) return undefined;
  const to = target(value.type);
  if (to === undefined || to.kind === 'void' || (to.kind === 'btf' && isVoidLike(to))) return undefined;
  return { named: isComposite(to) ? names(to).length : 1 };
}
const isVoidLike = (type: Type): boolean => {
  const t = resolved(type);
  return t === undefined || t.kind === 'void' || t.kind === 'func_proto' || t.kind === 'fwd' || t.kind === 'func';
};

/** `from` and `count` choose among elements of an array. Those that cannot be read are left out. */
export function childrenOf(
  scope: Scope,
  value: Value,
  expression: string | undefined,
  from = 0,
  count = Number.POSITIVE_INFINITY,
): Child[] {
  const named = (suffix: string): string | undefined => expression && `(${expression})${suffix}`;
  if (isArray(value.type)) {
    const length = childCount(value)?.indexed ?? 0;
    const end = Math.min(length, from + count);
    const out: Child[] = [];
    for (let n = from; n < end; n++) push(out, `[${n}]`, named(`[${n}]`), () => elementOf(scope, value, n));
    return out;
  }
  const isPtr = isPointer(value.type);
  const whole = isPtr ? target(value.type) : value.type;
  if (whole === undefined) return [];
  const out: Child[] = [];
  if (isComposite(whole)) {
    for (const name of names(whole))
      push(out, name, named(`${isPtr ? '->' : '.'}${name}`), () => memberOf(scope, value, name));
  } else if (isPtr) push(out, '*', expression && `*(${expression})`, () => pointee(scope, value));
  return out;
}

function push(out: Child[], name: string, expression: string | undefined, read: () => Value): void {
  try {
    out.push({ name, expression, value: read() });
  } catch (error) {
    if (!(error instanceof DebugError)) throw error;
  }
}

/** Members by name, those of anonymous ones among them. */
function names(type: Type): string[] {
  const whole = resolved(type);
  if (whole === undefined || type.kind !== 'btf' || !isCompositeType(whole)) return [];
  const { btf } = type;
  const out: string[] = [];
  const visit = (of: typeof whole, depth: number): void => {
    for (const member of of.members) {
      if (member.name !== '') {
        if (findMember(btf, whole, member.name) !== undefined) out.push(member.name);
        continue;
      }
      const inner = btf.resolve(member.type);
      if (isCompositeType(inner) && depth < 8) visit(inner, depth + 1);
    }
  };
  visit(whole, 0);
  return out;
}
