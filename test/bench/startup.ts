/** The whole command, `ebpf-emu load fixtures/hello.o`, beside `node -e 0`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Group, median, type Row } from './report.ts';

const ROUNDS = 10;
const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Said by the process itself when it ends: µs of CPU time of all its threads. */
const REPORT = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  require('node:fs').writeSync(3, String(user + system));
});
`;

/** Milliseconds of CPU time that a node takes from start to end. */
function run(report: string, args: readonly string[]): number {
  const { output, status } = spawnSync(process.execPath, ['--require', report, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with status ${status}`);
  return Number(String(output[3])) / 1000;
}

export const startup: Group = {
  title: 'start-up: ms of CPU time of the whole process',
  columns: [
    { name: 'node -e 0', digits: 0 },
    { name: 'ebpf-emu load fixtures/hello.o', digits: 0 },
    { name: 'times', digits: 2 },
  ],
  parts: existsSync(path('dist/cli.cjs')) ? ['all'] : 'not measured: no dist/ here, run npm run build first',
  notes: ['of dist/ as it was built last'],
  run(): Row[] {
    const dir = mkdtempSync(join(tmpdir(), 'ebpf-emu-startup-'));
    try {
      const report = join(dir, 'report.cjs');
      writeFileSync(report, REPORT);
      const bare: number[] = [];
      const load: number[] = [];
      for (let i = 0; i < ROUNDS; i++) {
        bare.push(run(report, ['-e', '0']));
        load.push(run(report, [path('bin/ebpf-emu.cjs'), 'load', path('fixtures/hello.o')]));
      }
      return [
        { name: `median of ${ROUNDS}, in turn`, values: [median(bare), median(load), median(load) / median(bare)] },
      ];
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
