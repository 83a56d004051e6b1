/** What system calls of programs give, by name: one row a call. What has no row is ENOSYS. */
import type { CallHandler } from './call.ts';
import { FILE_CALLS } from './files.ts';
import { MEMORY_CALLS } from './memory.ts';
import { PATH_CALLS } from './paths.ts';
import { PROCESS_CALLS } from './process.ts';
import { TIME_CALLS } from './time.ts';
import { WAITING_CALLS } from './waiting.ts';

export const PROGRAM_CALLS: ReadonlyMap<string, CallHandler> = new Map(
  [FILE_CALLS, PATH_CALLS, WAITING_CALLS, MEMORY_CALLS, PROCESS_CALLS, TIME_CALLS].flatMap((rows) =>
    Object.entries(rows),
  ),
);
/**
 * Calls whose effect others of the same call may see: it comes where Linux has it, in the middle of the kernel's text
 * (`@program_call`), not when the kernel is entered. A probe that one attaches is not yet there when it begins.
 */
export const CALLED_BY_TEXT: ReadonlySet<string> = new Set(['bpf', 'perf_event_open', 'ioctl']);
/** What a libc tries and does without: no word is lost about these. */
export const QUIETLY_ABSENT: ReadonlySet<string> = new Set(['rseq', 'statx', 'clone3', 'openat2']);
