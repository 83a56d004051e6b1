/** One CO-RE relocation decided: candidates in the target BTF, their specs, and that all of them agree. */
import { type Btf, type BtfType, type ExtCoreRelo, essentialName } from '../../btf/index.ts';
import { sameKind } from './compat.ts';
import { CORE_KINDS, CoreError, type CoreKind } from './kinds.ts';
import { matchSpec } from './match.ts';
import { formatSpec, longSpec, parseSpec, type Spec } from './spec.ts';
import { type SpecValue, specValue } from './value.ts';

/** What a relocation does to its instruction. */
export interface CoreDecision {
  readonly kind: CoreKind;
  /** the object's own view, for people: `struct task_struct.pid` */
  readonly local: string;
  /** the same as libbpf's messages have it: `<byte_off> [9] struct task_struct.pid (0:1 @ offset 8)` */
  readonly spec: string;
  /** the target's; undefined where nothing matched */
  readonly target: string | undefined;
  /** value that the instruction holds; undefined where the object's own spec has none */
  readonly oldValue: bigint | undefined;
  /** value that it gets; undefined: it is poisoned */
  readonly newValue: bigint | undefined;
  readonly validate: boolean;
  readonly oldSize: number;
  readonly newSize: number;
  /** loads and stores may not change their width between these types */
  readonly widthConflict: boolean;
  /** how many target types the name allows, and matched */
  readonly candidates: number;
}

/** Whether a load of one type may become a load of another width: pointers and unsigned integers. */
function widthMayChange(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  const a = local.typeById(localId);
  const b = target.typeById(targetId);
  if (a.kind === 'ptr' && b.kind === 'ptr') return true;
  // As libbpf: only the encoding "signed" alone refuses.
  return a.kind === 'int' && b.kind === 'int' && a.encoding !== 1 && b.encoding !== 1;
}

export class CoreResolver {
  readonly #local: Btf;
  readonly #target: Btf;
  /** candidate ids by local type id; narrowed to those that matched, as libbpf narrows */
  readonly #candidates = new Map<number, number[]>();

  /** @param target BTF of the kernel that the object is to run on */
  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  #candidatesOf(type: BtfType): number[] {
    const known = this.#candidates.get(type.id);
    if (known) return known;
    const found: number[] = [];
    for (const id of this.#target.findAllByName(essentialName(type.name), undefined, true)) {
      if (sameKind(type, this.#target.typeById(id))) found.push(id);
    }
    this.#candidates.set(type.id, found);
    return found;
  }

  /** Decides one relocation. @throws CoreError, BtfError */
  decide(relo: ExtCoreRelo): CoreDecision {
    const kind = CORE_KINDS[relo.kind];
    if (kind === undefined) throw new CoreError(`relocation kind ${relo.kind} is unknown`);
    const type = this.#local.typeById(relo.typeId);
    const local = parseSpec(this.#local, relo.typeId, relo.access, kind);
    if (kind === 'local_type_id') {
      const id = BigInt(relo.typeId);
      return {
        kind,
        local: formatSpec(local),
        spec: longSpec(local, relo.access),
        target: undefined,
        oldValue: id,
        newValue: id,
        validate: false,
        oldSize: 0,
        newSize: 0,
        widthConflict: false,
        candidates: 0,
      };
    }
    if (type.name === '') throw new CoreError(`${formatSpec(local)}: anonymous types cannot be looked up`);
    const candidates = this.#candidatesOf(type);
    const matched: number[] = [];
    let best: { spec: Spec; value: SpecValue } | undefined;
    for (const id of candidates) {
      const spec = matchSpec(local, this.#target, id);
      if (!spec) continue;
      const value = specValue(kind, spec);
      if (!best) best = { spec, value };
      else if (spec.bitOffset !== best.spec.bitOffset) {
        throw new CoreError(
          `${formatSpec(local)}: types [${best.spec.root}] and [${id}] of the kernel have it at bits ${best.spec.bitOffset} and ${spec.bitOffset}`,
        );
      } else if (value.value !== best.value.value) {
        throw new CoreError(
          `${formatSpec(local)}: types [${best.spec.root}] and [${id}] of the kernel disagree: ${best.value.value} and ${value.value}`,
        );
      }
      matched.push(id);
    }
    if (matched.length > 0) this.#candidates.set(type.id, matched);
    const old = specValue(kind, local);
    const now = best?.value ?? specValue(kind, undefined);
    return {
      kind,
      local: formatSpec(local),
      spec: longSpec(local, relo.access),
      target: best && formatSpec(best.spec),
      oldValue: old.value,
      newValue: now.value,
      validate: old.validate,
      oldSize: old.size,
      newSize: now.size,
      widthConflict:
        best !== undefined && old.size !== now.size && !widthMayChange(this.#local, old.type, this.#target, now.type),
      candidates: matched.length,
    };
  }
}
