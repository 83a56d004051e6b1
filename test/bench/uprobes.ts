/** What a probe of user space costs: a program that does nothing but call the probed function. */
import { readFileSync } from 'node:fs';
import { Executable } from '../../src/elf/index.ts';
import { type EngineName, Kernel } from '../../src/index.ts';
import { insn, writeInsns } from '../../src/isa/index.ts';
import { cpuTime, type Group, median, type Row } from './report.ts';

/** calls of a round; rounds in front that do not count; rounds that do, of which the median is taken */
const COUNT = 20_000;
const WARM = 4;
const ROUNDS = 7;
const ENGINES: readonly EngineName[] = ['jit', 'step'];
const PROGRAM = new URL('../../fixtures/user/calls', import.meta.url);
const PATH = '/home/demo/calls';

interface Case {
  /** probed; undefined: nothing is */
  readonly func?: 'framed' | 'tick';
  readonly ret?: boolean;
}
const CASES: Readonly<Record<string, Case>> = {
  'no probe': {},
  'uprobe on a function that begins with push': { func: 'framed' },
  'uprobe on one whose first instruction is executed out of line': { func: 'tick' },
  'uretprobe: the call and the return': { func: 'framed', ret: true },
};

/** return 0 */
const NOTHING = writeInsns([insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]);

async function round(kernel: Kernel, { func }: Case): Promise<number> {
  const argv = ['calls', String(COUNT), ...(func === 'tick' ? [] : ['framed'])];
  const start = cpuTime();
  await kernel.replay(kernel.program({ path: PATH, argv }));
  return (cpuTime() - start) / COUNT;
}

export const uprobes: Group = {
  title: 'uprobes: µs of CPU time per call of a function of a program, and of its probe',
  columns: ENGINES.map((name) => ({ name, digits: 2 })),
  parts: Object.keys(CASES),
  notes: [`median of ${ROUNDS} rounds of ${COUNT} calls, after ${WARM} that do not count`],
  async run(part): Promise<Row[]> {
    const what = CASES[part] as Case;
    const bytes = readFileSync(PROGRAM);
    const values: number[] = [];
    for (const engine of ENGINES) {
      const kernel = await Kernel.boot({ engine });
      kernel.root.add(PATH, bytes, 0o755);
      const executable = Executable.parse(bytes, PATH);
      if (what.func !== undefined) {
        const offset = executable.fileOffset(executable.function(what.func)?.address ?? 0) ?? 0;
        const { fd } = kernel.bpf.progLoad({ type: 'kprobe', license: 'GPL', insns: NOTHING });
        const event = kernel.perf.open({ type: 'uprobe', path: PATH, offset, ret: what.ret ?? false });
        kernel.bpf.linkCreate({ prog: fd, target: event.fd });
      }
      for (let i = 0; i < WARM; i++) await round(kernel, what);
      const times: number[] = [];
      for (let i = 0; i < ROUNDS; i++) times.push(await round(kernel, what));
      values.push(median(times));
    }
    return [{ name: part, values }];
  },
};
