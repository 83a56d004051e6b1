/** Where packets meet programs, and where a softirq begins: text that needs each instruction as it is (include/linux/filter.h, softirq.h). */
import { type Assembler, at, GPR } from '../../../src/x86/index.ts';
import { type Emit, type EmitContext, load, mov, percpu, pop, preempt, push } from './context.ts';

const { rax, rsi, rdi, r12, r13, rbp, rsp } = GPR;
/** SOFTIRQ_MASK | HARDIRQ_MASK | NMI_MASK: in_interrupt() */
const IN_INTERRUPT = 0xffff00;
/** TCX_NEXT */
const NEXT = -1;

/** rdi: context, rsi: struct bpf_prog; what the program returns is 32 bits */
const run: Emit = (a, k) => {
  load(a, rax, rsi, k.off('bpf_prog', 'bpf_func'));
  a.op('lea r64, m', rsi, at(rsi, k.off('bpf_prog', 'insnsi')));
  a.op('call r/m64', rax);
  a.op('mov r/m32, r32', rax, rax);
};

/** rdi: struct bpf_mprog_entry, rsi: buffer; the first verdict that is one, else TCX_NEXT: `tcx_run` */
const tcxRun: Emit = (a, k) => {
  push(a, r12, r13);
  mov(a, r12, rdi);
  mov(a, r13, rsi);
  const out = a.label();
  const loop = a.bind();
  load(a, rsi, r12, 0);
  a.op('mov r32, imm32', rax, NEXT);
  a.op('test r/m64, r64', rsi, rsi).op('je rel8', out);
  mov(a, rdi, r13);
  run(a, k);
  a.op('add r/m64, imm8', r12, 8);
  for (const verdict of [0, 2, 7]) a.op('cmp r/m32, imm8', rax, verdict).op('je rel8', out);
  a.op('jmp rel8', loop);
  a.bind(out);
  pop(a, r12, r13);
};

/** __local_bh_enable_ip(ip, cnt): softirqs that were raised meanwhile are served, with preemption still off */
const bhEnable: Emit = (a, k) => {
  const none = a.label();
  a.op('push r64', rbp);
  mov(a, rbp, rsp);
  a.op('lea r64, m', rax, at(rsi, -1));
  a.op('sub r/m32, r32', preempt(k), rax);
  a.op('test r/m32, imm32', preempt(k), IN_INTERRUPT).op('jne rel8', none);
  a.op('cmp r/m16, imm8', percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'softirq_pending')), 0).op('je rel8', none);
  a.op('call rel32', k.sym('do_softirq'));
  a.bind(none);
  a.op('dec r/m32', preempt(k));
  a.op('pop r64', rbp).op('ret');
};

export const net: Readonly<Record<string, (a: Assembler, k: EmitContext) => void>> = {
  '@bpf_prog_run': run,
  '@bpf_prog_run_xdp': run,
  '@tcx_run': tcxRun,
  __local_bh_enable_ip: bhEnable,
};
