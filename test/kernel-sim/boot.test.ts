/** Boot options: what a kernel can be booted with, and what names the option that it cannot. */
import { describe, expect, it } from 'vitest';
import { BootError, type EngineName, Kernel } from '../../src/index.ts';

const MiB = 1 << 20;
const INSNS = Uint8Array.of(0xb7, 0, 0, 0, 7, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

describe('memory', () => {
  it.each<[EngineName, number]>([
    ['step', 128 * MiB],
    ['step', 2048 * MiB],
    ['jit', 128 * MiB],
    ['jit', 2048 * MiB],
    ['interp', 128 * MiB],
    ['interp', 2048 * MiB],
  ])('%s with %d bytes', async (engine, memory) => {
    const kernel = await Kernel.boot({ engine, memory });
    expect(kernel.memory.bytes).toBe(memory);
    const program = kernel.bpf.progLoad({ type: 'socket_filter', insns: INSNS, license: 'GPL' });
    expect(program.testRun({ dataIn: new Uint8Array(64), repeat: 1000 }).retval).toBe(7);
  });

  it.each([0, -1, 64 * MiB, 128 * MiB - 65536, 128 * MiB + 1, 2048 * MiB + 65536, 4096 * MiB, 1.5, Number.NaN])(
    'not %d bytes',
    async (memory) => {
      const error = await Kernel.boot({ memory }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(BootError);
      expect((error as BootError).message).toContain('128 MiB to 2 GiB in steps of 64 KiB');
    },
  );
});
