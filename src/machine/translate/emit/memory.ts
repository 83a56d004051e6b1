/** Loads, stores, and the checks before them: by window, run of pages or software TLB (see runs.ts). */
import { addrHi, addrLo } from '../../addr.ts';
import { GENERAL_ZONE_PHYS, PAGE_OFFSET, TLB_ENTRIES, TLB_PHYS, TLB_TABLE_BYTES } from '../../layout.ts';
import { OP } from '../../wasm/encoder.ts';
import { runSlot } from '../ir/address-class.ts';
import { LEFT } from '../ir/mailbox.ts';
import type { Uop } from '../ir/uop.ts';
import type { Emitter } from './emitter.ts';
import { emitExit } from './exit.ts';

/** By width. */
const LOAD = [0, OP['i64.load8_u'], OP['i64.load16_u'], 0, OP['i64.load32_u'], 0, 0, 0, OP['i64.load']];
const LOAD_SIGNED = [0, OP['i64.load8_s'], OP['i64.load16_s'], 0, OP['i64.load32_s'], 0, 0, 0, OP['i64.load']];
const STORE = [0, OP['i64.store8'], OP['i64.store16'], 0, OP['i64.store32'], 0, 0, 0, OP['i64.store']];
/** A run of pages is at least a page. */
const MIN_RUN = 4096;
/** No check covers more; an access farther from its pointer is the stepper's. */
const MAX_SPAN = 1 << 24;

/** Leaves unless a range is accessible. */
export function emitCheck(e: Emitter, u: Extract<Uop, { op: 'check' }>): void {
  const { body, l } = e;
  if (u.cls === 'tlb') {
    lookup(e, u);
    return;
  }
  // The pointer itself must be inside too, so that its low half plus the displacement does not wrap.
  const lo = Math.min(u.lo, 0);
  const bytes = Math.max(u.hi, 1) - lo;
  if (bytes > (u.cls === 'direct' ? MAX_SPAN : MIN_RUN)) {
    emitExit(e, u.exit, LEFT.step);
    return;
  }
  e.get(u.a);
  if (u.cls === 'direct') {
    const add = -(PAGE_OFFSET + GENERAL_ZONE_PHYS) + lo;
    const limit = e.o.window.end - GENERAL_ZONE_PHYS - bytes;
    body.i64(addrLo(add), addrHi(add)).op(OP['i64.add']).i64(limit, 0).op(OP['i64.gt_u']);
  } else {
    const run = l.runs[runSlot(u.cls)]!;
    body.get(run.start).op(OP['i64.sub']);
    if (lo !== 0) body.i64(lo, lo >> 31).op(OP['i64.add']);
    body.get(run.bytes).i64(bytes, 0).op(OP['i64.sub']).op(OP['i64.gt_u']);
  }
  body.open('if');
  emitExit(e, u.exit, LEFT.step);
  body.end();
}

/** The software TLB, as paged-memory.ts has it. */
function lookup(e: Emitter, u: Extract<Uop, { op: 'check' }>): void {
  const { body, l } = e;
  const table = TLB_PHYS + (u.write ? TLB_TABLE_BYTES : 0);
  const size = u.hi - u.lo;
  e.get(u.a);
  if (u.lo !== 0) body.i64(u.lo, u.lo >> 31).op(OP['i64.add']);
  body.tee(l.i64).i64(12, 0).op(OP['i64.shr_u']).op(OP['i32.wrap_i64']);
  body
    .i32(TLB_ENTRIES - 1)
    .op(OP['i32.and'])
    .i32(4)
    .op(OP['i32.shl'])
    .tee(l.i32);
  body.mem(OP['i64.load'], table).get(l.i64);
  if (size > 1) body.i64(size - 1, 0).op(OP['i64.add']);
  body.i64(4095, 0).op(OP['i64.or']).op(OP['i64.ne']).open('if');
  emitExit(e, u.exit, LEFT.step);
  body.end();
  body.get(l.i32).mem(OP['i64.load32_u'], table + 8);
  body.get(l.i64).i64(4095, 0).op(OP['i64.and']).op(OP['i64.or']);
  e.set(u.p);
}

/** Pushes the i32 index of a load or store; {@link offsetOf} is the rest. */
function emitAddress(e: Emitter, u: Extract<Uop, { op: 'load' | 'store' }>): void {
  const { body, l } = e;
  if (u.cls === 'tlb') {
    e.get(u.p).op(OP['i32.wrap_i64']);
    return;
  }
  // PAGE_OFFSET's low half is zero: an address in the direct map is its offset in memory.
  e.get(u.a).op(OP['i32.wrap_i64']);
  if (u.cls !== 'direct') body.get(l.runs[runSlot(u.cls)]!.delta).op(OP['i32.add']);
  if (u.disp < 0) body.i32(u.disp).op(OP['i32.add']);
}

function offsetOf(u: { disp: number; cls: string }): number {
  return u.cls === 'tlb' || u.disp < 0 ? 0 : u.disp;
}

export function emitLoad(e: Emitter, u: Extract<Uop, { op: 'load' }>): void {
  emitAddress(e, u);
  e.body.mem((u.sign ? LOAD_SIGNED : LOAD)[u.w]!, offsetOf(u));
  e.set(u.d);
}

export function emitStore(e: Emitter, u: Extract<Uop, { op: 'store' }>): void {
  emitAddress(e, u);
  e.value(u.b, u.lo, u.hi);
  e.body.mem(STORE[u.w]!, offsetOf(u));
}

/** From the frame, which was checked at entry. */
export function emitFrameLoad(e: Emitter, u: Extract<Uop, { op: 'load.sp' }>): void {
  e.body.get(e.l.frame).mem((u.sign ? LOAD_SIGNED : LOAD)[u.w]!, u.disp - e.unit.frame.lo);
  e.set(u.d);
}

export function emitFrameStore(e: Emitter, u: Extract<Uop, { op: 'store.sp' }>): void {
  e.body.get(e.l.frame);
  e.value(u.b, u.lo, u.hi);
  e.body.mem(STORE[u.w]!, u.disp - e.unit.frame.lo);
}
