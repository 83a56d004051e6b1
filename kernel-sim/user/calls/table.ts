/** What system calls of programs give, by name: one row a call. What has no row is ENOSYS. */
import type { CallHandler } from './call.ts';
import { FILE_CALLS } from './files.ts';
import { MEMORY_CALLS } from './memory.ts';
import { PROCESS_CALLS } from './process.ts';
import { TIME_CALLS } from './time.ts';

export const PROGRAM_CALLS: ReadonlyMap<string, CallHandler> = new Map(
  [FILE_CALLS, MEMORY_CALLS, PROCESS_CALLS, TIME_CALLS].flatMap((rows) => Object.entries(rows)),
);
/** What a libc tries and does without: no word is lost about these. */
export const QUIETLY_ABSENT: ReadonlySet<string> = new Set(['rseq', 'statx', 'clone3', 'openat2']);
