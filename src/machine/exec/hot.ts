/**
 * The hot loop: executes micro-operations (uop.ts) over s32 halves in guest memory's own view, until a
 * block boundary finds fewer instructions left than a block may have, or something needs the run loop.
 *
 * One case per operation, none longer than what it computes; sums and differences as in flags.ts, memory
 * through the software TLB as in paged-memory.ts. Allocates nothing.
 */
import { FLAG } from '../../x86/index.ts';
import { CPU_PHYS } from '../layout.ts';
import { type Blocks, JUMPS_MASK } from './blocks.ts';
import type { Context, Step } from './context.ts';
import { A, C, condition, P, parity, S, Z } from './flags.ts';
import {
  imulFlags32,
  imulFlags64,
  sarFlags32,
  sarFlags64,
  shlFlags32,
  shlFlags64,
  shrFlags32,
  shrFlags64,
} from './hot-flags.ts';
import { STRIDE } from './uop.ts';
import { wide } from './wide.ts';

/** Longest block: below this many instructions the stepper goes one by one. */
export const MAX_BLOCK = 64;

/** Index bits of a TLB entry, in words, in `lo >>> 10`. */
const TLB_WORDS = 1023 << 2;
const AX = CPU_PHYS >> 2;
const SP = AX + 8;
const BP = AX + 10;

/** Why {@link hotLoop} came back. */
export const HOT = {
  /** fewer than MAX_BLOCK instructions left; `at` is the next block */
  low: 0,
  /** a handler asked for it: its code is in `leave`, the next rip in x.next */
  leave: 1,
  /** the trap flag is set; next rip in x.next */
  serialize: 2,
  /** the next instruction cannot be fetched: blocks.fault */
  fetch: 3,
  /** onTransfer said so; `at` is the target's block */
  hot: 4,
} as const;

/** Results of {@link hotLoop}, beside its return value. */
export const hot = { at: 0, left: 0, leave: 0, marked: 0 };

/**
 * Runs from the block at `start` with `budget` instructions. An exception of the host's accessors passes
 * through; `hot.at` is then the operation that made it and `hot.left` what was left at its block's entry.
 */
export function hotLoop(x: Context, blocks: Blocks, start: number, budget: number): number {
  const U = blocks.words;
  const { steps } = blocks;
  let J = blocks.jumps;
  const { memory, cpu, f: F } = x;
  const { i32: I, view: V, u8: B } = memory;
  const asked = blocks.onTransfer !== undefined;
  let p = start;
  let left = budget;
  let marked = 0;
  try {
    for (;;) {
      // Labels are literals because only then does V8 make a jump table; a test holds them against UOP.
      switch (U[p]) {
        case 0: {
          // generic
          const s = steps[p >> 3] as Step;
          s.run(x, s);
          p += STRIDE;
          continue;
        }
        case 1: {
          // transfer
          const s = steps[p >> 3] as Step;
          x.next = s.next;
          const leave = s.run(x, s);
          left -= U[p + 7]!;
          marked += U[p + 6]!;
          if (leave !== 0) {
            hot.leave = leave;
            return HOT.leave;
          }
          if (x.serialize) {
            x.serialize = false;
            if (cpu.rflags & FLAG.TF) return HOT.serialize;
            blocks.enter(cpu.cpl === 3);
            J = blocks.jumps;
          }
          const to = x.next;
          p = blocks.lookup(to);
          if (p < 0) return HOT.fetch;
          if (left < MAX_BLOCK) return HOT.low;
          if (asked && blocks.ask(to)) return HOT.hot;
          continue;
        }
        case 2: {
          // resolve
          p = blocks.resolve(p);
          if (p < 0) return HOT.fetch;
          continue;
        }
        case 3: {
          // go
          p = U[p + 5]!;
          continue;
        }
        case 4: {
          // end
          left -= U[p + 7]!;
          marked += U[p + 6]!;
          p = U[p + 5]!;
          if (left < MAX_BLOCK) return HOT.low;
          continue;
        }
        case 5: {
          // load64
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const d = U[p + 1]!;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            I[d] = V.getInt32(at, true);
            I[d + 1] = V.getInt32(at + 4, true);
          } else {
            const v = x.slowLoad(lo, hi, 8, U[p + 4]!);
            I[d] = v;
            I[d + 1] = x.hi;
          }
          p += STRIDE;
          continue;
        }
        case 6: {
          // load32
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === ((lo + 3) | 4095) && I[t + 1] === hi) v = V.getInt32(I[t + 2]! | (lo & 4095), true);
          else v = x.slowLoad(lo, hi, 4, U[p + 4]!);
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 7: {
          // load16
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === ((lo + 1) | 4095) && I[t + 1] === hi) v = V.getUint16(I[t + 2]! | (lo & 4095), true);
          else v = x.slowLoad(lo, hi, 2, U[p + 4]!);
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 8: {
          // load8
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === (lo | 4095) && I[t + 1] === hi) v = B[I[t + 2]! | (lo & 4095)]!;
          else v = x.slowLoad(lo, hi, 1, U[p + 4]!);
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 9: {
          // loadS32
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === ((lo + 3) | 4095) && I[t + 1] === hi) v = V.getInt32(I[t + 2]! | (lo & 4095), true);
          else v = x.slowLoad(lo, hi, 4, U[p + 4]!);
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = v >> 31;
          p += STRIDE;
          continue;
        }
        case 10: {
          // loadS16
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === ((lo + 1) | 4095) && I[t + 1] === hi) v = V.getInt16(I[t + 2]! | (lo & 4095), true);
          else v = (x.slowLoad(lo, hi, 2, U[p + 4]!) << 16) >> 16;
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = v >> 31;
          p += STRIDE;
          continue;
        }
        case 11: {
          // loadS8
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === (lo | 4095) && I[t + 1] === hi) v = (B[I[t + 2]! | (lo & 4095)]! << 24) >> 24;
          else v = (x.slowLoad(lo, hi, 1, U[p + 4]!) << 24) >> 24;
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = v >> 31;
          p += STRIDE;
          continue;
        }
        case 12: {
          // loadS16to32
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === ((lo + 1) | 4095) && I[t + 1] === hi) v = V.getInt16(I[t + 2]! | (lo & 4095), true);
          else v = (x.slowLoad(lo, hi, 2, U[p + 4]!) << 16) >> 16;
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 13: {
          // loadS8to32
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let v: number;
          if (I[t] === (lo | 4095) && I[t + 1] === hi) v = (B[I[t + 2]! | (lo & 4095)]! << 24) >> 24;
          else v = (x.slowLoad(lo, hi, 1, U[p + 4]!) << 24) >> 24;
          const d = U[p + 1]!;
          I[d] = v;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 14: {
          // store64
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 1]!;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            V.setInt32(at, I[s]!, true);
            V.setInt32(at + 4, I[s + 1]!, true);
          } else x.store(lo, hi, 8, I[s]!, I[s + 1]!);
          p += STRIDE;
          continue;
        }
        case 15: {
          // store32
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 1]!;
          if (I[t] === ((lo + 3) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            V.setInt32(at, I[s]!, true);
          } else x.store(lo, hi, 4, I[s]!, I[s + 1]!);
          p += STRIDE;
          continue;
        }
        case 16: {
          // store16
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 1]!;
          if (I[t] === ((lo + 1) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            V.setInt16(at, I[s]!, true);
          } else x.store(lo, hi, 2, I[s]!, I[s + 1]!);
          p += STRIDE;
          continue;
        }
        case 17: {
          // store8
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const hi = (I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 1]!;
          if (I[t] === (lo | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            B[at] = I[s]!;
          } else x.store(lo, hi, 1, I[s]!, I[s + 1]!);
          p += STRIDE;
          continue;
        }
        case 18: {
          // lea
          const base = I[U[p + 2]!]!;
          const lo = (base + U[p + 3]!) | 0;
          const d = U[p + 1]!;
          I[d + 1] = I[U[p + 2]! + 1]! + (U[p + 3]! >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0);
          I[d] = lo;
          p += STRIDE;
          continue;
        }
        case 19: {
          // leaIndex
          const b = U[p + 2]!;
          const n = U[p + 5]!;
          const k = U[p + 6]!;
          const iLo = I[n]!;
          const scaled = iLo << k;
          const first = (I[b]! + scaled) | 0;
          const lo = (first + U[p + 3]!) | 0;
          const carries = (first >>> 0 < scaled >>> 0 ? 1 : 0) + (lo >>> 0 < first >>> 0 ? 1 : 0);
          const iHi = k === 0 ? I[n + 1]! : (I[n + 1]! << k) | (iLo >>> (32 - k));
          const d = U[p + 1]!;
          I[d + 1] = I[b + 1]! + iHi + (U[p + 3]! >> 31) + carries;
          I[d] = lo;
          p += STRIDE;
          continue;
        }
        case 20: {
          // mov64
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = I[s]!;
          I[d + 1] = I[s + 1]!;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 21: {
          // mov32
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = I[s]!;
          I[d + 1] = 0;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 22: {
          // movzx16
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = I[s]! & 0xffff;
          I[d + 1] = 0;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 23: {
          // movzx8
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = I[s]! & 0xff;
          I[d + 1] = 0;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 24: {
          // movsx32
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = I[s]!;
          I[d + 1] = v >> 31;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 25: {
          // movsx16
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = (I[s]! << 16) >> 16;
          I[d + 1] = v >> 31;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 26: {
          // movsx8
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = (I[s]! << 24) >> 24;
          I[d + 1] = v >> 31;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 27: {
          // movsx16to32
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = (I[s]! << 16) >> 16;
          I[d + 1] = 0;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 28: {
          // movsx8to32
          const s = U[p + 2]!;
          const d = U[p + 1]!;
          const v = (I[s]! << 24) >> 24;
          I[d + 1] = 0;
          I[d] = v;
          p += STRIDE;
          continue;
        }
        case 29: {
          // add64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo + bLo) | 0;
          const c = (aLo & bLo) | ((aLo | bLo) & ~lo);
          const hi = (aHi + bHi + (c >>> 31)) | 0;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = (aHi & bHi) | ((aHi | bHi) & ~hi);
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 30: {
          // add64n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bHi = I[s + 1]!;
          const lo = (aLo + I[s]!) | 0;
          I[d] = lo;
          I[d + 1] = I[d + 1]! + bHi + (lo >>> 0 < aLo >>> 0 ? 1 : 0);
          p += STRIDE;
          continue;
        }
        case 31: {
          // sub64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 32: {
          // sub64n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const bHi = I[s + 1]!;
          I[d] = aLo - bLo;
          I[d + 1] = I[d + 1]! - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0);
          p += STRIDE;
          continue;
        }
        case 33: {
          // and64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! & I[s]!;
          const hi = I[d + 1]! & I[s + 1]!;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 34: {
          // and64n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const hi = I[d + 1]! & I[s + 1]!;
          I[d] = I[d]! & I[s]!;
          I[d + 1] = hi;
          p += STRIDE;
          continue;
        }
        case 35: {
          // or64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! | I[s]!;
          const hi = I[d + 1]! | I[s + 1]!;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 36: {
          // or64n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const hi = I[d + 1]! | I[s + 1]!;
          I[d] = I[d]! | I[s]!;
          I[d + 1] = hi;
          p += STRIDE;
          continue;
        }
        case 37: {
          // xor64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! ^ I[s]!;
          const hi = I[d + 1]! ^ I[s + 1]!;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 38: {
          // xor64n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const hi = I[d + 1]! ^ I[s + 1]!;
          I[d] = I[d]! ^ I[s]!;
          I[d + 1] = hi;
          p += STRIDE;
          continue;
        }
        case 39: {
          // add32
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const a = I[d]!;
          const b = I[s]!;
          const r = (a + b) | 0;
          const c = (a & b) | ((a | b) & ~r);
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 40: {
          // add32n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          I[d] = I[d]! + I[s]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 41: {
          // sub32
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const a = I[d]!;
          const b = I[s]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 42: {
          // sub32n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          I[d] = I[d]! - I[s]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 43: {
          // and32
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const r = I[d]! & I[s]!;
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 44: {
          // and32n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          I[d] = I[d]! & I[s]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 45: {
          // or32
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const r = I[d]! | I[s]!;
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 46: {
          // or32n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          I[d] = I[d]! | I[s]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 47: {
          // xor32
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const r = I[d]! ^ I[s]!;
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 48: {
          // xor32n
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          I[d] = I[d]! ^ I[s]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 50: {
          // shl64n
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = 0;
            I[d + 1] = lo << (k - 32);
          } else if (k !== 0) {
            I[d] = lo << k;
            I[d + 1] = (hi << k) | (lo >>> (32 - k));
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          p += STRIDE;
          continue;
        }
        case 49: {
          // shl64
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = 0;
            I[d + 1] = lo << (k - 32);
          } else if (k !== 0) {
            I[d] = lo << k;
            I[d + 1] = (hi << k) | (lo >>> (32 - k));
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          if (k !== 0) shlFlags64(F, lo, hi, k, I[d]!, I[d + 1]!);
          p += STRIDE;
          continue;
        }
        case 52: {
          // shr64n
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = hi >>> (k - 32);
            I[d + 1] = 0;
          } else if (k !== 0) {
            I[d] = (lo >>> k) | (hi << (32 - k));
            I[d + 1] = hi >>> k;
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          p += STRIDE;
          continue;
        }
        case 51: {
          // shr64
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = hi >>> (k - 32);
            I[d + 1] = 0;
          } else if (k !== 0) {
            I[d] = (lo >>> k) | (hi << (32 - k));
            I[d + 1] = hi >>> k;
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          if (k !== 0) shrFlags64(F, lo, hi, k, I[d]!, I[d + 1]!);
          p += STRIDE;
          continue;
        }
        case 54: {
          // sar64n
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = hi >> (k - 32);
            I[d + 1] = hi >> 31;
          } else if (k !== 0) {
            I[d] = (lo >>> k) | (hi << (32 - k));
            I[d + 1] = hi >> k;
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          p += STRIDE;
          continue;
        }
        case 53: {
          // sar64
          const k = I[U[p + 2]!]! & 63;
          const lo = I[U[p + 3]!]!;
          const hi = I[U[p + 3]! + 1]!;
          const d = U[p + 1]!;
          if (k > 31) {
            I[d] = hi >> (k - 32);
            I[d + 1] = hi >> 31;
          } else if (k !== 0) {
            I[d] = (lo >>> k) | (hi << (32 - k));
            I[d + 1] = hi >> k;
          } else {
            I[d] = lo;
            I[d + 1] = hi;
          }
          if (k !== 0) sarFlags64(F, lo, hi, k, I[d]!, I[d + 1]!);
          p += STRIDE;
          continue;
        }
        case 55: {
          // shl32
          const k = I[U[p + 2]!]! & 31;
          const a = I[U[p + 3]!]!;
          const d = U[p + 1]!;
          const r = (a << k) | 0;
          I[d] = r;
          I[d + 1] = 0;
          if (k !== 0) shlFlags32(F, a, k, r);
          p += STRIDE;
          continue;
        }
        case 56: {
          // shl32n
          const k = I[U[p + 2]!]! & 31;
          const d = U[p + 1]!;
          I[d] = I[U[p + 3]!]! << k;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 57: {
          // shr32
          const k = I[U[p + 2]!]! & 31;
          const a = I[U[p + 3]!]!;
          const d = U[p + 1]!;
          const r = (a >>> k) | 0;
          I[d] = r;
          I[d + 1] = 0;
          if (k !== 0) shrFlags32(F, a, k, r);
          p += STRIDE;
          continue;
        }
        case 58: {
          // shr32n
          const k = I[U[p + 2]!]! & 31;
          const d = U[p + 1]!;
          I[d] = I[U[p + 3]!]! >>> k;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 59: {
          // sar32
          const k = I[U[p + 2]!]! & 31;
          const a = I[U[p + 3]!]!;
          const d = U[p + 1]!;
          const r = (a >> k) | 0;
          I[d] = r;
          I[d + 1] = 0;
          if (k !== 0) sarFlags32(F, a, k, r);
          p += STRIDE;
          continue;
        }
        case 60: {
          // sar32n
          const k = I[U[p + 2]!]! & 31;
          const d = U[p + 1]!;
          I[d] = I[U[p + 3]!]! >> k;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 62: {
          // imul64n
          const a = U[p + 3]!;
          const b = U[p + 2]!;
          const d = U[p + 1]!;
          const aLo = I[a]!;
          const bLo = I[b]!;
          const cross = Math.imul(aLo, I[b + 1]!) + Math.imul(I[a + 1]!, bLo);
          const a0 = aLo & 0xffff;
          const a1 = aLo >>> 16;
          const b0 = bLo & 0xffff;
          const b1 = bLo >>> 16;
          const mid1 = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
          const mid2 = (Math.imul(a0, b1) + (mid1 & 0xffff)) | 0;
          I[d] = Math.imul(aLo, bLo);
          I[d + 1] = cross + Math.imul(a1, b1) + (mid1 >>> 16) + (mid2 >>> 16);
          p += STRIDE;
          continue;
        }
        case 61: {
          // imul64
          const a = U[p + 3]!;
          const b = U[p + 2]!;
          const d = U[p + 1]!;
          const aLo = I[a]!;
          const bLo = I[b]!;
          I[d] = imulFlags64(F, aLo, I[a + 1]!, bLo, I[b + 1]!);
          I[d + 1] = wide.hi;
          p += STRIDE;
          continue;
        }
        case 64: {
          // imul32n
          const a = U[p + 3]!;
          const b = U[p + 2]!;
          const d = U[p + 1]!;
          const aLo = I[a]!;
          const bLo = I[b]!;
          I[d] = Math.imul(aLo, bLo);
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 63: {
          // imul32
          const a = U[p + 3]!;
          const b = U[p + 2]!;
          const d = U[p + 1]!;
          const aLo = I[a]!;
          const bLo = I[b]!;
          I[d] = imulFlags32(F, aLo, bLo);
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 65: {
          // neg64
          const d = U[p + 1]!;
          const bLo = I[d]!;
          const bHi = I[d + 1]!;
          const lo = -bLo | 0;
          const c = bLo | lo;
          const hi = (-bHi - (c >>> 31)) | 0;
          I[d] = lo;
          I[d + 1] = hi;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = bHi | hi;
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 66: {
          // neg64n
          const d = U[p + 1]!;
          const bLo = I[d]!;
          I[d] = -bLo;
          I[d + 1] = ~I[d + 1]! + (bLo === 0 ? 1 : 0);
          p += STRIDE;
          continue;
        }
        case 67: {
          // neg32
          const d = U[p + 1]!;
          const b = I[d]!;
          const r = -b | 0;
          I[d] = r;
          I[d + 1] = 0;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = b | r;
          F[A] = b | r;
          p += STRIDE;
          continue;
        }
        case 68: {
          // neg32n
          const d = U[p + 1]!;
          I[d] = -I[d]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 69: {
          // not64
          const d = U[p + 1]!;
          I[d] = ~I[d]!;
          I[d + 1] = ~I[d + 1]!;
          p += STRIDE;
          continue;
        }
        case 70: {
          // not32
          const d = U[p + 1]!;
          I[d] = ~I[d]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 71: {
          // bswap64
          const d = U[p + 1]!;
          const lo = I[d]!;
          const hi = I[d + 1]!;
          I[d] = (hi << 24) | ((hi & 0xff00) << 8) | ((hi >>> 8) & 0xff00) | (hi >>> 24);
          I[d + 1] = (lo << 24) | ((lo & 0xff00) << 8) | ((lo >>> 8) & 0xff00) | (lo >>> 24);
          p += STRIDE;
          continue;
        }
        case 72: {
          // bswap32
          const d = U[p + 1]!;
          const lo = I[d]!;
          I[d] = (lo << 24) | ((lo & 0xff00) << 8) | ((lo >>> 8) & 0xff00) | (lo >>> 24);
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 73: {
          // rol32n
          const d = U[p + 1]!;
          const v = I[U[p + 3]!]!;
          const k = I[U[p + 2]!]! & 31;
          I[d] = (v << k) | (v >>> (32 - k));
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 74: {
          // cmp64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 75: {
          // cmp32
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          p += STRIDE;
          continue;
        }
        case 76: {
          // test64
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! & I[s]!;
          const hi = I[d + 1]! & I[s + 1]!;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 77: {
          // test32
          const r = I[U[p + 1]!]! & I[U[p + 2]!]!;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          p += STRIDE;
          continue;
        }
        case 78: {
          // je
          if ((F[Z] === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 79: {
          // jb
          if ((F[C]! < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 80: {
          // jbe
          if ((F[C]! < 0 || F[Z] === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 81: {
          // js
          if ((F[S]! < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 82: {
          // jl
          const c = F[C]!;
          if (((F[S]! ^ c ^ (c << 1)) < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 83: {
          // jle
          const c = F[C]!;
          if (((F[S]! ^ c ^ (c << 1)) < 0 || F[Z] === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 84: {
          // jo
          const c = F[C]!;
          if (((c ^ (c << 1)) < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 85: {
          // jp
          if ((parity(F[P]!) === 1 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 86: {
          // cmp64e
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          if (((lo | hi) === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 87: {
          // cmp64b
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          if ((cHi < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 88: {
          // cmp64be
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          if ((cHi < 0 || (lo | hi) === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 89: {
          // cmp64l
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          if (((hi ^ cHi ^ (cHi << 1)) < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 90: {
          // cmp64le
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const aLo = I[d]!;
          const bLo = I[s]!;
          const aHi = I[d + 1]!;
          const bHi = I[s + 1]!;
          const lo = (aLo - bLo) | 0;
          const c = (~aLo & bLo) | (~(aLo ^ bLo) & lo);
          const hi = (aHi - bHi - (c >>> 31)) | 0;
          const cHi = (~aHi & bHi) | (~(aHi ^ bHi) & hi);
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = cHi;
          F[A] = c;
          if (((hi ^ cHi ^ (cHi << 1)) < 0 || (lo | hi) === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 91: {
          // cmp32e
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          if ((r === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 92: {
          // cmp32b
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          if ((c < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 93: {
          // cmp32be
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          if ((c < 0 || r === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 94: {
          // cmp32l
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          if ((a < b ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 95: {
          // cmp32le
          const a = I[U[p + 1]!]!;
          const b = I[U[p + 2]!]!;
          const r = (a - b) | 0;
          const c = (~a & b) | (~(a ^ b) & r);
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = c;
          F[A] = c;
          if ((a <= b ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 96: {
          // test64e
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! & I[s]!;
          const hi = I[d + 1]! & I[s + 1]!;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          if (((lo | hi) === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 97: {
          // test64s
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! & I[s]!;
          const hi = I[d + 1]! & I[s + 1]!;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          if ((hi < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 98: {
          // test64le
          const d = U[p + 1]!;
          const s = U[p + 2]!;
          const lo = I[d]! & I[s]!;
          const hi = I[d + 1]! & I[s + 1]!;
          F[Z] = lo | hi;
          F[S] = hi;
          F[P] = lo;
          F[C] = 0;
          F[A] = 0;
          if ((hi < 0 || (lo | hi) === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 99: {
          // test32e
          const r = I[U[p + 1]!]! & I[U[p + 2]!]!;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          if ((r === 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 100: {
          // test32s
          const r = I[U[p + 1]!]! & I[U[p + 2]!]!;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          if ((r < 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 101: {
          // test32le
          const r = I[U[p + 1]!]! & I[U[p + 2]!]!;
          F[Z] = r;
          F[S] = r;
          F[P] = r;
          F[C] = 0;
          F[A] = 0;
          if ((r <= 0 ? 1 : 0) === U[p + 4]!) {
            p += STRIDE;
            continue;
          }
          break;
        }
        case 105: {
          // push
          const sp = I[SP]!;
          const lo = (sp - 8) | 0;
          const hi = (I[SP + 1]! - (sp >>> 0 < 8 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 2]!;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            V.setInt32(at, I[s]!, true);
            V.setInt32(at + 4, I[s + 1]!, true);
          } else x.store(lo, hi, 8, I[s]!, I[s + 1]!);
          I[SP] = lo;
          I[SP + 1] = hi;
          p += STRIDE;
          continue;
        }
        case 103: {
          // call
          const sp = I[SP]!;
          const lo = (sp - 8) | 0;
          const hi = (I[SP + 1]! - (sp >>> 0 < 8 ? 1 : 0)) | 0;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const s = U[p + 2]!;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            V.setInt32(at, I[s]!, true);
            V.setInt32(at + 4, I[s + 1]!, true);
          } else x.store(lo, hi, 8, I[s]!, I[s + 1]!);
          I[SP] = lo;
          I[SP + 1] = hi;
          break;
        }
        case 106: {
          // pop
          const lo = I[SP]!;
          const hi = I[SP + 1]!;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          const d = U[p + 1]!;
          const up = (lo + 8) | 0;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            I[SP] = up;
            if (lo >>> 0 > up >>> 0) I[SP + 1] = hi + 1;
            I[d] = V.getInt32(at, true);
            I[d + 1] = V.getInt32(at + 4, true);
          } else {
            const v = x.slowLoad(lo, hi, 8, U[p + 4]!);
            I[SP] = up;
            if (lo >>> 0 > up >>> 0) I[SP + 1] = hi + 1;
            I[d] = v;
            I[d + 1] = x.hi;
          }
          p += STRIDE;
          continue;
        }
        case 107: {
          // leave
          const lo = I[BP]!;
          const hi = I[BP + 1]!;
          const v = x.slowLoad(lo, hi, 8, U[p + 4]!);
          const up = (lo + 8) | 0;
          I[SP] = up;
          I[SP + 1] = lo >>> 0 > up >>> 0 ? hi + 1 : hi;
          I[BP] = v;
          I[BP + 1] = x.hi;
          p += STRIDE;
          continue;
        }
        case 108: {
          // cdqe
          I[AX + 1] = I[AX]! >> 31;
          p += STRIDE;
          continue;
        }
        case 109: {
          // cqo
          const v = I[AX + 1]! >> 31;
          I[AX + 4] = v;
          I[AX + 5] = v;
          p += STRIDE;
          continue;
        }
        case 110: {
          // cmov64
          const from = condition(F, U[p + 4]!) ? U[p + 2]! : U[p + 1]!;
          const d = U[p + 1]!;
          I[d] = I[from]!;
          I[d + 1] = I[from + 1]!;
          p += STRIDE;
          continue;
        }
        case 111: {
          // cmov32
          const from = condition(F, U[p + 4]!) ? U[p + 2]! : U[p + 1]!;
          const d = U[p + 1]!;
          I[d] = I[from]!;
          I[d + 1] = 0;
          p += STRIDE;
          continue;
        }
        case 112: {
          // setcc
          const d = U[p + 1]!;
          I[d] = (I[d]! & ~0xff) | (condition(F, U[p + 4]!) ? 1 : 0);
          p += STRIDE;
          continue;
        }
        case 102: // jmp
          break;
        case 104: {
          // ret
          const lo = I[SP]!;
          const hi = I[SP + 1]!;
          const t = U[p + 4]! + ((lo >>> 10) & TLB_WORDS);
          let vLo: number;
          let vHi: number;
          if (I[t] === ((lo + 7) | 4095) && I[t + 1] === hi) {
            const at = I[t + 2]! | (lo & 4095);
            vLo = V.getInt32(at, true);
            vHi = V.getInt32(at + 4, true);
          } else {
            vLo = x.slowLoad(lo, hi, 8, U[p + 4]!);
            vHi = x.hi;
          }
          const k = ((vLo ^ (vLo >>> 10)) & JUMPS_MASK) << 2;
          if (J[k] === vLo && J[k + 1] === vHi && J[k + 2]! >= 0) {
            const up = (lo + U[p + 3]!) | 0;
            I[SP] = up;
            if (lo >>> 0 > up >>> 0) I[SP + 1] = hi + 1;
            left -= U[p + 7]!;
            marked += U[p + 6]!;
            p = J[k + 2]!;
            if (left < MAX_BLOCK) return HOT.low;
            continue;
          }
          const to = x.target(steps[p >> 3] as Step, vLo, vHi);
          x.addRsp(U[p + 3]!);
          left -= U[p + 7]!;
          marked += U[p + 6]!;
          p = blocks.lookup(to);
          if (p < 0) return HOT.fetch;
          if (left < MAX_BLOCK) return HOT.low;
          continue;
        }
        default:
          throw new Error(`micro-operation ${U[p]} has no case`);
      }
      // a direct branch is taken
      const from = p;
      left -= U[p + 7]!;
      marked += U[p + 6]!;
      p = U[p + 5]!;
      if (left < MAX_BLOCK) return HOT.low;
      if (asked && blocks.askFrom(from)) return HOT.hot;
    }
  } finally {
    hot.at = p;
    hot.left = left;
    hot.marked = marked;
  }
}
