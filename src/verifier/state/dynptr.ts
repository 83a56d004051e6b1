/** Dynptrs in stack slots: two each, the first at the higher address (mark_stack_slots_dynptr(), destroy_if_dynptr_stack_slot()). */

import type { Env } from '../env/env.ts';
import { DYNPTR_RINGBUF, LIVE_WRITTEN, type Reg } from './reg.ts';
import * as R from './regtype.ts';
import { STACK_DYNPTR, STACK_INVALID, type StackSlot } from './stack.ts';
import type { FuncState } from './state.ts';

export const refcounted = (type: number): boolean => type === DYNPTR_RINGBUF;

/** `__mark_dynptr_reg` */
export function setDynptr(reg: Reg, type: number, first: boolean, id: number): void {
  reg.markKnown(0n);
  reg.type = R.CONST_PTR_TO_DYNPTR;
  reg.id = id;
  reg.dynptrType = type;
  reg.dynptrFirst = first;
}

export function wipe(slot: StackSlot): void {
  slot.fill(STACK_INVALID);
  slot.reg.clear();
  slot.reg.live |= LIVE_WRITTEN;
}

/** A write into a slot ends the dynptr in it, unless somebody waits for it to be released. */
export function destroyDynptrAt(env: Env, frame: FuncState, at: number): void {
  const slot = frame.stack[at];
  if (!slot || slot.typeAt(0) !== STACK_DYNPTR) return;
  const spi = slot.reg.dynptrFirst ? at : at + 1;
  const first = frame.slot(spi);
  if (refcounted(first.reg.dynptrType)) env.fail('EINVAL', 'cannot overwrite referenced dynptr');
  env.scratchSlot(spi);
  env.scratchSlot(spi - 1);
  const { id } = first.reg;
  first.fill(STACK_INVALID);
  frame.slot(spi - 1).fill(STACK_INVALID);
  env.cur.forEachReg((reg) => {
    const slice = reg.type === R.PTR_TO_MEM || reg.type === (R.PTR_TO_MEM | R.PTR_MAYBE_NULL);
    if (slice && reg.dynptrId === id) env.invalidate(reg);
  });
  wipe(first);
  wipe(frame.slot(spi - 1));
}
