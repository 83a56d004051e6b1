/** The whole command, `ebpf-emu load`, beside `node -e 0`: of hello.o, and with a recording that takes its time. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Group, median, type Row } from './report.ts';

const ROUNDS = 10;
const LONG_ROUNDS = 3;
/** system calls of the long recording, and tasks that make them in turn */
const CALLS = 40_000;
const TASKS = 6;
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

const PATHS = ['/etc/passwd', '/usr/lib/locale/locale-archive', '/proc/self/status', '/tmp/x'];

/** Of `strace -f -ttt`: files opened, looked at, read and closed. */
function* recording(): Generator<string> {
  for (let n = 0; n < CALLS / 4; n++) {
    const calls = [
      `openat(AT_FDCWD, "${PATHS[n % PATHS.length]}", O_RDONLY|O_CLOEXEC) = 3`,
      'fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0',
      'read(3, "root:x:0:0:root"..., 4096) = 1234',
      'close(3) = 0',
    ];
    for (const [at, call] of calls.entries())
      yield `${1000 + (n % TASKS)} ${(1_700_000_000 + (4 * n + at) / 1e5).toFixed(6)} ${call}\n`;
  }
}

export const startup: Group = {
  title: 'start-up: ms of CPU time of the whole process',
  columns: [
    { name: 'node -e 0', digits: 0 },
    { name: 'ebpf-emu load', digits: 0 },
    { name: 'times', digits: 2 },
  ],
  parts: existsSync(path('dist/cli.cjs')) ? ['all'] : 'not measured: no dist/ here, run npm run build first',
  notes: [`of dist/ as it was built last; medians of ${ROUNDS} and ${LONG_ROUNDS} runs, in turn`],
  run(): Row[] {
    const dir = mkdtempSync(join(tmpdir(), 'ebpf-emu-startup-'));
    try {
      const report = join(dir, 'report.cjs');
      writeFileSync(report, REPORT);
      const long = join(dir, 'long.strace');
      writeFileSync(long, [...recording()].join(''));
      const row = (name: string, rounds: number, args: readonly string[]): Row => {
        const bare: number[] = [];
        const load: number[] = [];
        for (let i = 0; i < rounds; i++) {
          bare.push(run(report, ['-e', '0']));
          load.push(run(report, [path('bin/ebpf-emu.cjs'), 'load', ...args]));
        }
        return { name, values: [median(bare), median(load), median(load) / median(bare)] };
      };
      return [
        row('fixtures/hello.o', ROUNDS, [path('fixtures/hello.o')]),
        row(`opens.o, ${CALLS.toLocaleString('en')} system calls of ${TASKS} tasks`, LONG_ROUNDS, [
          path('fixtures/opens.o'),
          '--replay',
          long,
        ]),
      ];
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
