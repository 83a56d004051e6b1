/** How long the first run of a large program takes, and its translation. Each in a fresh process, so that all is cold. */
import { Kernel } from '../../src/index.ts';
import { haveShared } from '../support/shared.ts';
import { instructions } from './programs.ts';
import { type Group, median, type Row, threadTime } from './report.ts';

const PROCESSES = 5;
const COLUMNS = ['load (JIT)', 'first run', 'translation of that', 'of the whole program', 'by the clock'];

/** A program that has not run is translated whole; one that has, as far as it was executed. */
async function measure(whole: boolean): Promise<number[]> {
  const kernel = await Kernel.boot({ engine: 'jit' });
  const load = threadTime();
  const program = kernel.bpf.progLoad({
    type: 'syscall',
    insns: instructions('bigpkt'),
    license: 'GPL',
    verify: false,
  });
  const loaded = threadTime();
  const ctxIn = new Uint8Array(65536);
  if (!whole) program.testRun({ ctxIn });
  const clock = performance.now();
  const ran = threadTime();
  const { translator } = kernel.machine;
  translator?.translate(Number(BigInt.asIntN(64, (program.jitedFuncs[0] as { address: bigint }).address)));
  return [loaded - load, ran - loaded, threadTime() - ran, performance.now() - clock];
}

export const latency: Group = {
  title: 'latency: bigpkt, 3667 BPF instructions, ms of the main thread in a fresh process',
  columns: COLUMNS.map((name) => ({ name, digits: 1 })),
  parts: haveShared
    ? Array.from({ length: PROCESSES }, (_, n) => [`process ${n + 1}`, `process ${n + 1}, whole`]).flat()
    : 'not measured: the program lies in ../shared/bench, which is not here',
  notes: [
    'the first run is stepped, and nothing waits for a translation',
    "by the clock: with V8's optimising threads beside it, which the code that translates keeps busy while it is cold",
  ],
  async run(part): Promise<Row[]> {
    const whole = part.endsWith('whole');
    const [load, first, translation, clock] = await measure(whole);
    return [
      {
        name: part,
        values: whole ? [undefined, undefined, undefined, translation, clock] : [load, first, translation],
      },
    ];
  },
  shown: (rows) => [
    {
      name: `median of ${PROCESSES}`,
      values: COLUMNS.map((_, i) => median(rows.map((r) => r.values[i]).filter((v) => v !== undefined))),
    },
  ],
};
