/**
 * String instructions with and without rep (Intel SDM vol. 1, 7.3.9; vol. 2B "REP/REPE/REPZ/REPNE/REPNZ").
 * Registers advance element by element, so a fault in the middle leaves them where the instruction resumes.
 * Sources are read through an fs or gs override, destinations never are.
 */
import { FLAG, PREFIX } from '../../x86/index.ts';
import { compareValues } from './alu.ts';
import type { Context, Handler, Step } from './context.ts';
import { Z } from './flags.ts';
import { type Bulk, bulkMovs, bulkStos } from './string-bulk.ts';

const RCX = 2;
const RSI = 12;
const RDI = 14;

/** One element; a fault leaves everything as it was before it. */
type Element = (x: Context, s: Step, size: number) => void;

const repeat =
  (element: Element, compares: boolean, bulk?: Bulk): Handler =>
  (x, s) => {
    const size = s.size;
    const { r } = x;
    const rep = s.insn.prefixes & (PREFIX.REP | PREFIX.REPNE);
    if (rep === 0) {
      element(x, s, size);
      return 0;
    }
    // the last of F2 and F3 counts; the decoder keeps both bits only for byte strings that no assembler makes
    const whileEqual = (rep & PREFIX.REP) !== 0;
    const narrow = (s.insn.prefixes & PREFIX.ADDRSIZE) !== 0;
    if (narrow) r[RCX + 1] = 0;
    while ((r[RCX] as number) !== 0 || (r[RCX + 1] as number) !== 0) {
      let done = bulk === undefined ? 0 : bulk(x, s, size);
      if (done === 0) {
        element(x, s, size);
        done = 1;
      }
      const lo = r[RCX] as number;
      r[RCX] = (lo - done) | 0;
      if (lo >>> 0 < done) r[RCX + 1] = ((r[RCX + 1] as number) - 1) | 0;
      if (compares && (x.f[Z] === 0) !== whileEqual) break;
    }
    return 0;
  };

/** Advances rsi or rdi by the element, against DF. */
function advance(x: Context, s: Step, n: number, size: number): void {
  const { r } = x;
  const by = x.cpu.rflags & FLAG.DF ? -size : size;
  const sum = ((r[n] as number) >>> 0) + by;
  r[n] = sum | 0;
  if (s.insn.prefixes & PREFIX.ADDRSIZE) r[n + 1] = 0;
  else if (sum > 0xffffffff) r[n + 1] = ((r[n + 1] as number) + 1) | 0;
  else if (sum < 0) r[n + 1] = ((r[n + 1] as number) - 1) | 0;
}

/** Element at rsi, with the segment override. */
function source(x: Context, s: Step, size: number): number {
  const { r } = x;
  let lo = r[RSI] as number;
  let hi = s.insn.prefixes & PREFIX.ADDRSIZE ? 0 : (r[RSI + 1] as number);
  if (s.insn.segment !== 0) {
    lo = x.addSegment(s.insn.segment, lo, hi);
    hi = x.hi;
  }
  return x.load(lo, hi, size);
}

const destinationHigh = (x: Context, s: Step): number =>
  s.insn.prefixes & PREFIX.ADDRSIZE ? 0 : (x.r[RDI + 1] as number);

const movs: Element = (x, s, size) => {
  const lo = source(x, s, size);
  x.store(x.r[RDI] as number, destinationHigh(x, s), size, lo, x.hi);
  advance(x, s, RSI, size);
  advance(x, s, RDI, size);
};

const stos: Element = (x, s, size) => {
  x.store(x.r[RDI] as number, destinationHigh(x, s), size, x.r[0] as number, x.r[1] as number);
  advance(x, s, RDI, size);
};

const lods: Element = (x, s, size) => {
  const lo = source(x, s, size);
  x.setReg(0, size, lo, x.hi);
  advance(x, s, RSI, size);
};

const cmps: Element = (x, s, size) => {
  const aLo = source(x, s, size);
  const aHi = x.hi;
  const bLo = x.load(x.r[RDI] as number, destinationHigh(x, s), size);
  compareValues(x, size, aLo, aHi, bLo, x.hi);
  advance(x, s, RSI, size);
  advance(x, s, RDI, size);
};

const scas: Element = (x, s, size) => {
  const bLo = x.load(x.r[RDI] as number, destinationHigh(x, s), size);
  compareValues(x, size, x.r[0] as number, x.r[1] as number, bLo, x.hi);
  advance(x, s, RDI, size);
};

const handlers: Record<string, Handler> = {};
for (const suffix of 'bwdq') {
  handlers[`movs${suffix}`] = repeat(movs, false, bulkMovs);
  handlers[`stos${suffix}`] = repeat(stos, false, bulkStos);
  handlers[`lods${suffix}`] = repeat(lods, false);
  handlers[`cmps${suffix}`] = repeat(cmps, true);
  handlers[`scas${suffix}`] = repeat(scas, true);
}

export const stringHandlers: Readonly<Record<string, Handler>> = handlers;
