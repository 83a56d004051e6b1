/**
 * Prologue, and what epilogue and tail calls share of it. Entry of a function in Linux 6.12:
 *
 *     endbr64                 only where CONFIG_X86_KERNEL_IBT
 *     nop5                    becomes `call` when a trampoline attaches
 *     xor rax, rax  | nop3    entry of a program that tail-calls: the count starts at 0
 *     push rbp; mov rbp, rsp
 *     endbr64                 tail calls land here, X86_TAIL_CALL_OFFSET
 *     sub rsp, depth          where there is a BPF stack
 *     ...                     the tail-call count
 *     push callee-saved
 */
import { r12, r13, r14, r15, rax, rbp, rbx, rdx, rsi, rsp } from '../x86/index.ts';
import type { FuncContext } from './context.ts';
import { moveImm64 } from './lower/mov.ts';
import { ARENA_BASE } from './regs.ts';

export const MAX_TAIL_CALL_CNT = 33;
/** Frame offset of the pointer to the tail-call count. */
export const tailCountPointer = (c: FuncContext): number => -16 - c.frame;

/** An exception unwinds to the boundary's frame, so that saves everything. */
const ALL_SAVED: readonly number[] = [rbx, r13, r14, r15];

/** Registers as pushed: at an exception boundary all, below them r12. */
const saved = (c: FuncContext): readonly number[] => {
  if (c.func.exceptionBoundary) return [r12, ...ALL_SAVED];
  return c.input.arena ? [r12, ...c.saved] : c.saved;
};

export function popSaved(c: FuncContext): void {
  for (const x86 of [...saved(c)].reverse()) c.op('pop r64', x86);
}

export function prologue(c: FuncContext): void {
  if (c.features.ibt) c.op('endbr64');
  c.asm.nops(5);
  if (!c.input.classic) {
    if (c.func.tailCallReachable && !c.isSubprog) c.op('xor r/m64, r64', rax, rax);
    else c.asm.nops(3);
  }
  if (c.func.isExceptionCb) {
    // called with the boundary's stack and frame pointers as second and third argument
    c.op('mov r/m64, r64', rsp, rsi).op('mov r/m64, r64', rbp, rdx);
    for (const x86 of [r12, ...ALL_SAVED].reverse()) c.op('pop r64', x86);
    c.op('mov r/m64, r64', rsp, rbp);
  } else {
    c.op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
  }
  if (c.features.ibt) c.op('endbr64');
  if (c.func.stackDepth > 0) c.op('sub r/m64, imm32', rsp, c.frame);
  if (c.func.tailCallReachable) tailCallCount(c);
  for (const x86 of saved(c)) c.op('push r64', x86);
  if (c.input.arena) moveImm64(c, ARENA_BASE, c.input.arena.kernVmStart);
}

/**
 * rax is the count, or a pointer to it (any kernel address is above the limit): an entry keeps the
 * count in its frame and passes a pointer on, everything below it passes that pointer.
 */
function tailCallCount(c: FuncContext): void {
  if (c.isSubprog) {
    c.op('push r64', rax).op('push r64', rax);
    return;
  }
  const [isPointer, done] = [c.asm.label(), c.asm.label()];
  c.op('cmp r/m64, imm8', rax, MAX_TAIL_CALL_CNT);
  c.op('ja rel8', isPointer);
  c.op('push r64', rax);
  c.op('mov r/m64, r64', rax, rsp);
  c.op('jmp rel8', done);
  c.asm.bind(isPointer);
  c.op('push r64', rax);
  c.asm.bind(done);
  c.op('push r64', rax);
}
