/**
 * What a function's patched nop calls: ftrace's callers (Linux 6.12 Documentation/trace/ftrace-uses.rst;
 * arch/x86/include/asm/ftrace.h names the frame), and the kprobes' handler behind them.
 */
import { type Assembler, at, GPR } from '../../../src/x86/index.ts';
import { type Emit, enter, hyper, leave, load, mov, percpu, preempt, store } from './context.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 } = GPR;

const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;
/** bytes of the patched call */
const MCOUNT = 5;

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
  mov(a, rdi, rbx);
  hyper(a, k, 'kprobe_missed');
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

export const ftrace: Readonly<Record<string, Emit>> = {
  ftrace_regs_caller: regsCaller('arch_ftrace_ops_list_func', true),
  ftrace_stub: (a: Assembler) => void a.op('ret'),
  kprobe_ftrace_handler: ftraceHandler,
  arch_ftrace_ops_list_func: opsList,
};
