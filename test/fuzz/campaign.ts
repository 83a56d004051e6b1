/** Runs random programs on all engines, compares everything they leave behind, and shrinks what differs. */
import { disassemble, type Insn, LD_IMM64, writeInsns } from '../../src/isa/index.ts';
import { BpfError } from '../../src/index.ts';
import { type Engine, ENGINES, engine } from '../support/drivers.ts';
import { firstDifference } from '../conformance/trace.ts';
import { assemble, BUFFER, generate, type Program, Rng, smaller } from './grammar.ts';

interface Outcome {
  readonly r0: string;
  readonly insns: number;
  /** hexadecimal */
  readonly memory: string;
  readonly error: string;
}

export interface Finding {
  readonly seed: number;
  readonly what: string;
  /** the smallest program that still shows it */
  readonly listing: readonly string[];
}

export interface Report {
  readonly programs: number;
  readonly executed: number;
  readonly findings: readonly Finding[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const COUNTS = process.env['NOCOUNT'] === undefined;
/** Shrinking steps at most. */
const PATIENCE = 2000;

function input(seed: number): Uint8Array {
  const r = new Rng(seed ^ 0x1234567);
  return Uint8Array.from({ length: BUFFER }, () => r.below(256));
}

function run(e: Engine, insns: Uint8Array, memory: Uint8Array): Outcome {
  try {
    const out = e.run({ insns, memory });
    return { r0: out.r0.toString(16), insns: COUNTS ? out.insns : 0, memory: hex(out.memory), error: '' };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { r0: '', insns: 0, memory: '', error: error.errno };
  }
}

/** How two outcomes differ, '' where they agree. */
function difference(a: Outcome, b: Outcome, names: readonly [string, string]): string {
  for (const field of ['error', 'r0', 'memory', 'insns'] as const) {
    if (a[field] !== b[field]) return `${field}: ${names[0]} ${a[field]}, ${names[1]} ${b[field]}`;
  }
  return '';
}

export async function campaign(seed: number, count: number, progress?: (done: number) => void): Promise<Report> {
  const engines = await Promise.all(ENGINES.map(engine));
  const [first, ...others] = engines as [Engine, ...Engine[]];
  const findings: Finding[] = [];
  let executed = 0;

  const disagreement = (program: Program, memory: Uint8Array): { what: string; other: Engine } | undefined => {
    const insns = writeInsns(assemble(program));
    const want = run(first, insns, memory);
    executed += want.insns;
    for (const other of others) {
      const what = difference(want, run(other, insns, memory), [first.name, other.name]);
      if (what) return { what, other };
    }
    return undefined;
  };

  for (let n = 0; n < count; n++) {
    const memory = input(seed + n);
    let program = generate(seed + n);
    let found = disagreement(program, memory);
    if (found) {
      for (let left = PATIENCE, again = true; again; ) {
        again = false;
        for (const candidate of smaller(program)) {
          if (left-- <= 0) break;
          const still = disagreement(candidate, memory);
          if (!still) continue;
          program = candidate;
          found = still;
          again = true;
          break;
        }
      }
      const insns = assemble(program);
      const where = firstDifference(first, found.other, writeInsns(insns), memory);
      findings.push({ seed: seed + n, what: where ? `${found.what}\n  ${where}` : found.what, listing: listing(insns) });
    }
    progress?.(n + 1);
  }
  return { programs: count, executed, findings };
}

function listing(insns: readonly Insn[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    out.push(`${String(i).padStart(4)}: ${disassemble(insn, insns[i + 1])}`);
    if (insn.code === LD_IMM64) i++;
  }
  return out;
}
