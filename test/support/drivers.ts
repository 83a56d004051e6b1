/**
 * One test driver, several engines behind it: the BPF interpreter, the JIT's image one x86 instruction at a time, and
 * the image translated to WebAssembly (at once, not when it has become hot). All go through the public API.
 */

import { type EngineName, Kernel, type MapHandle, type Program } from '../../src/index.ts';
import { addrFromBigInt } from '../../src/machine/addr.ts';

export interface RunInput {
  readonly insns: Uint8Array;
  /** program type; default `syscall`, for packets `socket_filter` */
  readonly type?: string;
  /** R1 points to a copy of it, R2 is its length */
  readonly memory?: Uint8Array;
  /** a packet instead: R1 points to its socket buffer */
  readonly packet?: Uint8Array;
  /** classic BPF */
  readonly classic?: boolean;
  /** default false */
  readonly verify?: boolean;
  /** the error of a refused program says why */
  readonly log?: boolean;
  readonly repeat?: number;
}

export interface RunOutput {
  readonly r0: bigint;
  readonly retval: number;
  /** BPF instructions executed */
  readonly insns: number;
  /** the buffer, or the packet, as it was left */
  readonly memory: Uint8Array;
}

export interface Engine {
  readonly name: EngineName;
  readonly kernel: Kernel;
  load(input: RunInput): Program;
  /** Runs a program that is loaded. */
  test(prog: Program, input: Omit<RunInput, 'insns'>): RunOutput;
  /** Loads, runs and unloads. */
  run(input: RunInput): RunOutput;
  progArray(entries: number): MapHandle;
}

/** BPF_F_SLEEPABLE: the verifier takes syscall programs only with it. */
const SLEEPABLE = 16;
/** Instructions after which a run is taken for endless. */
const BUDGET = 10_000_000;

export const ENGINES: readonly EngineName[] = ['interp', 'step', 'jit'];

export async function engine(name: EngineName): Promise<Engine> {
  const kernel = await Kernel.boot({ engine: name });
  const load = (input: RunInput): Program => {
    const type = input.type ?? (input.packet || input.classic ? 'socket_filter' : 'syscall');
    const prog = kernel.bpf.progLoad({
      type,
      insns: input.insns,
      license: 'GPL',
      ...(input.classic ? { classic: true } : input.verify ? {} : { verify: false }),
      ...(input.log ? { logLevel: 1 } : {}),
      ...(input.verify && type === 'syscall' ? { flags: SLEEPABLE } : {}),
    });
    for (const func of prog.jitedFuncs) kernel.machine.translator?.translate(addrFromBigInt(func.address));
    return prog;
  };
  const test = (prog: Program, input: Omit<RunInput, 'insns'>): RunOutput => {
    const result = prog.testRun({
      ...(input.memory?.length ? { ctxIn: input.memory } : {}),
      ...(input.packet ? { dataIn: input.packet } : {}),
      ...(input.repeat === undefined ? {} : { repeat: input.repeat }),
      maxInsns: BUDGET,
    });
    const { r0, retval, insns } = result;
    return { r0, retval, insns, memory: input.packet ? result.dataOut : result.ctxOut };
  };
  return {
    name,
    kernel,
    load,
    test,
    run(input) {
      const prog = load(input);
      try {
        return test(prog, input);
      } finally {
        prog.close();
      }
    },
    progArray: (maxEntries) => kernel.bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries }),
  };
}
