/**
 * Register assignment: arch/x86/net/bpf_jit_comp.c of Linux 6.12 maps BPF's calling convention
 * onto the System V ABI (AMD64 psABI 3.2.1), so helper calls need no moves.
 */
import { r8, r10, r11, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../x86/index.ts';
import { JitError } from './types.ts';

/** BPF register to x86 register: R0..R9, FP, AX (the kernel's scratch register of rewritten programs). */
export const BPF_TO_X86: readonly number[] = [rax, rdi, rsi, rdx, rcx, r8, rbx, r13, r14, r15, rbp, r10];

/** Scratch register of the lowerings themselves. */
export const AUX = r11;
/** `BPF_REG_AX`'s home. */
export const AX = r10;
/** Base of an arena's kernel mapping. */
export const ARENA_BASE = r12;

/** Callee-saved registers that BPF programs use, in push order: R6, R7, R8, R9. */
export const CALLEE_SAVED: readonly (readonly [bpf: number, x86: number])[] = [
  [6, rbx],
  [7, r13],
  [8, r14],
  [9, r15],
];

/** The x86 register of a BPF register. */
export function reg(bpf: number): number {
  const x86 = BPF_TO_X86[bpf];
  if (x86 === undefined) throw new JitError(`register r${bpf} does not exist`);
  return x86;
}
