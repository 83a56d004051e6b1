/**
 * Helpers that call a function of the program back, most of them over and over: bpf-helpers(7), bpf_loop, bpf_for_each_map_elem,
 * bpf_user_ringbuf_drain. The loops are guest code, so that they stop and go on where any other does.
 */

import { BPF_MAX_LOOPS } from '../../../src/uapi/index.ts';
import { type Assembler, at, GPR, type Label } from '../../../src/x86/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { type Emit, enter, hyper, leave, mov } from './context.ts';

const { rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r12, r13, r14, r15 } = GPR;

/** BPF_MAX_USER_RINGBUF_SAMPLES */
const MAX_SAMPLES = 128 << 10;
/** BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP */
const WAKEUPS = 3;
/** what the host is asked in `drain`: to take the last sample out, and to give no other */
const TAKEN = 1;
const LAST = 2;

const SAVED = [rbx, r12, r13, r14, r15];
/** two words below the saved registers, and 8 bytes so that calls find the stack aligned */
const ROOM = 24;
const LOCAL = -8 * SAVED.length - 16;

const zero = (a: Assembler, reg: number): Assembler => a.op('xor r/m32, r32', reg, reg);
/** Behind the function's end: it returns a negative error number. */
function failure(a: Assembler, label: Label, errno: number): void {
  a.bind(label);
  a.op('mov r/m64, imm32', rax, -errno);
  leave(a, SAVED, ROOM);
}

/** bpf_loop(nr_loops, fn, ctx, flags) */
const loop: Emit = (a) => {
  const [invalid, tooBig, again, out, broken] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  enter(a, SAVED, ROOM);
  a.op('test r/m64, r64', rcx, rcx).op('jne rel32', invalid);
  a.op('cmp r/m32, imm32', rdi, BPF_MAX_LOOPS).op('ja rel32', tooBig);
  a.op('mov r/m32, r32', r12, rdi);
  mov(a, r13, rsi);
  mov(a, r14, rdx);
  zero(a, rbx);
  a.bind(again);
  a.op('cmp r/m32, r32', rbx, r12).op('je rel32', out);
  mov(a, rdi, rbx);
  mov(a, rsi, r14);
  for (const unused of [rdx, rcx, r8]) zero(a, unused);
  a.op('call r/m64', r13);
  a.op('test r/m64, r64', rax, rax).op('jne rel32', broken);
  a.op('inc r/m64', rbx).op('jmp rel32', again);
  a.bind(broken);
  a.op('inc r/m64', rbx);
  a.bind(out);
  mov(a, rax, rbx);
  leave(a, SAVED, ROOM);
  failure(a, tooBig, ERRNO.E2BIG);
  failure(a, invalid, ERRNO.EINVAL);
};

/** (map, fn, ctx, flags); the host knows the element behind the cursor, which is two words: its key in rax, its value in rdx. */
const forEach =
  (name: string): Emit =>
  (a, k) => {
    const [invalid, again, out] = [a.label(), a.label(), a.label()];
    const failed = a.label();
    enter(a, SAVED, ROOM);
    a.op('test r/m64, r64', rcx, rcx).op('jne rel32', invalid);
    mov(a, rbx, rdi);
    mov(a, r12, rsi);
    mov(a, r13, rdx);
    zero(a, r14);
    for (const word of [0, 8]) a.op('mov r/m64, imm32', at(rbp, LOCAL + word), 0);
    a.bind(again);
    mov(a, rdi, rbx);
    a.op('lea r64, m', rsi, at(rbp, LOCAL));
    hyper(a, k, name);
    a.op('test r/m64, r64', rax, rax).op('je rel32', out);
    // where the kind has no elements to walk over, rdx is 0 and rax an error
    a.op('test r/m64, r64', rdx, rdx).op('je rel32', failed);
    a.op('inc r/m64', r14);
    mov(a, rdi, rbx);
    mov(a, rsi, rax);
    mov(a, rcx, r13);
    zero(a, r8);
    a.op('call r/m64', r12);
    a.op('test r/m64, r64', rax, rax).op('je rel32', again);
    a.bind(out);
    mov(a, rax, r14);
    a.bind(failed);
    leave(a, SAVED, ROOM);
    failure(a, invalid, ERRNO.EINVAL);
  };

/** bpf_user_ringbuf_drain(map, fn, ctx, flags): fn(dynptr, ctx) for each sample; the dynptr is on this function's stack */
const drain: Emit = (a, k) => {
  const [invalid, again, taken, out, failed] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  const ask = (): void => {
    mov(a, rdi, rbx);
    a.op('lea r64, m', rsi, at(rbp, LOCAL));
    hyper(a, k, 'bpf_user_ringbuf_drain');
  };
  enter(a, SAVED, ROOM);
  a.op('test r/m64, imm32', rcx, ~WAKEUPS).op('jne rel32', invalid);
  mov(a, rbx, rdi);
  mov(a, r12, rsi);
  mov(a, r13, rdx);
  zero(a, r14);
  zero(a, r15);
  a.bind(again);
  mov(a, rdx, r15);
  ask();
  a.op('test r/m32, r32', rax, rax).op('js rel32', failed).op('je rel32', out);
  a.op('inc r/m64', r14);
  a.op('mov r32, imm32', r15, TAKEN);
  a.op('lea r64, m', rdi, at(rbp, LOCAL));
  mov(a, rsi, r13);
  for (const unused of [rdx, rcx, r8]) zero(a, unused);
  a.op('call r/m64', r12);
  a.op('test r/m64, r64', rax, rax).op('jne rel32', taken);
  a.op('cmp r/m32, imm32', r14, MAX_SAMPLES).op('jb rel32', again);
  a.bind(taken);
  a.op('mov r32, imm32', rdx, TAKEN | LAST);
  ask();
  a.bind(out);
  mov(a, rax, r14);
  leave(a, SAVED, ROOM);
  a.bind(failed);
  a.op('movsxd r64, r/m32', rax, rax);
  leave(a, SAVED, ROOM);
  failure(a, invalid, ERRNO.EINVAL);
};

/** bpf_find_vma(task, addr, fn, ctx, flags): fn(task, vma, ctx), once */
const findVma: Emit = (a, k) => {
  const [invalid, absent] = [a.label(), a.label()];
  enter(a, SAVED, ROOM);
  a.op('test r/m64, r64', r8, r8).op('jne rel32', invalid);
  mov(a, rbx, rdi);
  mov(a, r12, rdx);
  mov(a, r13, rcx);
  hyper(a, k, 'find_vma');
  a.op('test r/m64, r64', rax, rax).op('je rel32', absent);
  mov(a, rdi, rbx);
  mov(a, rsi, rax);
  mov(a, rdx, r13);
  for (const unused of [rcx, r8]) zero(a, unused);
  a.op('call r/m64', r12);
  zero(a, rax);
  leave(a, SAVED, ROOM);
  failure(a, absent, ERRNO.ENOENT);
  failure(a, invalid, ERRNO.EINVAL);
};

const FOR_EACH = ['bpf_for_each_map_elem', 'bpf_for_each_array_elem', 'bpf_for_each_hash_elem'] as const;

/** Helpers whose time is that of the functions they call back. */
export const callbacks: Readonly<Record<string, Emit>> = {
  bpf_loop: loop,
  bpf_find_vma: findVma,
  bpf_user_ringbuf_drain: drain,
  ...Object.fromEntries(FOR_EACH.map((name) => [name, forEach(name)])),
};
