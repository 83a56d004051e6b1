/**
 * add, sub, logic, compare, inc/dec, xadd, cmpxchg, extensions.
 * Intel SDM vol. 2A/2B/2C, entry of each mnemonic; flags as in flags.ts.
 */
import { type Context, type Handler, MEM, type Step } from './context.ts';
import { A, C, carry, P, S, setCarry, setCarryOverflow, setLogic, Z } from './flags.ts';

/** a + b + carryIn in `size` bytes: result low half returned, high in `x.hi`, flags set. */
function add(x: Context, size: number, aLo: number, aHi: number, bLo: number, bHi: number, carryIn: number): number {
  const { f } = x;
  if (size === 8) {
    const lo = (aLo + bLo + carryIn) | 0;
    const cLo = (aLo & bLo) | ((aLo | bLo) & ~lo);
    const hi = (aHi + bHi + (cLo >>> 31)) | 0;
    f[Z] = lo | hi;
    f[S] = hi;
    f[P] = lo;
    f[C] = (aHi & bHi) | ((aHi | bHi) & ~hi);
    f[A] = cLo;
    x.hi = hi;
    return lo;
  }
  const r = (aLo + bLo + carryIn) | 0;
  narrow(f, size, r, (aLo & bLo) | ((aLo | bLo) & ~r));
  x.hi = 0;
  return r;
}

/** a - b - borrowIn, likewise. */
function sub(x: Context, size: number, aLo: number, aHi: number, bLo: number, bHi: number, borrowIn: number): number {
  const { f } = x;
  if (size === 8) {
    const lo = (aLo - bLo - borrowIn) | 0;
    const cLo = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
    const hi = (aHi - bHi - (cLo >>> 31)) | 0;
    f[Z] = lo | hi;
    f[S] = hi;
    f[P] = lo;
    f[C] = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
    f[A] = cLo;
    x.hi = hi;
    return lo;
  }
  const r = (aLo - bLo - borrowIn) | 0;
  narrow(f, size, r, (~aLo & bLo) | (~(aLo ^ bLo) & r));
  x.hi = 0;
  return r;
}

/** Flag words of an 8-, 16- or 32-bit result whose upper bits do not count. */
function narrow(f: Int32Array, size: number, r: number, carries: number): void {
  const up = 32 - 8 * size;
  f[Z] = r << up;
  f[S] = r << up;
  f[P] = r;
  f[C] = carries << up;
  f[A] = carries;
}

function logicFlags(x: Context, size: number, lo: number, hi: number): void {
  if (size === 8) setLogic(x.f, lo, hi);
  else {
    const up = 32 - 8 * size;
    const top = (lo << up) >> up;
    setLogic(x.f, top, top >> 31);
  }
}

/** Flags of a - b: cmps and scas. */
export function compareValues(x: Context, size: number, aLo: number, aHi: number, bLo: number, bHi: number): void {
  sub(x, size, aLo, aHi, bLo, bHi, 0);
}

type Binary = (x: Context, size: number, aLo: number, aHi: number, bLo: number, bHi: number) => number;

const binary: Readonly<Record<string, Binary>> = {
  add: (x, size, aLo, aHi, bLo, bHi) => add(x, size, aLo, aHi, bLo, bHi, 0),
  adc: (x, size, aLo, aHi, bLo, bHi) => add(x, size, aLo, aHi, bLo, bHi, carry(x.f)),
  sub: (x, size, aLo, aHi, bLo, bHi) => sub(x, size, aLo, aHi, bLo, bHi, 0),
  sbb: (x, size, aLo, aHi, bLo, bHi) => sub(x, size, aLo, aHi, bLo, bHi, carry(x.f)),
  and: (x, size, aLo, aHi, bLo, bHi) => logic(x, size, aLo & bLo, aHi & bHi),
  or: (x, size, aLo, aHi, bLo, bHi) => logic(x, size, aLo | bLo, aHi | bHi),
  xor: (x, size, aLo, aHi, bLo, bHi) => logic(x, size, aLo ^ bLo, aHi ^ bHi),
};

function logic(x: Context, size: number, lo: number, hi: number): number {
  logicFlags(x, size, lo, hi);
  x.hi = hi;
  return lo;
}

/** op dst, src: reads both, checks that the destination can be written before flags change. */
const alu =
  (operation: Binary): Handler =>
  (x, s) => {
    const bLo = x.read(s, 1);
    const bHi = x.hi;
    x.probe(s, 0);
    const aLo = x.read(s, 0);
    const lo = operation(x, s.size, aLo, x.hi, bLo, bHi);
    x.write(s, 0, lo, x.hi);
    return 0;
  };

const compare =
  (operation: Binary): Handler =>
  (x, s) => {
    const bLo = x.read(s, 1);
    const bHi = x.hi;
    const aLo = x.read(s, 0);
    operation(x, s.size, aLo, x.hi, bLo, bHi);
    return 0;
  };

/** inc and dec keep CF. */
const step =
  (by: typeof add | typeof sub): Handler =>
  (x, s) => {
    x.probe(s, 0);
    const cf = carry(x.f);
    const lo = by(x, s.size, x.read(s, 0), x.hi, 1, 0, 0);
    const hi = x.hi;
    setCarry(x.f, cf);
    x.write(s, 0, lo, hi);
    return 0;
  };

/** adcx and adox: add with one flag as carry, the others kept. */
const addWith =
  (overflow: boolean): Handler =>
  (x, s) => {
    const bLo = x.read(s, 1);
    const bHi = x.hi;
    const aLo = x.read(s, 0);
    const aHi = x.hi;
    const c = x.f[C] as number;
    const cf = c >>> 31;
    const of = (c ^ (c << 1)) >>> 31;
    let sum = (aLo >>> 0) + (bLo >>> 0) + (overflow ? of : cf);
    const lo = sum | 0;
    let hi = 0;
    if (s.size === 8) {
      sum = (aHi >>> 0) + (bHi >>> 0) + (sum > 0xffffffff ? 1 : 0);
      hi = sum | 0;
    }
    const out = sum > 0xffffffff ? 1 : 0;
    setCarryOverflow(x.f, overflow ? cf : out, overflow ? out : of);
    x.write(s, 0, lo, hi);
    return 0;
  };

function cmpxchg(x: Context, s: Step): 0 {
  x.probe(s, 0); // the destination is written either way
  const dLo = x.read(s, 0);
  const dHi = x.hi;
  const { r } = x;
  const mask = s.size === 1 ? 0xff : s.size === 2 ? 0xffff : -1;
  const aLo = (r[0] as number) & mask;
  const aHi = s.size === 8 ? (r[1] as number) : 0;
  sub(x, s.size, aLo, aHi, dLo, dHi, 0);
  if (x.f[Z] === 0) {
    const lo = x.read(s, 1);
    x.write(s, 0, lo, x.hi);
  } else {
    if (s.kinds[0] === MEM) x.write(s, 0, dLo, dHi);
    x.setReg(0, s.size, dLo, dHi);
  }
  return 0;
}

function cmpxchg8b(x: Context, s: Step): 0 {
  x.probe(s, 0);
  const { r } = x;
  const lo = x.read(s, 0);
  const hi = x.hi;
  if (lo === r[0] && hi === r[4]) {
    x.write(s, 0, r[6] as number, r[2] as number);
    x.f[Z] = 0;
  } else {
    x.write(s, 0, lo, hi);
    r[0] = lo;
    r[1] = 0;
    r[4] = hi;
    r[5] = 0;
    x.f[Z] = 1;
  }
  return 0;
}

function cmpxchg16b(x: Context, s: Step): 0 {
  const lo = x.address(s);
  const hi = x.hi;
  if (lo & 15) throw x.fault('gp', s, 'cmpxchg16b operand is not aligned to 16 bytes');
  x.probeAt(lo, hi, 16);
  const { r } = x;
  const v0 = x.load(lo, hi, 8);
  const v1 = x.hi;
  const v2 = x.load(lo + 8, hi, 8);
  const v3 = x.hi;
  if (v0 === r[0] && v1 === r[1] && v2 === r[4] && v3 === r[5]) {
    x.store(lo, hi, 8, r[6] as number, r[7] as number);
    x.store(lo + 8, hi, 8, r[2] as number, r[3] as number);
    x.f[Z] = 0;
  } else {
    x.store(lo, hi, 8, v0, v1);
    x.store(lo + 8, hi, 8, v2, v3);
    r[0] = v0;
    r[1] = v1;
    r[4] = v2;
    r[5] = v3;
    x.f[Z] = 1;
  }
  return 0;
}

/** Sign-extends a zero-extended value of `size` bytes; high half in x.hi. */
function signExtend(x: Context, lo: number, size: number): number {
  if (size === 8) return lo;
  const up = 32 - 8 * size;
  const v = (lo << up) >> up;
  x.hi = v >> 31;
  return v;
}

const r0 = (x: Context): number => x.r[0] as number;

export const aluHandlers: Readonly<Record<string, Handler>> = {
  add: alu(binary['add'] as Binary),
  or: alu(binary['or'] as Binary),
  adc: alu(binary['adc'] as Binary),
  sbb: alu(binary['sbb'] as Binary),
  and: alu(binary['and'] as Binary),
  sub: alu(binary['sub'] as Binary),
  xor: alu(binary['xor'] as Binary),
  cmp: compare(binary['sub'] as Binary),
  test: compare(binary['and'] as Binary),
  inc: step(add),
  dec: step(sub),
  adcx: addWith(false),
  adox: addWith(true),
  not: (x, s) => {
    x.probe(s, 0);
    const lo = ~x.read(s, 0);
    x.write(s, 0, lo, ~x.hi);
    return 0;
  },
  neg: (x, s) => {
    x.probe(s, 0);
    const bLo = x.read(s, 0);
    const lo = sub(x, s.size, 0, 0, bLo, x.hi, 0);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
  xadd: (x, s) => {
    x.probe(s, 0);
    const bLo = x.read(s, 1);
    const bHi = x.hi;
    const aLo = x.read(s, 0);
    const aHi = x.hi;
    const lo = add(x, s.size, aLo, aHi, bLo, bHi, 0);
    const hi = x.hi;
    // In memory the address may use the source register: store first. `xadd rax, rax` leaves the sum.
    if (s.kinds[0] === MEM) {
      x.write(s, 0, lo, hi);
      x.write(s, 1, aLo, aHi);
    } else {
      x.write(s, 1, aLo, aHi);
      x.write(s, 0, lo, hi);
    }
    return 0;
  },
  cmpxchg,
  cmpxchg8b,
  cmpxchg16b,
  cbw: (x) => {
    x.setReg(0, 2, (r0(x) << 24) >> 24, 0);
    return 0;
  },
  cwde: (x) => {
    x.setReg(0, 4, (r0(x) << 16) >> 16, 0);
    return 0;
  },
  cdqe: (x) => {
    x.r[1] = r0(x) >> 31;
    return 0;
  },
  cwd: (x) => {
    x.setReg(4, 2, (r0(x) << 16) >> 31, 0);
    return 0;
  },
  cdq: (x) => {
    x.setReg(4, 4, r0(x) >> 31, 0);
    return 0;
  },
  cqo: (x) => {
    x.r[4] = x.r[5] = (x.r[1] as number) >> 31;
    return 0;
  },
  movzx: (x, s) => {
    const lo = x.read(s, 1);
    x.write(s, 0, lo, 0);
    return 0;
  },
  movsx: (x, s) => {
    const lo = signExtend(x, x.read(s, 1), s.sizes[1] as number);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
  movsxd: (x, s) => {
    const lo = signExtend(x, x.read(s, 1), s.sizes[1] as number);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
};
