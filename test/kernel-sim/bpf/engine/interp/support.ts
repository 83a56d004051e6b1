/** The interpreter on bare memory: no kernel, programs as assembler text. */
import { type InterpEnv, Interpreter, predecode } from '../../../../../kernel-sim/bpf/engine/interp/index.ts';
import { ZONE_BYTES } from '../../../../../kernel-sim/bpf/engine/interp/zone.ts';
import { assemble, type Insn } from '../../../../../src/isa/index.ts';
import { type Addr, addrHi, addrLo } from '../../../../../src/machine/addr.ts';
import { GuestMemory, VMALLOC_START } from '../../../../../src/machine/index.ts';

/** Two writable pages, and one that is only readable. */
export const DATA: Addr = VMALLOC_START;
export const READ_ONLY: Addr = DATA + 8192;
/** The stack, four pages; nothing is mapped below it. */
export const STACK_TOP: Addr = VMALLOC_START + (1 << 20);

export const CALL_BASE = 0xffff_ffff_8200_0000n;

const NO_CALLS: InterpEnv = {
  call: () => {
    throw new Error('a call');
  },
  tailCall: () => undefined,
  percpu: () => {},
};

export class Bare {
  readonly memory: GuestMemory;
  readonly interp: Interpreter;

  constructor(bytes = 128 << 20) {
    this.memory = new GuestMemory({ bytes, hostBytes: ZONE_BYTES });
    this.memory.map(DATA, this.memory.allocPages(2), 8192, { write: true });
    this.memory.map(READ_ONLY, this.memory.allocPages(1), 4096);
    this.memory.map(STACK_TOP - 16384, this.memory.allocPages(4), 16384, { write: true });
    this.interp = new Interpreter(this.memory);
  }

  /**
   * Runs a program, R1 to R5 being `args`: R0. Functions begin where `starts` says; every slot counts.
   * @throws what the run throws
   */
  run(program: string | readonly Insn[], args: readonly bigint[] = [], env: Partial<InterpEnv> = {}, starts = [0]) {
    const insns = typeof program === 'string' ? assemble(program).insns : program;
    const { interp } = this;
    const funcs = starts.map((start) => ({ start, stackDepth: 0 }));
    const code = predecode(interp.zone, insns, funcs, CALL_BASE, () => true);
    interp.enter();
    try {
      args.forEach((value, n) => {
        this.setReg(n + 1, value);
      });
      interp.registers[20] = addrLo(STACK_TOP);
      interp.registers[21] = addrHi(STACK_TOP);
      interp.run(code, code.code, { ...NO_CALLS, ...env });
      return this.reg(0);
    } finally {
      interp.leave();
      interp.zone.free(code.code, code.slots);
    }
  }

  reg(n: number): bigint {
    const R = this.interp.registers;
    return (BigInt(R[2 * n + 1]! >>> 0) << 32n) | BigInt(R[2 * n]! >>> 0);
  }

  setReg(n: number, value: bigint): void {
    this.interp.registers[2 * n] = Number(BigInt.asIntN(32, value));
    this.interp.registers[2 * n + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }
}
