/** A program as a recording: a shell's child executes it, and everything behind that is its own. */
import { encodeUtf8 } from '../../src/platform/index.ts';
import { syscallNamed } from '../data/syscalls.ts';
import type { Trace, TraceArg, TraceStep } from './trace.ts';

export interface ProgramRun {
  /** path in the root of user space */
  readonly path: string;
  /** argv, the program's name first; default the path alone */
  readonly argv?: readonly string[];
  /** environment, `NAME=value` each */
  readonly env?: readonly string[];
}
/** as the task is called before it executes */
const SHELL = 'bash';

/** @param pid of the process that it will be */
export function programTrace(pid: number, { path, argv = [path], env = [] }: ProgramRun): Trace {
  const strings = (list: readonly string[]): TraceArg => ({ kind: 'strings', list: list.map((s) => encodeUtf8(s)) });
  const steps: readonly TraceStep[] = [
    {
      kind: 'call',
      pid,
      time: 0,
      nr: syscallNamed('execve')?.nr ?? 59,
      name: 'execve',
      args: [{ kind: 'string', bytes: encodeUtf8(path) }, strings(argv), strings(env)],
      result: { lo: 0, hi: 0 },
      unfinished: false,
    },
    { kind: 'run', pid, time: 0 },
  ];
  return { tasks: [{ pid, comm: SHELL }], steps };
}
