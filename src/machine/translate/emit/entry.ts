/** What a unit does when it is entered: looks at budget and frame, loads runs, registers and flags. */
import { CPU, RBP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { type FunctionBody, OP } from '../../wasm/encoder.ts';
import type { Unit } from '../ir/ir.ts';
import { LEFT, type Left, MAIL, RUN } from '../ir/mailbox.ts';
import { DYNAMIC } from '../ir/uop.ts';
import { MAX_NESTED, PASSED } from './calls.ts';
import type { Locals } from './locals.ts';
import { loadFlags } from './mail-flags.ts';

/** `need`: budget that the unit wants at least; `refuse`: leaves, nothing has happened. */
export function emitEntry(
  body: FunctionBody,
  l: Locals,
  unit: Unit,
  loaded: readonly number[],
  need: number,
  refuse: (left: Left) => void,
): void {
  const load = (at: number, to: number): void => {
    body.i32(0).mem(OP['i64.load'], at).set(to);
  };
  body.get(l.budget).i32(need).op(OP['i32.lt_s']).open('if');
  refuse(LEFT.budget);
  body.end();
  // What was called gives the machine back later than its caller, whose loops are the outer ones.
  body.i32(0).mem(OP['i32.load'], MAIL.soft);
  body.get(l.depth).i32(MAX_NESTED).op(OP['i32.ne']).i32(1).op(OP['i32.shl']).op(OP['i32.shr_u']).set(l.soft);
  l.runs.forEach((run, slot) => {
    if (run === undefined) return;
    const at = MAIL.runs + slot * RUN.size;
    load(at + RUN.start, run.start);
    load(at + RUN.bytes, run.bytes);
    body
      .i32(0)
      .mem(OP['i32.load'], at + RUN.delta)
      .set(run.delta);
  });
  const stack = l.runs[0]!;
  const { frame } = unit;
  if (frame.lo !== frame.hi) {
    // rsp0 + lo - start must be at most its bytes - (hi - lo), as unsigned numbers
    const bytes = frame.hi - frame.lo;
    body.get(stack.bytes).i64(bytes, 0).op(OP['i64.lt_u']).open('if');
    refuse(LEFT.frame);
    body.end();
    body
      .get(l.rsp0)
      .i64(frame.lo, frame.lo >> 31)
      .op(OP['i64.add'])
      .tee(l.i64)
      .get(stack.start)
      .op(OP['i64.sub']);
    body.get(stack.bytes).i64(bytes, 0).op(OP['i64.sub']).op(OP['i64.gt_u']);
    body.open('if');
    refuse(LEFT.frame);
    body.end();
    body.get(l.i64).op(OP['i32.wrap_i64']).get(stack.delta).op(OP['i32.add']).set(l.frame);
  }
  if (unit.bp !== DYNAMIC) {
    body.get(l.regs[RBP]!);
    body
      .get(l.rsp0)
      .i64(unit.bp, unit.bp >> 31)
      .op(OP['i64.add'])
      .op(OP['i64.ne']);
    body.open('if');
    refuse(LEFT.frame);
    body.end();
  }
  for (const r of loaded) if (!PASSED.includes(r)) load(CPU_PHYS + CPU.regs + 8 * r, l.regs[r]!);
  if (l.marked !== undefined) body.i32(0).mem(OP['i32.load'], MAIL.marked).set(l.marked);
  loadFlags(body, l);
}
