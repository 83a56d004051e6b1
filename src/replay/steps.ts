/** From a recording's lines to the steps that the kernel replays. */
import type { Trace, TraceArg, TraceStep, TraceTask } from '../../kernel-sim/index.ts';
import { syscallNamed } from '../../kernel-sim/index.ts';
import { isData, sockaddr } from './data-args.ts';
import { constant } from './strace/constants.ts';
import type { Strace, StraceArg, StraceEvent, StraceWarning, SyscallEvent } from './strace/events.ts';

/** Between calls of a recording without times: ns. */
const STEP_NS = 50_000;
/** A task whose exec the recording does not show; the kernel prints the same where it has forgotten a name. */
const UNKNOWN_COMM = '<...>';
/** Strace's own child before its execve. */
const BEFORE_EXEC = 'strace';

interface Numbered {
  readonly line: number;
  readonly step: TraceStep;
}

/** What can be replayed, and what cannot with its line. */
export function stepsOf(recording: Strace): { readonly trace: Trace; readonly warnings: readonly StraceWarning[] } {
  const steps: Numbered[] = [];
  const warnings = [...recording.warnings];
  recording.events.forEach((event, n) => {
    const time = event.time ?? n * STEP_NS;
    if (event.kind === 'exit')
      steps.push({ line: event.line, step: { kind: 'end', pid: event.pid, time, status: waitStatus(event) } });
    if (event.kind !== 'syscall') return;
    const row = syscallNamed(event.name);
    if (!row) {
      warnings.push({ line: event.line, message: `there is no system call '${event.name}' on x86-64` });
      return;
    }
    const unfinished = event.resumedLine !== undefined;
    steps.push({ line: event.line, step: callOf(event, row.nr, time, unfinished) });
    if (unfinished)
      steps.push({ line: event.resumedLine, step: { kind: 'return', pid: event.pid, time: event.end ?? time } });
  });
  steps.sort((a, b) => a.line - b.line);
  warnings.sort((a, b) => a.line - b.line);
  const startRealtime = recording.epoch;
  const trace = {
    tasks: firstTasks(recording.events),
    steps: steps.map((s) => s.step),
    ...(startRealtime === undefined ? {} : { startRealtime }),
  };
  return { trace, warnings };
}

const halves = (value: bigint): { lo: number; hi: number } => ({
  lo: Number(BigInt.asIntN(32, value)),
  hi: Number(BigInt.asIntN(32, value >> 32n)),
});

function callOf(event: SyscallEvent, nr: number, time: number, unfinished: boolean): TraceStep {
  const flags = cloneFlags(event);
  return {
    kind: 'call',
    pid: event.pid,
    time,
    nr,
    name: event.name,
    args: event.args.map((arg, index) => argOf(event.name, arg, index)),
    result: event.result === undefined ? undefined : halves(event.result),
    unfinished,
    ...(flags === undefined ? {} : { cloneFlags: flags }),
  };
}

function argOf(call: string, arg: StraceArg, index: number): TraceArg {
  switch (arg.kind) {
    case 'value':
      return { kind: 'int', ...halves(arg.value) };
    case 'string':
      return isData(call, index) ? { kind: 'bytes', bytes: arg.bytes } : { kind: 'string', bytes: arg.bytes };
    case 'array':
      return { kind: 'strings', list: arg.items.flatMap((item) => (item.kind === 'string' ? [item.bytes] : [])) };
    case 'struct': {
      const bytes = sockaddr(arg.text);
      return bytes ? { kind: 'bytes', bytes } : { kind: 'opaque', text: arg.text };
    }
  }
}

const FORKS = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** clone has its flags in its first register; clone3 in a structure (linux/sched.h, struct clone_args). */
function cloneFlags({ name, args }: SyscallEvent): number | undefined {
  const first = args[0];
  if (name === 'clone' && first?.kind === 'value') return Number(BigInt.asUintN(32, first.value));
  if (name !== 'clone3' || first?.kind !== 'struct') return undefined;
  const names = /flags=([\w|]+)/.exec(first.text)?.[1]?.split('|') ?? [];
  return names.reduce((all, flag) => all | (constant(flag) ?? 0), 0) >>> 0;
}

/** As wait(2) gives it: exit code in the second byte, or the signal. */
function waitStatus(event: Extract<StraceEvent, { kind: 'exit' }>): number {
  if (event.signal === undefined) return (event.status ?? 0) << 8;
  return constant(event.signal) ?? 0;
}

/** Tasks that were there before the recording began: those that no call in it created. */
function firstTasks(events: readonly StraceEvent[]): TraceTask[] {
  const born = new Set<number>();
  const first = new Map<number, StraceEvent>();
  for (const event of events) {
    if (event.kind === 'syscall' && FORKS.has(event.name) && event.result !== undefined && event.result > 0n)
      born.add(Number(event.result));
    if (!first.has(event.pid)) first.set(event.pid, event);
  }
  return [...first]
    .filter(([pid]) => !born.has(pid))
    .map(([pid, event]) => ({
      pid,
      comm: event.kind === 'syscall' && event.name === 'execve' ? BEFORE_EXEC : UNKNOWN_COMM,
    }));
}
