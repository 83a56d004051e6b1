/** Dynptrs: two stack slots, or a pointer to one that somebody else owns (process_dynptr_func()). */

import { checkMemAccess } from '../access/mem.ts';
import type { Env } from '../env/env.ts';
import type { HelperArg, HelperProto } from '../kernel.ts';
import { dynptrTypeText } from '../log/regs.ts';
import { markSlotRead } from '../prune/liveness.ts';
import { destroyDynptrAt, refcounted, setDynptr, wipe } from '../state/dynptr.ts';
import {
  DYNPTR_INVALID,
  DYNPTR_LOCAL,
  DYNPTR_RINGBUF,
  DYNPTR_SKB,
  DYNPTR_XDP,
  LIVE_WRITTEN,
  type Reg,
} from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { STACK_DYNPTR } from '../state/stack.ts';
import { acquireReference, releaseReference } from './refs.ts';
import { NO_STACK_YET, objectSlot } from './stackobj.ts';

const SLOTS = 2;
const dynptrSlot = (env: Env, reg: Reg): number => objectSlot(env, reg, 'dynptr', SLOTS);

export function dynptrTypeOfFlags(flags: readonly string[]): number {
  if (flags.includes('DYNPTR_TYPE_LOCAL')) return DYNPTR_LOCAL;
  if (flags.includes('DYNPTR_TYPE_RINGBUF')) return DYNPTR_RINGBUF;
  if (flags.includes('DYNPTR_TYPE_SKB')) return DYNPTR_SKB;
  return flags.includes('DYNPTR_TYPE_XDP') ? DYNPTR_XDP : DYNPTR_INVALID;
}

/** `mark_stack_slots_dynptr` */
function markDynptr(env: Env, reg: Reg, type: number, insnIdx: number, cloneRef: number): void {
  const frame = env.cur.stackFrame(reg);
  const spi = dynptrSlot(env, reg);
  if (spi < 0 || type === DYNPTR_INVALID) env.quit('EINVAL');
  destroyDynptrAt(env, frame, spi);
  destroyDynptrAt(env, frame, spi - 1);
  const id = ++env.idGen;
  [spi, spi - 1].forEach((n, nth) => {
    const slot = frame.slot(n);
    slot.fill(STACK_DYNPTR);
    setDynptr(slot.reg, type, nth === 0, id);
  });
  const ref = refcounted(type) ? cloneRef || acquireReference(env, insnIdx) : 0;
  for (const n of [spi, spi - 1]) {
    const { reg: held } = frame.slot(n);
    held.refObjId = ref;
    held.live |= LIVE_WRITTEN;
  }
}

/** `unmark_stack_slots_dynptr`: released, with its clones and slices. */
export function unmarkDynptr(env: Env, reg: Reg): boolean {
  const frame = env.cur.stackFrame(reg);
  const spi = dynptrSlot(env, reg);
  if (spi < 0) return false;
  const { dynptrType, refObjId } = frame.slot(spi).reg;
  const drop = (n: number): void => {
    wipe(frame.slot(n));
    wipe(frame.slot(n - 1));
  };
  if (!refcounted(dynptrType)) {
    drop(spi);
    return true;
  }
  releaseReference(env, refObjId);
  for (let n = 1; n < frame.stack.length; n++) {
    const slot = frame.slot(n);
    if (slot.reg.refObjId === refObjId && slot.typeAt(0) === STACK_DYNPTR && slot.reg.dynptrFirst) drop(n);
  }
  return true;
}

function isInitialised(env: Env, reg: Reg): boolean {
  if (reg.type === R.CONST_PTR_TO_DYNPTR) return true;
  const spi = dynptrSlot(env, reg);
  if (spi < 0) return false;
  const frame = env.cur.stackFrame(reg);
  const whole = (n: number): boolean => frame.slot(n).isAll(STACK_DYNPTR);
  return frame.slot(spi).reg.dynptrFirst && whole(spi) && whole(spi - 1);
}

/** The register that describes a dynptr argument: itself, or the slot it points to. */
export function dynptrReg(env: Env, reg: Reg): Reg {
  if (reg.type === R.CONST_PTR_TO_DYNPTR) return reg;
  const spi = dynptrSlot(env, reg);
  if (spi < 0) env.quit('EINVAL');
  return env.cur.stackFrame(reg).slot(spi).reg;
}
export const dynptrIdOf = (env: Env, reg: Reg): number => dynptrReg(env, reg).id;
export const dynptrRefOf = (env: Env, reg: Reg): number =>
  reg.type === R.CONST_PTR_TO_DYNPTR ? 0 : dynptrReg(env, reg).refObjId;
export const dynptrTypeOf = (env: Env, reg: Reg): number => dynptrReg(env, reg).dynptrType;

/** The argument of a helper that is a dynptr. */
export function dynptrArg(env: Env, proto: HelperProto): Reg {
  const n = proto.args.findIndex((a) => a.type === 'ARG_PTR_TO_DYNPTR');
  return env.reg(n + 1);
}

/** A release needs a dynptr of the program's own that holds a reference. */
export function checkDynptrRelease(env: Env, reg: Reg, regno: number): void {
  if (reg.type !== R.PTR_TO_STACK) env.fail('EINVAL', 'cannot release unowned const bpf_dynptr');
  const spi = dynptrSlot(env, reg);
  if (spi < 0 || !env.cur.stackFrame(reg).slot(spi).reg.refObjId)
    env.fail('EINVAL', `arg ${regno} is an unacquired reference`);
}

/** How a dynptr argument is used. */
export interface DynptrUse {
  readonly uninit: boolean;
  readonly readOnly: boolean;
  readonly type: number;
  readonly cloneRef?: number;
}

export function checkDynptr(env: Env, reg: Reg, regno: number, insnIdx: number, use: DynptrUse): void {
  if (reg.type !== R.PTR_TO_STACK && reg.type !== R.CONST_PTR_TO_DYNPTR) {
    env.fail('EINVAL', `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`);
  }
  if (use.uninit) {
    const spi = reg.type === R.CONST_PTR_TO_DYNPTR ? -1 : dynptrSlot(env, reg);
    if (spi < 0 && spi !== NO_STACK_YET) env.fail('EINVAL', 'Dynptr has to be an uninitialized dynptr');
    for (const off of [0, 8]) checkMemAccess(env, { insnIdx, regno, off, size: 8, write: true, value: -1 });
    markDynptr(env, reg, use.type, insnIdx, use.cloneRef ?? 0);
    return;
  }
  if (reg.type === R.CONST_PTR_TO_DYNPTR && !use.readOnly)
    env.fail('EINVAL', 'cannot pass pointer to const bpf_dynptr, the helper mutates it');
  if (!isInitialised(env, reg)) env.fail('EINVAL', `Expected an initialized dynptr as arg #${regno - 1}`);
  if (use.type !== DYNPTR_INVALID && dynptrTypeOf(env, reg) !== use.type) {
    env.fail('EINVAL', `Expected a dynptr of type ${dynptrTypeText(use.type)} as arg #${regno - 1}`);
  }
  if (reg.type === R.CONST_PTR_TO_DYNPTR) return;
  const frame = env.cur.stackFrame(reg);
  const spi = dynptrSlot(env, reg);
  markSlotRead(env, frame.slot(spi).reg);
  markSlotRead(env, frame.slot(spi - 1).reg);
}

export function processDynptr(env: Env, reg: Reg, regno: number, insnIdx: number, arg: HelperArg): void {
  checkDynptr(env, reg, regno, insnIdx, {
    uninit: arg.flags.includes('MEM_UNINIT'),
    readOnly: arg.flags.includes('MEM_RDONLY'),
    type: dynptrTypeOfFlags(arg.flags),
  });
}
