/**
 * What tasks do, written down: each is an actor, a generator of what it does and how long it takes before. Together they
 * are a recording; of several that act at the same time the one with the lower pid is first.
 */
import { syscallNamed, type Trace, type TraceArg, type TraceStep, type TraceTask } from '../../../kernel-sim/index.ts';
import { encodeUtf8 } from '../../platform/index.ts';
import { AT_FDCWD, O } from '../../uapi/fcntl.ts';
import { SIG } from '../../uapi/process.ts';

/** numbers from a seed: the same seed, the same numbers (xorshift32; Marsaglia, "Xorshift RNGs", 2003) */
export class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  }
  /** a whole number below n */
  below(n: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % n;
  }
  /** between the two, both among them */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

type Draft<S> = S extends TraceStep ? Omit<S, 'time' | 'pid'> : never;
/** A step, after so many ns; or another task that begins to act. */
export type Act = readonly [after: number, step: Draft<TraceStep>] | readonly [after: number, begins: Actor];
export interface Actor {
  readonly pid: number;
  readonly acts: Iterator<Act>;
}
export const actor = (pid: number, acts: Iterable<Act>): Actor => ({ pid, acts: acts[Symbol.iterator]() });

export interface Cast {
  readonly tasks: readonly TraceTask[];
  readonly actors: readonly Actor[];
}

/** The recording of a cast, made anew each time that it is read. */
export const traceOf = (tasks: readonly TraceTask[], cast: () => Cast): Trace => ({
  tasks,
  steps: { [Symbol.iterator]: () => together(cast().actors) },
});

function* together(first: readonly Actor[]): Generator<TraceStep> {
  const waiting: { readonly actor: Actor; readonly at: number; readonly act: Act }[] = [];
  const next = (who: Actor, now: number): void => {
    const { done, value } = who.acts.next();
    if (done) return;
    const at = now + value[0];
    let n = waiting.length;
    for (; n > 0; n--) {
      const before = waiting[n - 1] as (typeof waiting)[number];
      if (before.at < at || (before.at === at && before.actor.pid <= who.pid)) break;
    }
    waiting.splice(n, 0, { actor: who, at, act: value });
  };
  for (const who of first) next(who, 0);
  for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
    const { actor: who, at, act } = turn;
    if ('acts' in act[1]) next(act[1], at);
    else yield { ...act[1], pid: who.pid, time: at } as TraceStep;
    next(who, at);
  }
}

// --- what tasks do ---

type Given = number | string | TraceArg;
const argument = (given: Given): TraceArg => {
  if (typeof given === 'object') return given;
  if (typeof given === 'string') return { kind: 'string', bytes: encodeUtf8(given) };
  return { kind: 'int', lo: given | 0, hi: given < 0 ? -1 : Math.floor(given / 2 ** 32) };
};
/** memory that the call fills, or that nobody tells of */
export const POINTER: TraceArg = { kind: 'opaque', text: '' };
export const strings = (...list: readonly string[]): TraceArg => ({ kind: 'strings', list: list.map(encodeUtf8) });
export const data = (bytes: Uint8Array | string): TraceArg => ({
  kind: 'bytes',
  bytes: typeof bytes === 'string' ? encodeUtf8(bytes) : bytes,
});

/** A call that returns at once. */
export function call(
  after: number,
  name: string,
  args: readonly Given[],
  result: number | undefined,
  flags?: number,
): Act {
  const { nr } = syscallNamed(name) as { nr: number };
  const value = result === undefined ? undefined : { lo: result | 0, hi: result < 0 ? -1 : 0 };
  const more = flags === undefined ? {} : { cloneFlags: flags };
  return [after, { kind: 'call', nr, name, args: args.map(argument), result: value, unfinished: false, ...more }];
}
/** A call that waits so many ns. */
export function* waits(
  after: number,
  name: string,
  args: readonly Given[],
  result: number,
  ns: number,
): Generator<Act> {
  const [, step] = call(after, name, args, result);
  yield [after, { ...step, unfinished: true } as Draft<TraceStep>];
  yield [ns, { kind: 'return' }];
}
export const event = (after: number, name: string, fields: Readonly<Record<string, string>>): Act => [
  after,
  { kind: 'event', event: name, fields },
];

export const O_WRONLY_CREAT = O.WRONLY | O.CREAT | O.TRUNC;

export const fork = (after: number, child: number, flags: number = SIG.CHLD): Act =>
  call(after, 'clone', [flags, 0, 0, 0, 0], child, flags);
export const exec = (after: number, path: string, ...args: readonly string[]): Act =>
  call(after, 'execve', [path, strings(path, ...args), strings('PATH=/usr/bin')], 0);
export const exit = (after: number, code = 0): Act => call(after, 'exit_group', [code], undefined);
/** The parent waits so long for a child. */
export const reaps = (after: number, child: number, ns: number): Generator<Act> =>
  waits(after, 'wait4', [-1, POINTER, 0, 0], child, ns);
export const open = (after: number, path: string, fd: number, flags: number = O.RDONLY): Act =>
  call(after, 'openat', [AT_FDCWD, path, flags, 0o644], fd);
/** A file is opened, read and closed. */
export function* reads(chance: Chance, path: string, fd: number, size: number): Generator<Act> {
  yield open(chance.between(2_000, 20_000), path, fd);
  if (fd < 0) return;
  yield call(chance.between(500, 4_000), 'read', [fd, POINTER, size], size);
  yield call(chance.between(500, 2_000), 'close', [fd], 0);
}
