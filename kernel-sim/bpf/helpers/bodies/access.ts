/**
 * Reading memory that may not be there: `copy_from_kernel_nofault` and `copy_from_user_nofault` of Linux 6.12's
 * mm/maccess.c. Answers are 0, a length, or a negative error number; what could not be read is zeroed.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import {
  clearBytes,
  type GuestMemory,
  KERNEL_TEXT,
  MODULES_VADDR,
  TASK_SIZE_MAX,
} from '../../../../src/machine/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { TextFloor } from '../../../floors/text.ts';

const PAGE = 4096;
/** the lowest canonical address of the kernel's half */
const KERNEL_HALF: Addr = -0x8000_0000_0000;
/** the vsyscall page, which looks like the kernel's and is user space's */
const VSYSCALL: Addr = -0xa0_0000;

/** Whether addresses are the kernel's (`copy_from_kernel_nofault_allowed`). */
export const isKernel = (at: Addr): boolean => at < 0 && at >= KERNEL_HALF && (at < VSYSCALL || at >= VSYSCALL + PAGE);
const isUser = (at: Addr, size: number): boolean => at >= 0 && at + size <= TASK_SIZE_MAX;

/** Kernel text is written when it is first needed, which is now where bytes are of it. */
export function ensureText({ text }: TextFloor, at: Addr, size: number): void {
  if (at < 0 && at >= KERNEL_TEXT && at < MODULES_VADDR) text.ensure(at, size);
}

export type Space = 'kernel' | 'user' | 'compat';

/** Which side an address of bpf_probe_read is taken to be on. */
const resolve = (space: Space, at: Addr): 'kernel' | 'user' =>
  space === 'compat' ? (at >= 0 && at < TASK_SIZE_MAX ? 'user' : 'kernel') : space;

function refused(space: 'kernel' | 'user', at: Addr, size: number): number {
  if (space === 'kernel') return isKernel(at) ? 0 : -ERRNO.ERANGE;
  return isUser(at, size) ? 0 : -ERRNO.EFAULT;
}

/** Copies `size` bytes. */
export function probeRead(memory: GuestMemory, space: Space, dst: Addr, size: number, src: Addr): number {
  const err = refused(resolve(space, src), src, size);
  if (err === 0) {
    const from = memory.translate(src, 0, false);
    const to = memory.translate(dst, 1, false);
    if (from >= 0 && to >= 0 && (from & (PAGE - 1)) + size <= PAGE && (to & (PAGE - 1)) + size <= PAGE) {
      memory.u8.copyWithin(to, from, from + size);
      return 0;
    }
    if (readable(memory, src, size)) {
      if (size > 0) memory.writeBytes(dst, memory.readBytes(src, size));
      return 0;
    }
  }
  if (size > 0) memory.fillBytes(dst, 0, size);
  return err === 0 ? -ERRNO.EFAULT : err;
}

function readable(memory: GuestMemory, at: Addr, size: number): boolean {
  for (let a = at; a < at + size; a += PAGE - (((a % PAGE) + PAGE) % PAGE))
    if (memory.translate(a, 0, false) < 0) return false;
  return true;
}

/**
 * Copies a string with its end, at most `size` bytes of both; the bytes copied. Of an empty one in user space
 * strncpy_from_user_nofault() does not count the end: 0, which later kernels mended (6.13).
 */
export function probeReadString(memory: GuestMemory, space: Space, dst: Addr, size: number, src: Addr): number {
  if (size === 0) return 0;
  const side = resolve(space, src);
  const err = refused(side, src, 1);
  const to = memory.translate(dst, 1, false);
  if (err === 0 && to >= 0 && (to & (PAGE - 1)) + size <= PAGE) {
    const length = copyString(memory, src, size, memory.u8, to);
    if (length < 0) clearBytes(memory.u8, to, size);
    else memory.u8[to + Math.min(length, size - 1)] = 0;
    if (length === 0 && side === 'user') return 0;
    return length < 0 ? -ERRNO.EFAULT : Math.min(length + 1, size);
  }
  const text = err === 0 ? readString(memory, src, size) : undefined;
  if (text === undefined) {
    memory.fillBytes(dst, 0, size);
    return err === 0 ? -ERRNO.EFAULT : err;
  }
  const whole = text.length < size;
  const out = new Uint8Array(whole ? text.length + 1 : size);
  out.set(text.subarray(0, whole ? text.length : size - 1));
  memory.writeBytes(dst, out);
  return text.length === 0 && side === 'user' ? 0 : out.length;
}

/**
 * Copies the bytes before a string's end, at most `max`, to `to[start...]`, as strncpy_from_kernel_nofault does: how many,
 * -1 where memory ends before the string does.
 */
export function copyString(memory: GuestMemory, at: Addr, max: number, to: Uint8Array, start: number): number {
  const { u8 } = memory;
  let from = 0;
  for (let n = 0; n < max; n++, from++) {
    // another page may lie elsewhere
    if (n === 0 || (from & (PAGE - 1)) === 0) from = memory.translate(at + n, 0, false);
    if (from < 0) return -1;
    const byte = u8[from] as number;
    if (byte === 0) return n;
    to[start + n] = byte;
  }
  return max;
}

/** Bytes before the end, at most `max`; undefined where memory ends before the string does. */
export function readString(memory: GuestMemory, at: Addr, max: number): Uint8Array | undefined {
  try {
    return memory.readCString(at, max);
  } catch {
    return undefined;
  }
}
