/** Pointers that may be null, and what a null check does to them and their copies (mark_ptr_or_null_regs()). */

import type { SpecialField } from '../access/record.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { MAP } from '../kinds.ts';
import type { Reg } from './reg.ts';
import * as R from './regtype.ts';
import { markConstZero } from './scalar.ts';
import type { VerifierState } from './state.ts';

/** `reg_not_null`: certainly no null pointer */
export function neverNull(reg: Reg): boolean {
  if (R.mayBeNull(reg.type)) return false;
  const base = R.baseType(reg.type);
  return (
    base === R.PTR_TO_SOCKET ||
    base === R.PTR_TO_TCP_SOCK ||
    base === R.PTR_TO_MAP_VALUE ||
    base === R.PTR_TO_MAP_KEY ||
    base === R.PTR_TO_SOCK_COMMON ||
    (base === R.PTR_TO_BTF_ID && isTrusted(reg)) ||
    base === R.PTR_TO_MEM ||
    base === R.CONST_PTR_TO_MAP
  );
}

const TRUSTING = R.PTR_TRUSTED | R.MEM_ALLOC | R.NON_OWN_REF;
const views: readonly number[] = [R.PTR_TO_SOCKET, R.PTR_TO_SOCK_COMMON, R.PTR_TO_TCP_SOCK, R.CONST_PTR_TO_MAP];

/** `is_trusted_reg` */
export function isTrusted(reg: Reg): boolean {
  if (reg.refObjId) return true;
  const flags = R.typeFlags(reg.type);
  if (flags & ~TRUSTING) return false;
  return views.includes(R.baseType(reg.type)) || (flags & TRUSTING) !== 0;
}

const templates = new WeakMap<MapFacts, MapFacts>();
/** What a lookup in a map of maps gives: the inner map's template, which has no name. */
function templateOf(map: MapFacts): MapFacts | undefined {
  if (!map.inner) return undefined;
  const template = templates.get(map) ?? { ...map.inner, name: '' };
  templates.set(map, template);
  return template;
}

/** `mark_ptr_not_null_reg` */
export function markNonNull(env: Env, reg: Reg): void {
  if (R.baseType(reg.type) === R.PTR_TO_MAP_VALUE && reg.map) {
    const { map } = reg;
    const inner = templateOf(map);
    if (inner) {
      reg.type = R.CONST_PTR_TO_MAP;
      reg.map = inner;
      // timers of an inner map belong to the one that this lookup gave
      if (env.records.ofMap(inner).some((f) => f.kind === 'bpf_timer' || f.kind === 'bpf_wq')) reg.mapUid = reg.id;
    } else if (map.type === MAP.XSKMAP) reg.type = R.PTR_TO_XDP_SOCK;
    else if (map.type === MAP.SOCKMAP || map.type === MAP.SOCKHASH) reg.type = R.PTR_TO_SOCKET;
    else reg.type = R.PTR_TO_MAP_VALUE;
    return;
  }
  reg.type &= ~R.PTR_MAYBE_NULL;
}

function markOne(env: Env, reg: Reg, id: number, isNull: boolean): void {
  if (!R.mayBeNull(reg.type) || reg.id !== id) return;
  // arithmetic before the check is only possible where a call handed out an inner pointer
  if (!reg.v.isZero) return;
  if (reg.off && !R.isPtrToAllocObject(reg.type) && !R.isNonOwningRef(reg.type)) return;
  if (isNull) {
    markConstZero(env, reg);
    return;
  }
  markNonNull(env, reg);
  // locks are told apart by their pointer's id
  if (!mayHoldLock(env, reg)) reg.id = 0;
}

/** `reg_may_point_to_spin_lock` */
export function mayHoldLock(env: Env, reg: Reg): boolean {
  return recordOf(env, reg).some((f) => f.kind === 'bpf_spin_lock');
}

/** Special fields of what a register points to. */
export function recordOf(env: Env, reg: Reg): readonly SpecialField[] {
  if (R.baseType(reg.type) === R.PTR_TO_MAP_VALUE && reg.map) return env.records.ofMap(reg.map);
  if (R.isPtrToAllocObject(reg.type) && reg.btf) return env.records.ofType(reg.btf, reg.btfId);
  return [];
}

/** Register `n` was compared with null: it and all with its id are, or are not. */
export function markNullChecked(env: Env, state: VerifierState, n: number, isNull: boolean): void {
  const reg = state.frame.reg(n);
  const { id, refObjId } = reg;
  if (refObjId && refObjId === id && isNull) releaseNull(state, id);
  state.forEachReg((r) => {
    markOne(env, r, id, isNull);
  });
}

/** A null pointer is no reference: nothing has to be released. */
function releaseNull(state: VerifierState, id: number): void {
  state.frame.releaseRef(id);
}
