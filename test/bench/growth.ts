/** Whether the time of an event and the memory stay the same, however many events there are and programs elsewhere. */
import type { TraceStep } from '../../kernel-sim/index.ts';
import { BpfObject } from '../../src/index.ts';
import { attached, fixture, openat, opens, replay } from './opens.ts';
import { type BenchOptions, cpuTime, type Group, median, memory, type Row } from './report.ts';

const FIRST = 1000;
/** of a decade's events, the share at its end that is measured by itself: nothing is translated any more */
const STEADY = 0.5;

interface Case {
  readonly objects: readonly string[];
  /** how trace_pipe is read: at all, and of how many events at a time */
  readonly read?: number;
}
const CASES: Readonly<Record<string, Case>> = {
  'nothing attached': { objects: [] },
  'hello, nobody reads': { objects: ['hello'] },
  'hello, pipe read': { objects: ['hello'], read: 1000 },
  'opens (hash map)': { objects: ['opens'] },
};

const decades = (most: number): number[] => {
  const all: number[] = [];
  for (let n = FIRST; n < most; n *= 10) all.push(n);
  return [...all, most];
};

interface Seen {
  readonly count: number;
  /** µs of CPU time each of the decade's, and of its second half's */
  readonly all: number;
  readonly steady: number;
  readonly memory: ReturnType<typeof memory>;
}

/** Plays what `step` gives for each number below `most`, with a look at the time in the middle and at the end of each decade. */
export async function watch(
  most: number,
  play: (steps: Iterable<TraceStep>) => unknown,
  step: (n: number) => Iterable<TraceStep>,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const steps = function* (): Generator<TraceStep> {
    let done = 0;
    for (const count of decades(most)) {
      const from = done;
      const half = Math.round(count - (count - from) * STEADY);
      const start = cpuTime();
      let middle = start;
      for (; done < count; done++) {
        if (done === half) middle = cpuTime();
        yield* step(done);
      }
      const end = cpuTime();
      const [all, steady] = [(end - start) / (count - from), (end - middle) / (count - half)];
      seen.push({ count, all, steady, memory: memory() });
    }
  };
  await play(steps());
  return seen;
}

export const COLUMNS = [
  { name: 'µs', digits: 2 },
  { name: 'steady', digits: 2 },
  { name: 'RSS', digits: 0 },
  { name: 'heap', digits: 1 },
  { name: 'buffers', digits: 1 },
];
const number = (n: number): string => n.toLocaleString('en').padStart(10);

export const rowsOf = (name: string, all: readonly Seen[]): Row[] =>
  all.map(({ count, all, steady, memory: { rss, heap, buffers } }) => ({
    name: `${name}: to ${number(count)}`,
    values: [all, steady, rss, heap, buffers],
  }));

export const growth: Group = {
  title: 'growth: µs of CPU time per openat() since the row above, in one replay; MiB',
  columns: COLUMNS,
  parts: Object.keys(CASES),
  notes: [
    'steady: the second half of the row’s events. RSS has the engine’s own memory and the guest’s touched pages in it,',
    'heap is what V8 holds after a collection, buffers what lies beside it without the guest’s memory. --most N for more',
  ],
  async run(part, { most }: BenchOptions): Promise<Row[]> {
    const { objects, read } = CASES[part] as Case;
    const kernel = await attached('jit', objects);
    let lines = 0;
    const step = function* (n: number): Generator<TraceStep> {
      if (read !== undefined && n % read === 0) lines += kernel.tracePipe.read().length;
      yield openat();
    };
    const rows = rowsOf(part, await watch(most, (steps) => replay(kernel, steps), step));
    if (read !== undefined && lines === 0) throw new Error('no line came out of trace_pipe');
    return rows;
  },
};

const EVENTS = 20_000;
/** Programs on tracepoints that openat() does not reach. */
export const others: Group = {
  title: 'programs attached elsewhere: µs of CPU time per openat() with hello attached, steady state',
  columns: [
    { name: 'µs', digits: 2 },
    { name: 'RSS', digits: 0 },
  ],
  parts: ['1', '50', '200'],
  async run(part): Promise<Row[]> {
    const kernel = await attached('jit', []);
    const bytes = BpfObject.open(fixture('execs'));
    for (let i = 0; i < Number(part); i++) bytes.load(kernel).attach();
    BpfObject.open(fixture('hello')).load(kernel).attach();
    for (let i = 0; i < 6; i++) await replay(kernel, opens(EVENTS));
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = cpuTime();
      await replay(kernel, opens(EVENTS));
      times.push((cpuTime() - start) / EVENTS);
    }
    return [{ name: `${part} elsewhere`, values: [median(times), memory().rss] }];
  },
};
