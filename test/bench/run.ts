/**
 * `npm run bench [-- kernels|latency|events|repeat|growth|startup ...]`: prints tables and ratios, asserts nothing.
 */
import { cpus } from 'node:os';
import { haveShared } from '../support/shared.ts';
import { benchEvents, benchGrowth, benchRepeat } from './events.ts';
import { benchKernels } from './kernels.ts';
import { benchLatency, latencyChild } from './latency.ts';
import { benchStartup } from './startup.ts';

const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  kernels: () => (haveShared ? benchKernels(9) : undefined),
  latency: () => (haveShared ? benchLatency(5) : undefined),
  events: () => benchEvents(50_000),
  repeat: () => benchRepeat(1_000_000),
  growth: () => benchGrowth(100_000),
  startup: () => benchStartup(10),
};

const wanted = process.argv.slice(2);
if (wanted[0]?.startsWith('latency-child')) await latencyChild(wanted[0].endsWith('whole'));
else {
  const unknown = wanted.filter((w) => !(w in parts));
  if (unknown.length > 0) {
    console.error(`unknown part ${unknown.join(', ')}: there are ${Object.keys(parts).join(', ')}`);
    process.exit(2);
  }
  console.log(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`);
  for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run();
}
