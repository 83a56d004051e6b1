/** Loops of states: which saved state heads the loop that a path is in (get_loop_entry(), update_branch_counts()). */

import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import { ITER_ACTIVE, sameValueUpToId } from '../state/reg.ts';
import { SCALAR_VALUE } from '../state/regtype.ts';
import { STACK_ITER } from '../state/stack.ts';
import type { VerifierState } from '../state/state.ts';
import { IdMap, regsExact } from './equal.ts';

/** The outermost head, with the chain to it shortened. */
export function loopEntryOf(state: VerifierState): VerifierState | undefined {
  let top = state.loopEntry;
  while (top?.loopEntry && top !== top.loopEntry) top = top.loopEntry;
  let st: VerifierState | undefined = state;
  while (st && st.loopEntry !== top) {
    const next: VerifierState | undefined = st.loopEntry;
    st.loopEntry = top;
    st = next;
  }
  return top;
}

export function updateLoopEntry(cur: VerifierState, head: VerifierState): void {
  const c = loopEntryOf(cur) ?? cur;
  const h = loopEntryOf(head) ?? head;
  if (!h.branches || h.dfsDepth > c.dfsDepth) return;
  cur.loopEntry = head;
  head.usedAsLoopEntry = true;
}

/** A path ended: states with no path left are complete. */
export function finishPath(state: VerifierState): void {
  for (let st: VerifierState | undefined = state; st; st = st.parent) {
    st.branches--;
    if (st.branches === 0 && st.parent && st.loopEntry) updateLoopEntry(st.parent, st.loopEntry);
    if (st.branches) break;
  }
}

export function sameCallsites(a: VerifierState, b: VerifierState): boolean {
  if (a.curframe !== b.curframe) return false;
  for (let f = a.curframe; f >= 0; f--) if (a.frameAt(f).callsite !== b.frameAt(f).callsite) return false;
  return true;
}

/** Cheap test before the exact one: the innermost frame's registers are the same. */
export function maybeLooping(old: VerifierState, cur: VerifierState): boolean {
  if (old.curframe !== cur.curframe) return false;
  return old.frame.regs.every((reg, n) => {
    const other = cur.frame.reg(n);
    return reg.id === other.id && reg.refObjId === other.refObjId && sameValueUpToId(reg, other);
  });
}

export function iterDepthsDiffer(old: VerifierState, cur: VerifierState): boolean {
  for (let f = old.curframe; f >= 0; f--) {
    const frame = old.frameAt(f);
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const slot = frame.slot(spi);
      const { reg } = slot;
      if (slot.typeAt(0) !== STACK_ITER || reg.iterState !== ITER_ACTIVE) continue;
      if (cur.frameAt(f).stack[spi]?.reg.iterDepth !== reg.iterDepth) return true;
    }
  }
  return false;
}

/** A saved state of the current path at this instruction, from an earlier turn of the loop. */
export function previousEntry(
  env: Env,
  cur: VerifierState | undefined,
  insnIdx: number,
  bucket: number,
): VerifierState | undefined {
  if (!cur) return undefined;
  for (let sl = env.explored[bucket]; sl; sl = sl.next) {
    const st = sl.state;
    if (st.insnIdx === insnIdx && st.branches && sameCallsites(st, cur) && st.dfsDepth < cur.dfsDepth) return st;
  }
  return undefined;
}

/** Scalars that changed over a turn and whose value never mattered are unknown from now on, so that the loop converges. */
export function widenImprecise(env: Env, old: VerifierState, cur: VerifierState): void {
  const ids = new IdMap(env.idGen);
  const widen = (a: Reg, b: Reg): void => {
    if (a.type !== SCALAR_VALUE || a.type !== b.type || a.precise || b.precise || regsExact(a, b, ids)) return;
    env.markUnknown(b);
  };
  for (let f = old.curframe; f >= 0; f--) {
    const a = old.frameAt(f);
    const b = cur.frameAt(f);
    a.regs.forEach((reg, n) => {
      widen(reg, b.reg(n));
    });
    a.stack.forEach((slot, spi) => {
      const other = b.stack[spi];
      if (other && slot.isSpilled && other.isSpilled) widen(slot.reg, other.reg);
    });
  }
}
