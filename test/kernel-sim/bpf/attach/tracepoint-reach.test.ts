/** A tracepoint program sees its event's fields and no further: perf_event_set_bpf_prog() of Linux 6.12 (EACCES). */
import { expect, it } from 'vitest';
import { type BpfError, Kernel } from '../../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../../src/isa/index.ts';

/** Attaches a program that reads eight bytes at `offset`; undefined, or the errno. */
async function attach(category: string, event: string, offset: number): Promise<string | undefined> {
  const kernel = await Kernel.boot();
  const insns = writeInsns(assemble(`r0 = *(u64 *)(r1 + ${offset})\nr0 = 0\nexit`).insns);
  const prog = kernel.bpf.progLoad({ type: 'tracepoint', license: 'GPL', insns });
  const { fd } = kernel.perf.open({ type: 'tracepoint', category, event });
  try {
    kernel.bpf.linkCreate({ prog, target: fd });
    return undefined;
  } catch (error) {
    return (error as BpfError).errno;
  }
}

it.each([
  // common fields of 8 bytes, comm, pid, prio
  ['sched', 'sched_process_exit', 24, undefined],
  ['sched', 'sched_process_exit', 32, 'EACCES'],
  ['raw_syscalls', 'sys_enter', 56, undefined],
  ['raw_syscalls', 'sys_exit', 24, 'EACCES'],
  // openat has four arguments, getpid none
  ['syscalls', 'sys_enter_openat', 40, undefined],
  ['syscalls', 'sys_enter_openat', 48, 'EACCES'],
  ['syscalls', 'sys_enter_getpid', 8, 'EACCES'],
  ['syscalls', 'sys_exit_openat', 16, undefined],
  ['syscalls', 'sys_exit_openat', 24, 'EACCES'],
] as const)('%s:%s at %i: %s', async (category, event, offset, errno) => {
  expect(await attach(category, event, offset)).toBe(errno);
});
