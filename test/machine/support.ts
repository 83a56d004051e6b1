/** A machine with a stack, two data areas and room for code, as the tests here need it. */
import {
  type Addr,
  addrHi,
  addrLo,
  GuestMemory,
  KERNEL_TEXT,
  Machine,
  type MachineOptions,
  MODULES_VADDR,
  PAGE_OFFSET,
  RSP,
  VMALLOC_START,
} from '../../src/machine/index.ts';
import { Assembler } from '../../src/x86/index.ts';

export const CODE: Addr = MODULES_VADDR;
export const CODE_BYTES = 16 * 4096;
export const STACK_BYTES = 4 * 4096;
export const STACK: Addr = VMALLOC_START + 0x8000;
export const STACK_TOP: Addr = STACK + STACK_BYTES - 128;
/** two pages between unmapped ones, in the vmalloc area */
export const VM_DATA: Addr = VMALLOC_START + 0x2_0000;
export const DATA_BYTES = 2 * 4096;

export interface TestMachine {
  readonly machine: Machine;
  readonly memory: GuestMemory;
  /** two pages in the direct map */
  readonly data: Addr;
  readonly code: number;
}

export function testMachine(options: MachineOptions = {}): TestMachine {
  const memory = new GuestMemory({ bytes: 128 << 20 });
  const machine = new Machine(memory, options);
  const code = memory.allocPages(CODE_BYTES / 4096, 'image');
  memory.map(CODE, code, CODE_BYTES, { exec: true });
  memory.map(STACK, memory.allocPages(STACK_BYTES / 4096), STACK_BYTES, { write: true });
  memory.map(VM_DATA, memory.allocPages(DATA_BYTES / 4096), DATA_BYTES, { write: true });
  const data = PAGE_OFFSET + memory.allocPages(DATA_BYTES / 4096);
  machine.cpu.setReg(RSP, STACK_TOP);
  return { machine, memory, data, code };
}

/** Assembles at {@link CODE} and puts it there. */
export function place(t: TestMachine, build: (asm: Assembler) => void): Assembler {
  const asm = new Assembler(CODE);
  build(asm);
  t.memory.u8.set(asm.bytes(), t.code);
  t.machine.invalidate(CODE, CODE_BYTES);
  return asm;
}

export const halves = (a: Addr): [number, number] => [addrLo(a), addrHi(a)];
export { KERNEL_TEXT };

/** Deterministic random numbers (mulberry32). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 0;
  }
  /** Integer in [0, n). */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  s32(): number {
    switch (this.below(4)) {
      case 0:
        return this.below(256) - 128;
      case 1:
        return this.pick([0, 1, -1, 0x7fffffff, -0x80000000, 0xff, 0x80, 0x8000, 0xffff]);
      default:
        return (this.below(65536) << 16) | this.below(65536) | 0;
    }
  }
}
