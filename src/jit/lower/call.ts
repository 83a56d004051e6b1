/** Calls and returns: RFC 9669 section 4.3.1 and 4.3.2; BPF's registers are already where the ABI wants them. */
import { type Insn, isLocalCall } from '../../isa/index.ts';
import { at, rax, rbp } from '../../x86/index.ts';
import type { FuncContext } from '../context.ts';
import { popSaved, tailCountPointer } from '../frame.ts';
import { JitError } from '../types.ts';

export function call(c: FuncContext, insn: Insn): void {
  const local = isLocalCall(insn);
  if (insn.imm === 0 && !local) throw new JitError(`call at instruction ${c.slot} names no function`);
  // a callee that may tail-call finds the counter by the pointer in rax; Linux 6.12 passes it to helpers too
  if (c.func.tailCallReachable) c.op('mov r64, r/m64', rax, at(rbp, tailCountPointer(c), 4));
  c.far('call rel32', (local ? c.localTarget(insn.imm) : undefined) ?? c.input.callBase + BigInt(insn.imm));
}

/** The first exit holds the epilogue, the others jump to it. */
export function exit(c: FuncContext): void {
  if (c.seenExit) {
    c.jmp(c.cleanup - (c.ends[c.slot + 1] as number), false);
    return;
  }
  c.seenExit = true;
  c.cleanup = c.ends[c.slot] as number;
  popSaved(c);
  c.op('leave');
  if (c.features.rethunk) c.far('jmp rel32', c.input.symbol(c.features.returnThunk ?? '__x86_return_thunk'));
  else c.op('ret').op('int3');
}
