/** Multiplication and division (Intel SDM vol. 2A "DIV", "IDIV", "IMUL", vol. 2B "MUL", "MULX"). */
import type { Context, Handler, Step } from './context.ts';
import { setCarryOverflow } from './flags.ts';
import { below64, div128, mul128, mulHigh32, wide } from './wide.ts';

/** Product's halves of a signed multiplication from those of the unsigned one. */
function signedUpper(aLo: number, aHi: number, bLo: number, bHi: number): void {
  let lo = wide.lo2;
  let hi = wide.hi2;
  if (aHi < 0) {
    hi = (hi - bHi - (lo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
    lo = (lo - bLo) | 0;
  }
  if (bHi < 0) {
    hi = (hi - aHi - (lo >>> 0 < aLo >>> 0 ? 1 : 0)) | 0;
    lo = (lo - aLo) | 0;
  }
  wide.lo2 = lo;
  wide.hi2 = hi;
}

/** rDX:rAX = rAX * operand; ax = al * operand for bytes. */
const multiply =
  (signed: boolean): Handler =>
  (x, s) => {
    const bLo = x.read(s, 0);
    const bHi = x.hi;
    const { r } = x;
    const aLo = r[0] as number;
    let over: boolean;
    switch (s.size) {
      case 1:
      case 2: {
        const up = s.size === 1 ? 24 : 16;
        const p = signed ? Math.imul((aLo << up) >> up, (bLo << up) >> up) : Math.imul(aLo & (-1 >>> up), bLo);
        if (s.size === 1) x.setReg(0, 2, p, 0);
        else {
          x.setReg(0, 2, p, 0);
          x.setReg(4, 2, p >>> 16, 0);
        }
        over = signed ? p !== (p << up) >> up : p >>> (32 - up) !== 0;
        break;
      }
      case 4: {
        const p = Math.imul(aLo, bLo);
        let upper = mulHigh32(aLo, bLo);
        if (signed) {
          if (aLo < 0) upper = (upper - bLo) | 0;
          if (bLo < 0) upper = (upper - aLo) | 0;
        }
        x.setReg(0, 4, p, 0);
        x.setReg(4, 4, upper, 0);
        over = signed ? upper !== p >> 31 : upper !== 0;
        break;
      }
      default: {
        const aHi = r[1] as number;
        const lo = mul128(aLo, aHi, bLo, bHi);
        if (signed) signedUpper(aLo, aHi, bLo, bHi);
        r[0] = lo;
        r[1] = wide.hi;
        r[4] = wide.lo2;
        r[5] = wide.hi2;
        const sign = signed ? wide.hi >> 31 : 0;
        over = wide.lo2 !== sign || wide.hi2 !== sign;
      }
    }
    setCarryOverflow(x.f, +over, +over);
    return 0;
  };

/** imul with two or three operands: low part of the signed product. */
function imulInto(x: Context, s: Step): 0 {
  const last = s.kinds.length - 1;
  const bLo = x.read(s, last);
  const bHi = x.hi;
  const aLo = x.read(s, last - 1);
  const aHi = x.hi;
  let over: boolean;
  if (s.size === 8) {
    const lo = mul128(aLo, aHi, bLo, bHi);
    const { hi } = wide;
    signedUpper(aLo, aHi, bLo, bHi);
    over = wide.lo2 !== hi >> 31 || wide.hi2 !== hi >> 31;
    x.write(s, 0, lo, hi);
  } else if (s.size === 4) {
    const p = Math.imul(aLo, bLo);
    let upper = mulHigh32(aLo, bLo);
    if (aLo < 0) upper = (upper - bLo) | 0;
    if (bLo < 0) upper = (upper - aLo) | 0;
    over = upper !== p >> 31;
    x.write(s, 0, p, 0);
  } else {
    const p = Math.imul((aLo << 16) >> 16, (bLo << 16) >> 16);
    over = p !== (p << 16) >> 16;
    x.write(s, 0, p, 0);
  }
  setCarryOverflow(x.f, +over, +over);
  return 0;
}

const imul: Handler = (x, s) => (s.kinds.length === 1 ? imulOne(x, s) : imulInto(x, s));
const imulOne = multiply(true);

/** Unsigned rDX:rAX / operand. #DE where the divisor is 0 or the quotient does not fit. */
function div(x: Context, s: Step): 0 {
  const bLo = x.read(s, 0);
  const bHi = x.hi;
  const { r } = x;
  if ((bLo | bHi) === 0) throw x.fault('de', s, 'division by zero');
  if (s.size === 8) {
    if (!below64(r[4] as number, r[5] as number, bLo, bHi)) throw x.fault('de', s, 'quotient overflow');
    const q = div128(r[0] as number, r[1] as number, r[4] as number, r[5] as number, bLo, bHi);
    r[0] = q;
    r[1] = wide.hi;
    r[4] = wide.lo2;
    r[5] = wide.hi2;
    return 0;
  }
  const n = dividend(r, s.size);
  if (s.size === 4) {
    if ((r[4] as number) >>> 0 >= bLo >>> 0) throw x.fault('de', s, 'quotient overflow');
    const q = div128(r[0] as number, r[4] as number, 0, 0, bLo, 0);
    const rest = wide.lo2;
    x.setReg(0, 4, q, 0);
    x.setReg(4, 4, rest, 0);
    return 0;
  }
  const q = Math.floor(n / bLo);
  if (q > (s.size === 1 ? 0xff : 0xffff)) throw x.fault('de', s, 'quotient overflow');
  putNarrow(x, s.size, q, n % bLo);
  return 0;
}

/** ax, or dx:ax, unsigned. */
const dividend = (r: Int32Array, size: number): number =>
  size === 1 ? (r[0] as number) & 0xffff : ((r[4] as number) & 0xffff) * 0x10000 + ((r[0] as number) & 0xffff);

function putNarrow(x: Context, size: number, quotient: number, rest: number): void {
  if (size === 1) x.setReg(0, 2, (quotient & 0xff) | ((rest & 0xff) << 8), 0);
  else {
    x.setReg(0, 2, quotient, 0);
    x.setReg(4, 2, rest, 0);
  }
}

/** Signed division, truncating; the remainder has the dividend's sign. */
function idiv(x: Context, s: Step): 0 {
  let bLo = x.read(s, 0);
  let bHi = x.hi;
  const { r } = x;
  if ((bLo | bHi) === 0) throw x.fault('de', s, 'division by zero');
  if (s.size <= 2) {
    const up = 32 - 8 * s.size;
    const n = dividend(r, s.size);
    const a = s.size === 1 ? (n << 16) >> 16 : n | 0;
    const b = (bLo << up) >> up;
    const q = Math.trunc(a / b);
    const limit = s.size === 1 ? 0x80 : 0x8000;
    if (q >= limit || q < -limit) throw x.fault('de', s, 'quotient overflow');
    putNarrow(x, s.size, q, a % b);
    return 0;
  }
  // Divide magnitudes, then give quotient and remainder their signs.
  let aLo = r[0] as number;
  let aHi: number;
  let uLo = 0;
  let uHi = 0;
  let negative: boolean;
  if (s.size === 4) {
    aHi = r[4] as number;
    negative = aHi < 0;
    bHi = bLo >> 31;
    if (negative) {
      aHi = (~aHi + (aLo === 0 ? 1 : 0)) | 0;
      aLo = -aLo | 0;
    }
  } else {
    aHi = r[1] as number;
    uLo = r[4] as number;
    uHi = r[5] as number;
    negative = uHi < 0;
    if (negative) {
      const c0 = aLo === 0 ? 1 : 0;
      const c1 = c0 & (aHi === 0 ? 1 : 0);
      const c2 = c1 & (uLo === 0 ? 1 : 0);
      aLo = -aLo | 0;
      aHi = (~aHi + c0) | 0;
      uLo = (~uLo + c1) | 0;
      uHi = (~uHi + c2) | 0;
    }
  }
  const opposite = negative !== bHi < 0;
  if (bHi < 0) {
    bHi = (~bHi + (bLo === 0 ? 1 : 0)) | 0;
    bLo = -bLo | 0;
  }
  if (s.size === 8 && !below64(uLo, uHi, bLo, bHi)) throw x.fault('de', s, 'quotient overflow');
  if (s.size === 4 && aHi >>> 0 >= bLo >>> 0) throw x.fault('de', s, 'quotient overflow');
  let q = div128(aLo, aHi, uLo, uHi, bLo, bHi);
  let qHi = wide.hi;
  let rest = wide.lo2;
  let restHi = wide.hi2;
  // magnitude at most 2^(n-1) when negative, 2^(n-1) - 1 otherwise
  const top = s.size === 8 ? qHi : q;
  const low = s.size === 8 ? q : 0;
  if (top < 0 && !(opposite && top === -0x80000000 && low === 0)) throw x.fault('de', s, 'quotient overflow');
  if (opposite) {
    qHi = (~qHi + (q === 0 ? 1 : 0)) | 0;
    q = -q | 0;
  }
  if (negative) {
    restHi = (~restHi + (rest === 0 ? 1 : 0)) | 0;
    rest = -rest | 0;
  }
  x.setReg(0, s.size, q, qHi);
  x.setReg(4, s.size, rest, restHi);
  return 0;
}

export const muldivHandlers: Readonly<Record<string, Handler>> = {
  mul: multiply(false),
  imul,
  div,
  idiv,
  mulx: (x, s) => {
    const bLo = x.read(s, 2);
    const bHi = x.hi;
    const { r } = x;
    if (s.size === 8) {
      const lo = mul128(r[4] as number, r[5] as number, bLo, bHi);
      const { hi, lo2, hi2 } = wide;
      // low part first: where both destinations are one register it gets the upper part
      x.write(s, 1, lo, hi);
      x.write(s, 0, lo2, hi2);
    } else {
      const a = r[4] as number;
      x.write(s, 1, Math.imul(a, bLo), 0);
      x.write(s, 0, mulHigh32(a, bLo), 0);
    }
    return 0;
  },
};
