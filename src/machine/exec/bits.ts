/** Bit tests, scans and counts, byte swaps, BMI1/BMI2 (Intel SDM vol. 2, entry of each mnemonic). */
import { PREFIX } from '../../x86/index.ts';
import { type Context, type Handler, IMM, MEM, type Step } from './context.ts';
import { A, C, carry, P, S, setCarry, setCarryOverflow, setLogic, Z } from './flags.ts';
import { sar64, shl64, shr64, wide } from './wide.ts';

const trailingZeros = (v: number): number => (v === 0 ? 32 : 31 - Math.clz32(v & -v));

const tzcnt = (lo: number, hi: number, bits: number): number => {
  const n = lo !== 0 ? trailingZeros(lo) : 32 + trailingZeros(hi);
  return Math.min(n, bits);
};

/** Of a zero-extended value. */
const lzcnt = (lo: number, hi: number, bits: number): number =>
  hi !== 0 ? Math.clz32(hi) : Math.clz32(lo) + (bits === 64 ? 32 : bits - 32);

function popcount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const swap32 = (v: number): number => (v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);

/**
 * bt, bts, btr, btc. With a register as bit offset and memory as base the offset is signed and reaches
 * beyond the operand (SDM vol. 2A, 3.1.1.9 "Bit(BitBase, BitOffset)").
 */
const bitTest =
  (change: ((word: number, mask: number) => number) | undefined): Handler =>
  (x, s) => {
    const n = s.size * 8;
    const offLo = x.read(s, 1);
    let offHi = x.hi;
    const bit = offLo & (n - 1);
    const mask = 1 << (bit & 31);
    if (s.kinds[0] === MEM) {
      let lo = x.address(s);
      let hi = x.hi;
      if (s.kinds[1] !== IMM) {
        // bytes from the base to the operand that holds the bit
        let o = offLo;
        if (n === 16) o = (offLo << 16) >> 16;
        if (n !== 64) offHi = o >> 31;
        const shift = n === 64 ? 6 : n === 32 ? 5 : 4;
        const words = sar64(o, offHi, shift);
        const bytes = shl64(words, wide.hi, shift - 3);
        const sum = (lo >>> 0) + (bytes >>> 0);
        hi = (hi + wide.hi + (sum > 0xffffffff ? 1 : 0)) | 0;
        lo = sum | 0;
        if (s.insn.prefixes & PREFIX.ADDRSIZE) hi = 0;
      }
      if (change) x.probeAt(lo, hi, s.size);
      const vLo = x.load(lo, hi, s.size);
      const vHi = x.hi;
      setCarry(x.f, (bit < 32 ? vLo : vHi) & mask);
      if (change) x.store(lo, hi, s.size, bit < 32 ? change(vLo, mask) : vLo, bit < 32 ? vHi : change(vHi, mask));
      return 0;
    }
    const vLo = x.read(s, 0);
    const vHi = x.hi;
    setCarry(x.f, (bit < 32 ? vLo : vHi) & mask);
    if (change) x.write(s, 0, bit < 32 ? change(vLo, mask) : vLo, bit < 32 ? vHi : change(vHi, mask));
    return 0;
  };

/** bsf, bsr: with a zero source ZF is set and the destination keeps its value, as processors do. */
const scan =
  (forward: boolean): Handler =>
  (x, s) => {
    const lo = x.read(s, 1);
    const { hi } = x;
    const zero = (lo | hi) === 0;
    if (!zero) {
      const n = s.size * 8;
      x.write(s, 0, forward ? tzcnt(lo, hi, n) : n - 1 - lzcnt(lo, hi, n), 0);
    }
    x.f[Z] = zero ? 0 : 1;
    return 0;
  };

const counted =
  (count: typeof tzcnt): Handler =>
  (x, s) => {
    const lo = x.read(s, 1);
    const { hi } = x;
    const n = count(lo, hi, s.size * 8);
    setCarry(x.f, (lo | hi) === 0 ? 1 : 0);
    x.f[Z] = n;
    x.write(s, 0, n, 0);
    return 0;
  };

/** SF, ZF of a result in the operand's size; OF clear; CF as given; AF and PF undefined. */
function bmiFlags(x: Context, s: Step, lo: number, hi: number, cf: boolean): void {
  setLogic(x.f, lo, s.size === 8 ? hi : lo >> 31);
  if (cf) setCarryOverflow(x.f, 1, 0);
}

/** blsr, blsmsk, blsi: of x and x - 1 or -x; CF says whether the source was zero (blsi: was not). */
const lowest =
  (kind: 'blsr' | 'blsmsk' | 'blsi'): Handler =>
  (x, s) => {
    const lo = x.read(s, 1);
    const { hi } = x;
    const mLo = (lo - 1) | 0;
    const mHi = (hi - (lo === 0 ? 1 : 0)) | 0;
    const zero = (lo | hi) === 0;
    let rLo: number;
    let rHi: number;
    if (kind === 'blsr') {
      rLo = lo & mLo;
      rHi = hi & mHi;
    } else if (kind === 'blsmsk') {
      rLo = lo ^ mLo;
      rHi = hi ^ mHi;
    } else {
      rLo = lo & ~mLo;
      rHi = hi & ~mHi;
    }
    if (s.size === 4) rHi = 0;
    bmiFlags(x, s, rLo, rHi, kind === 'blsi' ? !zero : zero);
    x.write(s, 0, rLo, rHi);
    return 0;
  };

/** Bits of pext and pdep, one at a time. */
const gather =
  (deposit: boolean): Handler =>
  (x, s) => {
    const mLo = x.read(s, 2);
    const mHi = x.hi;
    const vLo = x.read(s, 1);
    const vHi = x.hi;
    let lo = 0;
    let hi = 0;
    let k = 0;
    for (let n = 0; n < s.size * 8; n++) {
      if (((n < 32 ? mLo >>> n : mHi >>> (n - 32)) & 1) === 0) continue;
      const from = deposit ? k : n;
      const to = deposit ? n : k;
      if ((from < 32 ? vLo >>> from : vHi >>> (from - 32)) & 1) {
        if (to < 32) lo |= 1 << to;
        else hi |= 1 << (to - 32);
      }
      k++;
    }
    x.write(s, 0, lo, hi);
    return 0;
  };

export const bitHandlers: Readonly<Record<string, Handler>> = {
  bt: bitTest(undefined),
  bts: bitTest((word, mask) => word | mask),
  btr: bitTest((word, mask) => word & ~mask),
  btc: bitTest((word, mask) => word ^ mask),
  bsf: scan(true),
  bsr: scan(false),
  tzcnt: counted(tzcnt),
  lzcnt: counted(lzcnt),
  popcnt: (x, s) => {
    const lo = x.read(s, 1);
    const n = popcount(lo) + popcount(x.hi);
    const { f } = x;
    f[S] = f[C] = f[A] = 0;
    f[P] = 1;
    f[Z] = n;
    x.write(s, 0, n, 0);
    return 0;
  },
  bswap: (x, s) => {
    const lo = x.read(s, 0);
    if (s.size === 8) x.write(s, 0, swap32(x.hi), swap32(lo));
    else x.write(s, 0, swap32(lo), 0);
    return 0;
  },
  movbe: (x, s) => {
    const lo = x.read(s, 1);
    const { hi } = x;
    if (s.size === 8) x.write(s, 0, swap32(hi), swap32(lo));
    else if (s.size === 4) x.write(s, 0, swap32(lo), 0);
    else x.write(s, 0, ((lo & 0xff) << 8) | ((lo >>> 8) & 0xff), 0);
    return 0;
  },
  andn: (x, s) => {
    const bLo = x.read(s, 2);
    const bHi = x.hi;
    const lo = ~x.read(s, 1) & bLo;
    const hi = ~x.hi & bHi;
    bmiFlags(x, s, lo, hi, false);
    x.write(s, 0, lo, hi);
    return 0;
  },
  blsr: lowest('blsr'),
  blsmsk: lowest('blsmsk'),
  blsi: lowest('blsi'),
  bextr: (x, s) => {
    const control = x.read(s, 2);
    const lo = x.read(s, 1);
    const { hi } = x;
    const start = control & 0xff;
    const length = (control >>> 8) & 0xff;
    let rLo = start < 64 ? shr64(lo, hi, start) : 0;
    let rHi = start < 64 ? wide.hi : 0;
    if (length < 32) {
      rLo &= length === 0 ? 0 : -1 >>> (32 - length);
      rHi = 0;
    } else if (length < 64) rHi &= length === 32 ? 0 : -1 >>> (64 - length);
    bmiFlags(x, s, rLo, s.size === 8 ? rHi : 0, false);
    x.write(s, 0, rLo, rHi);
    return 0;
  },
  bzhi: (x, s) => {
    const n = x.read(s, 2) & 0xff;
    let lo = x.read(s, 1);
    let { hi } = x;
    const over = n >= s.size * 8;
    if (!over) {
      if (n < 32) {
        lo &= n === 0 ? 0 : -1 >>> (32 - n);
        hi = 0;
      } else hi &= n === 32 ? 0 : -1 >>> (64 - n);
    }
    bmiFlags(x, s, lo, hi, over);
    x.write(s, 0, lo, hi);
    return 0;
  },
  pext: gather(false),
  pdep: gather(true),
  cmc: (x) => {
    setCarry(x.f, 1 - carry(x.f));
    return 0;
  },
  clc: (x) => {
    setCarry(x.f, 0);
    return 0;
  },
  stc: (x) => {
    setCarry(x.f, 1);
    return 0;
  },
};
