/** Calls of translated code by translated code, returns and jumps into it, as calls.ts has them. */
import { addrHi, addrLo } from '../../addr.ts';
import { CPU, RAX, RBP, RSP } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import { type FunctionBody, OP } from '../../wasm/encoder.ts';
import type { Terminator } from '../ir/ir.ts';
import { LEFT, MAIL } from '../ir/mailbox.ts';
import { DYNAMIC, type ExitPoint } from '../ir/uop.ts';
import { PARAMS, PASSED } from './calls.ts';
import type { Emitter } from './emitter.ts';
import { emitExit } from './exit.ts';
import { loadFlags, storeFlags } from './mail-flags.ts';

const register = (n: number): number => CPU_PHYS + CPU.regs + 8 * n;

/** Pushes the unit's own parameters as they are at entry. */
export function passParameters(body: FunctionBody): void {
  for (let i = 0; i < PARAMS.length; i++) body.get(i);
}

/** Loads the unit's registers behind a call; rbp where it is not a known offset. */
export function loadRegisters(e: Emitter, bp: number, but = -1): void {
  for (const r of e.o.loaded) {
    if (r === but || (r === RBP && bp !== DYNAMIC)) continue;
    e.body.i32(0).mem(OP['i64.load'], register(r)).set(e.l.regs[r]!);
  }
}

/** Stores what other translated code finds in memory: registers that this unit may have changed, flags, marks. */
function share(e: Emitter, but: readonly number[]): void {
  const { body, l } = e;
  for (const r of e.o.spilled) {
    if (r === RSP || but.includes(r)) continue;
    body.i32(0).get(l.regs[r]!).mem(OP['i64.store'], register(r));
  }
  if (l.marked !== undefined) body.i32(0).get(l.marked).mem(OP['i32.store'], MAIL.marked);
  storeFlags(body, l);
}

function pushRbp(e: Emitter, bp: number): void {
  if (bp !== DYNAMIC) e.stackAddress(bp);
  else e.get(RBP);
}

/** Pushes the parameters for code that starts at `at`; `rsp`: the variable that has it, where it is no known offset. */
function pass(e: Emitter, at: ExitPoint, back: () => void, rsp = -1): void {
  const { body, l } = e;
  body.get(l.budget);
  if (rsp >= 0) e.get(rsp);
  else e.stackAddress(at.sp);
  body.get(l.depth).i32(1).op(OP['i32.sub']);
  back();
  for (const r of PASSED) {
    if (r === RBP) pushRbp(e, at.bp);
    else e.get(r);
  }
}

/** Stores rip and pushes what says where to go: the slot, or the address in variable `a`. */
function aim(e: Emitter, at: ExitPoint, a: number): void {
  const { body } = e;
  body.i32(0);
  if (a >= 0) e.get(a);
  else body.i64(addrLo(at.rip), addrHi(at.rip));
  body.mem(OP['i64.store'], CPU_PHYS + CPU.rip);
  if (a >= 0) e.get(a);
  else body.i32(e.o.slotOf(at.rip));
}

/** `need`: what the code behind the call wants of the budget. */
export function emitCall(e: Emitter, term: Extract<Terminator, { kind: 'call' }>, need: number): void {
  const { body, l } = e;
  const { exit, next, a } = term;
  share(e, PASSED);
  aim(e, exit, a);
  pass(e, exit, () => {
    body.i64(addrLo(next.rip), addrHi(next.rip));
    e.stackAddress(exit.sp);
  });
  body.call(a >= 0 ? e.o.calls.jump : e.o.calls.call);
  body.set(l.regs[RAX]!).tee(l.budget).i32(0).op(OP['i32.lt_s']).open('if');
  body.get(l.budget).i64(0, 0).op(OP.return).end();
  loadRegisters(e, DYNAMIC, RAX);
  if (l.marked !== undefined) body.i32(0).mem(OP['i32.load'], MAIL.marked).set(l.marked);
  loadFlags(body, l);
  if (need === 0) return;
  body.get(l.budget).i32(need).op(OP['i32.lt_s']).open('if');
  emitExit(e, next, LEFT.budget);
  body.end();
}

/** Returns to the unit that called, if the return address in variable `a` and where it lay are what that expects. */
export function emitReturn(e: Emitter, term: Extract<Terminator, { kind: 'leave' }>): void {
  const { body, l } = e;
  e.get(term.a).get(l.back).op(OP['i64.eq']);
  e.stackAddress(term.exit.sp - 8);
  body.get(l.backAt).op(OP['i64.eq']).op(OP['i32.and']).open('if');
  share(e, [RAX, RBP]);
  body.i32(0);
  pushRbp(e, term.exit.bp);
  body.mem(OP['i64.store'], register(RBP)).get(l.budget);
  if (e.o.loaded.includes(RAX)) e.get(RAX);
  else body.i32(0).mem(OP['i64.load'], register(RAX));
  body.op(OP.return).end();
}

/** Goes on where variable `a` says, or with that as rsp, in this unit's stead. */
export function emitJump(e: Emitter, term: Extract<Terminator, { kind: 'leave' }>): void {
  const { body, l } = e;
  const stack = term.way === 'stack';
  share(e, PASSED);
  aim(e, term.exit, stack ? -1 : term.a);
  pass(e, term.exit, () => body.get(l.back).get(l.backAt), stack ? term.a : -1);
  body.call(stack ? e.o.calls.call : e.o.calls.jump).op(OP.return);
}
