/** The registers of `struct pt_regs`, onto the stack and off it (arch/x86/entry/calling.h); the order is the structure's, from its end. */
import { type Assembler, at, GPR } from '../../../src/x86/index.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } = GPR;

/** behind rdi, rsi */
const REST = [r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15];

/** pushes rdi .. r15 below what is on the stack: the rest of pt_regs */
export function pushRegs(a: Assembler, axValue: number | undefined): void {
  for (const r of [rdi, rsi, rdx, rcx]) a.op('push r64', r);
  if (axValue === undefined) a.op('push r64', rax);
  else a.op('push imm8', axValue);
  for (const r of REST) a.op('push r64', r);
}
/** As {@link pushRegs}, of a function that was called for it: the return address goes below them. */
export function pushRegsUnderReturn(a: Assembler): void {
  a.op('push r64', rsi);
  a.op('mov r64, r/m64', rsi, at(rsp, 8));
  a.op('mov r/m64, r64', at(rsp, 8), rdi);
  for (const r of [rdx, rcx, rax, ...REST]) a.op('push r64', r);
  a.op('push r64', rsi);
}
export function popRegs(a: Assembler, keepDi = false): void {
  for (const r of [r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi]) a.op('pop r64', r);
  if (!keepDi) a.op('pop r64', rdi);
}
/** rsp = struct pt_regs, with its code segment at `cs`: back to what was interrupted, in user mode or in the kernel. */
export function returnToInterrupted(a: Assembler, cs: number): void {
  const kernel = a.label();
  a.op('test r/m8, imm8', at(rsp, cs), 3);
  a.op('je rel8', kernel);
  a.op('swapgs');
  a.bind(kernel);
  popRegs(a);
  a.op('add r/m64, imm8', rsp, 8);
  a.op('iretq');
}
