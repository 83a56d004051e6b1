/** Steady state: ns per executed BPF instruction, engine by engine, beside gcc's native code in paired runs. */
import { Kernel, type Program } from '../../src/index.ts';
import { instructions, NAMES, type Name, Natives, type Size, sizes, workMemory } from './programs.ts';
import { cpuTime, geomean, table } from './table.ts';

const ENGINES = ['jit', 'step', 'interp'] as const;
type Engine = (typeof ENGINES)[number];

async function load(name: Name, engine: Engine): Promise<Program> {
  const kernel = await Kernel.boot({ engine });
  return kernel.bpf.progLoad({ type: 'syscall', insns: instructions(name), license: 'GPL', verify: false });
}

/** ns of CPU time per BPF instruction of one run; its result is checked. */
function once(program: Program, name: Name, size: Size): number {
  const ctxIn = workMemory(name, size.n);
  const start = cpuTime();
  const { r0 } = program.testRun({ ctxIn });
  const us = cpuTime() - start;
  if (r0 !== size.r0) throw new Error(`${name}: r0 is ${r0.toString(16)}, not ${size.r0.toString(16)}`);
  return (us * 1000) / size.insns;
}

/** A size for an engine: the largest for the translator, what takes about a second for the others. */
function sizeFor(name: Name, engine: Engine): Size {
  const all = sizes(name);
  const largest = all.at(-1)!;
  if (engine === 'jit') return largest;
  return all.find((s) => s.insns > 2e6) ?? largest;
}

export async function benchKernels(rounds: number): Promise<void> {
  const natives = Natives.build();
  console.log(
    `\n# compute kernels, -mcpu=v3: ns of CPU time per BPF instruction, fastest of ${rounds} alternating runs`,
  );
  console.log(natives ? `/gcc: times gcc ${natives.version} -O2 of the same C` : 'no gcc here: no ratios');
  const rows: string[][] = [];
  const ratios: Record<string, number[]> = {};
  for (const name of NAMES) {
    const row: string[] = [name];
    const largest = sizes(name).at(-1)!;
    const best: Record<string, number> = {};
    let native = Number.POSITIVE_INFINITY;
    for (const engine of ENGINES) {
      const program = await load(name, engine);
      const size = sizeFor(name, engine);
      if (engine === 'jit') once(program, name, size); // translation and the compiler below it
      best[engine] = Number.POSITIVE_INFINITY;
      for (let i = 0; i < (engine === 'jit' ? rounds : Math.min(rounds, 3)); i++) {
        best[engine] = Math.min(best[engine], once(program, name, size));
        if (natives !== undefined) native = Math.min(native, natives.run(name, largest) / largest.insns);
      }
    }
    for (const engine of ENGINES) {
      const digits = engine === 'jit' ? 3 : 1;
      row.push(best[engine]!.toFixed(digits));
      if (natives === undefined) continue;
      const ratio = best[engine]! / native;
      (ratios[engine] ??= []).push(ratio);
      row.push(ratio.toFixed(engine === 'jit' ? 2 : 0));
    }
    if (natives !== undefined) row.push(native.toFixed(3));
    rows.push(row);
  }
  const head = ['kernel'];
  for (const e of ENGINES) head.push(e, ...(natives ? ['/gcc'] : []));
  if (natives) {
    head.push('gcc');
    const last = ['geomean'];
    for (const e of ENGINES) last.push('', geomean(ratios[e]!).toFixed(e === 'jit' ? 2 : 0));
    rows.push([...last, '']);
  }
  console.log(table(head, rows));
  natives?.remove();
}
