/** Programs of two CPUs in the middle of each other, at places that the seed chooses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel, readStrace } from '../../../src/index.ts';

const object = readFileSync(new URL('../../../fixtures/race/overlap.bpf.o', import.meta.url));
const CALLS = 40;
/** two tasks of two CPUs, whose calls are `apart` microseconds from each other */
const calls = (apart: number): string =>
  Array.from({ length: CALLS }, (_, n) => {
    const [seconds, micros] = [Math.floor((n * apart) / 1e6), (n * apart) % 1e6].map(String);
    return `${1000 + (n % 2)} 10:00:${seconds!.padStart(2, '0')}.${micros!.padStart(6, '0')} getpid() = 1\n`;
  }).join('');

async function counted(options: { cpus: number; seed: number }, { apart = 5, slice = Number.POSITIVE_INFINITY } = {}) {
  const kernel = await Kernel.boot(options);
  const loaded = BpfObject.open(object).load(kernel);
  loaded.attach();
  const replay = kernel.replayer(readStrace(calls(apart)).trace);
  while (replay.step(slice).reason !== 'end') {
    // each piece twice: a mark in the middle of a stopped program is as good as any
    const mark = kernel.save();
    replay.step(slice);
    kernel.restore(mark);
  }
  const { insns, oopses } = replay.finish();
  expect(oopses).toEqual([]);
  const words = (bytes: Uint8Array): number[] => [...new BigUint64Array(bytes.slice().buffer)].map(Number);
  const [plain, atomic, torn] = words(loaded.maps['.bss']!.handle.lookup(0)!);
  const [, one, two] = words(loaded.maps['locked']!.handle.lookup(0)!);
  return { insns, plain, atomic, torn, one, two };
}
const SEEDS = [1, 2, 3, 4];

describe('programs of several CPUs', () => {
  it('lose updates that are no atomic ones, each seed others; what a lock guards is whole', async () => {
    const all = await Promise.all(SEEDS.map((seed) => counted({ cpus: 2, seed })));
    for (const { atomic, torn, one, two } of all) expect([atomic, torn, one, two]).toEqual([CALLS, 0, CALLS, CALLS]);
    expect(all.some(({ plain }) => (plain as number) < CALLS)).toBe(true);
    expect(new Set(all.map(({ insns }) => insns)).size).toBeGreaterThan(1);
  });
  it('go the same way with the same seed, in whatever pieces, with marks in between', async () => {
    const whole = await counted({ cpus: 2, seed: 3 });
    expect(await counted({ cpus: 2, seed: 3 })).toEqual(whole);
    expect(await counted({ cpus: 2, seed: 3 }, { slice: 97 })).toEqual(whole);
  });
  it('do not meet on one CPU, nor where the calls are far from each other', async () => {
    for (const [options, apart] of [
      [{ cpus: 1, seed: 3 }, 5],
      [{ cpus: 2, seed: 3 }, 100_000],
    ] as const)
      expect((await counted(options, { apart })).plain).toBe(CALLS);
  });
});
