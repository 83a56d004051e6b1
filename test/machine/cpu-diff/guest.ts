/** The machine's side: one user-mode machine with runner.c's layout, one instruction a case. */

import { CPU, CpuState } from '../../../src/machine/cpu.ts';
import { createStepper } from '../../../src/machine/exec/index.ts';
import { EXIT, type Stepper } from '../../../src/machine/executor.ts';
import { CPU_PHYS } from '../../../src/machine/layout.ts';
import { GuestMemory } from '../../../src/machine/memory.ts';
import { form } from '../../../src/x86/index.ts';
import type { Case } from './generate.ts';
import {
  CODE_AT,
  CODE_BASE,
  CODE_BYTES,
  DATA_BASE,
  DATA_BYTES,
  FLAG_MASK,
  GS_BASE,
  WINDOW,
  WINDOW_BYTES,
  XMM_BYTES,
} from './layout.ts';
import type { Outcome } from './outcome.ts';

const IF = 0x200;
const USER_CS = 0x33;
const USER_SS = 0x2b;

export class Guest {
  private readonly memory = new GuestMemory({ bytes: 128 << 20 });
  private readonly cpu = new CpuState(this.memory);
  private readonly stepper: Stepper = createStepper(this.memory, this.cpu);
  private readonly code: number;
  private readonly window: number;
  private readonly data: number;

  constructor() {
    const { memory, cpu } = this;
    const code = memory.allocPages(CODE_BYTES / 4096);
    this.data = memory.allocPages(DATA_BYTES / 4096);
    memory.map(CODE_BASE, code, CODE_BYTES, { exec: true, user: true });
    memory.map(DATA_BASE, this.data, DATA_BYTES, { write: true, user: true });
    memory.u8.fill(0xcc, code, code + CODE_BYTES);
    this.code = code + CODE_AT - CODE_BASE;
    this.window = this.data + WINDOW - DATA_BASE;
    cpu.cs = USER_CS;
    cpu.ss = USER_SS;
    cpu.gsBase = GS_BASE;
  }

  /** `block`: through the block cache, into the int3 behind the instruction; else as a single step. */
  run(c: Case, block = false): Outcome {
    const { memory, cpu, stepper } = this;
    memory.u8.fill(0, this.data, this.data + DATA_BYTES);
    memory.u8.set(c.window, this.window);
    memory.u8.fill(0xcc, this.code, this.code + 16);
    memory.u8.set(c.code, this.code);
    stepper.invalidate(CODE_AT, 16);
    cpu.regs64.set(c.regs);
    memory.u8.set(c.xmm, CPU_PHYS + CPU.xmm);
    cpu.cs = USER_CS;
    cpu.ss = USER_SS;
    cpu.rflags = c.rflags | IF;
    cpu.rip = CODE_AT;
    let exit = stepper.run(block ? 1000 : 1);
    // a repeated string instruction, of which a step is one turn
    while (form(c.row).string && exit === EXIT.budget && cpu.rip === CODE_AT) exit = stepper.run(1);
    const { fault } = stepper;
    let trap = exit === EXIT.fault && fault ? fault.vector : -1;
    if (block && form(c.row).mnemonic !== 'int3') {
      // it completed when what came next was int3, or a fetch that failed
      if (trap === 3) {
        trap = -1;
        cpu.rip -= 1;
      } else if (cpu.rip !== CODE_AT) trap = -1;
    }
    return {
      trap,
      error: fault?.errorCode ?? 0,
      cr2: BigInt.asUintN(64, BigInt(fault?.address ?? 0)),
      rip: BigInt.asUintN(64, BigInt(cpu.rip)),
      rflags: cpu.rflags & FLAG_MASK,
      regs: cpu.regs64.slice(),
      window: memory.u8.slice(this.window, this.window + WINDOW_BYTES),
      xmm: memory.u8.slice(CPU_PHYS + CPU.xmm, CPU_PHYS + CPU.xmm + XMM_BYTES),
    };
  }
}
