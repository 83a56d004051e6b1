/**
 * Arguments and result of the kernel function that asked for a hypercall, in the registers of
 * the System V ABI (psABI x86-64 3.2.3): rdi, rsi, rdx, rcx, r8, r9 in, rax out. The first five
 * are also BPF's R1..R5, rax its R0. Nothing here allocates.
 */

import { type Addr, addrHi, addrLo, addrOf } from '../../src/machine/addr.ts';
import type { CpuState } from '../../src/machine/index.ts';

/** index of argument n in the register file, doubled: registers are lo/hi pairs in Intel's order */
const SLOT = [14, 12, 4, 2, 16, 18] as const;
const slot = (n: number): number => SLOT[n] as number;

/** One register as its two halves, as {@link Machine.call} takes them. */
export type Pair = readonly [lo: number, hi: number];

export class Args {
  readonly #regs: Int32Array;
  constructor(cpu: CpuState) {
    this.#regs = cpu.regs;
  }
  /** low half of argument n, s32 */
  lo(n: number): number {
    return this.#regs[slot(n)] as number;
  }
  /** high half of argument n, s32 */
  hi(n: number): number {
    return this.#regs[slot(n) + 1] as number;
  }
  u32(n: number): number {
    return (this.#regs[slot(n)] as number) >>> 0;
  }
  /** argument n as a canonical address; a non-canonical one comes out as some number that no page maps */
  addr(n: number): Addr {
    return addrOf(this.lo(n), this.hi(n));
  }
  big(n: number): bigint {
    return (BigInt(this.hi(n) >>> 0) << 32n) | BigInt(this.lo(n) >>> 0);
  }
  /** argument n is another one from now on, for what goes on with these registers */
  set(n: number, value: Addr): void {
    this.#regs[slot(n)] = addrLo(value);
    this.#regs[slot(n) + 1] = addrHi(value);
  }
  /** the result as it stands, u32 */
  get result(): number {
    return (this.#regs[0] as number) >>> 0;
  }
  /** result, both halves */
  ret(lo: number, hi: number): void {
    this.#regs[0] = lo;
    this.#regs[1] = hi;
  }
  /** result, an int: sign-extended, as helpers return errors */
  retInt(value: number): void {
    this.#regs[0] = value;
    this.#regs[1] = value >> 31;
  }
  /** result, a u32: zero-extended */
  retU32(value: number): void {
    this.#regs[0] = value;
    this.#regs[1] = 0;
  }
  /** result, an address or another integer that a double holds exactly */
  retAddr(value: Addr): void {
    this.#regs[0] = addrLo(value);
    this.#regs[1] = addrHi(value);
  }
  retBig(value: bigint): void {
    this.#regs[0] = Number(BigInt.asIntN(32, value));
    this.#regs[1] = Number(BigInt.asIntN(32, value >> 32n));
  }
}
