/** bpf(2) with attributes as bytes: sizes, memory, processes; what Linux 6.12's bpf(2) and kernel/bpf/syscall.c say. */
import { describe, expect, it } from 'vitest';
import { ALL_CAPS, type Process } from '../../../../kernel-sim/core/process.ts';
import { Arena } from '../../../../kernel-sim/core/user-access.ts';
import { Kernel } from '../../../../kernel-sim/index.ts';
import { BPF_CMD as C } from '../../../../src/uapi/index.ts';

type Field = readonly [offset: number, value: number | bigint | string];

/** `union bpf_attr` with some fields: 32 bits where the value is a number, 64 where it is a bigint. */
function union(size: number, ...fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of fields) {
    if (typeof value === 'string') bytes.set(new TextEncoder().encode(value), at);
    else if (typeof value === 'bigint') view.setBigUint64(at, value, true);
    else view.setUint32(at, value >>> 0, true);
  }
  return bytes;
}
const HASH: readonly Field[] = [
  [0, 1],
  [4, 4],
  [8, 8],
  [12, 16],
  [28, 'counts'],
];

describe('kernel.bpf.syscall', async () => {
  const kernel = await Kernel.boot();
  const arena = kernel.process.memory;
  const pointer = (at: number): bigint => BigInt(at);

  it('makes a map, and stores and finds an element of it in the memory that is given', () => {
    const fd = kernel.bpf.syscall(C.MAP_CREATE, union(72, ...HASH));
    expect(fd).toBeGreaterThan(2);
    expect(kernel.bpf.map(fd).name).toBe('counts');
    const memory = new Arena();
    const key = memory.put(Uint8Array.of(7, 0, 0, 0));
    const value = memory.put(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const out = memory.alloc(8);
    const element = (to: number): Uint8Array => union(32, [0, fd], [8, pointer(key)], [16, pointer(to)]);
    expect(kernel.bpf.syscall(C.MAP_UPDATE_ELEM, element(value), 32, memory)).toBe(0);
    expect(kernel.bpf.syscall(C.MAP_LOOKUP_ELEM, element(out), 32, memory)).toBe(0);
    expect([...(memory.read(out, 8) ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    // the same pointers mean nothing in another's memory
    expect(kernel.bpf.syscall(C.MAP_LOOKUP_ELEM, element(0x4000_0000), 32, memory)).toBe(-14);
    kernel.bpf.close(fd);
  });
  it('takes unions of any size: what it does not know must be zero', () => {
    const fd = kernel.bpf.syscall(C.MAP_CREATE, union(400, ...HASH));
    expect(fd).toBeGreaterThan(2);
    kernel.bpf.close(fd);
    expect(kernel.bpf.syscall(C.MAP_CREATE, union(400, ...HASH, [300, 1]))).toBe(-7);
    expect(kernel.bpf.syscall(C.MAP_CREATE, union(152, ...HASH, [100, 1]))).toBe(-22);
    expect(kernel.bpf.syscall(C.MAP_CREATE, union(5000, ...HASH))).toBe(-7);
    expect(kernel.bpf.syscall(C.MAP_CREATE, union(72, ...HASH), 100)).toBe(-14);
    expect(kernel.bpf.syscall(99, union(16))).toBe(-22);
  });
  it('measures the value of a Bloom filter before it looks at the rest, as Linux 6.12.117 answered', () => {
    const filter = (...fields: readonly Field[]): Uint8Array => union(152, [0, 30], [8, 0xffff_ffff], ...fields);
    expect(kernel.bpf.syscall(C.MAP_CREATE, filter([12, 3]))).toBe(-7);
    expect(kernel.bpf.syscall(C.MAP_CREATE, filter([12, 0x8000_0001], [44, 2]))).toBe(-7);
  });
  it('answers in the union: ids, counts, sizes', () => {
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    const attr = union(12, [0, map.id - 1]);
    expect(kernel.bpf.syscall(C.MAP_GET_NEXT_ID, attr)).toBe(0);
    expect(new DataView(attr.buffer).getUint32(4, true)).toBe(map.id);
    map.close();
  });
  it('writes the verifier log to the caller, as much as there is room for, and says how much it takes', () => {
    arena.reset();
    const insns = arena.put(Uint8Array.from(Buffer.from('bf500000000000009500000000000000', 'hex')));
    const log = arena.alloc(64);
    const load = (room: number): readonly [number, string, number] => {
      const attr = union(
        152,
        [0, 1],
        [4, 2],
        [8, pointer(insns)],
        [16, pointer(arena.put('GPL'))],
        [24, 1],
        [28, room],
        [32, pointer(log)],
      );
      const result = kernel.bpf.syscall(C.PROG_LOAD, attr);
      const text = Buffer.from(arena.read(log, 64) ?? []).toString();
      return [result, text.slice(0, text.indexOf('\0')), new DataView(attr.buffer).getUint32(140, true)];
    };
    const [result, text, size] = load(64);
    expect([result, size > 64]).toEqual([-28, true]);
    // the end of it, which is what matters
    expect(text).toHaveLength(63);
    expect(text.endsWith('mark_read 0\n')).toBe(true);
  });
  it('counts capabilities and descriptors of the process that calls', () => {
    const child: Process = { ...kernel.process, pid: 4711, caps: 0n, fds: kernel.fds.sibling(), memory: new Arena() };
    expect(kernel.bpf.syscall(C.MAP_CREATE, union(72, ...HASH), 72, child.memory, child)).toBe(-1);
    const root: Process = { ...child, caps: ALL_CAPS };
    const fd = kernel.bpf.syscall(C.MAP_CREATE, union(72, ...HASH), 72, root.memory, root);
    expect(root.fds.find(fd)?.fdName).toBe('anon_inode:bpf-map');
    expect(kernel.fds.find(fd)).not.toBe(root.fds.find(fd));
    const forked = root.fds.fork();
    root.fds.closeAll();
    // what a child has inherited is open still
    expect([...kernel.bpf.state.maps.values()].some((m) => m.name === 'counts')).toBe(true);
    forked.closeAll();
    expect([...kernel.bpf.state.maps.values()].some((m) => m.name === 'counts')).toBe(false);
  });
});
