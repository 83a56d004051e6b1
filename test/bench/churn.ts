/** What comes and goes: tasks, names, descriptors, maps, programs, attachments. Time and memory stay the same. */
import type { TraceArg, TraceStep } from '../../kernel-sim/index.ts';
import { BpfObject, type Kernel } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { COLUMNS, rowsOf, watch } from './growth.ts';
import { attached, call, fixture, int, openat, PID, replay } from './opens.ts';
import type { Group, Row } from './report.ts';

const text = (s: string): TraceArg => ({ kind: 'string', bytes: Buffer.from(`${s}\0`) });
const FORK = 0x0120_0011;
const TRUE = text('/bin/true');
const ARGV: TraceArg = { kind: 'strings', list: [Buffer.from('true')] };
const ENVP: TraceArg = { kind: 'strings', list: [] };

/** What tasks do; each a few system calls. */
const REPLAYED: Readonly<Record<string, { readonly most: number; readonly step: (n: number) => Iterable<TraceStep> }>> =
  {
    'fork, exec, exit': {
      most: 100_000,
      *step(n) {
        const pid = 2000 + (n % 30_000);
        yield { ...call(56, 'clone', [int(FORK), int(0)], pid), cloneFlags: FORK };
        yield call(59, 'execve', [TRUE, ARGV, ENVP], 0, pid);
        yield call(231, 'exit_group', [int(0)], undefined, pid);
        yield call(61, 'wait4', [int(-1), int(0), int(0), int(0)], pid);
      },
    },
    'a new name each time': {
      most: 100_000,
      *step(n) {
        yield openat(text(`/tmp/file-${n}`));
      },
    },
    'never closed': {
      most: 100_000,
      *step(n) {
        // a process may have 1024 descriptors, and begins again
        yield call(257, 'openat', [int(-100), TRUE, int(0)], 3 + (n % 1021));
      },
    },
  };

const RETURN_0 = writeInsns(assemble('r0 = 0\nexit').insns);
/** What a loader does. */
const LOADED: Readonly<Record<string, { readonly most: number; make(kernel: Kernel): void }>> = {
  'map made, closed': {
    most: 10_000,
    make({ bpf }) {
      const map = bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 100 });
      map.update(1, 2);
      map.close();
    },
  },
  'program loaded, run, closed': {
    most: 10_000,
    make({ bpf }) {
      const program = bpf.progLoad({ type: 'socket_filter', insns: RETURN_0, license: 'GPL' });
      program.testRun({ dataIn: new Uint8Array(64) });
      program.close();
    },
  },
  'object loaded, attached, closed': {
    most: 1000,
    make(kernel) {
      const loaded = BpfObject.open(fixture('openret')).load(kernel);
      loaded.attach();
      loaded.close();
    },
  },
};

export const churn: Group = {
  title: 'churn: µs of CPU time each since the row above; MiB',
  columns: COLUMNS,
  parts: [...Object.keys(REPLAYED), ...Object.keys(LOADED)],
  notes: [`the tasks have process ${PID} for a parent; objects are fixtures/openret.o with its kretprobe`],
  async run(part): Promise<Row[]> {
    const kernel = await attached('jit', []);
    const replayed = REPLAYED[part];
    if (replayed) return rowsOf(part, await watch(replayed.most, (steps) => replay(kernel, steps), replayed.step));
    const { most, make } = LOADED[part] as (typeof LOADED)[string];
    const each = (steps: Iterable<TraceStep>): void => {
      for (const _ of steps) make(kernel);
    };
    return rowsOf(part, await watch(most, each, () => [openat()]));
  },
};
