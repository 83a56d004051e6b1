/** Objects of several slots that the verifier keeps on the stack: where one lies (stack_slot_obj_get_spi()). */

import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import { SLOT_SIZE } from '../state/stack.ts';

/** The pointer is no place for it; said in the log. */
export const BAD_PLACE = -1;
/** The stack does not reach so far yet. */
export const NO_STACK_YET = -2;

export function objectSlot(env: Env, reg: Reg, kind: string, slots: number): number {
  if (!reg.v.isConst) {
    env.say(`${kind} has to be at a constant offset`);
    return BAD_PLACE;
  }
  const off = reg.off + Number(BigInt.asIntN(64, reg.v.tnum.value));
  // of C's division: the address above the frame counts to its first slot
  const spi = Math.trunc((-off - 1) / SLOT_SIZE);
  if (off % SLOT_SIZE !== 0 || spi + 1 < slots) {
    env.say(`cannot pass in ${kind} at an offset=${off}`);
    return BAD_PLACE;
  }
  return spi < env.cur.stackFrame(reg).stack.length ? spi : NO_STACK_YET;
}
