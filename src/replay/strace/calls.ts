/** A call's name, arguments and result to a step. */
import { type SyscallRow, syscalls, type TraceCall } from '../../../kernel-sim/index.ts';
import { PID_MAX_LIMIT } from '../pids.ts';
import { Args } from './args.ts';
import { clone3Flags, FORKS, inRegisterOrder } from './clone.ts';
import { readDuration, readResult, readTranslation } from './result.ts';
import { excerpt, LineError, OPEN, type Scanner } from './scanner.ts';
import type { Tasks } from './tasks.ts';
import { Arena } from './text.ts';
import { Words } from './words.ts';

export type Draft = { -readonly [Key in keyof TraceCall]: TraceCall[Key] };

/** Their result is the pid of the task that calls. */
const TELL_PID: ReadonlySet<string> = new Set(['set_tid_address', 'getpid', 'gettid']);

export class Calls {
  readonly #names = new Words<SyscallRow>(syscalls.map((row) => [row.name, row] as const));
  readonly #args = new Args(new Arena());
  readonly #tasks: Tasks;
  /** ns that the call read last took; -1 where it is not told */
  duration = -1;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  /** The call whose name stands at the place, in front of its arguments; undefined for one that x86-64 does not have. */
  name(s: Scanner): SyscallRow | undefined {
    const from = s.at;
    const row = this.#names.read(s);
    if (s.peek() !== OPEN) throw new LineError(`not a line of strace: ${excerpt(s, from)}`);
    return row;
  }

  /** Reads from the bracket behind the name. `open`: what is not there yet is left out. */
  read(s: Scanner, row: SyscallRow, pid: number, time: number, open = false): Draft {
    s.at++;
    let args: TraceCall['args'] = this.#args.read(s, row.nr, open);
    const call: Draft = {
      kind: 'call',
      pid,
      time,
      nr: row.nr,
      name: row.name,
      args,
      result: undefined,
      unfinished: false,
    };
    if (row.name === 'clone') {
      args = call.args = inRegisterOrder(s, args, this.#args);
      if (args[0]?.kind === 'int') call.cloneFlags = args[0].lo >>> 0;
    } else if (row.name === 'clone3' && args.length > 0) call.cloneFlags = clone3Flags(s, this.#args);
    this.duration = -1;
    if (open) return call;
    if (readResult(s)) {
      const { lo, hi } = s;
      call.result = { lo, hi };
      const child = FORKS.has(row.name) ? readTranslation(s) : 0;
      if (child > 0 && child < PID_MAX_LIMIT) call.child = child;
      if (hi === 0 && lo > 0 && lo < PID_MAX_LIMIT) this.#told(row, pid, child || lo);
    }
    this.duration = readDuration(s);
    return call;
  }

  #told(row: SyscallRow, pid: number, result: number): void {
    if (FORKS.has(row.name)) this.#tasks.born.add(result);
    else if (pid === 0 && TELL_PID.has(row.name)) this.#tasks.settle(result);
  }
}
