/** The whole command, `ebpf-emu load fixtures/hello.o`, beside `node -e 0`. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, timed } from './table.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

export function benchStartup(rounds: number): void {
  if (!existsSync(path('dist/index.js'))) {
    console.log('\n# start-up: no dist/ here, run npm run build first');
    return;
  }
  const run = (args: readonly string[]): number =>
    timed(() => execFileSync(process.execPath, args, { stdio: 'ignore' }));
  const bare: number[] = [];
  const load: number[] = [];
  for (let i = 0; i < rounds; i++) {
    bare.push(run(['-e', '0']));
    load.push(run([path('bin/ebpf-emu.cjs'), 'load', path('fixtures/hello.o')]));
  }
  console.log(`\n# start-up: medians of ${rounds}`);
  console.log(
    `node -e 0 ${median(bare).toFixed(0)} ms, ebpf-emu load fixtures/hello.o ${median(load).toFixed(0)} ms: ${(median(load) / median(bare)).toFixed(2)} times`,
  );
}
