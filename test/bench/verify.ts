/** The verifier on programs with many states: instructions a second, cold and warm; and what the whole log costs. */
import { BpfObject, Kernel } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { haveShared, sharedPath } from '../support/shared.ts';
import { cpuTime, type Group, type Row, threadTime } from './report.ts';

/** Objects of the kernel's selftests. */
const OBJECTS = ['test_cls_redirect', 'iters_task_vma', 'test_tcp_custom_syncookie', 'test_seg6_loop'];
const ROUNDS = 8;
/** log_level: BPF_LOG_STATS, which has the counts alone */
const STATS = 4;

/**
 * Thousands of instructions a second, load by load: what the verifier processed by the time that it says it took, and
 * that by the part of the load's time which the thread had a processor for.
 */
async function rates(name: string): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const kernel = await Kernel.boot({ engine: 'step' });
    const object = BpfObject.open(sharedPath(`conformance/verifier/selftests/${name}.bpf.o`));
    const wall = performance.now();
    const cpu = threadTime();
    const loaded = object.load(kernel, { logLevel: STATS });
    const share = (threadTime() - cpu) / (performance.now() - wall);
    let insns = 0;
    let usec = 0;
    for (const { handle } of Object.values(loaded.programs)) {
      insns += Number(/processed (\d+) insns/.exec(handle.log)?.[1]);
      usec += Number(/verification time (\d+) usec/.exec(handle.log)?.[1]);
    }
    out.push((insns / usec / share) * 1000);
  }
  return out;
}

export const verify: Group = {
  title: 'verifier: thousands of instructions a second, verification alone',
  columns: [
    { name: 'first load', digits: 0 },
    { name: 'best of the rest', digits: 0 },
  ],
  parts: haveShared ? OBJECTS : 'not measured: the objects lie in ../shared/conformance, which is not here',
  notes: [`of ${ROUNDS} loads in one process, a kernel for each`],
  async run(name): Promise<Row[]> {
    const [cold, ...warm] = await rates(name);
    return [{ name, values: [cold, Math.max(...warm)] }];
  },
};

/** 800,000 instructions in a loop that is walked turn by turn. */
const LOOP = writeInsns(
  assemble(
    [
      'r6 = 100000',
      'r0 = 0',
      ...Array.from({ length: 6 }, () => 'r0 += 1'),
      'r6 += -1',
      'if r6 != 0 goto -8',
      'exit',
    ].join('\n'),
  ).insns,
);

export const log: Group = {
  title: 'verifier log: 800,000 instructions; seconds of CPU time, peak MiB of the process',
  columns: [
    { name: 's', digits: 2 },
    { name: 'MiB', digits: 0 },
    { name: 'MiB of text', digits: 0 },
  ],
  parts: ['level 0', 'level 1', 'level 2'],
  async run(part): Promise<Row[]> {
    const kernel = await Kernel.boot({ engine: 'step' });
    const start = cpuTime();
    const logLevel = Number(part.at(-1));
    const { log } = kernel.bpf.progLoad({ type: 'socket_filter', insns: LOOP, license: 'GPL', logLevel });
    const seconds = (cpuTime() - start) / 1e6;
    return [{ name: part, values: [seconds, process.resourceUsage().maxRSS / 1024, log.length / 2 ** 20] }];
  },
};
