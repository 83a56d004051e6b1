/**
 * One way to run an unverified program, several engines behind it: the BPF interpreter, the JIT's image one
 * instruction at a time, and the image translated. All go through the public API.
 */
import { type EngineName, Kernel, type MapHandle, type Program } from '../../src/index.ts';

export interface RunInput {
  readonly insns: Uint8Array;
  /** R1 points to a copy of it, R2 is its length */
  readonly memory?: Uint8Array;
  /** a packet instead: R1 points to its socket buffer */
  readonly packet?: Uint8Array;
  /** classic BPF */
  readonly classic?: boolean;
  readonly repeat?: number;
}

export interface RunOutput {
  readonly r0: bigint;
  readonly retval: number;
  readonly insns: number;
  readonly memory: Uint8Array;
}

export interface Engine {
  readonly name: EngineName;
  readonly kernel: Kernel;
  run(input: RunInput): RunOutput;
  load(input: RunInput): Program;
  progArray(entries: number): MapHandle;
}

/** Instructions after which a run is taken for endless. */
const BUDGET = 10_000_000;

export const ENGINES: readonly EngineName[] = ['interp', 'step', 'jit'];

export async function engine(name: EngineName): Promise<Engine> {
  const kernel = await Kernel.boot({ engine: name });
  const load = (input: RunInput): Program =>
    kernel.bpf.progLoad({
      type: input.packet || input.classic ? 'socket_filter' : 'syscall',
      insns: input.insns,
      license: 'GPL',
      ...(input.classic ? { classic: true } : { verify: false }),
    });
  return {
    name,
    kernel,
    load,
    progArray: (maxEntries) => kernel.bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries }),
    run(input) {
      const prog = load(input);
      try {
        const result = prog.testRun({
          ...(input.memory?.length ? { ctxIn: input.memory } : {}),
          ...(input.packet ? { dataIn: input.packet } : {}),
          ...(input.repeat === undefined ? {} : { repeat: input.repeat }),
          maxInsns: BUDGET,
        });
        return { r0: result.r0, retval: result.retval, insns: result.insns, memory: result.ctxOut };
      } finally {
        prog.close();
      }
    },
  };
}
