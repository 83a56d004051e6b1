/** Programs that call kernel functions, with what they answered on Linux 6.12.117 (`fixtures/kfuncs`). */
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel } from '../../../src/index.ts';

/** results of PROG_TEST_RUN on 64 bytes of packet, zeroes; of syscall programs without a context */
const LINUX: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  graph: { lists: 34_129, trees: 2_213_206_673, shared: 722 },
  held: {
    hash_over: 6500,
    loose_over: 6500,
    array_over: 6500,
    hash_deleted: 8200,
    loose_deleted: 8200,
    lru_evicted: 2100,
    list_over: 90,
  },
  sets: { masks: 1_045_211, numbers: 4_293_737_803, bits: 993_622, thrown: 44 },
};
const fixture = (name: string): string => new URL(`../../../fixtures/kfuncs/${name}.bpf.o`, import.meta.url).pathname;
const SYSCALL = 31;

describe.each(Object.keys(LINUX))('%s', (name) => {
  it.each(Object.keys(LINUX[name] ?? {}))('%s', async (program) => {
    const kernel = await Kernel.boot();
    const { programs } = BpfObject.open(fixture(name)).load(kernel, { programs: [program] });
    const found = programs[program];
    const run = found?.handle.testRun(found.definition.type === SYSCALL ? {} : { dataIn: new Uint8Array(64) });
    expect(run?.retval).toBe(LINUX[name]?.[program]);
  });
});

it('gives objects back: nothing that lists and trees held is left', async () => {
  const kernel = await Kernel.boot();
  const { programs } = BpfObject.open(fixture('graph')).load(kernel);
  const run = (name: string): void => void programs[name]?.handle.testRun({ dataIn: new Uint8Array(64) });
  const objects = (): number => kernel.slab.allocated;
  for (const name of ['lists', 'trees', 'shared']) run(name);
  const before = objects();
  for (let n = 0; n < 20; n++) for (const name of ['lists', 'trees', 'shared']) run(name);
  expect(objects()).toBe(before);
});

it('shows user space nothing of such fields, and takes nothing for them', async () => {
  const kernel = await Kernel.boot();
  const loaded = BpfObject.open(fixture('held')).load(kernel);
  for (const name of ['hash', 'loose', 'lru', 'array'] as const) {
    const map = kernel.bpf.map(loaded.maps[name]?.fd as number);
    map.update(0, new Uint8Array(48).fill(0xff));
    const seen = map.lookup(0) as Uint8Array;
    // two plain u64, and between them two kptrs and a timer
    expect([...seen].map((byte) => byte === 0xff)).toEqual([...seen].map((_, n) => n < 8 || n >= 40));
    expect([...map.entries()][0]?.[1]).toEqual(seen);
  }
});

it('lets go of what values hold when they are written over, deleted, evicted, or freed with their map', async () => {
  const kernel = await Kernel.boot();
  const empty = kernel.slab.allocated;
  const loaded = BpfObject.open(fixture('held')).load(kernel);
  const programs = Object.values(loaded.programs);
  for (const { handle } of programs) handle.testRun();
  const before = kernel.slab.allocated;
  for (let n = 0; n < 10; n++) for (const { handle } of programs) handle.testRun();
  expect(kernel.slab.allocated).toBe(before);
  loaded.close();
  expect(kernel.slab.allocated).toBeLessThanOrEqual(empty + 2);
});

it('gives no map with such fields to who has no CAP_BPF', async () => {
  const kernel = await Kernel.boot();
  const loaded = BpfObject.open(fixture('held')).load(kernel);
  const info = kernel.bpf.map(loaded.maps['array']?.fd as number).map;
  const btf = kernel.bpf.fdById('btf', info.btfObject?.id as number);
  const create = (btfValueTypeId: number, unpriv: boolean) => () =>
    kernel.bpf
      .mapCreate({
        type: 'array',
        keySize: 4,
        valueSize: info.valueSize,
        maxEntries: 1,
        unpriv,
        ...(btfValueTypeId ? { btf, btfKeyTypeId: info.attrs.btfKeyTypeId, btfValueTypeId } : {}),
      })
      .close();
  expect(create(info.attrs.btfValueTypeId, false)).not.toThrow();
  expect(create(0, true)).not.toThrow();
  expect(create(info.attrs.btfValueTypeId, true)).toThrow(expect.objectContaining({ errno: 'EPERM' }));
});

it('runs the callback that a program has for its exceptions', async () => {
  const kernel = await Kernel.boot();
  const { programs } = BpfObject.open(fixture('sets')).load(kernel, { programs: ['handled'] });
  expect(programs['handled']?.handle.testRun({ dataIn: new Uint8Array(64) }).retval).toBe(44 + 7);
});

it('goes over tasks, and finds them by their ids', async () => {
  const kernel = await Kernel.boot();
  const { programs } = BpfObject.open(fixture('sets')).load(kernel, { programs: ['tasks'] });
  // one task, itself; one thread of it; a reference to it; none of an id that there is not; EINVAL for unknown flags
  expect(programs['tasks']?.handle.testRun({}).retval).toBe(0b101110);
});
