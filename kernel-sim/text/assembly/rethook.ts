/** Return hooks of kretprobes: a function's return address becomes the trampoline's (Linux 6.12 kernel/trace/rethook.c). */
import { at, GPR } from '../../../src/x86/index.ts';
import { KPROBE } from '../../core/trace-kprobe.ts';
import { type Emit, enter, leave, load, mov, percpu, preempt, store } from './context.ts';
import { popRegs, pushRegs } from './registers.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r12, r13, r14, r15 } = GPR;

const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;

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

export const rethook: Readonly<Record<string, Emit>> = {
  pre_handler_kretprobe: preRet,
  arch_rethook_trampoline: rethookTrampoline,
  arch_rethook_trampoline_callback: rethookCallback,
  rethook_trampoline_handler: rethookHandler,
};
