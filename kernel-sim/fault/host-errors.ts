/**
 * What host code meets in guest memory that an unverified program has overwritten. It trusts that memory, as the kernel's
 * own code does: a bad pointer is a page fault, what an allocator never gave is a BUG(), and so is a length that no
 * memory has.
 */
import { Fault, GuestFault } from '../../src/machine/index.ts';
import { KernelBug } from '../core/errno.ts';

/** what engines say of views and arrays beyond their memory; a RangeError of anybody else's is theirs */
const BEYOND = /outside the bounds|out of (bounds|range)|array (buffer )?length|Start offset|length of array/i;

/** BUG(): what only memory that was overwritten makes of a kernel. */
export const isBug = (error: unknown): error is Error =>
  error instanceof KernelBug || (error instanceof RangeError && BEYOND.test(error.message));

/** The fault that the processor would have raised at `rip`; undefined where the error is of another kind. */
export function faultOf(error: unknown, rip: number): Fault | undefined {
  if (isBug(error)) return new Fault('ud', rip, { detail: error.message });
  if (!(error instanceof GuestFault)) return undefined;
  const { address, errorCode } = error;
  return errorCode < 0 ? new Fault('gp', rip, { address }) : new Fault('page', rip, { address, errorCode });
}
