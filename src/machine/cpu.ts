/**
 * CPU state at fixed offsets of the machine-private physical area: Intel SDM vol. 1, chapter 3
 * "Basic Execution Environment", and vol. 4 for the model-specific registers.
 *
 *     +000   16 general registers, 8 bytes each, Intel's order: rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15
 *     +080   rip
 *     +088   rflags
 *     +090   fs base     +098 gs base     +0a0 kernel gs base
 *     +0a8   cpl         +0ac cs selector, +0b0 ss selector
 *     +0b8   cr2         +0c0 cr3 (informative)
 *     +0c8   IA32_LSTAR  +0d0 IA32_STAR   +0d8 IA32_FMASK
 *     +0e0   TSS.rsp0    +0e8 virtual time stamp counter
 *     +0f0   mxcsr
 *     +100   16 xmm registers, 16 bytes each (SDM vol. 1, 10.2.2)
 */
import { type Addr, addrHi, addrLo, addrOf, addrToBigInt } from './addr.ts';
import { CPU_PHYS } from './layout.ts';
import type { GuestMemory } from './memory.ts';

/** Byte offsets from {@link CPU_PHYS}. */
export const CPU = {
  regs: 0x000,
  rip: 0x080,
  rflags: 0x088,
  fsBase: 0x090,
  gsBase: 0x098,
  kernelGsBase: 0x0a0,
  cpl: 0x0a8,
  cs: 0x0ac,
  ss: 0x0b0,
  cr2: 0x0b8,
  cr3: 0x0c0,
  lstar: 0x0c8,
  star: 0x0d0,
  sfmask: 0x0d8,
  rsp0: 0x0e0,
  tsc: 0x0e8,
  mxcsr: 0x0f0,
  xmm: 0x100,
} as const;

/** every exception masked, round to nearest (SDM vol. 1, 10.2.3) */
const MXCSR_DEFAULT = 0x1f80;

/** Register numbers, as encoded. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

/** RFLAGS bits (SDM vol. 1, figure 3-8). Bit 1 is always set. */
export const FLAG = {
  CF: 1 << 0,
  FIXED: 1 << 1,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  NT: 1 << 14,
  RF: 1 << 16,
  AC: 1 << 18,
  ID: 1 << 21,
} as const;

/** Linux's segment selectors (arch/x86/include/asm/segment.h). */
export const KERNEL_CS = 0x10;
export const KERNEL_DS = 0x18;
export const USER_DS = 0x2b;
export const USER_CS = 0x33;

export class CpuState {
  /** s32 halves of the general registers: lo at 2n, hi at 2n + 1. */
  readonly regs: Int32Array;
  /** The same registers as numbers for the API; not for hot code. */
  readonly regs64: BigUint64Array;
  /** The whole state area, as s32 words. */
  readonly words: Int32Array;
  /** Set while the flags of translated code are not in rflags yet: puts them there. */
  lazyFlags: (() => void) | undefined;
  /** rflags was written since this was cleared */
  flagsSet = false;
  private readonly memory: GuestMemory;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    const buffer = memory.wasm.buffer;
    this.regs = new Int32Array(buffer, CPU_PHYS, 32);
    this.regs64 = new BigUint64Array(buffer, CPU_PHYS, 16);
    this.words = new Int32Array(buffer, CPU_PHYS, 128);
    this.words[CPU.mxcsr >> 2] = MXCSR_DEFAULT;
    this.rflags = FLAG.FIXED | FLAG.IF;
    this.words[CPU.cs >> 2] = KERNEL_CS;
    this.words[CPU.ss >> 2] = KERNEL_DS;
  }

  private addr(at: number): Addr {
    return addrOf(this.words[at >> 2]!, this.words[(at >> 2) + 1]!);
  }

  private setAddr(at: number, value: Addr): void {
    this.words[at >> 2] = addrLo(value);
    this.words[(at >> 2) + 1] = addrHi(value);
  }

  /** A general register as an address: exact where canonical, else the nearest double. */
  reg(n: number): Addr {
    return addrOf(this.regs[2 * n]!, this.regs[2 * n + 1]!);
  }

  setReg(n: number, value: Addr): void {
    this.regs[2 * n] = addrLo(value);
    this.regs[2 * n + 1] = addrHi(value);
  }

  /** A general register, unsigned 64 bits. */
  reg64(n: number): bigint {
    return this.regs64[n]!;
  }

  setReg64(n: number, value: bigint): void {
    this.regs64[n] = BigInt.asUintN(64, value);
  }

  get rip(): Addr {
    return this.addr(CPU.rip);
  }
  set rip(value: Addr) {
    this.setAddr(CPU.rip, value);
  }

  get rflags(): number {
    if (this.lazyFlags !== undefined) this.lazyFlags();
    return this.words[CPU.rflags >> 2]!;
  }
  /** AC also opens user pages to the kernel (SMAP). */
  set rflags(value: number) {
    this.lazyFlags = undefined;
    this.flagsSet = true;
    this.words[CPU.rflags >> 2] = value | FLAG.FIXED;
    this.memory.allowUser = (value & FLAG.AC) !== 0;
  }

  get cpl(): 0 | 3 {
    return this.words[CPU.cpl >> 2] === 3 ? 3 : 0;
  }
  /** Also selects the mode's TLB. */
  set cpl(value: 0 | 3) {
    this.words[CPU.cpl >> 2] = value;
    this.memory.setUserMode(value === 3);
  }

  get cs(): number {
    return this.words[CPU.cs >> 2]!;
  }
  /** Its low two bits are the privilege level. */
  set cs(value: number) {
    this.words[CPU.cs >> 2] = value;
    this.cpl = (value & 3) === 3 ? 3 : 0;
  }

  get ss(): number {
    return this.words[CPU.ss >> 2]!;
  }
  set ss(value: number) {
    this.words[CPU.ss >> 2] = value;
  }

  get fsBase(): Addr {
    return this.addr(CPU.fsBase);
  }
  set fsBase(value: Addr) {
    this.setAddr(CPU.fsBase, value);
  }

  get gsBase(): Addr {
    return this.addr(CPU.gsBase);
  }
  set gsBase(value: Addr) {
    this.setAddr(CPU.gsBase, value);
  }

  get kernelGsBase(): Addr {
    return this.addr(CPU.kernelGsBase);
  }
  set kernelGsBase(value: Addr) {
    this.setAddr(CPU.kernelGsBase, value);
  }

  /** Address of the last page fault. */
  get cr2(): Addr {
    return this.addr(CPU.cr2);
  }
  set cr2(value: Addr) {
    this.setAddr(CPU.cr2, value);
  }

  /** Informative: {@link GuestMemory.switchUserSpace} is what changes the address space. */
  get cr3(): Addr {
    return this.addr(CPU.cr3);
  }
  set cr3(value: Addr) {
    this.setAddr(CPU.cr3, value);
  }

  /** `syscall` target. */
  get lstar(): Addr {
    return this.addr(CPU.lstar);
  }
  set lstar(value: Addr) {
    this.setAddr(CPU.lstar, value);
  }

  /** IA32_STAR bits 63..32: selectors for syscall (47..32) and sysret (63..48). */
  get starHigh(): number {
    return this.words[(CPU.star >> 2) + 1]!;
  }
  set starHigh(value: number) {
    this.words[(CPU.star >> 2) + 1] = value;
  }

  /** Flags that `syscall` clears. */
  get sfmask(): number {
    return this.words[CPU.sfmask >> 2]!;
  }
  set sfmask(value: number) {
    this.words[CPU.sfmask >> 2] = value;
  }

  /** Stack that an exception from user mode switches to. */
  get rsp0(): Addr {
    return this.addr(CPU.rsp0);
  }
  set rsp0(value: Addr) {
    this.setAddr(CPU.rsp0, value);
  }

  /** What `rdtsc` reads: set by the virtual clock. */
  get tsc(): Addr {
    return this.addr(CPU.tsc);
  }
  set tsc(value: Addr) {
    this.setAddr(CPU.tsc, value);
  }

  /** The xmm registers and mxcsr as a processor has them after a reset, and a program at its start. */
  resetVectors(): void {
    this.words.fill(0, CPU.xmm >> 2);
    this.words[CPU.mxcsr >> 2] = MXCSR_DEFAULT;
  }

  /** All of it, as words. */
  save(): Int32Array {
    if (this.lazyFlags !== undefined) this.lazyFlags();
    return this.words.slice();
  }

  restore(words: Int32Array): void {
    this.words.set(words);
    this.cpl = this.cpl;
    this.rflags = this.words[CPU.rflags >> 2]!;
  }

  /** Registers by name, unsigned 64 bits, for text. */
  snapshot(): Record<string, bigint> {
    const out: Record<string, bigint> = {};
    REGISTER_NAMES.forEach((name, n) => {
      out[name] = this.regs64[n]!;
    });
    out['rip'] = addrToBigInt(this.rip);
    out['rflags'] = BigInt(this.rflags >>> 0);
    return out;
  }
}

export const REGISTER_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;
