/**
 * The BPF interpreter's loop: RFC 9669 sections 4 and 5, and the kernel-internal instructions of
 * kernel/bpf/core.c. Registers are pairs of signed 32-bit halves; nothing in here allocates, and nothing is a
 * BigInt. The numbers of the cases are those of ./ops.ts, written out because only literals make a jump table.
 */
import { out as quotient, sdivmod64, udivmod64 } from './int64.ts';
import type { InterpMemory } from './memory.ts';
import { STRIDE } from './ops.ts';
import { type InterpEnv, InvalidInsnError, type RunState } from './state.ts';

const swap32 = (v: number): number => ((v & 0xff) << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);

/**
 * Runs until the outermost function exits (true) or `fuel` slots have executed (false; call again to go on).
 * @throws whatever a memory access or a called function throws; `state` then says where
 */
export type Run = (state: RunState, env: InterpEnv, fuel: number) => boolean;

/**
 * The loop over one kernel's memory. The arrays are constants of the closure, not arguments: the optimiser then puts
 * their addresses and lengths into the code.
 */
export function makeRun(slow: InterpMemory): Run {
  const { rtlb, wtlb, view, u8, u16, i32 } = slow;
  const W = slow.words.words;
  return function run(state, env, fuel) {
    let rb = state.rb;
    let pc = state.pc;
    let executed = state.executed;
    while (fuel-- > 0) {
      const w = W[pc]!;
      const d = rb + ((w >> 8) & 0xff);
      const s = rb + W[pc + 1]!;
      executed += w >>> 31;
      switch (w & 0xff) {
        case 1: {
          // add64
          const a = W[d]!;
          const b = W[s]!;
          const lo = (a + b) | 0;
          W[d + 1] = W[d + 1]! + W[s + 1]! + (lo >>> 0 < a >>> 0 ? 1 : 0);
          W[d] = lo;
          break;
        }
        case 2: {
          // sub64
          const a = W[d]!;
          const b = W[s]!;
          W[d + 1] = W[d + 1]! - W[s + 1]! - (a >>> 0 < b >>> 0 ? 1 : 0);
          W[d] = a - b;
          break;
        }
        case 3: {
          // mul64
          const a = W[d]!;
          const b = W[s]!;
          const a0 = a & 0xffff;
          const a1 = a >>> 16;
          const b0 = b & 0xffff;
          const b1 = b >>> 16;
          const mid = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
          const low = (Math.imul(a0, b1) + (mid & 0xffff)) | 0;
          W[d + 1] =
            Math.imul(a1, b1) + (mid >>> 16) + (low >>> 16) + Math.imul(a, W[s + 1]!) + Math.imul(W[d + 1]!, b);
          W[d] = Math.imul(a, b);
          break;
        }
        case 4: // div64
          if ((W[s]! | W[s + 1]!) === 0) {
            W[d] = 0;
            W[d + 1] = 0;
          } else {
            udivmod64(W[d]!, W[d + 1]!, W[s]!, W[s + 1]!);
            W[d] = quotient[0]!;
            W[d + 1] = quotient[1]!;
          }
          break;
        case 5: // or64
          W[d] = W[d]! | W[s]!;
          W[d + 1] = W[d + 1]! | W[s + 1]!;
          break;
        case 6: // and64
          W[d] = W[d]! & W[s]!;
          W[d + 1] = W[d + 1]! & W[s + 1]!;
          break;
        case 7: {
          // lsh64
          const n = W[s]! & 63;
          if (n >= 32) {
            W[d + 1] = W[d]! << (n - 32);
            W[d] = 0;
          } else if (n !== 0) {
            W[d + 1] = (W[d + 1]! << n) | (W[d]! >>> (32 - n));
            W[d] = W[d]! << n;
          }
          break;
        }
        case 8: {
          // rsh64
          const n = W[s]! & 63;
          const hi = W[d + 1]!;
          if (n >= 32) {
            W[d] = hi >>> (n - 32);
            W[d + 1] = 0;
          } else if (n !== 0) {
            W[d] = (W[d]! >>> n) | (hi << (32 - n));
            W[d + 1] = hi >>> n;
          }
          break;
        }
        case 9: {
          // neg64
          const a = W[d]!;
          W[d + 1] = ~W[d + 1]! + (a === 0 ? 1 : 0);
          W[d] = -a;
          break;
        }
        case 10: // mod64
          if ((W[s]! | W[s + 1]!) !== 0) {
            udivmod64(W[d]!, W[d + 1]!, W[s]!, W[s + 1]!);
            W[d] = quotient[2]!;
            W[d + 1] = quotient[3]!;
          }
          break;
        case 11: // xor64
          W[d] = W[d]! ^ W[s]!;
          W[d + 1] = W[d + 1]! ^ W[s + 1]!;
          break;
        case 12: // mov64
          W[d] = W[s]!;
          W[d + 1] = W[s + 1]!;
          break;
        case 13: {
          // arsh64
          const n = W[s]! & 63;
          const hi = W[d + 1]!;
          if (n >= 32) {
            W[d] = hi >> (n - 32);
            W[d + 1] = hi >> 31;
          } else if (n !== 0) {
            W[d] = (W[d]! >>> n) | (hi << (32 - n));
            W[d + 1] = hi >> n;
          }
          break;
        }
        case 14: // sdiv64
          if ((W[s]! | W[s + 1]!) === 0) {
            W[d] = 0;
            W[d + 1] = 0;
          } else {
            sdivmod64(W[d]!, W[d + 1]!, W[s]!, W[s + 1]!);
            W[d] = quotient[0]!;
            W[d + 1] = quotient[1]!;
          }
          break;
        case 15: // smod64
          if ((W[s]! | W[s + 1]!) !== 0) {
            sdivmod64(W[d]!, W[d + 1]!, W[s]!, W[s + 1]!);
            W[d] = quotient[2]!;
            W[d + 1] = quotient[3]!;
          }
          break;
        case 16: // add32
          W[d] = W[d]! + W[s]!;
          W[d + 1] = 0;
          break;
        case 17: // sub32
          W[d] = W[d]! - W[s]!;
          W[d + 1] = 0;
          break;
        case 18: // mul32
          W[d] = Math.imul(W[d]!, W[s]!);
          W[d + 1] = 0;
          break;
        case 19: {
          // div32
          const b = W[s]! >>> 0;
          W[d] = b === 0 ? 0 : (W[d]! >>> 0) / b;
          W[d + 1] = 0;
          break;
        }
        case 20: // or32
          W[d] = W[d]! | W[s]!;
          W[d + 1] = 0;
          break;
        case 21: // and32
          W[d] = W[d]! & W[s]!;
          W[d + 1] = 0;
          break;
        case 22: // lsh32
          W[d] = W[d]! << W[s]!;
          W[d + 1] = 0;
          break;
        case 23: // rsh32
          W[d] = W[d]! >>> W[s]!;
          W[d + 1] = 0;
          break;
        case 24: // neg32
          W[d] = -W[d]!;
          W[d + 1] = 0;
          break;
        case 25: {
          // mod32
          const b = W[s]! >>> 0;
          if (b !== 0) W[d] = (W[d]! >>> 0) % b;
          W[d + 1] = 0;
          break;
        }
        case 26: // xor32
          W[d] = W[d]! ^ W[s]!;
          W[d + 1] = 0;
          break;
        case 27: // mov32
          W[d] = W[s]!;
          W[d + 1] = 0;
          break;
        case 28: // arsh32
          W[d] = W[d]! >> W[s]!;
          W[d + 1] = 0;
          break;
        case 29: {
          // sdiv32
          const b = W[s]!;
          W[d] = b === 0 ? 0 : (W[d]! / b) | 0;
          W[d + 1] = 0;
          break;
        }
        case 30: {
          // smod32
          const b = W[s]!;
          if (b !== 0) W[d] = W[d]! % b;
          W[d + 1] = 0;
          break;
        }
        case 31: {
          // movsx64_8
          const lo = (W[s]! << 24) >> 24;
          W[d] = lo;
          W[d + 1] = lo >> 31;
          break;
        }
        case 32: {
          // movsx64_16
          const lo = (W[s]! << 16) >> 16;
          W[d] = lo;
          W[d + 1] = lo >> 31;
          break;
        }
        case 33: {
          // movsx64_32
          const lo = W[s]!;
          W[d] = lo;
          W[d + 1] = lo >> 31;
          break;
        }
        case 34: // movsx32_8
          W[d] = (W[s]! << 24) >> 24;
          W[d + 1] = 0;
          break;
        case 35: // movsx32_16
          W[d] = (W[s]! << 16) >> 16;
          W[d + 1] = 0;
          break;
        case 36: // le16
          W[d] = W[d]! & 0xffff;
          W[d + 1] = 0;
          break;
        case 37: // nop
          break;
        case 38: // bswap16
          W[d] = ((W[d]! & 0xff) << 8) | ((W[d]! >>> 8) & 0xff);
          W[d + 1] = 0;
          break;
        case 39: // bswap32
          W[d] = swap32(W[d]!);
          W[d + 1] = 0;
          break;
        case 40: {
          // bswap64
          const lo = W[d]!;
          W[d] = swap32(W[d + 1]!);
          W[d + 1] = swap32(lo);
          break;
        }
        case 41: // ja
          pc = W[pc + 2]!;
          continue;
        case 42: // jeq64
          if (W[d] === W[s] && W[d + 1] === W[s + 1]) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 43: {
          // jgt64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 > W[s]! >>> 0 : x >>> 0 > y >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 44: {
          // jge64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 >= W[s]! >>> 0 : x >>> 0 > y >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 45: // jset64
          if ((W[d]! & W[s]!) !== 0 || (W[d + 1]! & W[s + 1]!) !== 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 46: // jne64
          if (W[d] !== W[s] || W[d + 1] !== W[s + 1]) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 47: {
          // jsgt64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 > W[s]! >>> 0 : x > y) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 48: {
          // jsge64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 >= W[s]! >>> 0 : x > y) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 49: {
          // jlt64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 < W[s]! >>> 0 : x >>> 0 < y >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 50: {
          // jle64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 <= W[s]! >>> 0 : x >>> 0 < y >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 51: {
          // jslt64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 < W[s]! >>> 0 : x < y) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 52: {
          // jsle64
          const x = W[d + 1]!;
          const y = W[s + 1]!;
          if (x === y ? W[d]! >>> 0 <= W[s]! >>> 0 : x < y) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        }
        case 53: // jeq32
          if (W[d] === W[s]) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 54: // jgt32
          if (W[d]! >>> 0 > W[s]! >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 55: // jge32
          if (W[d]! >>> 0 >= W[s]! >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 56: // jset32
          if ((W[d]! & W[s]!) !== 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 57: // jne32
          if (W[d] !== W[s]) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 58: // jsgt32
          if (W[d]! > W[s]!) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 59: // jsge32
          if (W[d]! >= W[s]!) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 60: // jlt32
          if (W[d]! >>> 0 < W[s]! >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 61: // jle32
          if (W[d]! >>> 0 <= W[s]! >>> 0) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 62: // jslt32
          if (W[d]! < W[s]!) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 63: // jsle32
          if (W[d]! <= W[s]!) {
            pc = W[pc + 2]!;
            continue;
          }
          break;
        case 64: {
          // ldx8
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi) {
            const at = rtlb[t + 2]! | (lo & 4095);
            W[d] = u8[at]!;
            W[d + 1] = 0;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, 1);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 65: {
          // ldx16
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4094) {
            const at = rtlb[t + 2]! | (lo & 4095);
            W[d] = at & 1 ? view.getUint16(at, true) : u16[at >> 1]!;
            W[d + 1] = 0;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, 2);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 66: {
          // ldx32
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4092) {
            const at = rtlb[t + 2]! | (lo & 4095);
            W[d] = at & 3 ? view.getInt32(at, true) : i32[at >> 2]!;
            W[d + 1] = 0;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, 4);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 67: {
          // ldx64
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4088) {
            const at = rtlb[t + 2]! | (lo & 4095);
            if (at & 3) {
              W[d] = view.getInt32(at, true);
              W[d + 1] = view.getInt32(at + 4, true);
            } else {
              W[d] = i32[at >> 2]!;
              W[d + 1] = i32[(at >> 2) + 1]!;
            }
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, 8);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 68: {
          // ldsx8
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi) {
            const at = rtlb[t + 2]! | (lo & 4095);
            const v = (u8[at]! << 24) >> 24;
            W[d] = v;
            W[d + 1] = v >> 31;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, -1);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 69: {
          // ldsx16
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4094) {
            const at = rtlb[t + 2]! | (lo & 4095);
            const v = view.getInt16(at, true);
            W[d] = v;
            W[d + 1] = v >> 31;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, -2);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 70: {
          // ldsx32
          const base = W[s]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4092) {
            const at = rtlb[t + 2]! | (lo & 4095);
            const v = view.getInt32(at, true);
            W[d] = v;
            W[d + 1] = v >> 31;
          } else {
            state.pc = pc;
            W[d] = slow.load(lo, hi, -4);
            W[d + 1] = slow.hi;
          }
          break;
        }
        case 71: {
          // st8
          const base = W[d]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi) {
            const at = wtlb[t + 2]! | (lo & 4095);
            u8[at] = W[s]!;
          } else {
            state.pc = pc;
            slow.store(lo, hi, 1, W[s]!, W[s + 1]!);
          }
          break;
        }
        case 72: {
          // st16
          const base = W[d]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4094) {
            const at = wtlb[t + 2]! | (lo & 4095);
            view.setInt16(at, W[s]!, true);
          } else {
            state.pc = pc;
            slow.store(lo, hi, 2, W[s]!, W[s + 1]!);
          }
          break;
        }
        case 73: {
          // st32
          const base = W[d]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4092) {
            const at = wtlb[t + 2]! | (lo & 4095);
            if (at & 3) view.setInt32(at, W[s]!, true);
            else i32[at >> 2] = W[s]!;
          } else {
            state.pc = pc;
            slow.store(lo, hi, 4, W[s]!, W[s + 1]!);
          }
          break;
        }
        case 74: {
          // st64
          const base = W[d]!;
          const off = W[pc + 2]!;
          const lo = (base + off) | 0;
          const hi = (W[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
          const t = (lo >>> 10) & 0xffc;
          if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4088) {
            const at = wtlb[t + 2]! | (lo & 4095);
            if (at & 3) {
              view.setInt32(at, W[s]!, true);
              view.setInt32(at + 4, W[s + 1]!, true);
            } else {
              i32[at >> 2] = W[s]!;
              i32[(at >> 2) + 1] = W[s + 1]!;
            }
          } else {
            state.pc = pc;
            slow.store(lo, hi, 8, W[s]!, W[s + 1]!);
          }
          break;
        }
        case 75: // atomic
          state.pc = pc;
          slow.atomic(d, s, rb, W[pc + 2]!, W[pc + 3]!);
          break;
        case 76: // loadAcq
          state.pc = pc;
          slow.loadAcquire(d, s, W[pc + 2]!, W[pc + 3]! & 15);
          break;
        case 77: // storeRel
          state.pc = pc;
          slow.storeRelease(d, s, W[pc + 2]!, W[pc + 3]! & 15);
          break;
        case 78: // probe
          slow.probe(d, s, W[pc + 2]!, W[pc + 3]!);
          break;
        case 79: // callHelper
          state.pc = pc;
          env.call(rb, W[pc + 2]!, W[pc + 3]!, W[pc + 1]!);
          break;
        case 80: // callBpf
          state.push(pc + STRIDE, W[pc + 1]!, slow);
          pc = W[pc + 2]!;
          continue;
        case 81: {
          // tailCall
          const next = env.tailCall(rb, state);
          if (next !== undefined) {
            state.enter(next);
            rb = state.rb;
            pc = next.code;
            continue;
          }
          break;
        }
        case 82: // exit
          if (state.depth === 0) {
            state.executed = executed;
            return true;
          }
          pc = state.pop();
          rb = state.rb;
          continue;
        case 83: // movPercpu
          env.percpu(d, s);
          break;
        case 84: // le32
          W[d + 1] = 0;
          break;
        case 85: // ldimm64
          W[d] = W[s]!;
          W[d + 1] = W[s + 1]!;
          pc += STRIDE;
          break;
        default:
          state.pc = pc;
          throw new InvalidInsnError((pc - state.program.code) / STRIDE);
      }
      pc += STRIDE;
    }
    state.pc = pc;
    state.executed = executed;
    return false;
  };
}
