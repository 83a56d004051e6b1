/** Memory that the kernel gives out: where it lies, and that it comes back. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { formatAddr } from '../../../src/machine/addr.ts';

describe('address space', () => {
  it('is Linux’s', async () => {
    const k = await Kernel.boot({ engine: 'step', cpus: 2 });
    expect(formatAddr(k.slab.kmalloc(100))).toMatch(/^ffff8880/);
    expect(formatAddr(k.vmalloc.alloc(100))).toMatch(/^ffffc900/);
    expect(formatAddr(k.bpfPack.alloc(100))).toMatch(/^ffffffffc0000/);
    expect(formatAddr(k.tasks.loader.stack)).toMatch(/^ffffc900.*[048c]000$/);
    expect(k.memory.translate(k.tasks.loader.stack - 1, 0, false)).toBe(-1);
    expect(k.memory.translate(k.tasks.loader.stackTop, 0, false)).toBe(-1);
    const image = k.bpfPack.alloc(10);
    expect(k.memory.translate(image, 1, false)).toBe(-1);
    expect(k.memory.translate(image, 2, false)).toBeGreaterThan(0);
    const p = k.percpu.alloc(8);
    expect(k.percpu.address(p, 1) - k.percpu.address(p, 0)).toBe(k.percpu.offset(1) - k.percpu.offset(0));
  });
  it('gives freed memory again, zeroed, and refuses a second free', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const a = k.slab.kmalloc(64);
    k.memory.writeU32(a, 0xdeadbeef);
    k.slab.kfree(a);
    expect(() => k.slab.kfree(a)).toThrow(/kfree/);
    expect(k.slab.kmalloc(64)).toBe(a);
    expect(k.memory.readU32(a)).toBe(0);
    const v = k.vmalloc.alloc(10_000);
    k.vmalloc.free(v);
    expect(() => k.vmalloc.free(v)).toThrow(/vfree/);
    expect(() => k.memory.readU8(v)).toThrow(/not mapped/);
    const big = k.percpu.alloc(32 << 10);
    for (let n = 0; n < 40; n++) k.percpu.alloc(32 << 10);
    expect(() => k.percpu.alloc((32 << 10) + 1)).toThrow(/at most/);
    k.percpu.free(big);
    const i = k.bpfPack.alloc(3000);
    k.bpfPack.write(i, Uint8Array.of(0xc3));
    k.bpfPack.free(i);
    expect(k.memory.readU8(i)).toBe(0xcc);
  });
});
