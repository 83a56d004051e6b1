/** The calls that make tasks, whose arguments strace prints in an order of its own. */
import type { TraceArg } from '../../../kernel-sim/index.ts';
import type { Args } from './args.ts';
import { type Scanner, UNBRACE } from './scanner.ts';
import { readValue } from './value.ts';

export const FORKS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** strace prints clone(2)'s arguments as glibc's wrapper takes them, each with its name; the system call wants flags first. */
const CLONE_ORDER = ['flags=', 'child_stack=', 'parent_tid', 'child_tid', 'tls='];
const NOTHING: TraceArg = { kind: 'int', lo: 0, hi: 0 };

/** clone's arguments, just read by `reader`, as its registers hold them. */
export function inRegisterOrder(s: Scanner, args: readonly TraceArg[], reader: Args): readonly TraceArg[] {
  const named = (name: string): TraceArg | undefined => args.find((_, n) => s.has(name, reader.starts[n] as number));
  return named('flags=') ? CLONE_ORDER.map((name) => named(name) ?? NOTHING) : args;
}

/** The flags of clone3, which are in its structure (linux/sched.h, struct clone_args). */
export function clone3Flags(s: Scanner, reader: Args): number {
  const back = s.at;
  let flags = 0;
  for (s.at = reader.starts[0] as number; s.at < back && s.peek() !== UNBRACE; s.at++) {
    if (!s.has('flags=')) continue;
    s.at += 6;
    readValue(s);
    flags = s.lo >>> 0;
    break;
  }
  s.at = back;
  return flags;
}
