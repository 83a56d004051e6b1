/** The xmm registers and 128-bit operands as lanes of every width (Intel SDM vol. 1, 4.6 "Packed SIMD Data Types"). */
import { CPU } from '../../cpu.ts';
import { CPU_PHYS } from '../../layout.ts';
import type { Context, Step } from '../context.ts';

export class Lanes {
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(16), at = 0) {
    this.u8 = new Uint8Array(buffer, at, 16);
    this.i8 = new Int8Array(buffer, at, 16);
    this.u16 = new Uint16Array(buffer, at, 8);
    this.i16 = new Int16Array(buffer, at, 8);
    this.u32 = new Uint32Array(buffer, at, 4);
    this.i32 = new Int32Array(buffer, at, 4);
    this.f32 = new Float32Array(buffer, at, 4);
    this.f64 = new Float64Array(buffer, at, 2);
  }
  /** Takes another's bits. Never by floating point lanes, which may change a NaN. */
  set(from: Lanes): void {
    const { i32 } = this;
    for (let n = 0; n < 4; n++) i32[n] = from.i32[n]!;
  }
}

/** Registers of a machine, by its memory. */
const files = new WeakMap<ArrayBufferLike, readonly Lanes[]>();
export function registers(x: Context): readonly Lanes[] {
  const { buffer } = x.memory.wasm;
  let file = files.get(buffer);
  if (file === undefined) {
    file = Array.from({ length: 16 }, (_, n) => new Lanes(buffer, CPU_PHYS + CPU.xmm + 16 * n));
    files.set(buffer, file);
  }
  return file;
}

/** What the instruction reads, which may be what it writes: operands are copied before anything changes. */
export const source = new Lanes();
export const destination = new Lanes();

/** #GP(0) where 128 bits of memory are not aligned to them. */
function checkAligned(x: Context, s: Step, lo: number): void {
  if (lo & 15) throw x.fault('gp', s, `${s.form.mnemonic} at an address that is not a multiple of 16`);
}

/** The r/m operand into `to`: a register whole, or so many bytes of memory below zeros. */
export function loadOperand(x: Context, s: Step, to: Lanes, bytes: number, aligned = bytes === 16): void {
  if (!s.insn.mem) {
    to.set(registers(x)[s.insn.rm] as Lanes);
    return;
  }
  const lo = x.address(s);
  const { hi } = x;
  if (aligned) checkAligned(x, s, lo);
  const { i32 } = to;
  i32.fill(0);
  if (bytes < 8) {
    i32[0] = x.load(lo, hi, bytes);
    return;
  }
  i32[0] = x.load(lo, hi, 8);
  i32[1] = x.hi;
  if (bytes === 8) return;
  const next = (lo >>> 0) + 8;
  i32[2] = x.load(next | 0, next > 0xffff_ffff ? (hi + 1) | 0 : hi, 8);
  i32[3] = x.hi;
}

/** Lanes to the r/m operand in memory: so many bytes, all or none. */
export function storeMemory(x: Context, s: Step, from: Int32Array, bytes: number, aligned = bytes === 16): void {
  const lo = x.address(s);
  const { hi } = x;
  if (aligned) checkAligned(x, s, lo);
  if (bytes < 16) {
    x.store(lo, hi, bytes, from[0]!, from[1]!);
    return;
  }
  x.probeAt(lo, hi, 16);
  x.store(lo, hi, 8, from[0]!, from[1]!);
  const next = (lo >>> 0) + 8;
  x.store(next | 0, next > 0xffff_ffff ? (hi + 1) | 0 : hi, 8, from[2]!, from[3]!);
}
