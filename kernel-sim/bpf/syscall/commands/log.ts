/** The buffer that the verifier's or the BTF parser's log goes to: `struct bpf_verifier_log` of Linux 6.12 (kernel/bpf/log.c). */

import type { Addr } from '../../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../../src/platform/index.ts';
import type { Call } from './call.ts';

/** BPF_LOG_FIXED: the buffer keeps the beginning of a log that is too long, not its end */
const FIXED = 8;
const LEVELS = 0xf;

export interface LogBuffer {
  readonly at: Addr;
  /** bytes */
  readonly size: number;
  readonly level: number;
  /** offset of log_true_size in the union */
  readonly trueSize: number;
}

/** `bpf_verifier_log_attr_valid` */
export function isLogValid({ at, size, level }: LogBuffer): boolean {
  if ((at !== 0) !== (size !== 0)) return false;
  if (at !== 0 && level === 0) return false;
  return (level & ~LEVELS) === 0 && size <= 0xffff_ffff >>> 2;
}

/** `bpf_vlog_finalize`. @throws ENOSPC where the log does not fit, EFAULT */
export function finishLog(
  call: Call,
  { at, size, level, trueSize }: LogBuffer,
  text: string,
  longest = text.length,
): void {
  // without a buffer there is no level, and nothing to say
  const bytes = at === 0 ? new Uint8Array() : encodeUtf8(text);
  const needed = level === 0 ? 0 : Math.max(longest, bytes.length) + 1;
  let isWritten = true;
  if (level !== 0 && at !== 0) {
    const room = size - 1;
    const kept =
      bytes.length <= room ? bytes : level & FIXED ? bytes.subarray(0, room) : bytes.subarray(bytes.length - room);
    const out = new Uint8Array(kept.length + 1);
    out.set(kept);
    isWritten = call.process.memory.write(at, out);
  }
  if (call.reaches(trueSize + 4)) call.put32(trueSize, needed);
  if (!isWritten) call.fail('EFAULT', 'the log buffer');
  if (level !== 0 && at !== 0 && needed > size) call.fail('ENOSPC', `the log takes ${needed} bytes`);
}
