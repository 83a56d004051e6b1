/** bpf(2) by its ABI: `__sys_bpf` of Linux 6.12, kernel/bpf/syscall.c. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { GuestFault } from '../../../../src/machine/index.ts';
import { ERRNO, KernelError } from '../../../core/errno.ts';
import { NotModelledError } from '../../errors.ts';
import type { BpfState } from '../../objects/state.ts';
import { ATTR_SIZE, Call, type Programs } from './call.ts';
import { COMMAND_ROWS } from './table.ts';

const PAGE = 4096;

/**
 * Makes the call of the state's current process, whose `union bpf_attr` is at an address in its memory.
 * @returns 0, a descriptor or -errno
 */
export function bpfSyscall(state: BpfState, programs: Programs, cmd: number, at: Addr, size: number): number {
  const { memory } = state.process;
  if (size > PAGE) return -ERRNO.E2BIG;
  if (size > ATTR_SIZE) {
    const beyond = memory.read(at + ATTR_SIZE, size - ATTR_SIZE);
    if (beyond === undefined) return -ERRNO.EFAULT;
    if (beyond.some((b) => b !== 0)) return -ERRNO.E2BIG;
  }
  const given = Math.min(size, ATTR_SIZE);
  const bytes = given === 0 ? new Uint8Array(0) : memory.read(at, given);
  if (bytes === undefined) return -ERRNO.EFAULT;
  const attr = new Uint8Array(ATTR_SIZE);
  attr.set(bytes);
  const row = COMMAND_ROWS[cmd];
  if (row === undefined) return -ERRNO.EINVAL;
  const call = new Call(state, programs, cmd, at, attr, given);
  try {
    if (!call.endsAt(row.end)) return -ERRNO.EINVAL;
    return row.run(call);
  } catch (error) {
    if (error instanceof NotModelledError) state.notModelled.tell(`${call.command}: ${error.what}`);
    if (error instanceof KernelError) return -ERRNO[error.errno];
    if (error instanceof GuestFault && state.kernel.faults.ofHost(error)) return -ERRNO.EFAULT;
    // memory of the host's that cannot be had is the kernel's own that is short
    if (error instanceof RangeError) return -ERRNO.ENOMEM;
    throw error;
  }
}
