/**
 * At points of a replay or a test run: save, run to the end, restore, run to the end again; the same point in a fresh
 * kernel; and what a fresh process is to arrive at (`fresh-process.ts`).
 */
import { createHash } from 'node:crypto';
import { Random } from '../../machine/support.ts';
import {
  account,
  type Engine,
  firstDifference,
  memoryOf,
  parts,
  sameMemory,
  story,
  type World,
  world,
} from './save-world.ts';

interface Ending {
  readonly memory: Buffer;
  readonly text: string;
}

function difference(w: World, what: string, memory: Buffer, text?: string): string[] {
  const out: string[] = [];
  if (!sameMemory(w, memory)) out.push(`${what}: memory differs at ${firstDifference(w, memory)}`);
  if (text !== undefined) {
    const [a, b] = [text.split('\n'), account(w).split('\n')];
    const n = a.findIndex((line, i) => line !== b[i]);
    if (n >= 0 || a.length !== b.length) out.push(`${what}: ${a[n]}\n   is now ${b[n]}`);
  }
  return out;
}

/** Something that is stepped: a replay, or a test run. */
interface Run {
  step(insns?: number): void;
  finish(): void;
}
const RUNS = {
  replay: (w: World): Run => w.kernel.replayer(story()),
  'test run': (w: World): Run => {
    const run = w.test.beginRun({ repeat: 1 });
    return { step: (n) => void run.step(n), finish: () => void run.finish() };
  },
};
export type RunKind = keyof typeof RUNS;

/** A point on the way, and all that can be told of the kernel there, in SHA-256. */
export interface Moment {
  readonly engine: Engine;
  readonly kind: RunKind;
  /** instructions after the beginning */
  readonly count: number;
  readonly digest: string;
}
/** Over guest memory, and over maps, rings, trace_pipe, counters and the rest; the latter are taken out. */
const digest = (w: World): string => {
  const hash = createHash('sha256');
  for (const part of parts(w)) hash.update(part);
  return hash.update(account(w)).digest('hex');
};

/** Goes there in a kernel that has just booted. */
export async function arrive({ engine, kind, count }: Omit<Moment, 'digest'>): Promise<string> {
  const w = await world(engine);
  const run = RUNS[kind](w);
  if (count > 0) run.step(count);
  return digest(w);
}

/**
 * What went wrong, nothing where all is well; and the moments for a fresh process. `fresh`: of so many points one is gone
 * to in a fresh kernel too.
 */
export async function proof(
  engine: Engine,
  kind: RunKind,
  seed: number,
  points: number,
  fresh = Number.POSITIVE_INFINITY,
): Promise<{ wrong: string[]; moments: Moment[] }> {
  const begin = RUNS[kind];
  const random = new Random(seed);
  const w = await world(engine);
  const { machine } = w.kernel;
  const beginning = w.kernel.save();
  const start = machine.executed;
  const first = begin(w);
  first.step();
  const total = machine.executed - start;
  first.finish();
  const ending: Ending = { memory: memoryOf(w), text: account(w) };
  const wrong: string[] = [];
  const moments: Moment[] = [];
  for (let n = 0; n < points && wrong.length === 0; n++) {
    const count = random.below(total);
    w.kernel.restore(beginning);
    const again = begin(w);
    // on the way there in one go, or with a stop
    if (random.chance(50)) again.step(random.below(count + 1));
    const rest = count - (machine.executed - start);
    if (rest > 0) again.step(rest);
    const at = `${engine} ${count} of ${total} (at ${machine.executed - start})`;
    const mark = w.kernel.save();
    const here = memoryOf(w);
    again.step();
    again.finish();
    wrong.push(...difference(w, `${at}, to the end`, ending.memory, ending.text));
    w.kernel.restore(mark);
    wrong.push(...difference(w, `${at}, restored`, here));
    again.step();
    again.finish();
    wrong.push(...difference(w, `${at}, to the end again`, ending.memory, ending.text));
    w.kernel.restore(mark);
    moments.push({ engine, kind, count: machine.executed - start, digest: digest(w) });
    if ((n + 1) % fresh !== 0) continue;
    const other = await world(engine);
    const once = begin(other);
    if (count > 0) once.step(count);
    wrong.push(...difference(other, `${at}, fresh kernel`, here));
    once.step();
    once.finish();
    wrong.push(...difference(other, `${at}, fresh kernel to the end`, ending.memory, ending.text));
  }
  return { wrong, moments };
}
