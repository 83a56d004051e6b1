/** How long the first run of a large program takes, and its translation. Each in a fresh process, so that all is cold. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Kernel } from '../../src/index.ts';
import { instructions } from './programs.ts';
import { median } from './table.ts';

/**
 * What a fresh process measures: JSON on stdout. A program that has not run is translated whole; one that has,
 * as far as it was executed.
 */
export async function latencyChild(whole: boolean): Promise<void> {
  const kernel = await Kernel.boot({ engine: 'jit' });
  const load = performance.now();
  const program = kernel.bpf.progLoad({
    type: 'syscall',
    insns: instructions('bigpkt'),
    license: 'GPL',
    verify: false,
  });
  const loaded = performance.now();
  const ctxIn = new Uint8Array(65536);
  if (!whole) program.testRun({ ctxIn });
  const ran = performance.now();
  const { translator } = kernel.machine;
  translator?.translate(Number(BigInt.asIntN(64, program.jitedFuncs[0]!.address)));
  const translated = performance.now();
  console.log(
    JSON.stringify({
      load: loaded - load,
      first: ran - loaded,
      translate: translated - ran,
      bytes: program.jited.length,
    }),
  );
}

export function benchLatency(rounds: number): void {
  const script = fileURLToPath(new URL('./run.ts', import.meta.url));
  const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/cli.mjs', import.meta.url));
  const child = (mode: string): Record<string, number>[] =>
    Array.from({ length: rounds }, () => JSON.parse(execFileSync(process.execPath, [tsx, script, mode]).toString()));
  const runs = child('latency-child');
  const whole = child('latency-child-whole');
  const of = (key: string, from = runs): string => median(from.map((r) => r[key]!)).toFixed(1);
  console.log(
    `\n# latency: bigpkt, 3667 BPF instructions, ${runs[0]!['bytes']} bytes of image; medians of ${rounds} fresh processes`,
  );
  console.log(`load (JIT) ${of('load')} ms, first run (stepped) ${of('first')} ms`);
  console.log(`translation of what that ran ${of('translate')} ms, of the whole program ${of('translate', whole)} ms`);
}
