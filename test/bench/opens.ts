/** Recordings of one system call after another, made as they are read: openat(), and what the other benchmarks replay. */
import { fileURLToPath } from 'node:url';
import type { TraceArg, TraceCall, TraceStep } from '../../kernel-sim/index.ts';
import { BpfObject, type EngineName, Kernel } from '../../src/index.ts';

export const PID = 1000;
const OPENAT = 257;
const PATH = { kind: 'string', bytes: Buffer.from('/etc/passwd\0') } as const;

export const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}.o`, import.meta.url));
export const int = (lo: number): TraceArg => ({ kind: 'int', lo, hi: lo < 0 ? -1 : 0 });

let serial = 0;
export const call = (nr: number, name: string, args: readonly TraceArg[], result?: number, pid = PID): TraceCall => ({
  kind: 'call',
  pid,
  time: serial++ * 1000,
  nr,
  name,
  args,
  result: result === undefined ? undefined : { lo: result, hi: result < 0 ? -1 : 0 },
  unfinished: false,
});

const OPEN_ARGS = [int(-100), PATH, int(0)];
/** The file of the call before is closed by the next one, which gets the same descriptor. */
export const openat = (path?: TraceArg, pid?: number): TraceCall =>
  call(OPENAT, 'openat', path === undefined ? OPEN_ARGS : [int(-100), path, int(0)], 3, pid);

/** Of so many tasks in turn. */
export function* opens(count: number, tasks = 1): Generator<TraceStep> {
  for (let i = 0; i < count; i++) yield openat(undefined, PID + (i % tasks));
}

export const replay = (kernel: Kernel, steps: Iterable<TraceStep>, tasks = 1): Promise<unknown> =>
  kernel.replay({ tasks: Array.from({ length: tasks }, (_, n) => ({ pid: PID + n, comm: 'cat' })), steps });

/** A kernel with objects of fixtures/ attached; their ring buffers are read as they fill. */
export async function attached(engine: EngineName, names: readonly string[]): Promise<Kernel> {
  const kernel = await Kernel.boot({ engine });
  for (const name of names) {
    const loaded = BpfObject.open(fixture(name)).load(kernel);
    loaded.attach();
    for (const { handle } of Object.values(loaded.maps))
      if (handle.type === 'ringbuf') handle.onReady(() => void handle.consume());
  }
  return kernel;
}
