/** Helpers that are a few loads: bpf-helpers(7), bpf_get_current_pid_tgid and its kin, and what tells the time. */

import { addrToBigInt } from '../../../src/machine/addr.ts';
import { type Assembler, at, mem, r12, rax, rbx, rcx, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { READ_NS } from '../../core/clock.ts';
import {
  addThisCpu,
  copyBytes,
  type Emit,
  type EmitContext,
  enter,
  hyper,
  leave,
  load,
  mov,
  percpu,
} from './context.ts';

/** TASK_COMM_LEN */
const COMM_LEN = 16;

const current = (a: Assembler, k: EmitContext, to: number): Assembler =>
  a.op('mov r64, r/m64', to, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
const zero = (a: Assembler): Assembler => a.op('xor r/m32, r32', rax, rax).op('ret');

const currentTask: Emit = (a, k) => {
  current(a, k, rax).op('ret');
};
const pidTgid: Emit = (a, k) => {
  current(a, k, rdx);
  a.op('mov r32, r/m32', rax, at(rdx, k.off('task_struct', 'tgid')));
  a.op('mov r32, r/m32', rdx, at(rdx, k.off('task_struct', 'pid')));
  a.op('shl r/m64, imm8', rax, 32).op('or r/m64, r64', rax, rdx).op('ret');
};
/** bpf_get_current_uid_gid: the real ids, by from_kgid() and from_kuid() as numbers of the first user namespace. */
const uidGid: Emit = (a, k) => {
  const saved = [rbx, r12];
  enter(a, saved);
  current(a, k, rax);
  load(a, rbx, rax, k.off('task_struct', 'cred'));
  const id = (field: string, convert: string): void => {
    a.op('mov r64, imm64', rdi, addrToBigInt(k.data('init_user_ns')));
    a.op('mov r32, r/m32', rsi, at(rbx, k.off('cred', field)));
    a.op('call rel32', k.sym(convert));
  };
  id('gid', 'from_kgid');
  a.op('mov r/m64, r64', r12, rax).op('shl r/m64, imm8', r12, 32);
  id('uid', 'from_kuid');
  mov32(a, rax, rax);
  a.op('or r/m64, r64', rax, r12);
  leave(a, saved);
};
/**
 * bpf_get_current_comm(buf, size): strscpy_pad. The name is padded with zeros to its end, so 16 bytes of it are as
 * good as the string; a smaller buffer ends in a zero.
 */
const currentComm: Emit = (a, k) => {
  const small = a.label();
  const out = a.label();
  const pad = a.label();
  current(a, k, rdx);
  a.op('add r/m64, imm32', rdx, k.off('task_struct', 'comm'));
  mov32(a, rcx, rsi);
  a.op('sub r/m32, imm8', rcx, COMM_LEN).op('jb rel8', small);
  for (const n of [0, 8]) {
    load(a, rax, rdx, n);
    a.op('mov r/m64, r64', at(rdi, n), rax);
  }
  a.op('je rel8', out);
  a.op('add r/m64, imm8', rdi, COMM_LEN);
  a.bind(pad);
  a.op('mov r/m8, imm8', at(rdi, 0), 0);
  a.op('add r/m64, imm8', rdi, 1).op('sub r/m32, imm8', rcx, 1).op('jne rel8', pad);
  a.bind(out);
  zero(a);
  a.bind(small);
  mov32(a, rcx, rsi);
  a.op('sub r/m32, imm8', rcx, 1).op('jb rel8', out);
  a.op('mov r/m8, imm8', mem({ base: rdi, index: rcx, scale: 1 }), 0);
  copyBytes(a, rdi, rdx, rcx, rax);
  zero(a);
};
const mov32 = (a: Assembler, to: number, from: number): Assembler => a.op('mov r/m32, r32', to, from);

const percpuWord =
  (variable: string, field?: string): Emit =>
  (a, k) => {
    a.op('mov r32, r/m32', rax, percpu(k, variable, field === undefined ? 0 : k.off(variable, field))).op('ret');
  };

/** The clock is one word, and moves on by the cost of reading it: {@link Clock}. */
const clock: Emit = (a, k) => {
  const now = mem({ target: k.data('virtual_clock') });
  a.op('mov r64, r/m64', rax, now);
  a.op('lea r64, m', rdx, at(rax, READ_NS)).op('mov r/m64, r64', now, rdx).op('ret');
};
const jump =
  (to: string): Emit =>
  (a, k) => {
    a.op('jmp rel32', k.sym(to));
  };

/** The lock word, 1 while it is held. Who finds it held waits for the CPU that holds it: `spin_wait`. */
const lock: Emit = (a, k) => {
  const held = a.label();
  const again = a.bind();
  a.op('xor r/m32, r32', rax, rax);
  a.op('mov r32, imm32', rdx, 1);
  a.raw(LOCK).op('cmpxchg r/m32, r32', at(rdi, 0), rdx);
  a.op('jne rel8', held);
  zero(a);
  a.bind(held);
  hyper(a, k, 'spin_wait');
  a.op('jmp rel8', again);
};
const unlock: Emit = (a) => {
  a.op('mov r/m32, imm32', at(rdi, 0), 0);
  zero(a);
};
/** the lock prefix */
const LOCK = 0xf0;

const perCpuPtr: Emit = (a, k) => {
  const none = a.label();
  a.op('cmp r32, r/m32', rsi, mem({ target: k.data('nr_cpu_ids') })).op('jae rel8', none);
  mov32(a, rsi, rsi);
  mov(a, rax, rdi);
  a.op('add r64, r/m64', rax, mem({ index: rsi, scale: 8, disp: k.data('__per_cpu_offset') })).op('ret');
  a.bind(none);
  zero(a);
};
const thisCpuPtr: Emit = (a, k) => {
  mov(a, rax, rdi);
  addThisCpu(a, k, rax).op('ret');
};

export const helpers: Readonly<Record<string, Emit>> = {
  bpf_get_current_pid_tgid: pidTgid,
  bpf_get_current_uid_gid: uidGid,
  bpf_get_current_comm: currentComm,
  bpf_get_current_task: currentTask,
  bpf_get_current_task_btf: currentTask,
  bpf_get_smp_processor_id: percpuWord('pcpu_hot', 'cpu_number'),
  bpf_get_raw_cpu_id: percpuWord('pcpu_hot', 'cpu_number'),
  bpf_get_numa_node_id: percpuWord('numa_node'),
  ktime_get_mono_fast_ns: clock,
  ktime_get_boot_fast_ns: jump('ktime_get_mono_fast_ns'),
  bpf_ktime_get_ns: jump('ktime_get_mono_fast_ns'),
  bpf_ktime_get_boot_ns: jump('ktime_get_boot_fast_ns'),
  bpf_spin_lock: lock,
  bpf_spin_unlock: unlock,
  bpf_per_cpu_ptr: perCpuPtr,
  bpf_this_cpu_ptr: thisCpuPtr,
};
