/** Maps against the real kernel: which attributes it takes, in which order keys come, which elements an LRU map gives up. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Kernel, type MapHandle } from '../../../src/index.ts';
import { insn, ldImm64, writeInsns } from '../../../src/isa/index.ts';
import { errno } from '../../support/errno.ts';

const golden = (name: string): string[] =>
  readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const u32 = (n: number): Uint8Array => Uint8Array.of(n, n >> 8, n >> 16, n >> 24);
let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.boot({ engine: 'interp', cpus: 1 });
});

describe('maps as Linux 6.12 has them', () => {
  it('takes and refuses the same attributes with the same errors', () => {
    const wrong: string[] = [];
    for (const line of golden('map-create.golden.txt')) {
      const [, type, keySize, valueSize, maxEntries, flags, mapExtra, name, want] =
        /^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (".*") (\S+)$/.exec(line)!;
      const got = errno(() => {
        const attrs = {
          type: Number(type),
          keySize: Number(keySize),
          valueSize: Number(valueSize),
          maxEntries: Number(maxEntries),
        };
        kernel.bpf
          .mapCreate({ ...attrs, flags: Number(flags), mapExtra: Number(mapExtra), name: JSON.parse(name!) as string })
          .close();
      });
      if (got !== want) wrong.push(`${line}: ${got}`);
    }
    expect(wrong).toEqual([]);
  });

  it('gives keys in the same order, and gives up the same elements', () => {
    for (const line of golden('map-order.golden.jsonl')) {
      const c = JSON.parse(line) as {
        type: string;
        flags: number;
        key: number;
        value: number;
        entries: number;
        keys?: string[];
        count?: number;
        order: string[];
      };
      const map = kernel.bpf.mapCreate({
        type: c.type,
        keySize: c.key,
        valueSize: c.value,
        maxEntries: c.entries,
        flags: c.flags,
      });
      const keys = c.keys?.map(bytes) ?? Array.from({ length: c.count ?? 0 }, (_, n) => u32(n));
      for (const key of keys) map.update(key, 1n);
      expect([...map.keys()].map(hex), `${c.type} of ${c.entries}, flags ${c.flags}`).toEqual(c.order);
      map.close();
    }
  });

  it('does what programs ask, and an LRU map keeps what they used', () => {
    for (const line of golden('map-ops.golden.txt')) {
      const [shape, ops, left] = line.split(' | ') as [string, string, string];
      const [type, flags, maxEntries] = shape.split(' ') as [string, string, string];
      const map = kernel.bpf.mapCreate({
        type,
        keySize: 4,
        valueSize: 8,
        maxEntries: Number(maxEntries),
        flags: Number(flags),
      });
      const prog = kernel.bpf.progLoad({
        type: 'socket_filter',
        insns: operations(map, ops.split(' ')),
        license: 'GPL',
        verify: false,
      });
      prog.testRun({ dataIn: new Uint8Array(64) });
      const keys = [...map.keys()]
        .map((k) => String(new DataView(k.buffer, k.byteOffset).getUint32(0, true)))
        .join(' ');
      expect(keys, shape).toBe(left ?? '');
      prog.close();
      map.close();
    }
  });
});

/** A program that does `l3 u4 d3 ...` to a map. */
function operations(map: MapHandle, ops: readonly string[]): Uint8Array {
  const FP = 10;
  const helper = { l: 1, u: 2, n: 2, e: 2, d: 3 } as const;
  const mode = { u: 0, n: 1, e: 2 } as const;
  const out = ops.flatMap((text) => {
    const op = text[0] as keyof typeof helper;
    const key = Number(text.slice(1));
    const value =
      op in mode
        ? [
            insn(0x7a, FP, 0, -16, key),
            insn(0xbf, 3, FP, 0, 0),
            insn(0x07, 3, 0, 0, -16),
            insn(0xb7, 4, 0, 0, mode[op as keyof typeof mode]),
          ]
        : [];
    return [
      insn(0x62, FP, 0, -4, key),
      ...ldImm64(1, BigInt(map.fd), 1),
      insn(0xbf, 2, FP, 0, 0),
      insn(0x07, 2, 0, 0, -4),
      ...value,
      insn(0x85, 0, 0, 0, helper[op]),
    ];
  });
  return writeInsns([...out, insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]);
}

describe('what user space does to maps', () => {
  it('takes numbers for keys and values, and answers bytes', () => {
    const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4, name: 'counts' });
    map.update(1, 5n);
    map.update(2, 6);
    expect(map.lookup(1)).toEqual(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
    expect(map.lookup(3)).toBeUndefined();
    expect([...map.entries()]).toHaveLength(2);
    map.delete(1);
    expect(errno(() => map.delete(1))).toBe('ENOENT');
    expect(errno(() => map.update(2, 1, 1))).toBe('EEXIST');
    expect(errno(() => map.update(9, 1, 2))).toBe('ENOENT');
    map.close();
  });

  it('fills up with E2BIG and freezes with EPERM', () => {
    const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 2 });
    map.update(1, 1);
    map.update(2, 2);
    expect(errno(() => map.update(3, 3))).toBe('E2BIG');
    map.freeze();
    expect(errno(() => map.update(1, 9))).toBe('EPERM');
    expect(errno(() => map.freeze())).toBe('EPERM');
    map.close();
  });

  it('queues, stacks and Bloom filters', () => {
    const [queue, stack] = ['queue', 'stack'].map((type) =>
      kernel.bpf.mapCreate({ type, valueSize: 4, maxEntries: 2 }),
    ) as [MapHandle, MapHandle];
    for (const map of [queue, stack]) {
      map.update(null, 1);
      map.update(null, 2);
      expect(errno(() => map.update(null, 3))).toBe('E2BIG');
    }
    expect([queue.lookupAndDelete()?.[0], queue.lookupAndDelete()?.[0], queue.lookupAndDelete()]).toEqual([
      1,
      2,
      undefined,
    ]);
    expect([stack.lookup()?.[0], stack.lookupAndDelete()?.[0], stack.lookupAndDelete()?.[0]]).toEqual([2, 2, 1]);
    const bloom = kernel.bpf.mapCreate({ type: 'bloom_filter', valueSize: 4, maxEntries: 100, flags: 64 });
    bloom.update(null, 7);
    expect(bloom.lookup(7)).toBeDefined();
    expect(bloom.lookup(8)).toBeUndefined();
  });

  it('maps in maps hold maps like their template', () => {
    const inner = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 2 });
    const other = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 });
    for (const type of ['array_of_maps', 'hash_of_maps']) {
      const outer = kernel.bpf.mapCreate({ type, keySize: 4, valueSize: 4, maxEntries: 2, innerMap: inner });
      outer.update(1, inner.fd);
      expect(new DataView(outer.lookup(1)!.buffer).getUint32(0, true)).toBe(inner.id);
      expect(errno(() => outer.update(0, other.fd))).toBe('EINVAL');
      outer.delete(1);
      expect(outer.lookup(1)).toBeUndefined();
      outer.close();
    }
  });

  it('a per-CPU value is one for each CPU', async () => {
    const two = await Kernel.boot({ engine: 'interp', cpus: 2 });
    const map = two.bpf.mapCreate({ type: 'percpu_array', keySize: 4, valueSize: 4, maxEntries: 1 });
    map.update(0, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
    expect(map.lookup(0)).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
  });

  it('what is closed is EBADF, also where its number is another map now', async () => {
    const closed = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 });
    closed.close();
    const other = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 });
    expect(other.fd).toBe(closed.fd);
    for (const use of [
      () => closed.update(1, 2),
      () => closed.lookup(1),
      () => closed.delete(1),
      () => [...closed.entries()],
      () => closed.freeze(),
      () => closed.close(),
    ])
      expect(errno(use)).toBe('EBADF');
    expect([...other.entries()]).toEqual([]);
    other.close();
    const insns = Uint8Array.of(0xb7, 0, 0, 0, 7, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
    prog.close();
    expect(errno(() => prog.testRun({ dataIn: new Uint8Array(64) }))).toBe('EBADF');
    await expect(prog.run({ dataIn: new Uint8Array(64) })).rejects.toMatchObject({ errno: 'EBADF' });
  });

  it('descriptors, ids and pins name the same map', () => {
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, name: 'pinned' });
    kernel.bpf.objPin('/sys/fs/bpf/pinned', map.fd);
    map.update(0, 42);
    map.close();
    const again = kernel.bpf.map(kernel.bpf.objGet('/sys/fs/bpf/pinned'));
    expect(again.lookup(0)?.[0]).toBe(42);
    expect(kernel.bpf.objGetInfo(again.fd)).toMatchObject({ kind: 'map', name: 'pinned', id: again.id });
    expect(errno(() => kernel.bpf.objPin('/sys/fs/bpf/pinned', again.fd))).toBe('EEXIST');
    again.close();
    kernel.bpf.unpin('/sys/fs/bpf/pinned');
    expect(errno(() => kernel.bpf.objGet('/sys/fs/bpf/pinned'))).toBe('ENOENT');
    expect(errno(() => kernel.bpf.fdById('map', map.id))).toBe('ENOENT');
  });
});
