/** How interrupts come in and go out, and what a CPU does that has no task (arch/x86/entry/entry_64.S; kernel/sched/idle.c names the parts). */
import { type Assembler, at, GPR } from '../../../src/x86/index.ts';
import { compiledName } from '../../data/compiled-names.ts';
import { type Emit, type EmitContext, enter, hyper, leave, mov, percpu, preempt } from './context.ts';
import { pushRegsUnderReturn, returnToInterrupted } from './registers.ts';

const { rax, rbx, rsp, rbp, rsi, rdi, r10, r12, r13, r14, r15 } = GPR;

const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;
/** what a device's interrupt has, the timer's and the like need none */
const DEVICE_VECTOR = 0x22;

/** bytes from behind what an entry begins with to where its handler is called, the registers saved */
export const INTERRUPT_INNER = 2 + 5 + 3;

/** asm_sysvec_X, asm_common_interrupt */
const interruptEntry =
  (handler: string): Emit =>
  (a, k) => {
    a.op('push imm8', -1);
    a.op('call rel32', k.sym('error_entry'));
    mov(a, rsp, rax);
    mov(a, rdi, rsp);
    a.op('mov r32, imm32', rsi, DEVICE_VECTOR);
    a.op('call rel32', k.sym(handler));
    a.op('jmp rel32', k.sym('error_return'));
  };
/** error_entry(): saves the registers in front of its return address; gives where they are */
const errorEntry: Emit = (a, k) => {
  const cs = k.off('pt_regs', 'cs');
  pushRegsUnderReturn(a);
  const kernel = a.label();
  a.op('test r/m8, imm8', at(rsp, 8 + cs), 3);
  a.op('je rel8', kernel);
  a.op('swapgs');
  a.bind(kernel);
  a.op('lea r64, m', rax, at(rsp, 8));
  a.op('ret');
};
const errorReturn: Emit = (a, k) => returnToInterrupted(a, k.off('pt_regs', 'cs'));

/** irqentry_exit(regs): on the way to user mode, which the task was about to enter, what is to be done there first */
const irqentryExit: Emit = (a, k) => {
  const user = a.label();
  a.op('test r/m8, imm8', at(rdi, k.off('pt_regs', 'cs')), 3);
  a.op('jne rel8', user);
  a.op('ret');
  a.bind(user);
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  a.op('sti');
  exitLoop(a, k);
  leave(a, [rbx]);
};

/**
 * Where a task is about to go to user mode, its registers at rbx: works that were put off, then whatever else is to
 * happen before its user program goes on: the host says what, one thing after the other.
 */
export function exitLoop(a: Assembler, k: EmitContext): void {
  const loop = a.bind();
  const done = a.label();
  const work = a.label();
  const interrupt = a.label();
  a.op('cmp r/m64, imm8', percpu(k, 'fput_head'), 0);
  a.op('jne rel8', work);
  hyper(a, k, 'cpu_next');
  a.op('test r/m32, r32', rax, rax);
  a.op('je rel8', done);
  a.op('cmp r/m32, imm8', rax, 2);
  a.op('je rel8', interrupt);
  a.op('call r/m64', r10);
  a.op('jmp rel8', loop);
  a.bind(work);
  a.op('call rel32', k.sym('task_work_run'));
  a.op('jmp rel8', loop);
  // as if its first instruction in user mode were interrupted: its registers are saved already
  a.bind(interrupt);
  a.op('cli');
  a.op('mov r/m64, imm32', at(rbx, k.off('pt_regs', 'orig_ax')), -1);
  mov(a, rsp, rbx);
  a.op('jmp r/m64', r10);
  a.bind(done);
  a.op('cli');
}

/** time passes until what a recording tells, where it does */
const passes =
  (word: 'done_at' | 'ends_at'): Emit =>
  (a, k) => {
    const none = a.label();
    a.op('cmp r/m64, imm8', percpu(k, word), 0).op('je rel8', none);
    hyper(a, k, word);
    a.bind(none);
  };

/** do_idle(): until there is a task, what comes meanwhile: interrupts above all */
const doIdle: Emit = (a, k) => {
  enter(a, [rbx]);
  const loop = a.bind();
  const interrupt = a.label();
  hyper(a, k, 'cpu_next');
  a.op('cmp r/m32, imm8', rax, 2);
  a.op('je rel8', interrupt);
  a.op('call r/m64', r10);
  a.op('jmp rel8', loop);
  a.bind(interrupt);
  // what the processor pushes, the address behind the call last
  mov(a, rax, rsp);
  a.op('push imm8', KERNEL_DS);
  a.op('push r64', rax);
  a.op('pushfq');
  a.op('push imm8', KERNEL_CS);
  a.op('cli');
  a.op('call r/m64', r10);
  a.op('jmp rel8', loop);
};
const cpuStartup: Emit = (a, k) => {
  enter(a);
  const loop = a.bind();
  a.op('call rel32', k.sym('do_idle'));
  a.op('jmp rel8', loop);
};
/** An idle task's first steps, switched to from another task: as ret_from_fork's. */
const idleFromTask: Emit = (a, k) => {
  mov(a, rdi, rax);
  a.op('call rel32', k.sym(compiledName('finish_task_switch')));
  a.op('dec r/m32', preempt(k));
  a.op('sti');
  a.op('jmp rel32', k.sym('cpu_startup_entry'));
};
/** ... or where the CPU begins with it */
const startSecondary: Emit = (a, k) => {
  a.op('sti');
  a.op('call rel32', k.sym('cpu_startup_entry'));
};

const CALLEE_SAVED = [rbp, rbx, r12, r13, r14, r15];
/** The processor that executes is another one from here on; this one waits where it is. */
const otherCpu: Emit = (a, k) => {
  for (const reg of CALLEE_SAVED) a.op('push r64', reg);
  a.op('pushfq');
  mov(a, rdi, rsp);
  hyper(a, k, 'move_cpu');
  mov(a, rsp, rax);
  a.op('popfq');
  for (const reg of CALLEE_SAVED.toReversed()) a.op('pop r64', reg);
  a.op('ret');
};

export const interrupts: Readonly<Record<string, Emit>> = {
  '@done_at': passes('done_at'),
  '@ends_at': passes('ends_at'),
  asm_sysvec_apic_timer_interrupt: interruptEntry('sysvec_apic_timer_interrupt'),
  asm_sysvec_call_function_single: interruptEntry('sysvec_call_function_single'),
  asm_sysvec_reschedule_ipi: interruptEntry('sysvec_reschedule_ipi'),
  asm_common_interrupt: interruptEntry('common_interrupt'),
  error_entry: errorEntry,
  error_return: errorReturn,
  irqentry_exit: irqentryExit,
  do_idle: doIdle,
  cpu_startup_entry: cpuStartup,
  idle_from_task: idleFromTask,
  start_secondary: startSecondary,
  other_cpu: otherCpu,
};
