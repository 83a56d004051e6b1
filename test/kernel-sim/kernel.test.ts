/** What booting is given, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';

describe('boot', () => {
  it('gives the same addresses and bytes for the same seed, others for another', async () => {
    const state = async (seed?: number) => {
      const k = await Kernel.boot({ engine: 'step', ...(seed === undefined ? {} : { seed }) });
      return [k.tasks.loader.address, k.bpfPack.alloc(100), k.bpfPack.alloc(100), k.random.u32(), k.percpu.base].join();
    };
    expect(await state()).toBe(await state());
    expect(await state(2)).not.toBe(await state(3));
  });
  it('names the option that it cannot use', async () => {
    await expect(Kernel.boot({ cpus: 0 })).rejects.toThrow(/cpus: 0/);
    await expect(Kernel.boot({ engine: 'x' as 'jit' })).rejects.toThrow(/engine: 'x'/);
    await expect(Kernel.boot({ kallsyms: '/no/such/file' })).rejects.toThrow(/cannot read/);
    await expect(Kernel.boot({ kallsyms: new TextEncoder().encode('hello\n') })).rejects.toThrow(/no line of the form/);
    await expect(Kernel.boot({ kallsyms: new TextEncoder().encode('0000000000000000 T _stext\n') })).rejects.toThrow(
      /all addresses are zero/,
    );
    await expect(Kernel.boot({ kallsyms: Uint8Array.of(0x1f, 0x8b, 1, 2, 3) })).rejects.toThrow(/damaged gzip/);
  });
});
