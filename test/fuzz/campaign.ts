/** Runs random programs on all engines, compares everything they leave behind, and shrinks what differs. */
import { disassemble, type Insn, LD_IMM64, writeInsns } from '../../src/isa/index.ts';
import { firstDifference } from '../conformance/trace.ts';
import { ENGINES } from '../support/drivers.ts';
import { assemble } from './assemble.ts';
import { generate, type Program } from './grammar.ts';
import { mutate, simpler } from './mutate.ts';
import { smaller } from './shrink.ts';
import { difference, World } from './world.ts';

/**
 * `plain`: what the grammar makes, without the verifier. `verified`: the same through the verifier, which must accept it.
 * `sound`: changed at random; what the verifier still accepts must run to its end, everywhere alike.
 */
export type Mode = 'plain' | 'verified' | 'sound';
export const MODES: readonly Mode[] = ['plain', 'verified', 'sound'];

export interface Finding {
  readonly seed: number;
  readonly what: string;
  /** the smallest program that still shows it */
  readonly listing: readonly string[];
}

export interface Report {
  readonly mode: Mode;
  readonly programs: number;
  /** how many of them were loaded */
  readonly loaded: number;
  readonly executed: number;
  /** how many differ by addresses that they store or compare, which is no finding */
  readonly addresses: number;
  readonly findings: readonly Finding[];
}

/** Shrinking steps at most. */
const PATIENCE = 1000;

/** What the verifier has too little patience for, or refuses by rule: not wrong. */
const TOO_MUCH = /too large|too complex|too many|E2BIG|stack size|stack depth/;

export async function campaign(
  mode: Mode,
  seed: number,
  count: number,
  progress?: (done: number) => void,
): Promise<Report> {
  const worlds = await Promise.all(ENGINES.map((name) => World.boot(name, mode !== 'plain')));
  const findings: Finding[] = [];
  let executed = 0;
  let loaded = 0;
  let addresses = 0;

  let program: Program;
  /** What is wrong with how a program runs, '' nothing. */
  const problem = (insns: readonly Insn[], state: number, first = false): string => {
    const [world, ...others] = worlds;
    const want = world!.run(program.type, insns, state);
    // one verifier for all: what it refuses is of no further interest here
    if (!want.loaded && mode === 'sound') return '';
    const outcomes = [want, ...others.map((w) => w.run(program.type, insns, state))];
    if (first && want.loaded) loaded++;
    if (first) executed += want.insns;
    for (const [n, got] of outcomes.entries()) {
      const who = worlds[n]!.name;
      if (got.error && got.loaded) return `${who}: the run failed: ${got.error}`;
      if (got.error && mode !== 'sound') {
        const reason = worlds[n]!.reason(program.type, insns);
        if (!TOO_MUCH.test(reason)) return `${who}: refused: ${reason}`;
      }
      const what = difference(want, got, [world!.name, who]);
      if (!what) continue;
      // a changed program may store a pointer, or compare two
      if (mode !== 'sound' || want.loaded !== got.loaded || !world!.mayTellAddresses(program.type, insns)) return what;
      if (first) addresses++;
      return '';
    }
    return '';
  };

  for (let n = 0; n < count; n++) {
    const state = seed + n;
    program = generate(state, mode !== 'plain', mode === 'sound');
    const { maps } = worlds[0]!;
    const build = (): Insn[] => (mode === 'sound' ? mutate(assemble(program, maps), state) : assemble(program, maps));
    let insns = build();
    let what = problem(insns, state, true);
    if (what) {
      let left = PATIENCE;
      // a changed program shrinks by itself, others as trees
      const candidates = function* (): IterableIterator<() => Insn[]> {
        if (mode === 'sound') for (const next of simpler(insns)) yield () => next;
        else
          for (const next of smaller(program)) {
            yield () => {
              program = next;
              return assemble(next, maps);
            };
          }
      };
      for (let again = true; again; ) {
        again = false;
        const before = program;
        for (const candidate of candidates()) {
          if (left-- <= 0) break;
          const next = candidate();
          const still = problem(next, state);
          if (!still) {
            program = before;
            continue;
          }
          insns = next;
          what = still;
          again = true;
          break;
        }
      }
      const where = mode === 'plain' ? firstRegister(worlds, insns, state) : '';
      findings.push({ seed: state, what: where ? `${what}\n  ${where}` : what, listing: listing(insns) });
    }
    progress?.(n + 1);
  }
  return { mode, programs: count, loaded, executed, addresses, findings };
}

/** The first register that differs from the first engine's, and the instruction behind which it does. */
function firstRegister(worlds: readonly World[], insns: readonly Insn[], state: number): string {
  const [first, ...others] = worlds;
  for (const other of others) {
    const memory = first!.reset(state);
    other.reset(state);
    const where = firstDifference(first!.engine, other.engine, writeInsns([...insns]), memory);
    if (where) return where;
  }
  return 'one instruction at a time the engines agree';
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
