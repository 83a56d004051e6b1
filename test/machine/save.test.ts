import { describe, expect, it } from 'vitest';
import {
  GENERAL_ZONE_PHYS,
  IMAGE_ZONE_PHYS,
  MachineBusy,
  MODULES_VADDR,
  PAGE_OFFSET,
  RAX,
  VMALLOC_START,
} from '../../src/machine/index.ts';
import { at, rax, rbx } from '../../src/x86/index.ts';
import { outcome, prepare } from './differential.ts';
import { CODE, place, Random, STACK_TOP, type TestMachine, testMachine } from './support.ts';

/** What guest code can see: memory as far as it is handed out here and further, registers, counts. */
function image(t: TestMachine): { memory: Buffer; cpu: string } {
  const { machine, memory } = t;
  const part = (from: number) => memory.u8.slice(from, from + (1 << 20));
  return {
    memory: Buffer.concat([part(IMAGE_ZONE_PHYS), part(GENERAL_ZONE_PHYS)]),
    cpu: [...machine.cpu.save(), machine.insns, machine.marked].join(' '),
  };
}
const same = (a: ReturnType<typeof image>, b: ReturnType<typeof image>): boolean =>
  a.memory.equals(b.memory) && a.cpu === b.cpu;

const ENGINES = [
  ['step', () => testMachine()],
  ['jit', () => testMachine({ engine: 'jit', translator: { threshold: 3, maxInline: 200 } })],
] as const;

/** Calls the code and gives what it left in rax. */
function call({ machine }: TestMachine): bigint {
  expect(machine.call(CODE).reason).toBe('halt');
  return machine.cpu.reg64(RAX);
}

describe.each(ENGINES)('save and restore, engine %s', (_, make) => {
  it('random code goes the same way again from wherever it was saved', () => {
    const t = make();
    const { machine } = t;
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed * 77);
      prepare(t, seed, seed % 2 === 0 ? 4 : 0);
      machine.run(random.below(3000));
      const mark = machine.save();
      const before = image(t);
      const stop = machine.run(20_000);
      const after = image(t);
      // a second mark on the way, which is gone to from behind and from before
      machine.restore(mark);
      expect(same(image(t), before)).toBe(true);
      machine.run(random.below(2000));
      const second = machine.save();
      const middle = image(t);
      machine.restore(mark);
      expect(outcome(machine.run(20_000))).toBe(outcome(stop));
      expect(same(image(t), after)).toBe(true);
      machine.restore(second);
      expect(same(image(t), middle)).toBe(true);
    }
  });

  it('text that changed is what it was, decoded and translated forms of it too', () => {
    const t = make();
    const answer = (n: number) => place(t, (a) => a.op('mov r32, imm32', rax, n).op('ret'));
    const sum = (t2: TestMachine): bigint => {
      let last = 0n;
      for (let n = 0; n < 8; n++) last = call(t2);
      return last;
    };
    answer(1);
    expect(sum(t)).toBe(1n);
    const mark = t.machine.save();
    answer(2);
    expect(sum(t)).toBe(2n);
    t.machine.restore(mark);
    expect(sum(t)).toBe(1n);
  });

  it('pages, mappings and protections are what they were', () => {
    const t = make();
    const { machine, memory } = t;
    const va = VMALLOC_START + 0x10_0000;
    const kept = memory.allocPages(2);
    memory.map(va, kept, 8192, { write: true });
    memory.writeU32(va, 7);
    // a load from there is translated while it can be made
    place(t, (a) => a.op('mov r64, imm64', rbx, BigInt(va)).op('mov r64, r/m64', rax, at(rbx, 0)).op('ret'));
    for (let n = 0; n < 8; n++) expect(call(t)).toBe(7n);
    const mark = machine.save();
    memory.unmap(va, 4096);
    memory.protect(va + 4096, 4096, {});
    memory.freePages(kept, 2);
    const again = memory.allocPages(1);
    const fresh = memory.allocPages(3);
    memory.u8.fill(0xaa, fresh, fresh + 3 * 4096);
    expect(machine.call(CODE).reason).toBe('fault');
    machine.restore(mark);
    expect(call(t)).toBe(7n);
    memory.writeU32(va + 4096, 1);
    memory.freePages(kept, 2);
    expect([memory.allocPages(1), memory.allocPages(3)]).toEqual([again, fresh]);
    expect(memory.u8.subarray(fresh, fresh + 3 * 4096).every((b) => b === 0)).toBe(true);
  });

  it('marks of instructions come and go', () => {
    const t = make();
    const { machine } = t;
    place(t, (a) => a.op('mov r32, imm32', rax, 1).op('ret'));
    const mark = machine.save();
    machine.mark(CODE, Uint8Array.of(5));
    call(t);
    machine.unmark(CODE);
    machine.restore(mark);
    expect(machine.weights.size).toBe(0);
    machine.mark(CODE, Uint8Array.of(3));
    const marked = machine.save();
    machine.unmark(CODE);
    machine.restore(marked);
    expect(machine.weights.get(CODE)).toBe(3);
  });

  it('refuses inside of a handler', () => {
    const t = make();
    place(t, (a) => a.op('mov r32, imm32', rax, 1).op('vmcall').op('ret'));
    t.machine.onVmcall = () => void t.machine.save();
    expect(() => t.machine.call(CODE)).toThrow(MachineBusy);
  });
});

it('a save keeps what changed since the last one, whatever wrote it', () => {
  const t = testMachine();
  const { machine, memory } = t;
  const direct = memory.allocPages(100);
  memory.u8.fill(1, direct, direct + 100 * 4096);
  machine.save();
  expect(machine.save().memory.pages.added).toBe(0);
  memory.writeU8(PAGE_OFFSET + direct + 5000, 9);
  memory.i32[(direct + 9 * 4096) >> 2] = 3;
  expect(machine.save().memory.pages.added).toBe(2 * 4096);
  // the guest, through another mapping of a page
  memory.map(MODULES_VADDR + 0x40_0000, direct, 4096, { write: true });
  place(t, (a) => a.op('mov r/m32, imm32', at(rbx, 8), 77).op('ret'));
  machine.save();
  machine.cpu.setReg(3, MODULES_VADDR + 0x40_0000);
  machine.cpu.setReg(4, STACK_TOP);
  machine.call(CODE);
  const { added } = machine.save().memory.pages;
  expect(added).toBe(2 * 4096);
  // what is written back is as it was; zeroes cost nothing
  memory.writeU8(PAGE_OFFSET + direct + 5000, 9);
  memory.u8.fill(0, direct + 50 * 4096, direct + 60 * 4096);
  expect(machine.save().memory.pages.added).toBe(0);
});

it.each(ENGINES)('of a sparse mapping only pages that were written are looked at, engine %s', (_, make) => {
  const t = make();
  const { machine, memory } = t;
  const FAR = MODULES_VADDR + 0x80_0000;
  const phys = GENERAL_ZONE_PHYS + (8 << 20);
  memory.map(FAR, phys, 256 * 4096, { write: true }, true);
  const looked = (): number => {
    let pages = 0;
    memory.touched.runs(64, (first, count) => {
      if (first >= phys / 4096 && first < phys / 4096 + 256) pages += count;
    });
    return pages;
  };
  const zero = machine.save();
  memory.readAddr(FAR);
  expect(looked()).toBe(0);
  // the host: inside a page, over an edge, bytes, a fill
  memory.writeU8(FAR + 0x1_0000, 1);
  memory.writeAddr(FAR + 0x2_0ffc, -2);
  memory.writeBytes(FAR + 0x3_0000, new Uint8Array(8192).fill(3));
  memory.fillBytes(FAR + 0x4_0000, 4, 4097);
  expect(looked()).toBe(1 + 2 + 2 + 2);
  // the guest: a store, one over an edge, and a string
  place(t, (a) => a.op('mov r/m64, imm32', at(rbx, 0x10), 77).op('mov r/m64, imm32', at(rbx, 0x1ffc), -1).op('ret'));
  for (let n = 0; n < 8; n++) {
    machine.cpu.setReg(3, FAR + 0x5_0000);
    machine.cpu.setReg(4, STACK_TOP);
    machine.call(CODE);
  }
  expect(looked()).toBe(7 + 3);
  const written = machine.save();
  machine.restore(zero);
  expect(memory.readBytes(FAR, 256 * 4096).every((byte) => byte === 0)).toBe(true);
  machine.restore(written);
  expect(memory.readU32(FAR + 0x5_0010)).toBe(77);
  expect(memory.readAddr(FAR + 0x2_0ffc)).toBe(-2);
});
