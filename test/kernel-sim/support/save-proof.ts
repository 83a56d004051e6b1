/** At points of a replay: save, run to the end, restore, run to the end again; then the same point in a fresh kernel. */
import { Random } from '../../machine/support.ts';
import { account, type Engine, firstDifference, memoryOf, sameMemory, story, type World, world } from './save-world.ts';

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
const replayOf = (w: World): Run => w.kernel.replayer(story());
function testRunOf(w: World): Run {
  const run = w.test.beginRun({ repeat: 1 });
  return { step: (n) => void run.step(n), finish: () => void run.finish() };
}

export const replayProof = (engine: Engine, seed: number, points: number, fresh: number): Promise<string[]> =>
  proof(engine, replayOf, seed, points, fresh);
export const testRunProof = (engine: Engine, seed: number, points: number, fresh: number): Promise<string[]> =>
  proof(engine, testRunOf, seed, points, fresh);

/** What went wrong, nothing where all is well. `fresh`: of so many points one is gone to in a fresh kernel too. */
async function proof(
  engine: Engine,
  begin: (w: World) => Run,
  seed: number,
  points: number,
  fresh: number,
): Promise<string[]> {
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
    if (n % fresh !== 0) continue;
    const other = await world(engine);
    const once = begin(other);
    if (count > 0) once.step(count);
    wrong.push(...difference(other, `${at}, fresh kernel`, here));
    once.step();
    once.finish();
    wrong.push(...difference(other, `${at}, fresh kernel to the end`, ending.memory, ending.text));
  }
  return wrong;
}
