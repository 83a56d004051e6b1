/** Open-coded iterators: their state on the stack, and the loop that next() makes (process_iter_arg(), process_iter_next_call()). */

import { skipModifiers } from '../../access/btfwalk.ts';
import { checkMemAccess } from '../../access/mem.ts';
import type { Env } from '../../env/env.ts';
import { inRcu } from '../../env/section.ts';
import { iterTypeText } from '../../log/regs.ts';
import { bucketOf } from '../../prune/list.ts';
import { markSlotRead } from '../../prune/liveness.ts';
import { previousEntry, sameCallsites, widenImprecise } from '../../prune/loops.ts';
import { markNonNull } from '../../state/nullness.ts';
import { ITER_ACTIVE, ITER_DRAINED, LIVE_WRITTEN, type Reg } from '../../state/reg.ts';
import * as R from '../../state/regtype.ts';
import { markConstZero } from '../../state/scalar.ts';
import { SLOT_SIZE, STACK_INVALID, STACK_ITER } from '../../state/stack.ts';
import type { VerifierState } from '../../state/state.ts';
import { acquireReference, releaseReference } from '../refs.ts';
import { NO_STACK_YET, objectSlot } from '../stackobj.ts';
import type { KfuncMeta } from './meta.ts';

interface IterType {
  readonly id: number;
  readonly slots: number;
  readonly text: string;
}

/** The iterator's structure, `bpf_iter_NAME` of whole slots. */
function iterType(env: Env, meta: KfuncMeta, n: number): IterType {
  const param = meta.proto.params[n];
  const ptr = param ? skipModifiers(meta.btf, param.type) : undefined;
  const t = ptr?.kind === 'ptr' ? skipModifiers(meta.btf, ptr.type) : undefined;
  if (t?.kind !== 'struct' || !t.name.startsWith('bpf_iter_'))
    env.fail('EINVAL', `expected valid iter pointer as arg #${n}`);
  return { id: t.id, slots: t.size / SLOT_SIZE, text: iterTypeText(t.name) };
}

function isFree(env: Env, reg: Reg, slots: number): boolean {
  const spi = objectSlot(env, reg, 'iter', slots);
  if (spi === NO_STACK_YET) return true;
  if (spi < 0) return false;
  const frame = env.cur.stackFrame(reg);
  for (let n = 0; n < slots; n++) if (frame.slot(spi - n).has(STACK_ITER)) return false;
  return true;
}

/** undefined where the iterator is there and usable, else the errno. */
function unusable(env: Env, meta: KfuncMeta, reg: Reg, type: IterType): string | undefined {
  const spi = objectSlot(env, reg, 'iter', type.slots);
  if (spi < 0) return 'EINVAL';
  const frame = env.cur.stackFrame(reg);
  for (let n = 0; n < type.slots; n++) {
    const slot = frame.slot(spi - n);
    if (slot.reg.type & R.PTR_UNTRUSTED) return 'EPROTO';
    if ((n === 0) !== (slot.reg.refObjId !== 0)) return 'EINVAL';
    if (slot.reg.btf !== meta.btf || slot.reg.btfId !== type.id || !slot.isAll(STACK_ITER)) return 'EINVAL';
  }
  return undefined;
}

function create(env: Env, meta: KfuncMeta, reg: Reg, type: IterType, insnIdx: number): void {
  const spi = objectSlot(env, reg, 'iter', type.slots);
  if (spi < 0) env.quit(spi === NO_STACK_YET ? 'ERANGE' : 'EINVAL');
  const id = acquireReference(env, insnIdx);
  const guard = meta.has('KF_RCU_PROTECTED') ? (inRcu(env) ? R.MEM_RCU : R.PTR_UNTRUSTED) : 0;
  const frame = env.cur.stackFrame(reg);
  for (let n = 0; n < type.slots; n++) {
    const slot = frame.slot(spi - n);
    const st = slot.reg;
    st.markKnown(0n);
    st.type = R.PTR_TO_STACK | guard;
    st.live |= LIVE_WRITTEN;
    st.refObjId = n === 0 ? id : 0;
    st.btf = meta.btf;
    st.btfId = type.id;
    st.iterState = ITER_ACTIVE;
    st.iterDepth = 0;
    slot.fill(STACK_ITER);
    env.scratchSlot(spi - n);
  }
}

function destroy(env: Env, reg: Reg, spi: number, slots: number): void {
  const frame = env.cur.stackFrame(reg);
  for (let n = 0; n < slots; n++) {
    const slot = frame.slot(spi - n);
    if (n === 0) releaseReference(env, slot.reg.refObjId);
    slot.reg.clear();
    slot.reg.live |= LIVE_WRITTEN;
    slot.fill(STACK_INVALID);
    env.scratchSlot(spi - n);
  }
}

export function processIter(env: Env, meta: KfuncMeta, reg: Reg, n: number, insnIdx: number): void {
  if (reg.type !== R.PTR_TO_STACK) env.fail('EINVAL', `arg#${n} expected pointer to an iterator on stack`);
  const type = iterType(env, meta, n);
  if (meta.isIterNew) {
    if (!isFree(env, reg, type.slots)) env.fail('EINVAL', `expected uninitialized iter_${type.text} as arg #${n}`);
    for (let off = 0; off < type.slots * SLOT_SIZE; off += SLOT_SIZE)
      checkMemAccess(env, { insnIdx, regno: n + 1, off, size: SLOT_SIZE, write: true, value: -1 });
    create(env, meta, reg, type, insnIdx);
    return;
  }
  const errno = unusable(env, meta, reg, type);
  if (errno)
    env.fail(
      errno,
      errno === 'EPROTO'
        ? `expected an RCU CS when using ${meta.name}`
        : `expected an initialized iter_${type.text} as arg #${n}`,
    );
  const spi = objectSlot(env, reg, 'iter', type.slots);
  const frame = env.cur.stackFrame(reg);
  for (let k = 0; k < type.slots; k++) {
    markSlotRead(env, frame.slot(spi - k).reg);
    env.scratchSlot(spi - k);
  }
  meta.iterSpi = spi;
  meta.iterFrame = reg.frameno;
  meta.refObjId = frame.slot(spi).reg.refObjId;
  if (meta.isIterDestroy) destroy(env, reg, spi, type.slots);
}

export const iterOf = (state: VerifierState, meta: KfuncMeta): Reg =>
  state.frameAt(meta.iterFrame).slot(meta.iterSpi).reg;

/** next() gave an element on the queued path, none on this one. */
export function branchNext(env: Env, meta: KfuncMeta, insnIdx: number): void {
  const { cur } = env;
  const iter = iterOf(cur, meta);
  if (iter.iterState === ITER_ACTIVE) {
    const { parent } = cur;
    if (!parent || parent.insnIdx !== insnIdx || !sameCallsites(parent, cur))
      env.fail('EFAULT', 'bug: bad parent state for iter next call');
    const before = previousEntry(env, parent, insnIdx, bucketOf(env, insnIdx));
    const queued = env.pushState(insnIdx + 1, insnIdx, false);
    const active = iterOf(queued, meta);
    active.iterState = ITER_ACTIVE;
    active.iterDepth++;
    if (before) widenImprecise(env, before, queued);
    markNonNull(env, queued.frame.reg(0));
  }
  iter.iterState = ITER_DRAINED;
  markConstZero(env, env.reg(0));
}
