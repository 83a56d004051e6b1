/**
 * From a hook to a program: the way of perf events and of raw tracepoints, and what BPF trampolines call around
 * a program (Linux 6.12 Documentation/trace/tracepoints.rst; include/linux/bpf.h and trace_events.h name the structures).
 */
import { type Assembler, at, GPR, mem } from '../../../src/x86/index.ts';
import { type Emit, type EmitContext, enter, hyper, leave, load, mov, percpu, percpuAt, store } from './context.ts';

const { rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r12, r13, r14, r15 } = GPR;

const current = (k: EmitContext) => percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task'));

/** trace_call_bpf(call, ctx): every program of the event, none of them while another one runs on this CPU */
const traceCallBpf: Emit = (a, k) => {
  const saved = [rbx, r12, r13, r14, r15];
  const room = k.sizeOf('bpf_trace_run_ctx');
  const context = -8 * saved.length - room;
  enter(a, saved, room + (room % 16 === 8 ? 0 : 8));
  mov(a, rbx, rdi);
  mov(a, r12, rsi);
  const nested = a.label();
  const out = a.label();
  a.op('inc r/m32', percpu(k, 'bpf_prog_active'));
  a.op('cmp r/m32, imm8', percpu(k, 'bpf_prog_active'), 1);
  a.op('jne rel32', nested);
  a.op('mov r32, imm32', rax, 1);
  load(a, r13, rbx, k.off('trace_event_call', 'prog_array'));
  a.op('test r/m64, r64', r13, r13);
  a.op('je rel32', out);
  runArray(a, k, context, {
    before: () => a.op('mov r32, imm32', rbx, 1),
    behind: () => a.op('and r/m32, r32', rbx, rax),
  });
  mov(a, rax, rbx);
  a.bind(out);
  a.op('dec r/m32', percpu(k, 'bpf_prog_active'));
  leave(a, saved, room);
  a.bind(nested);
  load(a, rdi, rbx, k.off('trace_event_call', 'prog_array'));
  hyper(a, k, 'bpf_progs_missed');
  a.op('xor r/m32, r32', rax, rax);
  a.op('jmp rel8', out);
};

/** Room on the stack for a run's context, `bpf_trace_run_ctx` or another, below so many saved registers, where it lies from rbp, and where the task points to it. */
export function runContext(
  k: EmitContext,
  saved: number,
  struct = 'bpf_trace_run_ctx',
): { room: number; context: number; bpfCtx: number } {
  const size = k.sizeOf(struct);
  return {
    room: size + ((saved + size / 8) % 2 === 0 ? 0 : 8),
    context: -8 * saved - size,
    bpfCtx: k.off('task_struct', 'bpf_ctx'),
  };
}

/** rsi = struct bpf_prog: bpf_func(ctx, insnsi) */
export function callProg(a: Assembler, k: EmitContext, ctx: number): void {
  load(a, rax, rsi, k.off('bpf_prog', 'bpf_func'));
  a.op('lea r64, m', rsi, at(rsi, k.off('bpf_prog', 'insnsi')));
  mov(a, rdi, ctx);
  a.op('call r/m64', rax);
}

/**
 * r13 = struct bpf_prog_array, r12 = ctx: each program of it, under a `bpf_trace_run_ctx` that lies at `context`. Uses r14 and r15.
 *
 * @param parts what is done before the first one, and behind each
 */
export function runArray(
  a: Assembler,
  k: EmitContext,
  context: number,
  parts: { readonly before: () => void; readonly behind?: () => void },
): void {
  const bpfCtx = k.off('task_struct', 'bpf_ctx');
  a.op('call rel32', k.sym('migrate_disable'));
  a.op('mov r64, r/m64', r14, current(k));
  load(a, r15, r14, bpfCtx);
  a.op('lea r64, m', rax, at(rbp, context));
  store(a, r14, bpfCtx, rax);
  a.op('add r/m64, imm8', r13, k.off('bpf_prog_array', 'items'));
  parts.before();
  const loop = a.bind();
  const end = a.label();
  load(a, rsi, r13, k.off('bpf_prog_array_item', 'prog'));
  a.op('test r/m64, r64', rsi, rsi);
  a.op('je rel8', end);
  load(a, rax, r13, k.off('bpf_prog_array_item', 'bpf_cookie'));
  store(a, rbp, context + k.off('bpf_trace_run_ctx', 'bpf_cookie'), rax);
  callProg(a, k, r12);
  parts.behind?.();
  a.op('add r/m64, imm8', r13, k.sizeOf('bpf_prog_array_item'));
  a.op('jmp rel8', loop);
  a.bind(end);
  store(a, r14, bpfCtx, r15);
  a.op('call rel32', k.sym('migrate_enable'));
}

const migrate =
  (op: 'inc r/m16' | 'dec r/m16'): Emit =>
  (a, k) => {
    a.op('mov r64, r/m64', rax, current(k));
    a.op(op, at(rax, k.off('task_struct', 'migration_disabled')));
    a.op('ret');
  };

/** bpf_trace_runN(link, arguments): one program of a raw tracepoint; ctx is the array of arguments */
const traceRun =
  (n: number): Emit =>
  (a, k) => {
    const saved = [rbx, r12, r13];
    const runCtx = k.sizeOf('bpf_trace_run_ctx');
    const room = Math.ceil((n * 8 + runCtx) / 16) * 16 + 8;
    const args = -8 * saved.length - room;
    const context = args + n * 8;
    const bpfCtx = k.off('task_struct', 'bpf_ctx');
    enter(a, saved, room);
    for (const [i, reg] of [rsi, rdx, rcx, r8, r9].slice(0, n).entries()) store(a, rbp, args + 8 * i, reg);
    for (let i = 5; i < n; i++) {
      load(a, rax, rbp, 16 + 8 * (i - 5));
      store(a, rbp, args + 8 * i, rax);
    }
    load(a, rbx, rdi, k.off('bpf_raw_tp_link', 'link') + k.off('bpf_link', 'prog'));
    load(a, rax, rdi, k.off('bpf_raw_tp_link', 'cookie'));
    store(a, rbp, context + k.off('bpf_trace_run_ctx', 'bpf_cookie'), rax);
    const missed = a.label();
    load(a, rax, rbx, k.off('bpf_prog', 'active'));
    a.op('inc r/m32', percpuAt(rax));
    a.op('cmp r/m32, imm8', percpuAt(rax), 1);
    a.op('jne rel8', missed);
    a.op('mov r64, r/m64', r12, current(k));
    load(a, r13, r12, bpfCtx);
    a.op('lea r64, m', rax, at(rbp, context));
    store(a, r12, bpfCtx, rax);
    mov(a, rsi, rbx);
    a.op('lea r64, m', rdx, at(rbp, args));
    callProg(a, k, rdx);
    store(a, r12, bpfCtx, r13);
    const out = a.bind();
    load(a, rax, rbx, k.off('bpf_prog', 'active'));
    a.op('dec r/m32', percpuAt(rax));
    leave(a, saved, room);
    a.bind(missed);
    mov(a, rdi, rbx);
    hyper(a, k, 'bpf_prog_missed');
    a.op('jmp rel8', out);
  };

/** __traceiter_EVENT(NULL, arguments): each probe of the tracepoint, its data first */
export const traceIter =
  (event: string, args: number): Emit =>
  (a, k) => {
    const homes = [r12, r13, r14, r15].slice(0, args);
    const saved = [rbx, ...homes];
    const incoming = [rsi, rdx, rcx, r8, r9];
    const room = args > 4 ? 8 : 0;
    enter(a, saved, room);
    homes.forEach((reg, n) => void mov(a, reg, incoming[n] as number));
    if (args > 4) store(a, rbp, -8 * saved.length - 8, r9);
    a.op('mov r64, r/m64', rbx, mem({ target: k.sym(`__tracepoint_${event}`) + k.off('tracepoint', 'funcs') }));
    const out = a.label();
    a.op('test r/m64, r64', rbx, rbx);
    a.op('je rel8', out);
    const loop = a.bind();
    load(a, rdi, rbx, k.off('tracepoint_func', 'data'));
    homes.forEach((reg, n) => void mov(a, incoming[n] as number, reg));
    if (args > 4) load(a, r9, rbp, -8 * saved.length - 8);
    a.op('call r/m64', at(rbx, k.off('tracepoint_func', 'func')));
    a.op('add r/m64, imm8', rbx, k.sizeOf('tracepoint_func'));
    a.op('cmp r/m64, imm8', at(rbx, k.off('tracepoint_func', 'func')), 0);
    a.op('jne rel8', loop);
    a.bind(out);
    a.op('xor r/m32, r32', rax, rax);
    leave(a, saved, room);
  };

/** __bpf_trace_EVENT(link, arguments) */
export const bpfTrace =
  (args: number): Emit =>
  (a, k) => {
    a.op('jmp rel32', k.sym(`bpf_trace_run${Math.max(1, args)}`));
  };

/** perf_trace_EVENT(call, arguments): the event's record, then the programs */
export const perfTrace =
  (event: string): Emit =>
  (a, k) => {
    enter(a, [rbx, r12]);
    mov(a, rbx, rdi);
    // the host lays the record out by the event's format
    hyper(a, k, `record ${event}`);
    mov(a, r12, rax);
    mov(a, rsi, rax);
    mov(a, rdi, rbx);
    a.op('call rel32', k.sym('trace_call_bpf'));
    perfCount(a, k, rbx, () => mov(a, rsi, r12));
    leave(a, [rbx, r12]);
  };

/** eax = what the programs said of the event whose call `call` holds: perf_tp_event(), where perf events count it. `record` puts the record's address into rsi. */
function perfCount(a: Assembler, k: EmitContext, call: number, record: () => void): void {
  const out = a.label();
  a.op('test r/m32, r32', rax, rax);
  a.op('je rel8', out);
  a.op('cmp r/m64, imm8', at(call, k.off('trace_event_call', 'perf_events')), 0);
  a.op('je rel8', out);
  mov(a, rdi, call);
  record();
  hyper(a, k, 'perf_tp_event');
  a.bind(out);
}

/** perf_syscall_enter(unused, regs, id), perf_syscall_exit(unused, regs, ret): events of single system calls */
const perfSyscall =
  (exit: boolean): Emit =>
  (a, k) => {
    const room = 8 + 8 + 6 * 8 + 8;
    const saved = [rbx];
    const record = -8 - room;
    enter(a, saved, room);
    const out = a.label();
    if (exit) {
      mov(a, rcx, rdx);
      load(a, rdx, rsi, k.off('pt_regs', 'orig_ax'));
    }
    a.op('mov r/m64, imm32', rax, k.sym(exit ? 'exit_calls' : 'enter_calls'));
    a.op('cmp r/m32, imm32', rdx, k.percpu('nr_syscalls'));
    a.op('jae rel32', out);
    a.op('mov r64, r/m64', rdi, mem({ base: rax, index: rdx, scale: 8 }));
    a.op('test r/m64, r64', rdi, rdi);
    a.op('je rel32', out);
    store(a, rbp, record, rsi);
    store(a, rbp, record + 8, rdx);
    if (exit) store(a, rbp, record + 16, rcx);
    else {
      ['di', 'si', 'dx', 'r10', 'r8', 'r9'].forEach((name, n) => {
        load(a, rcx, rsi, k.off('pt_regs', name));
        store(a, rbp, record + 16 + 8 * n, rcx);
      });
    }
    mov(a, rbx, rdi);
    a.op('lea r64, m', rsi, at(rbp, record));
    a.op('call rel32', k.sym('trace_call_bpf'));
    perfCount(a, k, rbx, () => a.op('lea r64, m', rsi, at(rbp, record)));
    a.bind(out);
    leave(a, saved, room);
  };

/** __bpf_prog_enter[_sleepable][_recur](prog, run_ctx): 0 where the program must not run, else a start time (1: none is kept) */
const progEnter =
  (recur: boolean): Emit =>
  (a, k) => {
    enter(a, [rbx, r12]);
    mov(a, rbx, rdi);
    const bpfCtx = k.off('task_struct', 'bpf_ctx');
    a.op('call rel32', k.sym('migrate_disable'));
    a.op('mov r64, r/m64', rax, current(k));
    load(a, rcx, rax, bpfCtx);
    store(a, rsi, k.off('bpf_tramp_run_ctx', 'saved_run_ctx'), rcx);
    store(a, rax, bpfCtx, rsi);
    a.op('mov r32, imm32', rax, 1);
    if (recur) {
      const fine = a.label();
      load(a, rcx, rbx, k.off('bpf_prog', 'active'));
      a.op('inc r/m32', percpuAt(rcx));
      a.op('cmp r/m32, imm8', percpuAt(rcx), 1);
      a.op('je rel8', fine);
      mov(a, rdi, rbx);
      hyper(a, k, 'bpf_prog_missed');
      a.op('xor r/m32, r32', rax, rax);
      a.bind(fine);
    }
    leave(a, [rbx, r12]);
  };
/** __bpf_prog_exit...(prog, start, run_ctx) */
const progExit =
  (recur: boolean): Emit =>
  (a, k) => {
    enter(a);
    a.op('mov r64, r/m64', rax, current(k));
    load(a, rcx, rdx, k.off('bpf_tramp_run_ctx', 'saved_run_ctx'));
    store(a, rax, k.off('task_struct', 'bpf_ctx'), rcx);
    if (recur) {
      load(a, rcx, rdi, k.off('bpf_prog', 'active'));
      a.op('dec r/m32', percpuAt(rcx));
    }
    a.op('call rel32', k.sym('migrate_enable'));
    leave(a);
  };

const fixed: Record<string, Emit> = {
  trace_call_bpf: traceCallBpf,
  migrate_disable: migrate('inc r/m16'),
  migrate_enable: migrate('dec r/m16'),
  perf_syscall_enter: perfSyscall(false),
  perf_syscall_exit: perfSyscall(true),
};
for (let n = 1; n <= 12; n++) fixed[`bpf_trace_run${n}`] = traceRun(n);
for (const s of ['', '_sleepable', '_lsm_cgroup']) {
  fixed[`__bpf_prog_enter${s}`] = progEnter(false);
  fixed[`__bpf_prog_exit${s}`] = progExit(false);
}
for (const s of ['_recur', '_sleepable_recur']) {
  fixed[`__bpf_prog_enter${s}`] = progEnter(true);
  fixed[`__bpf_prog_exit${s}`] = progExit(true);
}
export const bpf: Readonly<Record<string, Emit>> = fixed;
