/** What the lines of programs cost: instructions executed, and time in helpers and kfuncs. */
import type { ProgCounts } from '../../../kernel-sim/bpf/objects/counting.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL } from '../../isa/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import { MachineStop } from '../../machine/index.ts';
import { host } from '../../platform/index.ts';
import { sourceOf } from './source.ts';

/** Calls of one kernel function by a line. */
export interface HelperCost {
  readonly name: string;
  readonly calls: number;
  /** time on the host that the model took, ns */
  readonly ns: number;
}
export interface LineCost {
  readonly program: string;
  readonly func: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** BPF instructions executed */
  readonly insns: number;
  readonly helpers: readonly HelperCost[];
}

const CALL = BPF_JMP | BPF_CALL;

/** Times the calls of kernel functions that programs make. */
export class HelperClock {
  readonly #kernel: Kernel;
  readonly #spent = new Map<string, { calls: number; ns: number }>();
  readonly #timed = new Set<string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const { state } = kernel.bpf;
    for (const prog of state.progs.all()) this.#time(prog);
    state.detours.added.add((prog) => this.#time(prog));
  }

  /** Mean time of a call, ns. */
  mean(symbol: string): number {
    const { calls, ns } = this.#spent.get(symbol) ?? { calls: 0, ns: 0 };
    return calls === 0 ? 0 : ns / calls;
  }

  #time(prog: ProgCounts['prog']): void {
    for (const symbol of callsOf(this.#kernel, prog).values()) {
      if (this.#timed.has(symbol)) continue;
      this.#timed.add(symbol);
      this.#kernel.bpf.state.detours.take(`time of ${symbol}`, [symbol], (original) => this.#run(symbol, original));
    }
  }
  #run(symbol: string, original: number): void {
    const { machine, args, cpu } = this.#kernel;
    const spent = this.#spent.get(symbol) ?? { calls: 0, ns: 0 };
    this.#spent.set(symbol, spent);
    const pairs = Array.from({ length: 5 }, (_, n) => [args.lo(n), args.hi(n)] as const);
    // programs may keep what a call clobbers, where Linux has none
    const before = cpu.regs.slice(0, 32);
    const start = host.now();
    const stop = machine.call(original, pairs);
    if (stop.reason !== 'halt') throw new MachineStop(stop);
    spent.calls++;
    spent.ns += (host.now() - start) * 1e6;
    before[0] = cpu.regs[0] as number;
    before[1] = cpu.regs[1] as number;
    cpu.regs.set(before);
  }
}

/** Kernel functions that a program calls, by the slot as loaded. */
function callsOf(kernel: Kernel, prog: ProgCounts['prog']): ReadonlyMap<number, string> {
  const { symbols, bpf } = kernel;
  const base = addrFromBigInt(bpf.state.callBase);
  const { insns, origins } = prog.init.code;
  const calls = new Map<number, string>();
  insns.forEach((insn, slot) => {
    if (insn.code !== CALL || insn.src === BPF_PSEUDO_CALL) return;
    const found = symbols.at(base + insn.imm);
    const origin = origins[slot] ?? -1;
    if (found?.offset === 0 && origin >= 0) calls.set(origin, found.name);
  });
  return calls;
}

/** Costs by program and line, in the program's order. */
export function lineCosts(kernel: Kernel, all: readonly ProgCounts[], clock: HelperClock | undefined): LineCost[] {
  const out = new Map<
    string,
    { cost: Omit<LineCost, 'helpers' | 'insns'>; insns: number; helpers: Map<string, HelperCost> }
  >();
  for (const counts of all) {
    const { prog, executed } = counts;
    const calls = callsOf(kernel, prog);
    const rows = sourceOf(counts)?.rows ?? [
      { file: '', line: 0, text: '', start: 0, end: executed.length, func: prog.name },
    ];
    for (const { file, line, text, start, end, func } of rows) {
      const key = `${prog.name} ${func} ${file}:${line}`;
      const entry = out.get(key) ?? {
        cost: { program: prog.name, func, file, line, text },
        insns: 0,
        helpers: new Map(),
      };
      out.set(key, entry);
      for (let slot = start; slot < end; slot++) {
        const times = executed[slot] as number;
        entry.insns += times;
        const name = calls.get(slot);
        if (name === undefined || times === 0) continue;
        const old = entry.helpers.get(name) ?? { name, calls: 0, ns: 0 };
        const ns = old.ns + times * (clock?.mean(name) ?? 0);
        entry.helpers.set(name, { name, calls: old.calls + times, ns });
      }
    }
  }
  return [...out.values()].map(({ cost, insns, helpers }) => ({ ...cost, insns, helpers: [...helpers.values()] }));
}
