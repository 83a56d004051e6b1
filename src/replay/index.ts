/** Recordings of real programs, made ready for {@link Kernel.replay}. */
import type { Trace } from '../../kernel-sim/index.ts';
import { stepsOf } from './steps.ts';
import type { StraceWarning } from './strace/events.ts';
import { parseStrace } from './strace/parse.ts';

export type {
  ExitEvent,
  SignalEvent,
  Strace,
  StraceArg,
  StraceEvent,
  StraceWarning,
  SyscallEvent,
} from './strace/events.ts';
export { parseStrace };

/** Reads `strace -f` output in any of its forms. A line that cannot be read is a warning; the rest is replayed. */
export function readStrace(text: string): { readonly trace: Trace; readonly warnings: readonly StraceWarning[] } {
  return stepsOf(parseStrace(text));
}
