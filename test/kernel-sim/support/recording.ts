/** Short recordings made by hand. */
import type { Trace, TraceArg, TraceCall, TraceStep } from '../../../kernel-sim/index.ts';
import { syscallNamed } from '../../../kernel-sim/index.ts';

const arg = (a: number | string | TraceArg): TraceArg =>
  typeof a === 'number'
    ? { kind: 'int', lo: a | 0, hi: a < 0 ? -1 : 0 }
    : typeof a === 'string'
      ? { kind: 'string', bytes: new TextEncoder().encode(a) }
      : a;

export interface CallOptions {
  readonly pid?: number;
  readonly time?: number;
  readonly unfinished?: boolean;
  readonly cloneFlags?: number;
}

export function call(
  name: string,
  args: readonly (number | string | TraceArg)[],
  result: number | undefined,
  options: CallOptions = {},
): TraceCall {
  const row = syscallNamed(name);
  if (!row) throw new Error(`no system call ${name}`);
  return {
    kind: 'call',
    pid: options.pid ?? 42,
    time: options.time ?? 0,
    nr: row.nr,
    name,
    args: args.map(arg),
    result: result === undefined ? undefined : { lo: result | 0, hi: result < 0 ? -1 : 0 },
    unfinished: options.unfinished ?? false,
    ...(options.cloneFlags === undefined ? {} : { cloneFlags: options.cloneFlags }),
  };
}

export const recording = (
  steps: readonly TraceStep[],
  tasks: readonly [pid: number, comm: string][] = [[42, 'python3']],
): Trace => ({
  tasks: tasks.map(([pid, comm]) => ({ pid, comm })),
  steps,
});
