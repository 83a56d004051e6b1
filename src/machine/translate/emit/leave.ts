/** The end of a unit, and hypercalls, from which it may not come back. */
import { addrLo } from '../../addr.ts';
import { OP } from '../../wasm/encoder.ts';
import type { Terminator } from '../ir/ir.ts';
import { LEFT, MAIL, VMCALL } from '../ir/mailbox.ts';
import type { ExitPoint } from '../ir/uop.ts';
import { emitJump, emitReturn, loadRegisters } from './direct-call.ts';
import type { Emitter } from './emitter.ts';
import { emitExit, emitSpill, returnLeft } from './exit.ts';
import { loadFlags } from './mail-flags.ts';

export function emitLeave(e: Emitter, term: Extract<Terminator, { kind: 'leave' }>): void {
  if (term.way === 'return') emitReturn(e, term);
  else if (term.way !== undefined) {
    emitJump(e, term);
    return;
  }
  if (term.site !== undefined) e.body.i32(0).i32(addrLo(term.site)).mem(OP['i32.store'], MAIL.site);
  emitExit(e, term.exit, term.step ? LEFT.stop : LEFT.transfer, term.a);
}

/** A hypercall, with the state in memory. `need`: what the code behind it wants of the budget. */
export function emitVmcall(e: Emitter, at: ExitPoint, need: number): void {
  const { body, l } = e;
  emitSpill(e, at, -1);
  body.call(e.o.vmcall).tee(l.i32).i32(VMCALL.leave).op(OP['i32.eq']).open('if');
  returnLeft(e, LEFT.vmcall);
  body.end();
  loadRegisters(e, at.bp);
  if (l.marked !== undefined) body.i32(0).set(l.marked);
  body.get(l.i32).open('if');
  loadFlags(body, l);
  body.i32(0).mem(OP['i32.load'], MAIL.left).tee(l.budget).i32(need).op(OP['i32.lt_s']).open('if');
  emitExit(e, at, LEFT.budget);
  body.end().end();
}
