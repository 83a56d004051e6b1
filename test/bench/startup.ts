/**
 * Start-up: the whole process `ebpf-emu load fixtures/hello.o` against `node -e 0`, in turn, medians.
 * Run by `npm run bench:startup`; needs the build.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROUNDS = 10;
const root = fileURLToPath(new URL('../..', import.meta.url));

function time(args: readonly string[]): number {
  const started = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}; run \`npm run build\` first`);
  return performance.now() - started;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

const load = ['bin/ebpf-emu.cjs', 'load', 'fixtures/hello.o'];
const bare = ['-e', '0'];
time(load);
const pairs = Array.from({ length: ROUNDS }, () => ({ bare: time(bare), load: time(load) }));
const [b, l] = [median(pairs.map((p) => p.bare)), median(pairs.map((p) => p.load))];
console.log(`node -e 0                         ${b.toFixed(0).padStart(5)} ms`);
console.log(`ebpf-emu load fixtures/hello.o    ${l.toFixed(0).padStart(5)} ms`);
console.log(`ratio of medians                  ${(l / b).toFixed(2).padStart(5)}`);
