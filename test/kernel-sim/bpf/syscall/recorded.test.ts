/**
 * Random sequences of bpf(2) calls, made of Linux 6.12.117 by record.c and written down with all that changed in the
 * caller's memory, made again here: every result, every byte that the kernel stored, every verifier log.
 */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../../kernel-sim/index.ts';
import { holdFigures } from '../../../support/figures.ts';
import { Player, readRecording } from './recorded.ts';

const lines = readRecording(new URL('./recorded.txt.gz', import.meta.url));
const calls = lines.filter((line) => line.kind === 'bpf');

describe('bpf(2) as Linux answers it', () => {
  it('has some 5,000 calls of all commands, most of which do something', () => {
    expect(calls.length).toBeGreaterThanOrEqual(5000);
    expect(new Set(calls.map((call) => call.cmd)).size).toBeGreaterThanOrEqual(37);
    expect(calls.filter((call) => call.result >= 0).length).toBeGreaterThan(1200);
  });
  it('answers each as Linux did', async () => {
    const differences = await new Player(await Kernel.boot()).play(lines);
    holdFigures('bpf-syscall', 'recorded', { calls: calls.length, equal: calls.length - differences.length });
    expect(differences.map(({ line, text, why }) => `${line}: ${text.slice(0, 200)}\n  ${why}`)).toEqual([]);
  }, 120_000);
});
