/** Symbols of programs, which need not differ in their names (Linux 6.12 kernel/bpf/core.c, bpf_ksym_add). */
import { describe, expect, it } from 'vitest';
import { type EngineName, Kernel } from '../../../src/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';

describe.each<EngineName>(['jit', 'interp'])('programs of one tag and name, %s', (engine) => {
  it('have a symbol each, as long as they live, and after a restore too', async () => {
    const kernel = await Kernel.boot({ engine });
    const insns = writeInsns(assemble('r0 = 0\nexit').insns);
    const load = () => kernel.bpf.progLoad({ type: 'socket_filter', name: 'twin', insns, license: 'GPL' });
    const listed = () => [...kernel.symbols.all()].filter((s) => s.name.endsWith('_twin')).map((s) => s.address);
    const first = load();
    const [one] = listed();
    const second = load();
    const third = load();
    const all = listed();
    expect(new Set(all).size).toBe(3);
    const name = kernel.symbols.at(one as number)?.name as string;
    for (const address of all) expect(kernel.symbols.at(address)).toMatchObject({ name, offset: 0, module: 'bpf' });
    expect(kernel.symbols.address(name)).toBe(one);

    const mark = kernel.save();
    second.close();
    first.close();
    expect(listed()).toHaveLength(1);
    expect(listed()).not.toContain(one);
    expect(kernel.symbols.address(name)).toBe(listed()[0]);
    third.close();
    expect(listed()).toEqual([]);
    expect(kernel.symbols.address(name)).toBeUndefined();
    kernel.restore(mark);
    expect(listed()).toEqual(all);
  });
});
