/** Where the stepper takes over: the state goes to memory as it is there, and the unit returns. */
import { addrHi, addrLo } from '../../addr.ts';
import { CPU, RBP, RSP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { FunctionBody, I32, I64, type ModuleBuilder, OP, type ValType } from '../../wasm/encoder.ts';
import type { Block } from '../ir/ir.ts';
import { LEFT, type Left, MAIL } from '../ir/mailbox.ts';
import { DYNAMIC, type ExitPoint, type Uop } from '../ir/uop.ts';
import { leftCode } from './calls.ts';
import type { Emitter } from './emitter.ts';

/** Stores the state for the host: rip, budget, count, registers, flags. One function keeps the many cold places small. */
export function spillFunction(module: ModuleBuilder, regs: readonly number[], marks: boolean): number {
  const rest = regs.filter((r) => r !== RSP && r !== RBP);
  const params: ValType[] = [I64, I32, ...(marks ? [I32 as ValType] : []), I64, I64, I32, I64, I64, I32, I64, I64];
  for (const _ of rest) params.push(I64);
  const body = new FunctionBody(params, []);
  const put = (at: number, param: number): void => {
    body
      .i32(0)
      .get(param)
      .mem(params[param] === I64 ? OP['i64.store'] : OP['i32.store'], at);
  };
  const reg = (r: number): number => CPU_PHYS + CPU.regs + 8 * r;
  const flags = [MAIL.code, MAIL.a, MAIL.b, MAIL.over, MAIL.oa, MAIL.ob];
  const places = [CPU_PHYS + CPU.rip, MAIL.left, ...(marks ? [MAIL.marked] : [])];
  places.push(reg(RSP), reg(RBP), ...flags, ...rest.map(reg));
  for (let i = 0; i < places.length; i++) put(places[i]!, i);
  return module.shared(`spill ${regs} ${marks}`, body);
}

/** Leaves at a point, or where the variable `rip` says. */
export function emitExit(e: Emitter, at: ExitPoint, left: Left, rip = -1): void {
  emitSpill(e, at, rip);
  returnLeft(e, left);
}

/** Returns: the state is in memory. */
export function returnLeft(e: Emitter, left: Left): void {
  e.body.i32(leftCode(e.o.slot, left)).i64(0, 0).op(OP.return);
}

/** Stores the state as it is at a point. */
export function emitSpill(e: Emitter, at: ExitPoint, rip: number): void {
  const { body, l } = e;
  if (rip >= 0) e.get(rip);
  else body.i64(addrLo(at.rip), addrHi(at.rip));
  body.get(l.budget);
  const undone = e.block.count - at.done;
  if (undone > 0) body.i32(undone).op(OP['i32.add']);
  if (l.marked !== undefined) {
    body.get(l.marked);
    const { weights } = e.block;
    const unmarked = weights === undefined ? 0 : weights.at(-1)! - weights[at.done]!;
    if (unmarked > 0) body.i32(unmarked).op(OP['i32.sub']);
  }
  e.stackAddress(at.sp);
  if (at.bp !== DYNAMIC) e.stackAddress(at.bp);
  else body.get(l.regs[RBP]!);
  body.code.bytes(e.spillTail);
}

/** Leaves where a guess is wrong. */
export function emitExpect(e: Emitter, u: Extract<Uop, { op: 'expect' }>): void {
  const { body } = e;
  if (u.sp !== undefined) {
    e.get(u.a);
    e.stackAddress(u.sp);
    body.op(OP['i64.ne']);
  } else if (u.w === 8) {
    e.get(u.a)
      .i64(u.lo, u.hi)
      .op(u.not ? OP['i64.eq'] : OP['i64.ne']);
  } else {
    e.get(u.a)
      .op(OP['i32.wrap_i64'])
      .i32(u.lo)
      .op(u.not ? OP['i32.eq'] : OP['i32.ne']);
  }
  body.open('if');
  emitExit(e, u.exit, LEFT.step);
  body.end();
}

/** In front of a back edge. `level`: 0 until it is spent, 1 leaving `soft`, 2 a quarter of that. */
export function emitBudgetCheck(e: Emitter, to: Block, need: number, level: number): void {
  const { body, l } = e;
  body.get(l.budget).i32(need);
  if (level > 0) body.get(l.soft);
  if (level > 1) body.i32(2).op(OP['i32.shr_u']);
  if (level > 0) body.op(OP['i32.add']);
  body.op(OP['i32.lt_s']).open('if');
  emitExit(e, { rip: to.rip, done: e.block.count, sp: to.sp, bp: to.bp }, LEFT.budget);
  body.end();
}
