/** Steady state: ns per executed BPF instruction, engine by engine, beside gcc's native code in paired runs. */
import { Kernel, type Program } from '../../src/index.ts';
import { haveShared } from '../support/shared.ts';
import { instructions, NAMES, type Name, Native, type Size, sizes, workMemory } from './programs.ts';
import { cpuTime, type Group, geomean, type Row } from './report.ts';

const ENGINES = ['jit', 'step', 'interp'] as const;
type Engine = (typeof ENGINES)[number];
const DIGITS = { jit: 3, step: 1, interp: 1 } as const;
/** runs of each engine that count, after one that does not */
const ROUNDS = { jit: 9, step: 5, interp: 5 } as const;
/** what a run of the slow engines executes at least: tenths of a second */
const ENOUGH = 1e7;

const version = Native.version();

async function load(name: Name, engine: Engine): Promise<Program> {
  const kernel = await Kernel.boot({ engine });
  return kernel.bpf.progLoad({ type: 'syscall', insns: instructions(name), license: 'GPL', verify: false });
}

/** ns of CPU time per BPF instruction of one run; its result and its count are checked. */
function once(program: Program, name: Name, size: Size): number {
  const ctxIn = workMemory(name, size.n);
  const start = cpuTime();
  const { r0, insns } = program.testRun({ ctxIn });
  const us = cpuTime() - start;
  if (r0 !== size.r0 || insns !== size.insns)
    throw new Error(`${name}: r0 ${r0.toString(16)} after ${insns}, not ${size.r0.toString(16)} after ${size.insns}`);
  return (us * 1000) / insns;
}

/** The largest for the translator and gcc, what takes long enough for the others. */
function sizeFor(name: Name, engine: Engine): Size {
  const all = sizes(name);
  const largest = all.at(-1) as Size;
  return engine === 'jit' ? largest : (all.find((s) => s.insns > ENOUGH) ?? largest);
}

/** Rounds of the engine and of gcc's code in turn; the fastest of each. */
async function pair(name: Name, engine: Engine, native: Native | undefined): Promise<(number | undefined)[]> {
  const program = await load(name, engine);
  const size = sizeFor(name, engine);
  const largest = sizes(name).at(-1) as Size;
  once(program, name, size);
  let ours = Number.POSITIVE_INFINITY;
  let theirs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS[engine]; i++) {
    ours = Math.min(ours, once(program, name, size));
    if (native) theirs = Math.min(theirs, native.run(largest) / largest.insns);
  }
  return native ? [ours, ours / theirs, theirs] : [ours, undefined, undefined];
}

export const kernels: Group = {
  title: 'compute kernels, -mcpu=v3: ns of CPU time per BPF instruction; /gcc: times gcc -O2 of the same C',
  columns: [
    ...ENGINES.flatMap((e) => [
      { name: e, digits: DIGITS[e] },
      { name: '/gcc', digits: e === 'jit' ? 2 : 0 },
    ]),
    { name: 'gcc', digits: 3 },
  ],
  parts: haveShared ? NAMES : 'not measured: the kernels lie in ../shared/bench, which is not here',
  notes: [
    version === undefined ? 'no gcc here, so no ratios' : `gcc ${version}`,
    `fastest of ${ROUNDS.jit} runs of translated code and ${ROUNDS.step} of the others, gcc's code run in turn with each`,
  ],
  async run(part): Promise<Row[]> {
    const name = part as Name;
    const native = version === undefined ? undefined : new Native(name);
    try {
      const values: (number | undefined)[] = [];
      let fastest: number | undefined;
      for (const engine of ENGINES) {
        const [ours, ratio, theirs] = await pair(name, engine, native);
        values.push(ours, ratio);
        if (theirs !== undefined) fastest = Math.min(fastest ?? theirs, theirs);
      }
      return [{ name, values: [...values, fastest] }];
    } finally {
      native?.remove();
    }
  },
  shown(rows) {
    const values = kernels.columns.map((c, i) => {
      const column = rows.map((r) => r.values[i]).filter((v) => v !== undefined);
      return c.name === '/gcc' && column.length > 0 ? geomean(column) : undefined;
    });
    return [...rows, { name: 'geomean', values }];
  },
};
