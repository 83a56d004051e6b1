/**
 * How patched text reaches a program: ftrace callers, kprobes, return hooks
 * (Linux 6.12 Documentation/trace/{ftrace-uses,kprobes}.rst; arch/x86/include/asm/ftrace.h names the frame).
 */
import {
  type Assembler,
  at,
  mem,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  rsp,
} from '../../../src/x86/index.ts';
import { KPROBE } from '../../probe/layout.ts';
import { type Emit, type EmitContext, enter, hyper, leave, load, mov, percpu, percpuAt, store } from './emit.ts';
import { popRegs, pushRegs } from './entry.ts';

const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;
/** bytes of the patched call */
const MCOUNT = 5;
/** NMI_OFFSET + HARDIRQ_OFFSET: nmi_enter() */
const NMI_ENTER = 0x110000;

const preempt = (k: EmitContext) => percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'preempt_count'));

/** order in which the frame's registers are stored; rsp, ip, flags come from the stack */
const SAVED: readonly [number, string][] = [
  [rax, 'ax'],
  [rcx, 'cx'],
  [rdx, 'dx'],
  [rsi, 'si'],
  [rdi, 'di'],
  [r8, 'r8'],
  [r9, 'r9'],
  [rbp, 'bp'],
  [r15, 'r15'],
  [r14, 'r14'],
  [r13, 'r13'],
  [r12, 'r12'],
  [r11, 'r11'],
  [r10, 'r10'],
  [rbx, 'bx'],
];

/**
 * ftrace's regs caller, or a copy of it as an ops' own trampoline: reached by the call at a function's nop.
 *
 *     on entry: [return into the function][the function's return address]
 *     frame:    pt_regs from rsp up; its flags slot and the word above hold rflags and nothing
 */
export const regsCaller =
  (callback: string, direct: boolean): Emit =>
  (a, k) => {
    const size = k.sizeOf('pt_regs');
    const o = (f: string): number => k.off('pt_regs', f);
    a.op('pushfq');
    a.op('sub r/m64, imm32', rsp, size);
    for (const [reg, name] of SAVED) store(a, rsp, o(name), reg);
    a.op('mov r/m64, imm32', at(rsp, o('orig_ax')), 0);
    load(a, rdi, rsp, size + 8);
    store(a, rsp, o('ip'), rdi);
    a.op('sub r/m64, imm8', rdi, MCOUNT);
    load(a, rsi, rsp, size + 16);
    load(a, rcx, rsp, size);
    store(a, rsp, o('flags'), rcx);
    a.op('mov r/m64, imm32', at(rsp, o('cs')), KERNEL_CS);
    a.op('mov r/m64, imm32', at(rsp, o('ss')), KERNEL_DS);
    a.op('lea r64, m', rcx, at(rsp, size + 16));
    store(a, rsp, o('sp'), rcx);
    // a frame record, so that a stack walk crosses this: saved rbp, and the address in the function
    a.op('lea r64, m', rbp, at(rsp, size + 8 - 8));
    load(a, rcx, rsp, o('bp'));
    store(a, rsp, size, rcx);
    mov(a, rcx, rsp);
    a.op('xor r/m32, r32', rdx, rdx);
    a.op('call rel32', k.sym(callback));
    load(a, rax, rsp, o('flags'));
    store(a, rsp, size, rax);
    load(a, rax, rsp, o('ip'));
    store(a, rsp, size + 8, rax);
    if (direct) {
      // call_direct_funcs leaves the trampoline to enter in orig_ax
      const none = a.label();
      const out = a.label();
      load(a, rax, rsp, o('orig_ax'));
      a.op('test r/m64, r64', rax, rax);
      a.op('je rel8', none);
      store(a, rsp, o('ss'), rax);
      for (const [reg, name] of SAVED) load(a, reg, rsp, o(name));
      a.op('add r/m64, imm32', rsp, size);
      a.op('popfq');
      a.op('jmp r/m64', at(rsp, o('ss') - size - 8));
      a.bind(none);
      void out;
    }
    for (const [reg, name] of SAVED) load(a, reg, rsp, o(name));
    a.op('add r/m64, imm32', rsp, size);
    a.op('popfq');
    a.op('ret');
  };

const getKprobe: Emit = (a, k) => {
  a.op('mov r64, imm64', rax, 0x61c8864680b583ebn);
  a.op('imul r64, r/m64', rax, rdi);
  a.op('shr r/m64, imm8', rax, 64 - KPROBE.hashBits);
  a.op('mov r/m64, imm32', rcx, k.sym('kprobe_table'));
  a.op('mov r64, r/m64', rax, mem({ base: rcx, index: rax, scale: 8 }));
  const loop = a.bind();
  const done = a.label();
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', done);
  a.op('cmp r/m64, r64', at(rax, k.off('kprobe', 'addr')), rdi);
  a.op('je rel8', done);
  load(a, rax, rax, k.off('kprobe', 'hlist'));
  a.op('jmp rel8', loop);
  a.bind(done);
  a.op('ret');
};

/** kprobe_ftrace_handler(ip, parent_ip, ops, regs) */
const ftraceHandler: Emit = (a, k) => {
  const saved = [rbx, r12, r13];
  const ip = k.off('pt_regs', 'ip');
  enter(a, saved);
  mov(a, r12, rcx);
  mov(a, r13, rdi);
  a.op('inc r/m32', preempt(k));
  a.op('call rel32', k.sym('get_kprobe'));
  const out = a.label();
  const missed = a.label();
  const changed = a.label();
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', out);
  mov(a, rbx, rax);
  a.op('cmp r/m64, imm8', percpu(k, 'current_kprobe'), 0);
  a.op('jne rel8', missed);
  // handlers see the address behind a breakpoint, as with int3
  a.op('lea r64, m', rcx, at(r13, 1));
  store(a, r12, ip, rcx);
  a.op('mov r/m64, r64', percpu(k, 'current_kprobe'), rbx);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call r/m64', at(rbx, k.off('kprobe', 'pre_handler')));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', changed);
  a.op('lea r64, m', rcx, at(r13, MCOUNT));
  store(a, r12, ip, rcx);
  a.bind(changed);
  a.op('mov r/m64, imm32', percpu(k, 'current_kprobe'), 0);
  a.bind(out);
  a.op('dec r/m32', preempt(k));
  leave(a, saved);
  a.bind(missed);
  a.op('inc r/m64', at(rbx, k.off('kprobe', 'nmissed')));
  a.op('jmp rel8', out);
};

/** arch_ftrace_ops_list_func(ip, parent_ip, ops, regs): several users of one function, kprobes and a direct call */
const opsList: Emit = (a, k) => {
  const saved = [rbx, r12];
  enter(a, saved);
  mov(a, rbx, rcx);
  mov(a, r12, rdi);
  a.op('inc r/m32', preempt(k));
  a.op('call rel32', k.sym('kprobe_ftrace_handler'));
  mov(a, rdi, r12);
  hyper(a, k, 'ftrace_find_direct');
  store(a, rbx, k.off('pt_regs', 'orig_ax'), rax);
  a.op('dec r/m32', preempt(k));
  leave(a, saved);
};

/** aggr_pre_handler(p, regs): several kprobes at one place */
const aggregate: Emit = (a, k) => {
  const saved = [rbx, r12, r13];
  const list = k.off('kprobe', 'list');
  enter(a, saved);
  a.op('lea r64, m', r13, at(rdi, list));
  load(a, rbx, r13, 0);
  mov(a, r12, rsi);
  const loop = a.bind();
  const done = a.label();
  const stop = a.label();
  a.op('cmp r/m64, r64', rbx, r13);
  a.op('je rel8', done);
  a.op('lea r64, m', rdi, at(rbx, -list));
  mov(a, rsi, r12);
  a.op('call r/m64', at(rbx, k.off('kprobe', 'pre_handler') - list));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', stop);
  load(a, rbx, rbx, 0);
  a.op('jmp rel8', loop);
  a.bind(done);
  a.op('xor r/m32, r32', rax, rax);
  a.bind(stop);
  leave(a, saved);
};

/** kprobe_dispatcher(kp, regs), kretprobe_dispatcher(ri, regs): count, then the perf side */
const dispatcher =
  (perf: string, ret: boolean): Emit =>
  (a, k) => {
    enter(a);
    if (ret) {
      mov(a, rdx, rsi);
      mov(a, rsi, rdi);
      load(a, rdi, rdi, k.off('rethook_node', 'rethook'));
    }
    load(a, rax, rdi, KPROBE.nhit);
    a.op('inc r/m64', percpuAt(rax));
    a.op('call rel32', k.sym(perf));
    leave(a);
  };

/** kprobe_perf_func(tk, regs) */
const perfFunc: Emit = (a, k) => {
  const saved = [rbx, r12];
  enter(a, saved);
  mov(a, rbx, rsi);
  load(a, r12, rsi, k.off('pt_regs', 'ip'));
  load(a, rdi, rdi, KPROBE.call);
  a.op('call rel32', k.sym('trace_call_bpf'));
  // a program that redirected the function (bpf_override_return) changed ip
  a.op('xor r/m32, r32', rax, rax);
  a.op('cmp r/m64, r64', at(rbx, k.off('pt_regs', 'ip')), r12);
  a.op('setne r/m8', rax);
  leave(a, saved);
};
/** kretprobe_perf_func(tk, ri, regs) */
const retPerfFunc: Emit = (a, k) => {
  enter(a);
  load(a, rdi, rdi, KPROBE.call);
  mov(a, rsi, rdx);
  a.op('call rel32', k.sym('trace_call_bpf'));
  a.op('xor r/m32, r32', rax, rax);
  leave(a);
};

/** pre_handler_kretprobe(p, regs): the return address becomes the trampoline's */
const preRet: Emit = (a, k) => {
  const o = (f: string): number => k.off('rethook_node', f);
  const missed = a.label();
  load(a, rax, rdi, KPROBE.pool);
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', missed);
  load(a, rcx, rax, o('llist.next'));
  store(a, rdi, KPROBE.pool, rcx);
  store(a, rax, o('rethook'), rdi);
  load(a, rdx, rsi, k.off('pt_regs', 'sp'));
  load(a, rcx, rdx, 0);
  store(a, rax, o('ret_addr'), rcx);
  store(a, rax, o('frame'), rdx);
  a.op('mov r/m64, imm32', at(rdx, 0), k.sym('arch_rethook_trampoline'));
  a.op('mov r64, r/m64', rcx, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rdx, rcx, k.off('task_struct', 'rethooks'));
  store(a, rax, o('llist.next'), rdx);
  a.op('lea r64, m', rdx, at(rax, o('llist.next')));
  store(a, rcx, k.off('task_struct', 'rethooks'), rdx);
  a.op('xor r/m32, r32', rax, rax);
  a.op('ret');
  a.bind(missed);
  a.op('inc r/m64', at(rdi, KPROBE.nmissed));
  a.op('xor r/m32, r32', rax, rax);
  a.op('ret');
};

/** The trampoline that a hooked function returns to. */
const rethookTrampoline: Emit = (a, k) => {
  a.op('push imm8', KERNEL_DS);
  a.op('push r64', rsp);
  a.op('pushfq');
  a.op('push imm8', KERNEL_CS);
  a.op('push imm8', 0);
  a.op('push imm8', -1);
  pushRegs(a, undefined);
  mov(a, rdi, rsp);
  a.op('call rel32', k.sym('arch_rethook_trampoline_callback'));
  popRegs(a);
  // orig_ax, ip, cs; then flags; then past sp to the slot of ss, which now holds the real return address
  a.op('lea r64, m', rsp, at(rsp, 24));
  a.op('popfq');
  a.op('lea r64, m', rsp, at(rsp, 8));
  a.op('ret');
};
/** arch_rethook_trampoline_callback(regs) */
const rethookCallback: Emit = (a, k) => {
  const o = (f: string): number => k.off('pt_regs', f);
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  // regs->sp was pushed with ss below it
  a.op('add r/m64, imm8', at(rbx, o('sp')), 8);
  a.op('call rel32', k.sym('rethook_trampoline_handler'));
  store(a, rbx, o('ss'), rax);
  leave(a, [rbx]);
};
/** rethook_trampoline_handler(regs): every hook of this return, the last one set first; gives the real return address */
const rethookHandler: Emit = (a, k) => {
  const o = (f: string): number => k.off('rethook_node', f);
  const next = o('llist.next');
  const hooks = k.off('task_struct', 'rethooks');
  const saved = [rbx, r12, r13, r14, r15];
  enter(a, saved, 8);
  mov(a, r12, rdi);
  a.op('mov r64, r/m64', r15, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rbx, r15, hooks);
  const scan = a.bind();
  load(a, r13, rbx, o('ret_addr') - next);
  mov(a, r14, rbx);
  load(a, rbx, rbx, 0);
  a.op('cmp r/m64, imm32', r13, k.sym('arch_rethook_trampoline'));
  a.op('je rel8', scan);
  store(a, r12, k.off('pt_regs', 'ip'), r13);
  load(a, rbx, r15, hooks);
  a.op('inc r/m32', preempt(k));
  const run = a.bind();
  load(a, rax, rbx, 0);
  store(a, rbp, -48, rax);
  a.op('lea r64, m', rdi, at(rbx, -next));
  mov(a, rsi, r12);
  a.op('call rel32', k.sym('kretprobe_dispatcher'));
  // rethook_recycle
  load(a, rax, rbx, o('rethook') - next);
  load(a, rcx, rax, KPROBE.pool);
  store(a, rbx, 0, rcx);
  a.op('lea r64, m', rcx, at(rbx, -next));
  store(a, rax, KPROBE.pool, rcx);
  a.op('cmp r/m64, r64', rbx, r14);
  load(a, rbx, rbp, -48);
  a.op('jne rel8', run);
  store(a, r15, hooks, rbx);
  a.op('dec r/m32', preempt(k));
  mov(a, rax, r13);
  leave(a, saved, 8);
};

/** exc_int3(regs) */
const excInt3: Emit = (a, k) => {
  const known = a.label();
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  a.op('add r/m32, imm32', preempt(k), NMI_ENTER);
  a.op('call rel32', k.sym('kprobe_int3_handler'));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', known);
  mov(a, rdi, rbx);
  hyper(a, k, 'unknown_int3');
  a.bind(known);
  a.op('sub r/m32, imm32', preempt(k), NMI_ENTER);
  leave(a, [rbx]);
};
/** kprobe_int3_handler(regs): 1 when there is a kprobe; execution goes on in the copy of the displaced instruction */
const int3Handler: Emit = (a, k) => {
  const saved = [rbx, r12];
  const ip = k.off('pt_regs', 'ip');
  const none = a.label();
  const out = a.label();
  const step = a.label();
  enter(a, saved);
  mov(a, r12, rdi);
  load(a, rdi, rdi, ip);
  a.op('dec r/m64', rdi);
  a.op('call rel32', k.sym('get_kprobe'));
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', none);
  mov(a, rbx, rax);
  a.op('cmp r/m64, imm8', percpu(k, 'current_kprobe'), 0);
  a.op('jne rel8', step);
  a.op('mov r/m64, r64', percpu(k, 'current_kprobe'), rbx);
  mov(a, rdi, rbx);
  mov(a, rsi, r12);
  a.op('call r/m64', at(rbx, k.off('kprobe', 'pre_handler')));
  a.op('mov r/m64, imm32', percpu(k, 'current_kprobe'), 0);
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', out);
  a.bind(step);
  load(a, rax, rbx, KPROBE.slot);
  store(a, r12, ip, rax);
  a.bind(out);
  a.op('mov r32, imm32', rax, 1);
  leave(a, saved);
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  leave(a, saved);
};

export const probes: Readonly<Record<string, Emit>> = {
  ftrace_regs_caller: regsCaller('arch_ftrace_ops_list_func', true),
  just_return_func: (a: Assembler) => void a.op('ret'),
  ftrace_stub: (a: Assembler) => void a.op('ret'),
  get_kprobe: getKprobe,
  kprobe_ftrace_handler: ftraceHandler,
  arch_ftrace_ops_list_func: opsList,
  aggr_pre_handler: aggregate,
  kprobe_dispatcher: dispatcher('kprobe_perf_func', false),
  kretprobe_dispatcher: dispatcher('kretprobe_perf_func', true),
  kprobe_perf_func: perfFunc,
  kretprobe_perf_func: retPerfFunc,
  pre_handler_kretprobe: preRet,
  arch_rethook_trampoline: rethookTrampoline,
  arch_rethook_trampoline_callback: rethookCallback,
  rethook_trampoline_handler: rethookHandler,
  exc_int3: excInt3,
  kprobe_int3_handler: int3Handler,
};
