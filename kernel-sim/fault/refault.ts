/**
 * Host code that works for the guest can meet addresses that fault: a helper given a bad pointer, the interpreter's own
 * loads. The access is then made again by guest code, at the same address, so that the processor raises the exception
 * and the kernel handles it as any other.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault, RDI } from '../../src/machine/index.ts';
import { Assembler, at, rax, rdi } from '../../src/x86/index.ts';
import type { TextFloor } from '../floors/text.ts';
import { isBug } from './host-errors.ts';

/** Symbol of the interpreter's loop, in which its accesses are made. */
const LOOP = '___bpf_prog_run';

export class Refault {
  readonly #kernel: TextFloor;
  #load: Addr = 0;
  #store: Addr = 0;
  #invalid: Addr = 0;
  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
  }

  save() {
    return { load: this.#load, store: this.#store, invalid: this.#invalid };
  }
  restore({ load, store, invalid }: ReturnType<Refault['save']>): void {
    this.#load = load;
    this.#store = store;
    this.#invalid = invalid;
  }

  /** Host code of a hypercall met an error: where it is one of the guest's memory, the guest goes on at an instruction that has it too. */
  takes(error: unknown): boolean {
    if (error instanceof GuestFault) this.raise(error);
    else if (isBug(error)) this.invalid();
    else return false;
    return true;
  }
  raise(fault: GuestFault): void {
    this.#place();
    const { cpu } = this.#kernel;
    cpu.setReg(RDI, fault.address);
    if (fault.errorCode < 0) cpu.setReg64(RDI, 0x8000_0000_0000_0000n);
    cpu.rip = fault.access === 1 ? this.#store : this.#load;
  }
  /** `BUG()`: an instruction that means nothing. */
  invalid(): void {
    this.#place();
    this.#kernel.cpu.rip = this.#invalid;
  }

  #place(): void {
    if (this.#load !== 0) return;
    const { text, symbols, bpfPack } = this.#kernel;
    const write = (asm: Assembler, origin: Addr): void => {
      this.#load = origin + asm.length;
      asm.op('movzx r32, r/m8', rax, at(rdi, 0)).raw(0xc3);
      this.#store = origin + asm.length;
      asm.op('mov r/m8, r8', at(rdi, 0), rax).raw(0xc3);
      this.#invalid = origin + asm.length;
      asm.raw(0x0f, 0x0b);
    };
    const symbol = symbols.find(LOOP)?.address;
    if (symbol !== undefined && !text.has(LOOP)) {
      text.define({ name: LOOP, code: (asm) => write(asm, symbol) });
      // text is written when it is first needed
      text.read(symbol, 16);
    }
    if (this.#load === 0) {
      const origin = bpfPack.alloc(16);
      const asm = new Assembler(origin);
      write(asm, origin);
      bpfPack.write(origin, asm.bytes());
    }
  }
}
