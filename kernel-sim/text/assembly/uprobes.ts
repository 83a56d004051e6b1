/**
 * uprobes: from a breakpoint in user space to the handlers, and from a function's return to those of returns (Linux 6.12
 * Documentation/trace/uprobetracer.rst; kernel/events/uprobes.c has the functions). The breakpoint's exception only
 * marks the task (TIF_UPROBE); the rest happens on its way back to user space, where it may sleep.
 */

import { SIG } from '../../../src/uapi/process.ts';
import { type Assembler, at, GPR, type Label } from '../../../src/x86/index.ts';
import { CONSUMER, SWBP, UPROBE } from '../../core/trace-uprobe.ts';
import { TIF_UPROBE } from '../../core/work.ts';
import { callProg, runArray, runContext } from './bpf.ts';
import { type Emit, type EmitContext, enter, hyper, leave, load, mov, percpu, percpuAt, store } from './context.ts';

const { rax, rcx, rdx, rbx, rbp, rsi, rdi, r12, r13, r14, r15 } = GPR;

/** enum die_val */
const DIE = { INT3: 2, DEBUG: 3 } as const;
const NOTIFY_STOP = 0x8001;
/** MMF_HAS_UPROBES of mm->flags */
export const MMF_HAS_UPROBES = 1 << 19;

const current = (k: EmitContext) => percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task'));
const flags = (k: EmitContext): number => k.off('task_struct', 'thread_info.flags');

const exitToUser: Emit = (a, k) => {
  const done = a.label();
  enter(a);
  a.op('mov r64, r/m64', rax, current(k));
  load(a, rsi, rax, flags(k));
  a.op('test r/m32, imm32', rsi, TIF_UPROBE);
  a.op('je rel8', done);
  a.op('call rel32', k.sym('exit_to_user_mode_loop'));
  a.bind(done);
  leave(a);
};
const exitLoop: Emit = (a, k) => {
  enter(a);
  a.op('sti');
  a.op('call rel32', k.sym('uprobe_notify_resume'));
  a.op('cli');
  leave(a);
};

/** do_int3(regs): 1 where the exception is somebody's */
const doInt3: Emit = (a, k) => {
  const out = a.label();
  enter(a, [rbx, r12]);
  mov(a, rbx, rdi);
  a.op('call rel32', k.sym('kprobe_int3_handler'));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', out);
  a.op('mov r32, imm32', rdi, DIE.INT3);
  a.op('xor r/m32, r32', rsi, rsi);
  mov(a, rdx, rbx);
  a.op('call rel32', k.sym('notify_die'));
  a.op('cmp r/m32, imm32', rax, NOTIFY_STOP);
  a.op('sete r/m8', rax);
  a.op('movzx r32, r/m8', rax, rax);
  a.bind(out);
  leave(a, [rbx, r12]);
};
/** What an exception of user space is: exc_int3's half for it, exc_debug_user. */
export function userException(a: Assembler, k: EmitContext, handler: () => void): void {
  const taken = a.label();
  a.op('call rel32', k.sym('irqentry_enter_from_user_mode'));
  handler();
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', taken);
  // a breakpoint of the program's own: there is nobody who would catch the signal
  a.op('mov r32, imm32', rdi, SIG.TRAP);
  a.op('call rel32', k.sym('do_group_exit'));
  a.bind(taken);
  mov(a, rdi, rbx);
  a.op('call rel32', k.sym('irqentry_exit_to_user_mode'));
}
const noistDebug: Emit = (a, k) => {
  a.op('xor r/m32, r32', rsi, rsi);
  a.op('jmp rel32', k.sym('exc_debug_user'));
};
const debugUser: Emit = (a, k) => {
  enter(a, [rbx, r12]);
  mov(a, rbx, rdi);
  userException(a, k, () => {
    a.op('mov r32, imm32', rdi, DIE.DEBUG);
    a.op('xor r/m32, r32', rsi, rsi);
    mov(a, rdx, rbx);
    a.op('call rel32', k.sym('notify_die'));
  });
  leave(a, [rbx, r12]);
};

/** notify_die(val, str, regs, err, trap, sig): `struct die_args` begins with regs */
const notifyDie: Emit = (a, k) => {
  enter(a, [], 48);
  store(a, rbp, -48, rdx);
  store(a, rbp, -40, rsi);
  a.op('movsxd r64, r/m32', rsi, rdi);
  a.op('lea r64, m', rdx, at(rbp, -48));
  a.op('xor r/m32, r32', rdi, rdi);
  a.op('call rel32', k.sym('atomic_notifier_call_chain'));
  leave(a, [], 48);
};
const callChain: Emit = (a, k) => {
  enter(a);
  a.op('mov r32, imm32', rcx, -1);
  a.op('call rel32', k.sym('notifier_call_chain'));
  leave(a);
};
/** notifier_call_chain(nl, val, v, ...): of those on the chain one has something to do here */
const notifier: Emit = (a, k) => {
  enter(a);
  a.op('call rel32', k.sym('arch_uprobe_exception_notify'));
  leave(a);
};
const exceptionNotify: Emit = (a, k) => {
  const [debug, none, out] = [a.label(), a.label(), a.label()];
  enter(a);
  load(a, rdi, rdx, 0);
  a.op('cmp r/m64, imm8', rsi, DIE.INT3);
  a.op('jne rel8', debug);
  a.op('call rel32', k.sym('uprobe_pre_sstep_notifier'));
  a.op('jmp rel8', out);
  a.bind(debug);
  a.op('call rel32', k.sym('uprobe_post_sstep_notifier'));
  a.bind(out);
  a.op('test r/m32, r32', rax, rax);
  a.op('je rel8', none);
  a.op('mov r32, imm32', rax, NOTIFY_STOP);
  a.bind(none);
  leave(a);
};
/** marks the task, where `test` does not jump to the label that it is given */
const mark =
  (test: (a: Assembler, k: EmitContext, none: Label) => void): Emit =>
  (a, k) => {
    const none = a.label();
    a.op('mov r64, r/m64', rcx, current(k));
    test(a, k, none);
    a.op('or r/m32, imm32', at(rcx, flags(k)), TIF_UPROBE);
    a.op('mov r32, imm32', rax, 1);
    a.op('ret');
    a.bind(none);
    a.op('xor r/m32, r32', rax, rax);
    a.op('ret');
  };
const preStep = mark((a, k, none) => {
  load(a, rax, rcx, k.off('task_struct', 'mm'));
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', none);
  a.op('test r/m32, imm32', at(rax, k.off('mm_struct', 'flags')), MMF_HAS_UPROBES);
  a.op('je rel8', none);
});
const postStep = mark((a, k, none) => {
  a.op('cmp r/m64, imm8', at(rcx, k.off('task_struct', 'utask')), 0);
  a.op('je rel8', none);
});

/** Those of a list of consumers that have a handler there get (consumer, ...args); behind the last one on to `end`. */
function callConsumers(a: Assembler, list: number, handler: number, args: readonly number[], end: Label): void {
  const next = a.label();
  const loop = a.bind();
  a.op('test r/m64, r64', list, list);
  a.op('je rel8', end);
  load(a, rax, list, handler);
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', next);
  mov(a, rdi, list);
  args.forEach((reg, n) => void mov(a, n === 0 ? rsi : rdx, reg));
  a.op('call r/m64', rax);
  a.bind(next);
  load(a, list, list, CONSUMER.next);
  a.op('jmp rel8', loop);
}

/** uprobe_notify_resume(regs): handle_swbp and handle_singlestep */
const notifyResume: Emit = (a, k) => {
  const saved = [rbx, r12, r13];
  const [done, out, stepped, trap] = [a.label(), a.label(), a.label(), a.label()];
  enter(a, saved, 8);
  mov(a, r12, rdi);
  a.op('mov r64, r/m64', rax, current(k));
  a.op('and r/m32, imm32', at(rax, flags(k)), ~TIF_UPROBE);
  hyper(a, k, 'uprobe_swbp');
  a.op('cmp r/m64, imm8', rax, SWBP.stepped);
  a.op('jb rel32', out);
  a.op('je rel32', stepped);
  a.op('cmp r/m64, imm8', rax, SWBP.trap);
  a.op('je rel32', trap);
  mov(a, rbx, rax);
  load(a, r13, rbx, UPROBE.consumers);
  callConsumers(a, r13, CONSUMER.handler, [r12], done);
  a.bind(done);
  const simple = a.label();
  a.op('cmp r/m32, imm8', at(rbx, UPROBE.returns), 0);
  a.op('je rel8', simple);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('arch_uretprobe_hijack_return_addr'));
  a.bind(simple);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('arch_uprobe_skip_sstep'));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', out);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('arch_uprobe_pre_xol'));
  a.bind(out);
  leave(a, saved, 8);
  a.bind(stepped);
  a.op('xor r/m32, r32', rdi, rdi);
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('arch_uprobe_post_xol'));
  a.op('jmp rel8', out);
  a.bind(trap);
  a.op('mov r32, imm32', rdi, SIG.TRAP);
  a.op('call rel32', k.sym('do_group_exit'));
  a.op('jmp rel8', out);
};
/** A function whose work the host does, with the function's own arguments. */
const hosted =
  (name: string): Emit =>
  (a, k) => {
    enter(a);
    hyper(a, k, name);
    leave(a);
  };

// --- perf events: kernel/trace/trace_uprobe.c ---

/** jumps to `other` where the consumer (rdi) is for another address space */
function filter(a: Assembler, k: EmitContext, other: Label): void {
  const all = a.label();
  load(a, rax, rdi, CONSUMER.mm);
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', all);
  a.op('mov r64, r/m64', rcx, current(k));
  a.op('cmp r/m64, r64', at(rcx, k.off('task_struct', 'mm')), rax);
  a.op('jne rel32', other);
  a.bind(all);
}
/** uprobe_dispatcher(con, regs) */
const dispatcher: Emit = (a, k) => {
  const out = a.label();
  enter(a);
  load(a, rax, rdi, CONSUMER.nhit);
  a.op('inc r/m64', percpuAt(rax));
  a.op('cmp r/m32, imm8', at(rdi, CONSUMER.isReturn), 0);
  a.op('jne rel32', out);
  filter(a, k, out);
  mov(a, rdx, rsi);
  a.op('xor r/m32, r32', rsi, rsi);
  a.op('call rel32', k.sym('__uprobe_perf_func'));
  a.bind(out);
  a.op('xor r/m32, r32', rax, rax);
  leave(a);
};
/** uretprobe_dispatcher(con, func, regs) */
const retDispatcher: Emit = (a, k) => {
  const out = a.label();
  enter(a);
  filter(a, k, out);
  a.op('call rel32', k.sym('__uprobe_perf_func'));
  a.bind(out);
  a.op('xor r/m32, r32', rax, rax);
  leave(a);
};
/** __uprobe_perf_func(tu, func, regs): bpf_prog_run_array_uprobe */
const perfFunc: Emit = (a, k) => {
  const saved = [rbx, r12, r13, r14, r15];
  const { room, context } = runContext(k, saved.length);
  const out = a.label();
  enter(a, saved, room);
  mov(a, r12, rdx);
  load(a, rax, rdi, CONSUMER.call);
  load(a, r13, rax, k.off('trace_event_call', 'prog_array'));
  a.op('test r/m64, r64', r13, r13);
  a.op('je rel32', out);
  runArray(a, k, context, {
    before: () => a.op('mov r/m8, imm8', at(rbp, context + k.off('bpf_trace_run_ctx', 'is_uprobe')), 1),
  });
  a.bind(out);
  leave(a, saved, room);
};

// --- multi links: kernel/trace/bpf_trace.c ---

/** uprobe_multi_link_handler(con, regs); the return's has the function's address in the middle */
const multi =
  (onReturn: boolean): Emit =>
  (a, k) => {
    enter(a);
    if (!onReturn) {
      mov(a, rdx, rsi);
      load(a, rsi, rsi, k.off('pt_regs', 'ip'));
    }
    a.op('call rel32', k.sym('uprobe_prog_run'));
    a.op('xor r/m32, r32', rax, rax);
    leave(a);
  };
/** uprobe_prog_run(uprobe, entry_ip, regs) */
const progRun: Emit = (a, k) => {
  const saved = [rbx, r12, r13, r14, r15];
  const struct = 'bpf_uprobe_multi_run_ctx';
  const { room, context, bpfCtx } = runContext(k, saved.length, struct);
  const out = a.label();
  enter(a, saved, room);
  mov(a, rbx, rdi);
  mov(a, r12, rdx);
  store(a, rbp, context + k.off(struct, 'entry_ip'), rsi);
  store(a, rbp, context + k.off(struct, 'uprobe'), rdi);
  load(a, rax, rdi, CONSUMER.nhit);
  a.op('inc r/m64', percpuAt(rax));
  filter(a, k, out);
  a.op('call rel32', k.sym('migrate_disable'));
  a.op('mov r64, r/m64', r14, current(k));
  load(a, r15, r14, bpfCtx);
  a.op('lea r64, m', rax, at(rbp, context));
  store(a, r14, bpfCtx, rax);
  load(a, rsi, rbx, CONSUMER.prog);
  callProg(a, k, r12);
  store(a, r14, bpfCtx, r15);
  a.op('call rel32', k.sym('migrate_enable'));
  a.bind(out);
  a.op('xor r/m32, r32', rax, rax);
  leave(a, saved, room);
};

// --- returns ---

/** The system call of the trampoline that probed functions return to. */
const sysUretprobe: Emit = (a, k) => {
  const [foreign, done] = [a.label(), a.label()];
  enter(a, [rbx, r12]);
  mov(a, rbx, rdi);
  hyper(a, k, 'uretprobe_enter');
  a.op('test r/m32, r32', rax, rax);
  a.op('je rel8', foreign);
  mov(a, rdi, rbx);
  a.op('call rel32', k.sym('uprobe_handle_trampoline'));
  mov(a, rdi, rbx);
  hyper(a, k, 'uretprobe_leave');
  load(a, rax, rbx, k.off('pt_regs', 'ax'));
  a.op('jmp rel8', done);
  // not the trampoline's: Linux ends the task by SIGILL behind it
  a.bind(foreign);
  a.op('mov r/m64, imm32', rax, -1);
  a.bind(done);
  leave(a, [rbx, r12]);
};
/** uprobe_handle_trampoline(regs): for each function that returns here, the consumers of its returns */
const handleTrampoline: Emit = (a, k) => {
  const saved = [rbx, r12, r13];
  const [instances, done] = [a.label(), a.label()];
  enter(a, saved, 8);
  mov(a, r12, rdi);
  a.bind(instances);
  mov(a, rdi, r12);
  hyper(a, k, 'uretprobe_next');
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', done);
  // the function's address comes in rdx
  mov(a, r13, rdx);
  load(a, rbx, rax, UPROBE.consumers);
  callConsumers(a, rbx, CONSUMER.retHandler, [r13, r12], instances);
  a.bind(done);
  leave(a, saved, 8);
};

export const uprobes: Readonly<Record<string, Emit>> = {
  irqentry_enter_from_user_mode: (a) => void a.op('ret'),
  irqentry_exit_to_user_mode: exitToUser,
  exit_to_user_mode_loop: exitLoop,
  do_int3: doInt3,
  noist_exc_debug: noistDebug,
  exc_debug_user: debugUser,
  notify_die: notifyDie,
  atomic_notifier_call_chain: callChain,
  notifier_call_chain: notifier,
  arch_uprobe_exception_notify: exceptionNotify,
  uprobe_pre_sstep_notifier: preStep,
  uprobe_post_sstep_notifier: postStep,
  uprobe_notify_resume: notifyResume,
  arch_uretprobe_hijack_return_addr: hosted('uretprobe_hijack'),
  arch_uprobe_skip_sstep: hosted('uprobe_emulate'),
  arch_uprobe_pre_xol: hosted('uprobe_pre_xol'),
  arch_uprobe_post_xol: hosted('uprobe_post_xol'),
  uprobe_dispatcher: dispatcher,
  uretprobe_dispatcher: retDispatcher,
  __uprobe_perf_func: perfFunc,
  uprobe_multi_link_handler: multi(false),
  uprobe_multi_link_ret_handler: multi(true),
  uprobe_prog_run: progRun,
  __x64_sys_uretprobe: sysUretprobe,
  uprobe_handle_trampoline: handleTrampoline,
};
