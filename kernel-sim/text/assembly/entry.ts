/**
 * System call entry and exit: Linux 6.12 Documentation/arch/x86/entry_64.rst; Intel SDM vol. 2B "SYSCALL".
 * The order of the pushes is `struct pt_regs` read from its end.
 */
import { type Assembler, at, GPR, type Label } from '../../../src/x86/index.ts';
import { WORK_ENTER, WORK_EXECUTES } from '../../core/work.ts';
import { compiledName } from '../../data/compiled-names.ts';
import type { SyscallRow } from '../../data/syscalls.ts';
import { type Emit, type EmitContext, enter, hyper, leave, load, mov, percpu, store } from './context.ts';
import { exitLoop } from './interrupts.ts';
import { popRegs, pushRegs, returnToInterrupted } from './registers.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } = GPR;

const USER_DS = 0x2b;
const USER_CS = 0x33;
const ENOSYS = 38;

const clear = (a: Assembler, ...regs: number[]): void => {
  for (const r of regs) a.op('xor r/m32, r32', r, r);
};
const entrySyscall: Emit = (a, k) => {
  a.op('swapgs');
  a.op('mov r/m64, r64', percpu(k, 'scratch_sp'), rsp);
  a.op('mov r64, r/m64', rsp, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'top_of_stack')));
  a.op('push imm8', USER_DS);
  a.op('push r/m64', percpu(k, 'scratch_sp'));
  a.op('push r64', r11);
  a.op('push imm8', USER_CS);
  a.op('push r64', rcx);
  a.op('push r64', rax);
  pushRegs(a, -ENOSYS);
  // speculation: nothing of the user's is left in registers
  clear(a, rsi, rdx, rcx, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15);
  mov(a, rdi, rsp);
  a.op('movsxd r64, r/m32', rsi, rax);
  a.op('call rel32', k.sym('do_syscall_64'));
  popRegs(a, true);
  // rdi and rsp last: the user's stack pointer lies in the frame
  a.op('pop r64', rdi);
  a.op('mov r64, r/m64', rsp, at(rsp, k.off('pt_regs', 'sp') - k.off('pt_regs', 'orig_ax')));
  a.op('swapgs');
  a.op('sysretq');
  a.op('int3');
};

const doSyscall: Emit = (a, k) => {
  const work = k.off('task_struct', 'thread_info.syscall_work');
  enter(a, [rbx, r12]);
  mov(a, rbx, rdi);
  a.op('movsxd r64, r/m32', r12, rsi);
  a.op('sti');
  a.op('mov r64, r/m64', rax, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rdx, rax, work);
  a.op('test r/m8, imm8', rdx, WORK_ENTER | WORK_EXECUTES);
  const slow = a.label();
  const back = a.label();
  const exit = a.label();
  const bad = a.label();
  a.op('jne rel32', slow);
  a.bind(back);
  a.op('cmp r/m32, imm32', r12, k.percpu('nr_syscalls'));
  a.op('jae rel32', bad);
  mov(a, rdi, rbx);
  a.op('mov r/m32, r32', rsi, r12);
  a.op('call rel32', k.sym('x64_sys_call'));
  store(a, rbx, k.off('pt_regs', 'ax'), rax);
  const wait = a.label();
  a.op('mov r32, r/m32', rax, percpu(k, 'block'));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', wait);
  a.bind(exit);
  mov(a, rdi, rbx);
  a.op('call rel32', k.sym('syscall_exit_to_user_mode'));
  a.op('mov r32, imm32', rax, 1);
  leave(a, [rbx, r12]);
  // the recording has the call unfinished for a while, and no function on its way waited
  a.bind(wait);
  a.op('mov r64, r/m64', rcx, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  a.op('mov r/m32, r32', at(rcx, k.state), rax);
  a.op('call rel32', k.sym('schedule'));
  a.op('jmp rel8', exit);
  a.bind(slow);
  const traced = a.label();
  a.op('test r/m8, imm8', rdx, WORK_EXECUTES);
  a.op('je rel8', traced);
  // the call is one of a program's own: what it gives is not recorded
  mov(a, rdi, rbx);
  hyper(a, k, 'user_call');
  a.op('mov r64, r/m64', rax, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  a.op('test r/m8, imm8', at(rax, work), WORK_ENTER);
  a.op('je rel32', back);
  a.bind(traced);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('syscall_trace_enter'));
  mov(a, r12, rax);
  a.op('jmp rel32', back);
  a.bind(bad);
  a.op('jmp rel32', exit);
};

/** Binary search over the numbers, each ending in a jump to the call's own entry: what gcc makes of the switch. */
export const sysCallSwitch =
  (rows: readonly SyscallRow[]): Emit =>
  (a, k) => {
    const tree = (lo: number, hi: number): void => {
      if (hi - lo <= 6) {
        for (let i = lo; i < hi; i++) {
          const row = rows[i] as SyscallRow;
          compare(a, row.nr);
          a.op('je rel32', k.sym(row.entry));
        }
        a.op('jmp rel32', k.sym('__x64_sys_ni_syscall'));
        return;
      }
      const mid = (lo + hi) >> 1;
      const right: Label = a.label();
      compare(a, (rows[mid] as SyscallRow).nr);
      a.op('jae rel32', right);
      tree(lo, mid);
      a.bind(right);
      tree(mid, hi);
    };
    tree(0, rows.length);
  };
const compare = (a: Assembler, nr: number): void => {
  a.op(nr < 128 ? 'cmp r/m32, imm8' : 'cmp r/m32, imm32', rsi, nr);
};

/** The way out of a system call: the tracepoint, then what comes before user mode. */
const exitToUser: Emit = (a, k) => {
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  const quiet = a.label();
  // a task that the recording found running comes from no system call
  a.op('cmp r/m64, imm8', at(rbx, k.off('pt_regs', 'orig_ax')), 0);
  a.op('jl rel8', quiet);
  const site = a.here;
  a.raw(0x0f, 0x1f, 0x44, 0x00, 0x00);
  const back = a.bind();
  a.bind(quiet);
  exitLoop(a, k);
  leave(a, [rbx]);
  const outOfLine = a.here;
  a.op('inc r/m32', percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'preempt_count')));
  a.op('xor r/m32, r32', rdi, rdi);
  mov(a, rsi, rbx);
  load(a, rdx, rbx, k.off('pt_regs', 'ax'));
  a.op('call rel32', k.sym('__traceiter_sys_exit'));
  a.op('dec r/m32', percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'preempt_count')));
  a.op('jmp rel32', back);
  k.site('sys_exit', site, outOfLine);
};

/** A new task's first steps: its stack holds a switch frame that returns here, and the user's pt_regs. */
const retFromFork: Emit = (a, k) => {
  mov(a, rdi, rax); // the task switched from
  mov(a, rsi, rsp);
  a.op('call rel32', k.sym('ret_from_fork'));
  a.op('jmp rel32', k.sym('swapgs_restore_regs_and_return_to_usermode'));
};
const retFromForkC: Emit = (a, k) => {
  enter(a, [rbx]);
  mov(a, rbx, rsi);
  a.op('call rel32', k.sym(compiledName('finish_task_switch')));
  a.op('mov r/m32, imm32', percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'preempt_count')), 0);
  a.op('sti');
  mov(a, rdi, rbx);
  a.op('call rel32', k.sym('syscall_exit_to_user_mode'));
  leave(a, [rbx]);
};
const returnToUser: Emit = (a) => {
  popRegs(a);
  a.op('add r/m64, imm8', rsp, 8);
  a.op('swapgs');
  a.op('iretq');
};

/** Saves the callee-saved registers and the stack pointer of one task and takes another's. */
const switchTo: Emit = (a, k) => {
  const sp = k.off('task_struct', 'thread.sp');
  for (const r of [rbp, rbx, r12, r13, r14, r15]) a.op('push r64', r);
  store(a, rdi, sp, rsp);
  load(a, rsp, rsi, sp);
  for (const r of [r15, r14, r13, r12, rbx, rbp]) a.op('pop r64', r);
  a.op('jmp rel32', k.sym('__switch_to'));
};
const switchToC: Emit = (a, k) => {
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  a.op('mov r/m64, r64', percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')), rsi);
  mov(a, rdi, rsi);
  hyper(a, k, 'switch_to');
  // the path that was copied last is another task's
  a.op('mov r/m64, imm32', percpu(k, 'open_dentry'), 0);
  mov(a, rax, rbx);
  leave(a, [rbx]);
};

/** An exception without error code: saves the registers, calls, restores. */
export const exceptionEntry =
  (handler: string, errorCode: boolean): Emit =>
  (a, k) => {
    if (!errorCode) a.op('push imm8', -1);
    pushRegs(a, undefined);
    const kernel = a.label();
    a.op('test r/m8, imm8', at(rsp, k.off('pt_regs', 'cs')), 3);
    a.op('je rel8', kernel);
    a.op('swapgs');
    a.bind(kernel);
    mov(a, rdi, rsp);
    a.op('call rel32', k.sym(handler));
    returnToInterrupted(a, k.off('pt_regs', 'cs'));
  };

export const entry = (k: { readonly syscalls: readonly SyscallRow[] }): Readonly<Record<string, Emit>> => ({
  entry_SYSCALL_64: entrySyscall,
  do_syscall_64: doSyscall,
  x64_sys_call: sysCallSwitch(k.syscalls),
  syscall_exit_to_user_mode: exitToUser,
  ret_from_fork_asm: retFromFork,
  ret_from_fork: retFromForkC,
  swapgs_restore_regs_and_return_to_usermode: returnToUser,
  __switch_to_asm: switchTo,
  __switch_to: switchToC,
  asm_exc_int3: exceptionEntry('exc_int3', false),
  asm_exc_debug: exceptionEntry('noist_exc_debug', false),
});
export type { EmitContext };
