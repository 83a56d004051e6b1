/** Kernel text that looks maps up and answers cheap helpers, against what is known from outside and against the maps themselves. */
import { describe, expect, it } from 'vitest';
import { probeRead } from '../../../kernel-sim/bpf/helpers/bodies/access.ts';
import { Kernel, type MapHandle } from '../../../src/index.ts';
import { type Insn, insn, ldImm64, writeInsns } from '../../../src/isa/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from '../../../src/machine/addr.ts';
import { first, many } from '../../support/depth.ts';

const ENGINES = first(1, ['jit', 'step'] as const);
/** so often that translated code takes over */
const ROUNDS = many(200, 600);

/** Numbers from a seed, u32. */
function numbers(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return (s ^ (s >>> 15)) >>> 0;
  };
}

class Caller {
  readonly kernel: Kernel;
  /** two pages, for keys that lie across both */
  readonly page: Addr;
  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.page = kernel.vmalloc.alloc(8192);
  }
  call(symbol: string, ...args: number[]): number {
    const { kernel } = this;
    const at = kernel.text.place(symbol);
    const stop = kernel.call(
      at,
      args.map((n) => [addrLo(n), addrHi(n)] as const),
    );
    if (stop.reason !== 'halt') throw new Error(`${symbol}: ${stop.reason}`);
    return addrOf(kernel.cpu.regs[0]!, kernel.cpu.regs[1]!);
  }
  put(bytes: Uint8Array, at: Addr): Addr {
    this.kernel.memory.writeBytes(at, bytes);
    return at;
  }
}
const caller = async (engine: 'step' | 'jit', cpus = 1): Promise<Caller> =>
  new Caller(await Kernel.boot({ engine, cpus }));
const mapOf = (handle: MapHandle) => handle.map;

describe.each(ENGINES)('lookups as kernel text (%s)', (engine) => {
  it('hash as Bob Jenkins’ lookup3 does', async () => {
    const c = await caller(engine);
    // the values that driver5() of lookup3.c gives for hashlittle()
    const text = c.put(new TextEncoder().encode('Four score and seven years ago'), c.page);
    for (let n = 0; n < ROUNDS; n++) {
      expect(c.call('htab_map_hash', text, 30, 0) >>> 0).toBe(0x17770551);
      expect(c.call('htab_map_hash', text, 30, 1) >>> 0).toBe(0xcd628161);
    }
  });

  it('find what the map finds, whatever the key’s size', async () => {
    const c = await caller(engine);
    const random = numbers(7);
    for (const keySize of [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 20, 24, 25, 33, 40]) {
      const map = c.kernel.bpf.mapCreate({ type: 'hash', keySize, valueSize: 8, maxEntries: 64 });
      const keys = Array.from({ length: 100 }, () => Uint8Array.from({ length: keySize }, () => random() & 3));
      // few buckets' worth of different bytes: elements share buckets, and keys differ late
      for (const [n, key] of keys.slice(0, 50).entries()) if (n % 3 > 0) map.update(key, BigInt(n));
      for (const [n, key] of keys.entries()) {
        const at = c.put(key, c.page + 4096 - (n % (keySize + 1)));
        const value = mapOf(map).lookup(at);
        expect(c.call('htab_map_lookup_elem', mapOf(map).addr, at)).toBe(value);
        expect(c.call('bpf_map_lookup_elem', mapOf(map).addr, at)).toBe(value);
        const elem = c.call('__htab_map_lookup_elem', mapOf(map).addr, at);
        expect(elem === 0 ? 0 : elem + 48 + Math.ceil(keySize / 8) * 8).toBe(value);
      }
      map.close();
    }
  });

  it.each([
    ['array', 0],
    ['percpu_array', 0],
    ['hash', 0],
    ['hash', 1],
    ['percpu_hash', 0],
    ['percpu_hash', 1],
    ['lru_hash', 0],
    ['lru_percpu_hash', 0],
  ] as const)('answer as the map does: %s, flags %i', async (type, flags) => {
    const c = await caller(engine, 2);
    const handle = c.kernel.bpf.mapCreate({ type, keySize: 4, valueSize: 12, maxEntries: 100, flags });
    const map = mapOf(handle);
    const key = c.page;
    for (let n = 0; n < 60; n++) handle.update(n, new Uint8Array(map.userValueSize).fill(n));
    for (let n = 0; n < ROUNDS; n++) {
      c.kernel.memory.writeU32(key, n % 120);
      expect(c.call('bpf_map_lookup_elem', map.addr, key)).toBe(map.lookup(key));
    }
    if (!type.includes('percpu')) return;
    for (let n = 0; n < 240; n++) {
      c.kernel.memory.writeU32(key, n % 120);
      const cpu = n % 3;
      expect(c.call('bpf_map_lookup_percpu_elem', map.addr, key, cpu)).toBe(map.lookupPercpu(key, cpu));
    }
  });

  it('mark what was used in LRU maps', async () => {
    const c = await caller(engine);
    const map = c.kernel.bpf.mapCreate({ type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 4 });
    map.update(1, 1n);
    c.kernel.memory.writeU32(c.page, 1);
    const elem = c.call('__htab_map_lookup_elem', mapOf(map).addr, c.page);
    const ref = elem + 16 + 19;
    expect(c.kernel.memory.readU8(ref)).toBe(0);
    c.call('htab_lru_map_lookup_elem', mapOf(map).addr, c.page);
    expect(c.kernel.memory.readU8(ref)).toBe(1);
  });

  it.each(['array_of_maps', 'hash_of_maps'])('lead to inner maps: %s', async (type) => {
    const c = await caller(engine);
    const inner = c.kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 });
    const outer = c.kernel.bpf.mapCreate({ type, keySize: 4, valueSize: 4, maxEntries: 4, innerMap: inner });
    outer.update(2, inner.fd);
    for (const [key, want] of [
      [2, mapOf(inner).addr],
      [1, 0],
      [9, 0],
    ] as const) {
      c.kernel.memory.writeU32(c.page, key);
      expect(c.call('bpf_map_lookup_elem', mapOf(outer).addr, c.page)).toBe(want);
    }
  });

  it.each(['array', 'percpu_array'])('update %s maps with their errors', async (type) => {
    const c = await caller(engine);
    const random = numbers(3);
    for (const valueSize of [1, 3, 7, 8, 13, 40]) {
      const handle = c.kernel.bpf.mapCreate({ type, keySize: 4, valueSize, maxEntries: 10 });
      const map = mapOf(handle);
      const program = handleProgram(c.kernel);
      for (let n = 0; n < 200; n++) {
        const value = Uint8Array.from({ length: valueSize }, () => random());
        const index = random() % 12;
        const flags = random() % 6;
        c.kernel.memory.writeU32(c.page, index);
        c.put(value, c.page + 8);
        const before =
          map.lookup(c.page) && c.kernel.memory.readBytes(map.lookup(c.page), Math.ceil(valueSize / 8) * 8);
        const got = c.call('array_map_update_elem', map.addr, c.page, c.page + 8, flags) | 0;
        // checks in Linux's order: arraymap.c, array_map_update_elem()
        const want = flags & ~4 && (flags & ~4) > 2 ? -22 : index >= 10 ? -7 : flags & 1 ? -17 : flags & 4 ? -22 : 0;
        expect(got, `index ${index} flags ${flags}`).toBe(want);
        if (!before) continue;
        const after = c.kernel.memory.readBytes(map.lookup(c.page), before.length);
        if (want === 0) before.set(value);
        expect(after).toEqual(before);
      }
      program.close();
      handle.close();
    }
  });
});

/** Loads a program that calls array_map_update_elem, so that all that it needs is there. */
function handleProgram(kernel: Kernel) {
  const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
  return kernel.bpf.progLoad({
    type: 'socket_filter',
    license: 'GPL',
    insns: writeInsns([
      insn(0x62, 10, 0, -4, 0),
      insn(0x7a, 10, 0, -16, 0),
      ...ldImm64(1, BigInt(map.fd), 1),
      insn(0xbf, 2, 10, 0, 0),
      insn(0x07, 2, 0, 0, -4),
      insn(0xbf, 3, 10, 0, 0),
      insn(0x07, 3, 0, 0, -16),
      insn(0xb7, 4, 0, 0, 0),
      insn(0x85, 0, 0, 0, 2),
      insn(0xb7, 0, 0, 0, 0),
      insn(0x95, 0, 0, 0, 0),
    ]),
  });
}

describe('bad pointers', () => {
  const run = async (engine: 'step' | 'jit' | 'interp', body: (map: MapHandle) => Insn[]): Promise<string[]> => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 12, valueSize: 8, maxEntries: 4 });
    const insns = writeInsns([...body(map), insn(0x85, 0, 0, 0, 1), insn(0x95, 0, 0, 0, 0)]);
    const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', verify: false });
    expect(() => prog.testRun({ dataIn: new Uint8Array(64) })).toThrow();
    const oops = kernel.faults.oopses.at(-1)!;
    const address = /address: (\w+)/.exec(oops.text)?.[1] ?? '';
    return [oops.title, address, oops.where.replace(/\+.*/, '')];
  };
  it('fault where Linux’s function would, on every engine', async () => {
    const key = (map: MapHandle): Insn[] => [...ldImm64(1, BigInt(map.fd), 1), ...ldImm64(2, 0x1000n, 0)];
    const noMap = (): Insn[] => [...ldImm64(1, 0x2000n, 0), insn(0xbf, 2, 10, 0, 0), insn(0x07, 2, 0, 0, -16)];
    for (const [what, symbol, address] of [
      [key, 'htab_map_hash', '0000000000001000'],
      [noMap, 'bpf_map_lookup_elem', '0000000000002000'],
    ] as const) {
      const step = await run('step', what);
      expect(step.slice(1)).toEqual([address, symbol]);
      expect(await run('jit', what)).toEqual(step);
      expect(await run('interp', what)).toEqual(step);
    }
  });
});

describe.each(ENGINES)('cheap helpers as kernel text (%s)', (engine) => {
  it('say who runs, where and when', async () => {
    const c = await caller(engine, 2);
    const { kernel } = c;
    const { current } = kernel.tasks;
    for (let n = 0; n < ROUNDS; n++) {
      const now = kernel.clock.now;
      expect(c.call('bpf_ktime_get_ns')).toBe(now);
      expect(c.call('bpf_ktime_get_boot_ns')).toBe(now + 100);
      expect(kernel.clock.now).toBe(now + 200);
    }
    expect(c.call('bpf_get_current_pid_tgid')).toBe(current.tgid * 2 ** 32 + current.pid);
    expect(c.call('bpf_get_current_task')).toBe(current.address);
    expect(c.call('bpf_get_current_task_btf')).toBe(current.address);
    expect(c.call('bpf_get_smp_processor_id')).toBe(0);
    expect(c.call('bpf_get_numa_node_id')).toBe(0);
    kernel.tasks.bindCpu(1);
    expect(c.call('bpf_get_smp_processor_id')).toBe(1);
    const pointer = kernel.percpu.alloc(8);
    expect(c.call('bpf_this_cpu_ptr', pointer)).toBe(kernel.percpu.address(pointer, 1));
    expect(c.call('bpf_per_cpu_ptr', pointer, 0)).toBe(kernel.percpu.address(pointer, 0));
    expect(c.call('bpf_per_cpu_ptr', pointer, 2)).toBe(0);
    kernel.tasks.bindCpu(0);
  });

  it('copy the name into buffers of every size', async () => {
    const c = await caller(engine);
    for (const comm of ['', 'a', 'ebpf-emu', 'fifteen-letters']) {
      c.kernel.tasks.current.comm = comm;
      for (let size = 1; size <= 40; size++) {
        c.put(new Uint8Array(64).fill(0xaa), c.page);
        expect(c.call('bpf_get_current_comm', c.page, size)).toBe(0);
        const want = new Uint8Array(64).fill(0xaa).fill(0, 0, size);
        want.set(new TextEncoder().encode(comm).subarray(0, size - 1));
        expect(c.kernel.memory.readBytes(c.page, 64)).toEqual(want);
      }
    }
  });

  it('read memory that may not be there as the host does', async () => {
    const c = await caller(engine);
    const { memory, vmalloc } = c.kernel;
    const random = numbers(11);
    const area = vmalloc.alloc(4096);
    c.put(
      Uint8Array.from({ length: 4096 }, () => random()),
      area,
    );
    const guard = area + 4096;
    const sources = (n: number): Addr =>
      [
        area + (random() % 4000),
        // across the end of the area, into the guard page behind it
        guard - (random() % 40),
        guard + 8,
        n,
        0x7fff_ffff_f000 - 8,
        -0xa0_0000 + (random() % 4096),
        -0x8000_0000_0000,
        c.kernel.text.base + (random() % 4096),
      ][random() % 8]!;
    const [ours, theirs] = [c.page, c.page + 4096];
    for (let n = 0; n < 3 * ROUNDS; n++) {
      const [from, size] = [sources(n), random() % 70];
      c.put(new Uint8Array(80).fill(0xaa), ours);
      c.put(new Uint8Array(80).fill(0xaa), theirs);
      // first ours: kernel text that nobody has read yet is written when it does
      const got = c.call('bpf_probe_read_kernel', ours, size, from);
      expect(got, `${size} bytes at ${from}`).toBe(probeRead(memory, 'kernel', theirs, size, from));
      expect(memory.readBytes(ours, 80)).toEqual(memory.readBytes(theirs, 80));
    }
    expect(c.kernel.faults.oopses).toEqual([]);
  });
});
