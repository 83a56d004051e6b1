/** Runs of the interpreter: memory, faults, calls, budgets and counts. */
import { describe, expect, it } from 'vitest';
import { BUDGET_SPENT, predecode } from '../../../../../kernel-sim/bpf/engine/interp/index.ts';
import { Kernel } from '../../../../../src/index.ts';
import { assemble, insn } from '../../../../../src/isa/index.ts';
import { addrToBigInt } from '../../../../../src/machine/addr.ts';
import { GuestFault, MachineStop } from '../../../../../src/machine/index.ts';
import { Bare, CALL_BASE, DATA, READ_ONLY, STACK_TOP } from './support.ts';

const bare = new Bare();
const EXIT = insn(0x95, 0, 0, 0, 0);
/** BPF_JMP | BPF_TAIL_CALL of include/linux/filter.h */
const TAIL_CALL = insn(0xf5, 0, 0, 0, 0);
const data = BigInt.asUintN(64, addrToBigInt(DATA));

/** What a run throws. */
function thrown(f: () => unknown): unknown {
  try {
    f();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('memory', () => {
  const SIZES = [
    [1, 0x10],
    [2, 0x08],
    [4, 0x00],
    [8, 0x18],
  ] as const;

  it.each(SIZES)('loads and stores %i bytes anywhere, across pages too', (size, mode) => {
    const pattern = Uint8Array.from({ length: 8192 }, (_, i) => 0x81 + 7 * i);
    // the second time the TLB has the pages
    for (const offset of [0, 0, 3, 4093, 4096 - size, 4096 - size / 2, 4095, 4096, 8192 - size]) {
      const at = Math.floor(offset);
      bare.memory.writeBytes(DATA, pattern);
      const bytes = pattern.slice(at, at + size);
      const little = bytes.reduceRight((v, byte) => (v << 8n) | BigInt(byte), 0n);
      const negative = little >> BigInt(8 * size - 1) ? little - (1n << BigInt(8 * size)) : little;
      expect(bare.run([insn(0x61 | mode, 0, 1, at, 0), EXIT], [data])).toBe(little);
      if (size < 8) expect(bare.run([insn(0x81 | mode, 0, 1, at, 0), EXIT], [data])).toBe(BigInt.asUintN(64, negative));
      const value = 0x1122_3344_5566_7788n;
      bare.run([insn(0x63 | mode, 1, 2, at, 0), insn(0xb7, 0, 0, 0, 0), EXIT], [data, value]);
      const stored = Buffer.alloc(8);
      stored.writeBigUInt64LE(value);
      const expected = Buffer.from(pattern);
      stored.copy(expected, at, 0, size);
      expect(Buffer.from(bare.memory.readBytes(DATA, 8192)).equals(expected)).toBe(true);
      bare.run([insn(0x62 | mode, 1, 0, at, -2), insn(0xb7, 0, 0, 0, 0), EXIT], [data]);
      expected.fill(0xff, at, at + size);
      expected[at] = 0xfe;
      expect(Buffer.from(bare.memory.readBytes(DATA, 8192)).equals(expected)).toBe(true);
    }
  });

  it('faults where nothing is mapped, where nothing may be written, and once a page is gone', () => {
    const load = (address: bigint) => thrown(() => bare.run([insn(0x79, 0, 1, 0, 0), EXIT], [address]));
    const store = (address: bigint) => thrown(() => bare.run([insn(0x7b, 1, 1, 0, 0), EXIT], [address]));
    const readOnly = data + BigInt(READ_ONLY - DATA);
    expect(load(0n)).toMatchObject({ address: 0, access: 0 });
    expect(load(1n << 63n)).toBeInstanceOf(GuestFault);
    expect(load(readOnly)).toBeUndefined();
    expect(store(readOnly)).toMatchObject({ address: READ_ONLY, access: 1 });
    expect(load(readOnly + 4092n)).toMatchObject({ address: READ_ONLY + 4096, access: 0 });
    const page = bare.memory.allocPages(1);
    const at = READ_ONLY + (1 << 24);
    bare.memory.map(at, page, 4096, { write: true });
    const there = data + BigInt(at - DATA);
    expect(store(there)).toBeUndefined();
    bare.memory.protect(at, 4096, {});
    expect(store(there)).toMatchObject({ address: at, access: 1 });
    bare.memory.unmap(at, 4096);
    expect(load(there)).toMatchObject({ address: at, access: 0 });
  });

  it('does atomic operations on a page that the TLB has and on one that it has not', () => {
    /** imm, stored, source register afterwards: memory 0xf0f0.., source 0x0ff0.. */
    const old = 0xf0f0_f0f0_8000_0001n;
    const src = 0x0ff0_0ff0_8000_00ffn;
    const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);
    for (const [imm, answer] of [
      [0x00, old + src],
      [0x40, old | src],
      [0x50, old & src],
      [0xa0, old ^ src],
      [0xe1, src],
    ] as const) {
      for (const bits of [64, 32]) {
        for (const fetch of imm === 0xe1 ? [1] : [0, 1]) {
          const code = bits === 64 ? 0xdb : 0xc3;
          // R1 in the first page, R3 across the second one's border
          for (const offset of [16, 16, 4094]) {
            const cell = Buffer.alloc(8);
            cell.writeBigUInt64LE(old);
            bare.memory.writeBytes(DATA + offset, cell);
            const r0 = bare.run([insn(code, 1, 2, offset, imm | fetch), insn(0xbf, 0, 2, 0, 0), EXIT], [data, src]);
            expect(r0).toBe(fetch ? BigInt.asUintN(bits, old) : src);
            const low = BigInt.asUintN(bits, answer);
            const stored = bits === 64 ? u64(answer) : (old & ~0xffff_ffffn) | low;
            expect(Buffer.from(bare.memory.readBytes(DATA + offset, 8)).readBigUInt64LE()).toBe(stored);
          }
        }
        // compare and exchange: R0 is what is expected there, and becomes what was
        for (const [expected, offset] of [
          [old, 16],
          [old + 1n, 16],
          [old, 4094],
          [old + 1n, 4094],
        ] as const) {
          const cell = Buffer.alloc(8);
          cell.writeBigUInt64LE(old);
          bare.memory.writeBytes(DATA + offset, cell);
          const code = bits === 64 ? 0xdb : 0xc3;
          const r0 = bare.run([insn(0xbf, 0, 3, 0, 0), insn(code, 1, 2, offset, 0xf1), EXIT], [data, src, expected]);
          expect(r0).toBe(BigInt.asUintN(bits, old));
          const stored = expected !== old ? old : bits === 64 ? src : (old & ~0xffff_ffffn) | BigInt.asUintN(32, src);
          expect(Buffer.from(bare.memory.readBytes(DATA + offset, 8)).readBigUInt64LE()).toBe(stored);
        }
      }
    }
  });

  it('reads 0 for BPF_PROBE_MEM of user space and of what is not mapped', () => {
    bare.memory.writeBytes(DATA, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    for (const [code, there] of [
      [0x39, 0xffff_ffff_ffff_fffen],
      [0x31, 0xfen],
      [0x51, 0xffff_ffff_ffff_fffen],
    ] as const) {
      const probe = (address: bigint) => bare.run([insn(code, 0, 1, 0, 0), EXIT], [address]);
      expect([probe(data), probe(data), probe(0x1000n), probe(data - 4096n), probe(1n << 63n)]).toEqual([
        there,
        there,
        0n,
        0n,
        0n,
      ]);
    }
  });
});

describe('calls', () => {
  /** fib(R1) by recursion */
  const FIB = assemble(`
      call fib
      exit
fib:  if r1 < 2 goto end
      r6 = r1
      r1 += -1
      call fib
      r7 = r0
      r1 = r6
      r1 += -2
      call fib
      r0 += r7
      exit
end:  r0 = r1
      exit`).insns;

  /** Slots that fib(n) executes. */
  const cost = (n: number): number => (n < 2 ? 3 : 10 + cost(n - 1) + cost(n - 2));

  it('keeps R6 to R9 and R10 apart, and counts', () => {
    const { interp } = bare;
    const before = interp.executed;
    expect(bare.run(FIB, [15n], {}, [0, 2])).toBe(610n);
    expect(interp.executed - before).toBe(2 + cost(15));
  });

  it('faults where the stack ends', () => {
    const error = thrown(() => bare.run('call f\nexit\nf: call f\nexit', [], {}, [0, 2]));
    expect(error).toMatchObject({ address: STACK_TOP - 16384 - 8, access: 1 });
    expect(bare.run(FIB, [3n], {}, [0, 2])).toBe(2n);
  });

  it('stops where a program calls for ever without using stack', () => {
    // what no verifier lets through: R10 is given back before the next call
    const endless = [insn(0x07, 10, 0, 0, 16), insn(0x85, 0, 1, 0, -2), EXIT];
    const { interp } = bare;
    interp.limit = interp.executed + 1000;
    const start = interp.executed;
    expect(thrown(() => bare.run(endless))).toMatchObject({ why: BUDGET_SPENT });
    expect(interp.executed - start).toBeLessThan(1010);
    interp.limit = Number.POSITIVE_INFINITY;
    expect(thrown(() => bare.run(endless))).toBeInstanceOf(MachineStop);
    expect(bare.run(FIB, [3n], {}, [0, 2])).toBe(2n);
  });

  it('runs a program inside a call of another one', () => {
    const call = (): void => {
      const { registers } = bare.interp;
      const outer = [...registers];
      expect(bare.run(FIB, [10n], {}, [0, 2])).toBe(55n);
      // as a call of the kernel leaves it
      registers.set(outer);
      bare.setReg(0, 5n);
    };
    const sum = 'r6 = 100\nr7 = 3\nagain: call 1\nr6 += r0\nr7 += -1\nif r7 != 0 goto again\nr0 = r6\nexit';
    expect(bare.run(sum, [], { call })).toBe(115n);
  });

  it('hands a call its address and the stack in use', () => {
    const calls: number[][] = [];
    bare.run('call 5\nexit', [], { call: (...args) => calls.push(args) });
    expect(calls).toEqual([[0x8200_0005 | 0, -1, 16]]);
  });
});

describe('budgets', () => {
  const LOOP = assemble('r0 = 0\nagain: r0 += 1\nif r0 != r1 goto again\nexit').insns;

  it('counts exactly, whatever is in between', () => {
    const { interp } = bare;
    for (const n of [1n, 2n, 1_000_000n]) {
      const before = interp.executed;
      expect(bare.run(LOOP, [n])).toBe(n);
      expect(interp.executed - before).toBe(2 + 2 * Number(n));
    }
  });

  it('lets a run go on that needs no more, and stops others within one round', () => {
    const { interp } = bare;
    for (const limit of [1, 2, 999, 1 << 18, 1_000_001]) {
      const before = interp.executed;
      interp.limit = before + limit;
      expect(thrown(() => bare.run(LOOP, [0n]))).toMatchObject({ why: BUDGET_SPENT });
      expect(interp.executed - before).toBeGreaterThanOrEqual(limit - 2);
      expect(interp.executed - before).toBeLessThanOrEqual(limit + 5);
      interp.limit = interp.executed + 12;
      expect(bare.run(LOOP, [5n])).toBe(5n);
    }
    interp.limit = Number.POSITIVE_INFINITY;
  });

  it('counts on in the target of a tail call, and in a caller that it returns to', () => {
    const { interp } = bare;
    const insns = assemble('r0 = r6\nr0 += 1\nexit').insns;
    const target = predecode(interp.zone, insns, [{ start: 0, stackDepth: 0 }], CALL_BASE, (slot) => slot > 0);
    const made: number[] = [];
    const tailCall = (n: number) => {
      made.push(n);
      return made.length === 2 ? undefined : target;
    };
    const before = interp.executed;
    // main calls f, whose R6 is its own and which makes the tail call; then main makes one in vain
    const program = [...assemble('r6 = 5\ncall pc+3\nr0 += r6').insns, TAIL_CALL, EXIT, insn(0xb7, 6, 0, 0, 1)];
    expect(bare.run([...program, TAIL_CALL, EXIT], [], { tailCall }, [0, 5])).toBe(7n);
    expect([made, interp.executed - before]).toEqual([[0, 1], 9]);
  });
});

describe('several kernels', () => {
  it('have memories and registers of their own', async () => {
    const other = new Bare();
    bare.memory.writeBytes(DATA, Uint8Array.of(1));
    other.memory.writeBytes(DATA, Uint8Array.of(2));
    const load = [insn(0x71, 0, 1, 0, 0), EXIT];
    expect([bare.run(load, [data]), other.run(load, [data]), bare.run(load, [data])]).toEqual([1n, 2n, 1n]);
  });

  it.each([1 << 27, 2 ** 31])('work with %i bytes of memory', async (memory) => {
    const kernel = await Kernel.boot({ engine: 'interp', memory });
    const program = kernel.bpf.progLoad({
      type: 'syscall',
      insns: assemble('r0 = *(u64*)(r1 + 0)\n*(u64*)(r10 - 8) = r0\nr0 = *(u32*)(r10 - 4)\nexit').insns,
      license: 'GPL',
      verify: false,
    });
    expect(program.testRun({ ctxIn: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) })).toMatchObject({
      r0: 0x0807_0605n,
      insns: 4,
    });
  });
});
