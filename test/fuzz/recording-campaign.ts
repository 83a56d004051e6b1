/** Reads and replays damaged recordings: each costs its own lines, and never the next recording. */
import { readdirSync, readFileSync } from 'node:fs';
import { BpfObject, Kernel } from '../../src/index.ts';
import { StraceParser, streamStrace } from '../../src/replay/index.ts';
import { damage } from './damage.ts';
import { Rng } from './rng.ts';

export interface RecordingReport {
  readonly recordings: number;
  readonly steps: number;
  readonly calls: number;
  readonly unreadable: number;
  readonly findings: readonly string[];
}

const fixture = (name: string): URL => new URL(`../../fixtures/${name}`, import.meta.url);

/** Lines of one recording that is damaged: variety counts, not length. */
const LINES = 120;
/** a recording takes no more instructions */
const MOST_INSNS = 3_000_000;
/** damaged ones between two looks at a sound one */
const CHECK = 25;

export async function recordingCampaign(
  seed: number,
  count: number,
  progress?: (done: number) => void,
): Promise<RecordingReport> {
  const originals = recordings();
  const lines = originals.flatMap((text) => text.split('\n'));
  const findings: string[] = [];
  const totals = { steps: 0, calls: 0, unreadable: 0 };
  const kernel = await Kernel.boot();
  BpfObject.open(readFileSync(fixture('hello.o')))
    .load(kernel)
    .attach();
  const printed: string[] = [];
  kernel.tracePipe.onLine((line) => void printed.push(line));
  const sound = originals[0] as string;
  /** what the sound recording prints, without its times */
  const print = async (): Promise<string> => {
    printed.length = 0;
    await kernel.replay(streamStrace(once(new TextEncoder().encode(sound))));
    return printed.map((line) => line.replace(/ +\d+\.\d{6}:/, ' T:')).join('\n');
  };
  const want = await print();

  for (let n = 0; n < count; n++) {
    const rng = new Rng(Math.imul(seed, 0x9e3779b1) + n);
    const whole = (originals[rng.below(originals.length)] as string).split('\n');
    const from = rng.below(Math.max(1, whole.length - LINES));
    const bytes = damage(whole.slice(from, from + LINES), lines, rng);
    const found = (what: unknown): void => {
      const text = what instanceof Error ? (what.stack ?? what.message) : String(what);
      findings.push(`--seed ${seed}, round ${n}: ${text.split('\n').slice(0, 6).join('\n')}`);
    };
    try {
      const piece = 1 + rng.below(4096);
      const once = stepsOf(bytes, bytes.length);
      if (JSON.stringify(once) !== JSON.stringify(stepsOf(bytes, piece)))
        found(`read in pieces of ${piece} it has other steps`);
      totals.steps += once.length;
      const stream = streamStrace(pieces(bytes, piece));
      const result = await kernel.replay(stream, { maxInsns: MOST_INSNS });
      totals.calls += result.calls;
      totals.unreadable += stream.warnings.count;
      if (result.oopses.length > 0 && result.stopped !== 'max-insns') found(`it oopses: ${result.oopses[0]}`);
      if (result.stopped === 'fault') found('it ends in a fault');
      if (n % CHECK === CHECK - 1 && (await print()) !== want)
        found('behind it, a sound recording prints something else');
    } catch (error) {
      found(error);
    }
    if (findings.length >= 20) break;
    progress?.(n + 1);
  }
  return { recordings: count, ...totals, findings };
}

function stepsOf(bytes: Uint8Array, piece: number): unknown[] {
  const parser = new StraceParser();
  const steps: unknown[] = [];
  const take = (): void => {
    for (let step = parser.next(); step; step = parser.next()) steps.push(step);
  };
  for (let at = 0; at < bytes.length; at += piece) {
    parser.push(bytes.slice(at, at + piece));
    take();
  }
  parser.end();
  take();
  return steps;
}

async function* pieces(bytes: Uint8Array, piece: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
}
const once = (bytes: Uint8Array): AsyncGenerator<Uint8Array> => pieces(bytes, bytes.length);

/** The recordings of the tests and the one that ships, which is first. */
function recordings(): string[] {
  const folder = new URL('../replay/recordings/', import.meta.url);
  const texts = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  return [readFileSync(fixture('traces/python3.strace'), 'utf8'), ...texts];
}
