/**
 * String instructions with and without rep (Intel SDM vol. 1, 7.3.9; vol. 2B "REP/REPE/REPZ/REPNE/REPNZ").
 * Registers advance element by element, so a fault in the middle leaves them where the instruction resumes.
 * Sources are read through an fs or gs override, destinations never are.
 *
 * A processor takes interrupts between the elements of a repeated instruction, and is then at that instruction again. So
 * is the machine between its turns, each of which counts as an instruction: the end of a run may come in between.
 */
import { FLAG, PREFIX } from '../../x86/index.ts';
import { compareValues } from './alu.ts';
import { AGAIN, type Context, type Handler, type Step } from './context.ts';
import { Z } from './flags.ts';
import { type Bulk, bulkMovs, bulkStos, mayBulk } from './string-bulk.ts';

const RCX = 2;
const RSI = 12;
const RDI = 14;

/** One element; a fault leaves everything as it was before it. */
type Element = (x: Context, s: Step, size: number) => void;

/** Bytes of a turn, where elements are moved many at once. */
const LINE = 64;

/** Elements of a turn: what takes about as long as another instruction. It follows from the guest alone, so all engines count the same. */
function turnOf(x: Context, size: number, bulk: Bulk | undefined): number {
  if (bulk === undefined || x.cpu.rflags & FLAG.TF) return 1;
  const distance = ((x.r[RDI] as number) - (x.r[RSI] as number)) >>> 0;
  return bulk === bulkMovs && distance > 0 && distance < 2 * size ? 1 : LINE / size;
}

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
    const many = mayBulk(x, s) ? bulk : undefined;
    const turn = turnOf(x, size, many);
    const most = turn * (x.cpu.rflags & FLAG.TF ? 1 : x.room);
    let elements = 0;
    try {
      while ((r[RCX] as number) !== 0 || (r[RCX + 1] as number) !== 0) {
        if (elements >= most) {
          x.next = s.rip;
          return AGAIN;
        }
        let done = many === undefined ? 0 : many(x, size, most - elements);
        if (done === 0) {
          element(x, s, size);
          done = 1;
        }
        elements += done;
        const lo = r[RCX] as number;
        r[RCX] = (lo - done) | 0;
        if (lo >>> 0 < done) r[RCX + 1] = ((r[RCX + 1] as number) - 1) | 0;
        if (compares && (x.f[Z] === 0) !== whileEqual) break;
      }
      if (elements > 0) elements--; // the last turn, whole or not, is the instruction itself
    } finally {
      x.turns = Math.floor(elements / turn);
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
