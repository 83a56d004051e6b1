/**
 * When two types count as the same for CO-RE. Three measures, from weak to strong:
 * fields that may stand for each other, types of compatible kinds, types that match member for member.
 */
import {
  type Btf,
  type BtfComposite,
  type BtfEnum,
  type BtfType,
  essentialName,
  isComposite,
  isEnum,
} from '../../btf/index.ts';
import { CoreError } from './kinds.ts';

const MAX_DEPTH = 32;

/** Comparisons that one question may take: nested structures and prototypes multiply. */
interface Budget {
  left: number;
}

/** Kinds are equal; the two kinds of enumeration count as one. */
export const sameKind = (a: BtfType, b: BtfType): boolean => a.kind === b.kind || (isEnum(a) && isEnum(b));

/** Whether a local field's type may be read from a target field's. */
export function fieldsCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const a = local.resolve(localId);
    const b = target.resolve(targetId);
    if (isComposite(a) && isComposite(b)) return true;
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
      case 'enum':
      case 'enum64':
        // One of them anonymous, or both of one name but for flavours.
        return a.name === '' || b.name === '' || essentialName(a.name) === essentialName(b.name);
      case 'int':
        return a.bitOffset === 0 && b.kind === 'int' && b.bitOffset === 0;
      case 'array':
        if (b.kind !== 'array') return false;
        localId = a.type;
        targetId = b.type;
        break;
      default:
        return false;
    }
  }
  throw new CoreError('types nest too deeply to compare');
}

/** For type existence, size and id, and for ksyms: kinds agree all the way through pointers, arrays and prototypes. */
export function typesCompatible(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  level = MAX_DEPTH,
  budget: Budget = { left: 100_000 },
): boolean {
  if (budget.left-- <= 0) throw new CoreError('prototypes nest too deeply to compare');
  if (!sameKind(local.typeById(localId), target.typeById(targetId))) return false;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const a = local.resolve(localId);
    const b = target.resolve(targetId);
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'void':
      case 'struct':
      case 'union':
      case 'enum':
      case 'enum64':
      case 'fwd':
        return true;
      case 'int':
        return a.bitOffset === 0 && b.kind === 'int' && b.bitOffset === 0;
      case 'ptr':
      case 'array':
        localId = a.type;
        targetId = (b as typeof a).type;
        break;
      case 'func_proto': {
        const other = b as typeof a;
        if (a.params.length !== other.params.length) return false;
        if (level <= 0) throw new CoreError('prototypes nest too deeply to compare');
        const all = a.params.every((param, n) => {
          const p = local.resolve(param.type).id;
          const q = target.resolve(other.params[n]?.type ?? 0).id;
          return typesCompatible(local, p, target, q, level - 1, budget);
        });
        if (!all) return false;
        localId = a.type;
        targetId = other.type;
        break;
      }
      default:
        return false;
    }
  }
  throw new CoreError('types nest too deeply to compare');
}

/** Names agree but for flavours; an anonymous target takes only an anonymous local. */
const namesMatch = (local: string, target: string): boolean =>
  target === '' ? local === '' : essentialName(local) === essentialName(target);

function enumsMatch(local: BtfEnum, target: BtfEnum): boolean {
  if (local.size !== target.size || local.values.length > target.values.length) return false;
  const names = new Set(target.values.map((v) => essentialName(v.name)));
  return local.values.every((v) => names.has(essentialName(v.name)));
}

function compositesMatch(
  local: Btf,
  a: BtfComposite,
  target: Btf,
  b: BtfComposite,
  behindPointer: boolean,
  level: number,
  budget: Budget,
): boolean {
  if (a.members.length > b.members.length) return false;
  return a.members.every((m) =>
    b.members.some(
      (t) => namesMatch(m.name, t.name) && typesMatch(local, m.type, target, t.type, behindPointer, level - 1, budget),
    ),
  );
}

/** For `bpf_core_type_matches`: every member that the local type has is in the target with a type that matches. */
export function typesMatch(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  behindPointer = false,
  level = MAX_DEPTH,
  budget: Budget = { left: 100_000 },
): boolean {
  if (level <= 0 || budget.left-- <= 0) throw new CoreError('types nest too deeply to match');
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const a = local.resolve(localId);
    const b = target.resolve(targetId);
    if (!namesMatch(a.name, b.name)) return false;
    switch (a.kind) {
      case 'void':
        return b.kind === 'void';
      case 'fwd':
        if (b.kind === 'fwd') return a.of === b.of;
        return behindPointer && b.kind === a.of;
      case 'enum':
      case 'enum64':
        return isEnum(b) && enumsMatch(a, b);
      case 'struct':
      case 'union':
        if (behindPointer) return a.kind === b.kind || (b.kind === 'fwd' && b.of === a.kind);
        return (
          isComposite(b) && a.kind === b.kind && compositesMatch(local, a, target, b, behindPointer, level, budget)
        );
      case 'int':
        return b.kind === 'int' && a.size === b.size && a.signed === b.signed;
      case 'ptr':
        if (b.kind !== 'ptr') return false;
        behindPointer = true;
        localId = a.type;
        targetId = b.type;
        break;
      case 'array':
        if (b.kind !== 'array' || a.length !== b.length) return false;
        localId = a.type;
        targetId = b.type;
        break;
      case 'func_proto': {
        if (b.kind !== 'func_proto' || a.params.length !== b.params.length) return false;
        const params = b.params;
        const under = behindPointer;
        if (
          !a.params.every((p, n) => typesMatch(local, p.type, target, params[n]?.type ?? 0, under, level - 1, budget))
        )
          return false;
        localId = a.type;
        targetId = b.type;
        break;
      }
      default:
        return false;
    }
  }
  throw new CoreError('types nest too deeply to match');
}
