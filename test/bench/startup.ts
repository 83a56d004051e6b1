/** The whole command, `ebpf-emu load fixtures/hello.o`, beside `node -e 0`. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Group, median, type Row } from './report.ts';

const ROUNDS = 10;
const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Milliseconds that a node takes from start to end. */
function run(args: readonly string[]): number {
  const start = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - start;
}

export const startup: Group = {
  title: 'start-up: ms of the whole process',
  columns: [
    { name: 'node -e 0', digits: 0 },
    { name: 'ebpf-emu load fixtures/hello.o', digits: 0 },
    { name: 'times', digits: 2 },
  ],
  parts: existsSync(path('dist/cli.cjs')) ? ['all'] : 'not measured: no dist/ here, run npm run build first',
  notes: ['of dist/ as it was built last'],
  run(): Row[] {
    const bare: number[] = [];
    const load: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      bare.push(run(['-e', '0']));
      load.push(run([path('bin/ebpf-emu.cjs'), 'load', path('fixtures/hello.o')]));
    }
    return [
      { name: `median of ${ROUNDS}, in turn`, values: [median(bare), median(load), median(load) / median(bare)] },
    ];
  },
};
