/**
 * A program that was not verified may write over what the kernel trusts: the context's own structure, a map's header, a
 * list's links. What comes of it is what comes of it in a kernel: an oops, an errno, or nothing.
 */
import { describe, expect, it } from 'vitest';
import { BpfError, type EngineName, Kernel, type MapHandle } from '../../../src/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';
import { first } from '../../support/depth.ts';

const code = (text: string): Uint8Array => writeInsns(assemble(text).insns);
const VALUES = ['0', '-1', '4096', '0x7fffffff', '0xdead000000000100', '0xffff888000000000', '0xffffffff81000000'];
const MAPS = ['array', 'hash', 'percpu_hash', 'lru_hash', 'queue', 'lpm_trie', 'ringbuf', 'stack_trace'] as const;
const CONTEXTS = ['xdp', 'sched_cls', 'flow_dissector', 'syscall'] as const;

/** 'ok', or the errno; anything else is thrown on. */
function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return error.errno;
  }
}
function make(kernel: Kernel, type: (typeof MAPS)[number]): MapHandle {
  const { bpf } = kernel;
  if (type === 'ringbuf') return bpf.mapCreate({ type, maxEntries: 4096 });
  if (type === 'queue') return bpf.mapCreate({ type, valueSize: 8, maxEntries: 8 });
  if (type === 'stack_trace') return bpf.mapCreate({ type, keySize: 4, valueSize: 64, maxEntries: 8 });
  if (type === 'lpm_trie') return bpf.mapCreate({ type, keySize: 8, valueSize: 8, maxEntries: 8, flags: 1 });
  const map = bpf.mapCreate({ type, keySize: 4, valueSize: 8, maxEntries: 8 });
  for (let n = 0; n < 4; n++) map.update(n, new Uint8Array(8));
  return map;
}
function run(kernel: Kernel, type: string, text: string): string {
  const prog = kernel.bpf.progLoad({ type, license: 'GPL', verify: false, insns: code(text) });
  return outcome(() => prog.testRun({ dataIn: new Uint8Array(64), maxInsns: 100_000 }));
}
/** Everything that bpf(2) does to a map. */
const use = (map: MapHandle): string[] =>
  [
    () => map.lookup(1),
    () => map.update(77, new Uint8Array(map.valueSize)),
    () => map.delete(1),
    () => map.nextKey(),
    () => map.consume(),
    () => map.close(),
  ].map(outcome);

const ENGINES: readonly EngineName[] = ['jit', 'interp'];

describe('what an unverified program has overwritten', () => {
  it.each(first(2, MAPS))('the header of a map: %s', async (type) => {
    const outcomes = new Set<string>();
    for (let offset = 0; offset < 400; offset += 40) {
      const kernel = await Kernel.boot();
      const map = make(kernel, type);
      const key = 'r2 = r10\nr2 += -8';
      outcomes.add(
        run(
          kernel,
          'xdp',
          `r6 = map[id:${map.fd}]
          r7 = ${VALUES[(offset / 8) % VALUES.length]} ll
          *(u64 *)(r6 +${offset}) = r7
          *(u64 *)(r10 -8) = 1
          r1 = r6
          ${key}
          call bpf_map_lookup_elem#1
          r1 = map[id:${map.fd}]
          ${key}
          r3 = r10
          r3 += -8
          r4 = 0
          call bpf_map_update_elem#2
          r1 = map[id:${map.fd}]
          ${key}
          call bpf_map_delete_elem#3
          r0 = 0
          exit`,
        ),
      );
      for (const each of use(map)) outcomes.add(each);
    }
    expect(outcomes).toContain('ok');
  });

  it.each(first(1, CONTEXTS))('the context: %s', async (type) => {
    const outcomes = new Set<string>();
    for (let offset = 0; offset < 232; offset += 40) {
      for (const add of [0, 4]) {
        const kernel = await Kernel.boot();
        const value = VALUES[(offset / 8 + add) % VALUES.length];
        outcomes.add(
          run(
            kernel,
            type,
            `r6 = r1
            r7 = ${value} ll
            *(u64 *)(r6 +${offset}) = r7
            r1 = r6
            r2 = 0
            r3 = r10
            r3 += -16
            r4 = 8
            call bpf_skb_load_bytes#26
            r0 = 2
            exit`,
          ),
        );
      }
    }
    expect(outcomes.size).toBeGreaterThan(0);
  });

  it.each(ENGINES)('a bucket whose list goes round in circles, %s', async (engine) => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1 });
    map.update(5, 1n);
    // struct htab_elem: the list's node in front, the key at 48, its value 8 behind
    const circle = run(
      kernel,
      'xdp',
      `r1 = map[id:${map.fd}]
      *(u32 *)(r10 -4) = 5
      r2 = r10
      r2 += -4
      call bpf_map_lookup_elem#1
      r0 += -56
      *(u64 *)(r0 +0) = r0
      r0 = 0
      exit`,
    );
    expect(circle).toBe('ok');
    const error = (() => {
      try {
        map.lookup(6);
      } catch (e) {
        return e as BpfError;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ errno: 'EFAULT', oops: { title: expect.stringContaining('invalid opcode') } });
    expect(outcome(() => map.update(6, 1n))).toBe('EFAULT');
    expect([...kernel.faults.oopses].length).toBe(2);
  });
});
