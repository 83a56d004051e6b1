/**
 * kprobes: the table, the breakpoint's handler, and the way to the programs (Linux 6.12 Documentation/trace/kprobes.rst).
 */
import { type Assembler, at, GPR, mem } from '../../../src/x86/index.ts';
import { KPROBE } from '../../core/trace-kprobe.ts';
import { type Emit, enter, hyper, leave, load, mov, percpu, percpuAt, preempt, store } from './context.ts';
import { userException } from './uprobes.ts';

const { rax, rcx, rdx, rbx, rsi, rdi, r12, r13 } = GPR;

/** NMI_OFFSET + HARDIRQ_OFFSET: nmi_enter() */
const NMI_ENTER = 0x110000;

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

/** exc_int3(regs) */
const excInt3: Emit = (a, k) => {
  const known = a.label();
  const user = a.label();
  const out = a.label();
  enter(a, [rbx]);
  mov(a, rbx, rdi);
  a.op('test r/m8, imm8', at(rdi, k.off('pt_regs', 'cs')), 3);
  a.op('jne rel8', user);
  a.op('add r/m32, imm32', preempt(k), NMI_ENTER);
  a.op('call rel32', k.sym('kprobe_int3_handler'));
  a.op('test r/m32, r32', rax, rax);
  a.op('jne rel8', known);
  mov(a, rdi, rbx);
  hyper(a, k, 'unknown_int3');
  a.bind(known);
  a.op('sub r/m32, imm32', preempt(k), NMI_ENTER);
  a.bind(out);
  leave(a, [rbx]);
  a.bind(user);
  userException(a, k, () => {
    mov(a, rdi, rbx);
    a.op('call rel32', k.sym('do_int3'));
  });
  a.op('jmp rel8', out);
};
/** kprobe_int3_handler(regs): 1 when there is a kprobe; execution goes on in the copy of the displaced instruction */
const int3Handler: Emit = (a, k) => {
  const saved = [rbx, r12];
  const ip = k.off('pt_regs', 'ip');
  const none = a.label();
  const out = a.label();
  const step = a.label();
  const missed = a.label();
  enter(a, saved);
  mov(a, r12, rdi);
  load(a, rdi, rdi, ip);
  a.op('dec r/m64', rdi);
  a.op('call rel32', k.sym('get_kprobe'));
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', none);
  mov(a, rbx, rax);
  a.op('cmp r/m64, imm8', percpu(k, 'current_kprobe'), 0);
  a.op('jne rel8', missed);
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
  // reenter_kprobe
  a.bind(missed);
  mov(a, rdi, rbx);
  hyper(a, k, 'kprobe_missed');
  a.op('jmp rel8', step);
};

export const kprobes: Readonly<Record<string, Emit>> = {
  just_return_func: (a: Assembler) => void a.op('ret'),
  get_kprobe: getKprobe,
  aggr_pre_handler: aggregate,
  kprobe_dispatcher: dispatcher('kprobe_perf_func', false),
  kretprobe_dispatcher: dispatcher('kretprobe_perf_func', true),
  kprobe_perf_func: perfFunc,
  kretprobe_perf_func: retPerfFunc,
  exc_int3: excInt3,
  kprobe_int3_handler: int3Handler,
};
