/** A local spec looked up in a target type: members by name wherever they moved, values by name whatever they became. */
import { type Btf, essentialName, isComposite, isEnum } from '../../btf/index.ts';
import { fieldsCompatible, typesCompatible, typesMatch } from './compat.ts';
import { CORE_SUBJECT, CoreError } from './kinds.ts';
import { type Accessor, isFlexible, MAX_SPEC, newSpec, type Spec } from './spec.ts';

function deeper(spec: Spec): void {
  if (spec.depth >= MAX_SPEC) throw new CoreError('the target type nests too deeply');
  spec.depth++;
}

/**
 * Finds the member that `wanted` names in target type `id`, through anonymous members, and adds the step.
 * Returns the member's type, or -1: not there, or there with a type that does not go.
 */
function matchMember(local: Btf, wanted: Accessor, spec: Spec, id: number, searched = new Set<number>()): number {
  const type = spec.btf.resolve(id);
  // What was searched in vain need not be searched again, and may contain itself.
  if (!isComposite(type) || searched.has(type.id)) return -1;
  searched.add(type.id);
  const localType = local.typeById(wanted.type);
  const localMember = isComposite(localType) ? localType.members[wanted.index] : undefined;
  if (!localMember) return -1;
  for (const [index, member] of type.members.entries()) {
    const { depth, bitOffset } = spec;
    deeper(spec);
    spec.bitOffset += member.bitOffset;
    if (member.name === '') {
      const found = matchMember(local, wanted, spec, member.type, searched);
      if (found >= 0) return found;
    } else if (member.name === wanted.name) {
      if (!fieldsCompatible(local, localMember.type, spec.btf, member.type)) return -1;
      spec.steps.push({ type: type.id, index, name: member.name });
      return member.type;
    }
    spec.depth = depth;
    spec.bitOffset = bitOffset;
  }
  return -1;
}

/** The local spec in the target's terms, or undefined where the target does not have it. @throws CoreError, BtfError */
export function matchSpec(local: Spec, target: Btf, targetId: number): Spec | undefined {
  const spec = newSpec(target, targetId, local.kind);
  switch (CORE_SUBJECT[local.kind]) {
    case 'type': {
      const same = local.kind === 'type_matches' ? typesMatch : typesCompatible;
      return same(local.btf, local.root, target, targetId) ? spec : undefined;
    }
    case 'enumval': {
      const type = target.resolve(targetId);
      if (!isEnum(type)) return undefined;
      const name = essentialName(local.steps[0]?.name ?? '');
      const index = type.values.findIndex((value) => essentialName(value.name) === name);
      if (index < 0) return undefined;
      spec.steps.push({ type: type.id, index, name: type.values[index]?.name ?? '' });
      return spec;
    }
    case 'field':
      break;
  }
  let id = targetId;
  for (const [n, step] of local.steps.entries()) {
    const type = target.resolve(id);
    if (step.name !== '') {
      id = matchMember(local.btf, step, spec, type.id);
      if (id < 0) return undefined;
      continue;
    }
    let element = type;
    // The first step indexes the root type itself.
    if (n > 0) {
      if (type.kind !== 'array') return undefined;
      if (!isFlexible(target, spec.steps.at(-1), type) && step.index >= type.length) return undefined;
      element = target.resolve(type.type);
    }
    deeper(spec);
    id = element.id;
    spec.steps.push({ type: id, index: step.index, name: '' });
    spec.bitOffset += step.index * target.sizeOf(id) * 8;
  }
  return spec;
}
