/**
 * Shifts and rotates (Intel SDM vol. 2B "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD").
 * The count is taken modulo 32, or 64 for 64-bit operands; with 0 no flag changes.
 */
import type { Context, Handler, Step } from './context.ts';
import { carry, setCarryOverflow, setLogic } from './flags.ts';
import { sar64, shl64, shr64, wide } from './wide.ts';

const bits = (s: Step): number => s.size * 8;
const countMask = (s: Step): number => (s.size === 8 ? 63 : 31);

/** Bit n of a value of up to 64 bits. */
const bit = (lo: number, hi: number, n: number): number => (n < 32 ? lo >>> n : hi >>> (n - 32)) & 1;

/** Result sign-extended for the flag words. */
function resultFlags(x: Context, s: Step, lo: number, hi: number): void {
  if (s.size === 8) setLogic(x.f, lo, hi);
  else {
    const up = 32 - bits(s);
    const v = (lo << up) >> up;
    setLogic(x.f, v, v >> 31);
  }
}

type Shift = (x: Context, s: Step, lo: number, hi: number, count: number) => void;

/** Reads, shifts and writes; `shift` leaves the result in wide.lo2/hi2 and sets flags. */
const shifter =
  (shift: Shift): Handler =>
  (x, s) => {
    const count = x.read(s, 1) & countMask(s);
    x.probe(s, 0);
    const lo = x.read(s, 0);
    const { hi } = x;
    if (count === 0) {
      x.write(s, 0, lo, hi); // clears the upper half of a 32-bit register
      return 0;
    }
    shift(x, s, lo, hi, count);
    x.write(s, 0, wide.lo2, wide.hi2);
    return 0;
  };

function done(lo: number, hi: number): void {
  wide.lo2 = lo;
  wide.hi2 = hi;
}

const shl: Shift = (x, s, lo, hi, count) => {
  const n = bits(s);
  const cf = count <= n ? bit(lo, hi, n - count) : 0;
  const r = shl64(lo, hi, count);
  const rHi = wide.hi;
  resultFlags(x, s, r, rHi);
  setCarryOverflow(x.f, cf, bit(r, rHi, n - 1) ^ cf);
  done(r, rHi);
};

const shr: Shift = (x, s, lo, hi, count) => {
  const n = bits(s);
  const cf = count <= n ? bit(lo, hi, count - 1) : 0;
  const r = shr64(lo, hi, count);
  const rHi = wide.hi;
  resultFlags(x, s, r, rHi);
  setCarryOverflow(x.f, cf, bit(lo, hi, n - 1));
  done(r, rHi);
};

const sar: Shift = (x, s, lo, hi, count) => {
  const n = bits(s);
  let vLo = lo;
  let vHi = hi;
  if (n < 64) {
    vLo = (lo << (32 - n)) >> (32 - n);
    vHi = vLo >> 31;
  }
  const cf = sar64(vLo, vHi, count - 1) & 1;
  const r = sar64(vLo, vHi, count);
  const rHi = wide.hi;
  resultFlags(x, s, r, rHi);
  setCarryOverflow(x.f, cf, 0);
  done(r, rHi);
};

/** Rotates left by count modulo the width; narrow values are zero-extended on entry. */
function rotateLeft(s: Step, lo: number, hi: number, count: number): void {
  const n = bits(s);
  const c = count & (n - 1);
  if (c === 0) {
    done(lo, hi);
    return;
  }
  if (n === 64) {
    const left = shl64(lo, hi, c);
    const leftHi = wide.hi;
    const right = shr64(lo, hi, 64 - c);
    done(left | right, leftHi | wide.hi);
  } else done((lo << c) | (lo >>> (n - c)), 0);
}

const rol: Shift = (x, s, lo, hi, count) => {
  rotateLeft(s, lo, hi, count);
  const cf = wide.lo2 & 1;
  setCarryOverflow(x.f, cf, bit(wide.lo2, wide.hi2, bits(s) - 1) ^ cf);
};

const ror: Shift = (x, s, lo, hi, count) => {
  const n = bits(s);
  rotateLeft(s, lo, hi, n - (count & (n - 1)));
  const cf = bit(wide.lo2, wide.hi2, n - 1);
  setCarryOverflow(x.f, cf, cf ^ bit(wide.lo2, wide.hi2, n - 2));
};

/** Rotates through carry, a bit at a time: at most 63 steps, and nobody's hot loop. */
const rotateCarry =
  (left: boolean): Shift =>
  (x, s, lo, hi, count) => {
    const n = bits(s);
    const steps = n < 32 ? count % (n + 1) : count;
    let cf = carry(x.f);
    let vLo = lo;
    let vHi = hi;
    for (let i = 0; i < steps; i++) {
      if (left) {
        const out = bit(vLo, vHi, n - 1);
        const v = shl64(vLo, vHi, 1);
        vHi = wide.hi;
        vLo = v | cf;
        cf = out;
      } else {
        const out = vLo & 1;
        const v = shr64(vLo, vHi, 1);
        vHi = wide.hi;
        vLo = v;
        if (cf) {
          if (n === 64) vHi |= 0x80000000;
          else vLo |= 1 << (n - 1);
        }
        cf = out;
      }
      if (n < 32) vLo &= (1 << n) - 1;
    }
    if (steps > 0) {
      const top = bit(vLo, vHi, n - 1);
      setCarryOverflow(x.f, cf, left ? top ^ cf : top ^ bit(vLo, vHi, n - 2));
    }
    done(vLo, vHi);
  };

/** shld/shrd: shifts in bits of the second operand. */
const double =
  (left: boolean): Handler =>
  (x, s) => {
    const n = bits(s);
    const count = x.read(s, 2) & countMask(s);
    x.probe(s, 0);
    const bLo = x.read(s, 1);
    const bHi = x.hi;
    const aLo = x.read(s, 0);
    const aHi = x.hi;
    if (count === 0) {
      x.write(s, 0, aLo, aHi);
      return 0;
    }
    let lo: number;
    let hi = 0;
    let cf: number;
    if (n === 64) {
      lo = left ? shl64(aLo, aHi, count) : shr64(aLo, aHi, count);
      hi = wide.hi;
      lo |= left ? shr64(bLo, bHi, 64 - count) : shl64(bLo, bHi, 64 - count);
      hi |= wide.hi;
      cf = bit(aLo, aHi, left ? 64 - count : count - 1);
    } else if (n === 32) {
      lo = left ? (aLo << count) | (bLo >>> (32 - count)) : (aLo >>> count) | (bLo << (32 - count));
      cf = bit(aLo, 0, left ? 32 - count : count - 1);
    } else {
      // 16 bits: dst:src:dst, as processors do for the counts above 16 that the manual leaves undefined
      const c = count;
      const a = aLo & 0xffff;
      const b = bLo & 0xffff;
      if (c <= 16) {
        lo = left ? (a << c) | (b >>> (16 - c)) : (a >>> c) | (b << (16 - c));
        cf = left ? (a >>> (16 - c)) & 1 : (a >>> (c - 1)) & 1;
      } else {
        lo = left ? (b << (c - 16)) | (a >>> (32 - c)) : (b >>> (c - 16)) | (a << (32 - c));
        cf = left ? (b >>> (32 - c)) & 1 : (b >>> (c - 17)) & 1;
      }
      lo &= 0xffff;
    }
    resultFlags(x, s, lo, hi);
    setCarryOverflow(x.f, cf, bit(lo, hi, n - 1) ^ bit(aLo, aHi, n - 1));
    x.write(s, 0, lo, hi);
    return 0;
  };

/** BMI2: no flags, count in a register (SDM vol. 2B "SARX/SHLX/SHRX"). */
const flagless =
  (shift: typeof shl64): Handler =>
  (x, s) => {
    const count = x.read(s, 2) & countMask(s);
    let lo = x.read(s, 1);
    let { hi } = x;
    if (s.size === 4) {
      hi = shift === sar64 ? lo >> 31 : 0;
    }
    lo = shift(lo, hi, count);
    x.write(s, 0, lo, wide.hi);
    return 0;
  };

export const shiftHandlers: Readonly<Record<string, Handler>> = {
  shl: shifter(shl),
  sal: shifter(shl),
  shr: shifter(shr),
  sar: shifter(sar),
  rol: shifter(rol),
  ror: shifter(ror),
  rcl: shifter(rotateCarry(true)),
  rcr: shifter(rotateCarry(false)),
  shld: double(true),
  shrd: double(false),
  shlx: flagless(shl64),
  shrx: flagless(shr64),
  sarx: flagless(sar64),
  rorx: (x, s) => {
    const lo = x.read(s, 1);
    const { hi } = x;
    const n = bits(s);
    rotateLeft(s, lo, hi, n - (s.insn.immLo & (n - 1)));
    x.write(s, 0, wide.lo2, wide.hi2);
    return 0;
  },
};
