/**
 * Exception delivery in 64-bit mode: Intel SDM vol. 3A, 6.14.2 "64-Bit Mode Stack Frame" and
 * 6.14.4 "Stack Switching in IA-32e Mode". Every gate is an interrupt gate, as in Linux.
 *
 *     [ss] [rsp] [rflags] [cs] [rip] [error code, for #DF #SS #GP #PF]   <- new rsp, aligned to 16 before the first push
 */
import { type Addr, addrHi, addrLo } from './addr.ts';
import { type CpuState, FLAG, KERNEL_CS, KERNEL_DS, RSP } from './cpu.ts';
import { Fault, GuestFault, VECTOR } from './fault.ts';
import type { GuestMemory } from './memory.ts';

const HAS_ERROR_CODE: ReadonlySet<number> = new Set([VECTOR.df, VECTOR.ss, VECTOR.gp, VECTOR.page]);

/** Pushes the frame and jumps to `handler`. Gives a double fault where the stack is not there. */
export function deliver(cpu: CpuState, memory: GuestMemory, fault: Fault, handler: Addr): Fault | undefined {
  const saved = { cs: cpu.cs, ss: cpu.ss, rsp: cpu.reg(RSP), rflags: cpu.rflags };
  const user = cpu.cpl === 3;
  const stack = user ? cpu.rsp0 : saved.rsp;
  let rsp = stack - (((addrLo(stack) & 15) + 16) & 15);
  const push = (value: Addr): void => {
    rsp -= 8;
    memory.store64(addrLo(rsp), addrHi(rsp), addrLo(value), addrHi(value));
  };
  if (fault.kind === 'page' && fault.address !== undefined) cpu.cr2 = fault.address;
  if (user) cpu.cs = KERNEL_CS;
  try {
    push(saved.ss);
    push(saved.rsp);
    push(saved.rflags);
    push(saved.cs);
    push(fault.rip);
    if (HAS_ERROR_CODE.has(fault.vector)) push(fault.errorCode);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    cpu.cs = saved.cs;
    return new Fault('df', fault.rip, {
      address: error.address,
      detail: `delivering vector ${fault.vector} found no stack`,
    });
  }
  cpu.cs = KERNEL_CS;
  if (user) cpu.ss = KERNEL_DS;
  cpu.setReg(RSP, rsp);
  cpu.rflags = saved.rflags & ~(FLAG.IF | FLAG.TF | FLAG.NT | FLAG.RF);
  cpu.rip = handler;
  return undefined;
}
