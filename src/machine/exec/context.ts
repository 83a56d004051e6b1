/**
 * What instruction semantics work on: one decoded instruction at a time, its operands read and
 * written by number. Values are s32 halves; an operand narrower than 64 bits is read zero-extended.
 */
import { type Form, PREFIX, RIP, type X86Insn } from '../../x86/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from '../addr.ts';
import { CPU, type CpuState } from '../cpu.ts';
import { EXIT } from '../executor.ts';
import { Fault, type FaultKind } from '../fault.ts';
import { TLB_TABLE_BYTES } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import { FLAG_WORDS, readStatus, STATUS, writeStatus } from './flags.ts';
import { FLAGS } from './loop/slot.ts';

/** What a handler returns to end the run: 0 goes on, else an EXIT code plus one. */
export const LEAVE = { halt: EXIT.halt + 1, vmcall: EXIT.vmcall + 1, fault: EXIT.fault + 1 } as const;
export type Leave = number;
/** What a repeated string instruction returns that goes on with its next turn, where the run is not over. */
export const AGAIN = -1;

/** Operand kinds of a decoded instruction. */
export const REG = 0;
export const REG_HIGH = 1;
export const MEM = 2;
export const IMM = 3;
/** `regs` of the constant operand of `shl r/m, 1`. */
export const CONSTANT_ONE = -2;

export interface Step {
  readonly insn: X86Insn;
  readonly form: Form;
  readonly run: Handler;
  readonly rip: Addr;
  readonly next: Addr;
  /** per operand: kind, index of the register's low half in `regs`, size in bytes */
  readonly kinds: readonly number[];
  readonly regs: readonly number[];
  readonly sizes: readonly number[];
  /** operand size: that of the first operand, or of the form */
  readonly size: number;
}

/** Executes one instruction; `x.next` holds where to go on. */
export type Handler = (x: Context, s: Step) => Leave;

export class Context {
  readonly cpu: CpuState;
  readonly memory: GuestMemory;
  /** general registers, lo/hi */
  readonly r: Int32Array;
  /** flag words, see flags.ts */
  readonly f: Int32Array;
  /** Upper half of what `read` and the address computation returned. */
  hi = 0;
  /** where the instruction continues */
  next: Addr = 0;
  /** of a fault exit */
  pending: Fault | undefined;
  /** the current mode's TLB table for writes: set by the run loop */
  writeTable = 0;
  /** set by instructions after which the run loop must look at TF, CPL or the address space again */
  serialize = false;
  /** instructions that the run has room for, this one among them: how many turns a repeated one may take */
  room = 1;
  /** turns that it took beside one, and those before a fault: to be added to what was executed */
  turns = 0;

  constructor(cpu: CpuState, memory: GuestMemory) {
    this.cpu = cpu;
    this.memory = memory;
    this.r = cpu.regs;
    this.f = new Int32Array(memory.wasm.buffer, FLAGS, FLAG_WORDS);
  }

  /** Operand `i`: low half returned, high half in `hi`. Narrow operands zero-extended. */
  read(s: Step, i: number): number {
    const size = s.sizes[i] as number;
    switch (s.kinds[i]) {
      case REG: {
        const n = s.regs[i] as number;
        const lo = this.r[n] as number;
        if (size === 8) {
          this.hi = this.r[n + 1] as number;
          return lo;
        }
        this.hi = 0;
        return size === 4 ? lo : size === 2 ? lo & 0xffff : lo & 0xff;
      }
      case REG_HIGH:
        this.hi = 0;
        return ((this.r[s.regs[i] as number] as number) >>> 8) & 0xff;
      case MEM: {
        const lo = this.address(s);
        return this.load(lo, this.hi, size);
      }
      default:
        if (s.regs[i] === CONSTANT_ONE) {
          this.hi = 0;
          return 1;
        }
        this.hi = s.insn.immHi;
        return s.insn.immLo;
    }
  }

  /** Writes operand `i`; a 32-bit register's upper half becomes zero, narrower ones keep the rest. */
  write(s: Step, i: number, lo: number, hi: number): void {
    const size = s.sizes[i] as number;
    switch (s.kinds[i]) {
      case REG:
        this.setReg(s.regs[i] as number, size, lo, hi);
        return;
      case REG_HIGH: {
        const n = s.regs[i] as number;
        this.r[n] = ((this.r[n] as number) & ~0xff00) | ((lo & 0xff) << 8);
        return;
      }
      default: {
        const at = this.address(s);
        this.store(at, this.hi, size, lo, hi);
      }
    }
  }

  /** Checks that operand `i` may be written, so that nothing has changed when it may not. */
  probe(s: Step, i: number): void {
    if (s.kinds[i] !== MEM) return;
    const lo = this.address(s);
    this.probeAt(lo, this.hi, s.sizes[i] as number);
  }

  probeAt(lo: number, hi: number, size: number): void {
    this.memory.physical(lo, hi, 1);
    const rest = 4096 - (lo & 4095);
    if (rest >= size) return;
    const second = (lo >>> 0) + rest;
    this.memory.physical(second | 0, second > 0xffffffff ? (hi + 1) | 0 : hi, 1);
  }

  setReg(n: number, size: number, lo: number, hi: number): void {
    const { r } = this;
    switch (size) {
      case 8:
        r[n] = lo;
        r[n + 1] = hi;
        return;
      case 4:
        r[n] = lo;
        r[n + 1] = 0;
        return;
      case 2:
        r[n] = ((r[n] as number) & ~0xffff) | (lo & 0xffff);
        return;
      default:
        r[n] = ((r[n] as number) & ~0xff) | (lo & 0xff);
    }
  }

  load(lo: number, hi: number, size: number): number {
    const { memory } = this;
    switch (size) {
      case 8: {
        const value = memory.load64(lo, hi);
        this.hi = memory.hi;
        return value;
      }
      case 4:
        this.hi = 0;
        return memory.load32(lo, hi);
      case 2:
        this.hi = 0;
        return memory.load16(lo, hi);
      default:
        this.hi = 0;
        return memory.load8(lo, hi);
    }
  }

  /** Physical address of the current mode's TLB table for an access kind. */
  table(access: 0 | 1 | 2): number {
    return this.memory.tlb + access * TLB_TABLE_BYTES;
  }

  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): void {
    const { memory } = this;
    switch (size) {
      case 8:
        memory.store64(lo, hi, valueLo, valueHi);
        return;
      case 4:
        memory.store32(lo, hi, valueLo);
        return;
      case 2:
        memory.store16(lo, hi, valueLo & 0xffff);
        return;
      default:
        memory.store8(lo, hi, valueLo & 0xff);
    }
  }

  /** Linear address of the memory operand: low half returned, high half in `hi` (SDM vol. 1, 3.7.5). */
  address(s: Step): number {
    const { insn } = s;
    const lo = this.effective(s);
    if (insn.segment === 0) return lo;
    return this.addSegment(insn.segment, lo, this.hi);
  }

  /** base + index * scale + disp, without the segment: what `lea` gives. */
  effective(s: Step): number {
    const { insn, form: f } = s;
    let lo = insn.disp;
    let hi = lo >> 31;
    if (insn.base === RIP) {
      const nextLo = addrLo(s.next);
      const sum = (nextLo >>> 0) + (lo >>> 0);
      hi = (hi + addrHi(s.next) + (sum > 0xffffffff ? 1 : 0)) | 0;
      lo = sum | 0;
    } else if (insn.base >= 0) {
      const baseLo = this.r[insn.base * 2] as number;
      const sum = (baseLo >>> 0) + (lo >>> 0);
      hi = (hi + (this.r[insn.base * 2 + 1] as number) + (sum > 0xffffffff ? 1 : 0)) | 0;
      lo = sum | 0;
    } else if (f.immSize === 8 && insn.immAt > 0 && f.modrm < 0) {
      lo = insn.immLo; // moffs
      hi = insn.immHi;
    }
    if (insn.index >= 0) {
      const n = insn.index * 2;
      const iLo = this.r[n] as number;
      const iHi = this.r[n + 1] as number;
      const k = insn.scale;
      const sum = (lo >>> 0) + ((iLo << k) >>> 0);
      hi = (hi + (k === 0 ? iHi : (iHi << k) | (iLo >>> (32 - k))) + (sum > 0xffffffff ? 1 : 0)) | 0;
      lo = sum | 0;
    }
    this.hi = insn.prefixes & PREFIX.ADDRSIZE ? 0 : hi;
    return lo;
  }

  addSegment(segment: number, lo: number, hi: number): number {
    const at = (segment === 4 ? CPU.fsBase : CPU.gsBase) >> 2;
    const { words } = this.cpu;
    const sum = (lo >>> 0) + ((words[at] as number) >>> 0);
    this.hi = (hi + (words[at + 1] as number) + (sum > 0xffffffff ? 1 : 0)) | 0;
    return sum | 0;
  }

  /** RFLAGS with the status flags computed. */
  rflags(): number {
    return (this.cpu.rflags & ~STATUS) | readStatus(this.f);
  }

  setRflags(value: number): void {
    this.cpu.rflags = value;
    writeStatus(this.f, value);
  }

  /** An instruction's own exception. */
  fault(kind: FaultKind, s: Step, detail?: string): Fault {
    return new Fault(kind, s.rip, detail === undefined ? {} : { detail });
  }

  /** #GP unless at CPL 0. */
  privileged(s: Step): void {
    if (this.cpu.cpl !== 0) throw this.fault('gp', s, `${s.form.mnemonic} at CPL 3`);
  }

  /** Pushes 64 bits. rsp changes only when the store succeeded. */
  push64(lo: number, hi: number): void {
    const { r } = this;
    const sp = r[8] as number;
    const newLo = (sp - 8) | 0;
    const newHi = ((r[9] as number) - (sp >>> 0 < 8 ? 1 : 0)) | 0;
    this.memory.store64(newLo, newHi, lo, hi);
    r[8] = newLo;
    r[9] = newHi;
  }

  pushAddr(a: Addr): void {
    this.push64(addrLo(a), addrHi(a));
  }

  /** The 64 bits at rsp + offset; rsp stays. */
  peek64(offset: number): number {
    const { r, memory } = this;
    const sum = ((r[8] as number) >>> 0) + offset;
    const lo = memory.load64(sum | 0, ((r[9] as number) + (sum > 0xffffffff ? 1 : 0)) | 0);
    this.hi = memory.hi;
    return lo;
  }

  addRsp(bytes: number): void {
    const { r } = this;
    const sum = ((r[8] as number) >>> 0) + bytes;
    r[8] = sum | 0;
    r[9] = ((r[9] as number) + (sum > 0xffffffff ? 1 : 0)) | 0;
  }

  /** A branch target from register halves. @throws Fault #GP where it is not canonical */
  target(s: Step, lo: number, hi: number): Addr {
    const top = hi >> 15;
    if (top !== 0 && top !== -1) throw this.fault('gp', s, 'branch to a non-canonical address');
    return addrOf(lo, hi);
  }
}
