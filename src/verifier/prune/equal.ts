/** Whether an explored state covers the current one (states_equal(), regsafe(), stacksafe()). */
import { bitsWithin, sameBounds, UNKNOWN, within } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import { ADD_CONST, LIVE_READ, Reg, samePointee, sameValueUpToId } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import {
  ALL_INVALID,
  ALL_MISC,
  ALL_SPILL,
  ALL_ZERO,
  SLOT_SIZE,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
} from '../state/stack.ts';
import type { FuncState, Ref, VerifierState } from '../state/state.ts';

/** How strictly: only what was read and matters; every range; everything. */
export const NOT_EXACT = 0;
export const EXACT = 1;
export const RANGE_WITHIN = 2;
export type Exactness = typeof NOT_EXACT | typeof EXACT | typeof RANGE_WITHIN;

/** Which id of the one state stands for which of the other (check_ids()). */
export class IdMap {
  /** pairs of ids, old and current by turns; most comparisons end before there is one */
  #pairs: number[] | undefined;
  #next: number;

  constructor(next: number) {
    this.#next = next;
    this.#pairs = undefined;
  }
  same(old: number, cur: number): boolean {
    if (old === 0 || cur === 0) return old === cur;
    const pairs = (this.#pairs ??= []);
    for (let n = 0; n < pairs.length; n += 2) {
      if (pairs[n] === old) return pairs[n + 1] === cur;
      if (pairs[n + 1] === cur) return false;
    }
    pairs.push(old, cur);
    return true;
  }
  /** A scalar that was linked to nothing may be linked now: that only says more of it. */
  sameScalar(old: number, cur: number): boolean {
    return old === 0 || this.same(old, cur || ++this.#next);
  }
}

export const regsExact = (old: Reg, cur: Reg, ids: IdMap): boolean =>
  sameValueUpToId(old, cur) && ids.same(old.id, cur.id) && ids.same(old.refObjId, cur.refObjId);

const rangeCovers = (old: Reg, cur: Reg): boolean =>
  old.v === cur.v || (within(old.v, cur.v) && bitsWithin(old.v, cur.v));

function scalarSafe(env: Env, old: Reg, cur: Reg, ids: IdMap, exact: Exactness): boolean {
  if (env.exploreAluLimits) return old.off === cur.off && sameBounds(old.v, cur.v) && ids.sameScalar(old.id, cur.id);
  if (!old.precise && exact === NOT_EXACT) return true;
  if (old.id && (old.id & ADD_CONST) !== (cur.id & ADD_CONST)) return false;
  if (old.id & ADD_CONST && old.off !== cur.off) return false;
  return rangeCovers(old, cur) && ids.sameScalar(old.id, cur.id);
}

/**
 * What was safe to access still is. A range below zero says on which side of the packet's end the
 * pointer was found, which decides later comparisons: there it must be the same.
 */
const packetRangeSafe = (old: Reg, cur: Reg): boolean =>
  old.range < 0 || cur.range < 0 ? old.range === cur.range : old.range <= cur.range;

function regSafe(env: Env, old: Reg, cur: Reg, ids: IdMap, exact: Exactness): boolean {
  if (exact === EXACT) return regsExact(old, cur, ids);
  if (exact === NOT_EXACT && !(old.live & LIVE_READ)) return true;
  if (old.type === R.NOT_INIT && (exact === NOT_EXACT || cur.type === R.NOT_INIT)) return true;
  if (old.type !== cur.type) return false;
  switch (R.baseType(old.type)) {
    case R.SCALAR_VALUE:
      return scalarSafe(env, old, cur, ids, exact);
    case R.PTR_TO_MAP_KEY:
    case R.PTR_TO_MAP_VALUE:
    case R.PTR_TO_MEM:
    case R.PTR_TO_BUF:
    case R.PTR_TO_TP_BUFFER:
      return (
        samePointee(old, cur) &&
        rangeCovers(old, cur) &&
        ids.same(old.id, cur.id) &&
        ids.same(old.refObjId, cur.refObjId)
      );
    case R.PTR_TO_PACKET_META:
    case R.PTR_TO_PACKET:
      return packetRangeSafe(old, cur) && old.off === cur.off && ids.same(old.id, cur.id) && rangeCovers(old, cur);
    case R.PTR_TO_STACK:
      return regsExact(old, cur, ids) && old.frameno === cur.frameno;
    case R.PTR_TO_ARENA:
      return true;
    default:
      return regsExact(old, cur, ids);
  }
}

const ANY_SCALAR = new Reg();
ANY_SCALAR.markUnknownImprecise();
ANY_SCALAR.v = UNKNOWN;
ANY_SCALAR.live = LIVE_READ;

/** A slot that a 64-bit load reads as one scalar. */
function asScalar(env: Env, slot: StackSlot): Reg | undefined {
  if (slot.holdsWholeReg && slot.reg.type === R.SCALAR_VALUE) return slot.reg;
  if (slot.isAll(STACK_MISC)) return ANY_SCALAR;
  if (!env.allowUninitStack) return undefined;
  for (let n = 0; n < SLOT_SIZE; n++) {
    const type = slot.typeAt(n);
    if (type !== STACK_MISC && type !== STACK_INVALID) return undefined;
  }
  return ANY_SCALAR;
}

/** Slots that hold the same kind of thing in their last byte. */
function slotContentSafe(env: Env, old: StackSlot, cur: StackSlot, ids: IdMap, exact: Exactness): boolean {
  const [a, b] = [old.reg, cur.reg];
  switch (old.last) {
    case STACK_SPILL:
      return regSafe(env, a, b, ids, exact);
    case STACK_DYNPTR:
      return a.dynptrType === b.dynptrType && a.dynptrFirst === b.dynptrFirst && ids.same(a.refObjId, b.refObjId);
    case STACK_ITER:
      return a.btf === b.btf && a.btfId === b.btfId && a.iterState === b.iterState && ids.same(a.refObjId, b.refObjId);
    default:
      return true;
  }
}

/** Slots whose bytes are all of one type, the same in both; undefined for others. */
function uniformSafe(env: Env, old: StackSlot, cur: StackSlot, ids: IdMap, exact: Exactness): boolean | undefined {
  switch (old.types) {
    case ALL_SPILL:
      return regSafe(env, old.reg, cur.reg, ids, exact);
    case ALL_INVALID:
    case ALL_MISC:
    case ALL_ZERO:
      return true;
    default:
      return undefined;
  }
}

function slotSafe(env: Env, old: StackSlot, cur: StackSlot | undefined, ids: IdMap, exact: Exactness): boolean {
  if (exact === NOT_EXACT && !(old.reg.live & LIVE_READ)) return true;
  if (cur !== undefined && old.types === cur.types) {
    const safe = uniformSafe(env, old, cur, ids, exact);
    if (safe !== undefined) return safe;
  }
  for (let n = 0; n < SLOT_SIZE; n++) {
    const type = old.typeAt(n);
    if (exact !== NOT_EXACT && (!cur || type !== cur.typeAt(n))) return false;
    if (type === STACK_INVALID || (env.allowUninitStack && type === STACK_MISC)) continue;
    if (!cur) return false;
    const a = asScalar(env, old);
    const b = a && asScalar(env, cur);
    if (a && b) return regSafe(env, a, b, ids, exact);
    const other = cur.typeAt(n);
    if (type === STACK_MISC && other === STACK_ZERO) continue;
    if (type !== other) return false;
    if (n === SLOT_SIZE - 1 && !slotContentSafe(env, old, cur, ids, exact)) return false;
  }
  return true;
}

function frameSafe(env: Env, old: FuncState, cur: FuncState, ids: IdMap, exact: Exactness): boolean {
  if (old.callbackDepth > cur.callbackDepth) return false;
  const { read } = old;
  if (exact === NOT_EXACT && read !== undefined) {
    const { regs, slots } = read;
    for (let at = 0; at < regs.length; at++) {
      const n = regs[at] as number;
      if (!regSafe(env, old.reg(n), cur.reg(n), ids, exact)) return false;
    }
    for (let at = 0; at < slots.length; at++) {
      const spi = slots[at] as number;
      if (!slotSafe(env, old.slot(spi), cur.stack[spi], ids, exact)) return false;
    }
    return sameRefs(old, cur, ids);
  }
  for (let n = 0; n < old.regs.length; n++) if (!regSafe(env, old.reg(n), cur.reg(n), ids, exact)) return false;
  for (let spi = 0; spi < old.stack.length; spi++)
    if (!slotSafe(env, old.slot(spi), cur.stack[spi], ids, exact)) return false;
  return sameRefs(old, cur, ids);
}

function sameRefs(old: FuncState, cur: FuncState, ids: IdMap): boolean {
  const { length } = old.refs;
  if (length !== cur.refs.length) return false;
  for (let n = 0; n < length; n++) if (!ids.same((old.refs[n] as Ref).id, (cur.refs[n] as Ref).id)) return false;
  return true;
}

export function statesEqual(env: Env, old: VerifierState, cur: VerifierState, exact: Exactness): boolean {
  if (old.curframe !== cur.curframe || (old.speculative && !cur.speculative)) return false;
  const ids = new IdMap(env.idGen);
  if (old.activeLock.owner !== cur.activeLock.owner || !ids.same(old.activeLock.id, cur.activeLock.id)) return false;
  if (
    old.activeRcuLock !== cur.activeRcuLock ||
    old.activePreemptLock !== cur.activePreemptLock ||
    old.inSleepable !== cur.inSleepable
  )
    return false;
  for (let f = 0; f <= old.curframe; f++) {
    const a = old.frameAt(f);
    const b = cur.frameAt(f);
    if (a.callsite !== b.callsite || !frameSafe(env, a, b, ids, exact)) return false;
  }
  return true;
}
