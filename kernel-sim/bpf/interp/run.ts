/**
 * The BPF interpreter's loop: RFC 9669 sections 4 and 5, and the kernel-internal instructions of
 * kernel/bpf/core.c. Registers are pairs of signed 32-bit halves in one typed array; nothing in here
 * allocates, and nothing is a BigInt. The numbers of the cases are those of ./ops.ts, written out
 * because only literals make a jump table.
 */
import { sdivmod64, out as quotient, udivmod64 } from './int64.ts';
import type { InterpMemory } from './memory.ts';
import { STRIDE } from './ops.ts';
import { type InterpEnv, InvalidInsnError, type RunState } from './state.ts';

const swap32 = (v: number): number =>
  ((v & 0xff) << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);

/**
 * Runs until the outermost function exits (true) or `fuel` slots have executed (false; call again to go on).
 * @throws whatever a memory access or a called function throws; `state` then says where
 */
export function run(state: RunState, env: InterpEnv, slow: InterpMemory, fuel: number): boolean {
  const { rtlb, wtlb, view, u8 } = slow;
  let R = state.registers;
  let code = state.program.code;
  let pc = state.pc;
  let executed = state.executed;
  while (fuel-- > 0) {
    const w = code[pc]!;
    const d = (w >> 8) & 0xff;
    const s = code[pc + 1]!;
    executed += w >>> 31;
    switch (w & 0xff) {
      case 1: { // add64
        const a = R[d]!;
        const b = R[s]!;
        const lo = (a + b) | 0;
        R[d + 1] = R[d + 1]! + R[s + 1]! + (lo >>> 0 < a >>> 0 ? 1 : 0);
        R[d] = lo;
        break;
      }
      case 2: { // sub64
        const a = R[d]!;
        const b = R[s]!;
        R[d + 1] = R[d + 1]! - R[s + 1]! - (a >>> 0 < b >>> 0 ? 1 : 0);
        R[d] = a - b;
        break;
      }
      case 3: { // mul64
        const a = R[d]!;
        const b = R[s]!;
        const a0 = a & 0xffff;
        const a1 = a >>> 16;
        const b0 = b & 0xffff;
        const b1 = b >>> 16;
        const mid = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
        const low = (Math.imul(a0, b1) + (mid & 0xffff)) | 0;
        R[d + 1] =
          Math.imul(a1, b1) + (mid >>> 16) + (low >>> 16) + Math.imul(a, R[s + 1]!) + Math.imul(R[d + 1]!, b);
        R[d] = Math.imul(a, b);
        break;
      }
      case 4: // div64
        if ((R[s]! | R[s + 1]!) === 0) {
          R[d] = 0;
          R[d + 1] = 0;
        } else {
          udivmod64(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d] = quotient[0]!;
          R[d + 1] = quotient[1]!;
        }
        break;
      case 5: // or64
        R[d] = R[d]! | R[s]!;
        R[d + 1] = R[d + 1]! | R[s + 1]!;
        break;
      case 6: // and64
        R[d] = R[d]! & R[s]!;
        R[d + 1] = R[d + 1]! & R[s + 1]!;
        break;
      case 7: { // lsh64
        const n = R[s]! & 63;
        if (n >= 32) {
          R[d + 1] = R[d]! << (n - 32);
          R[d] = 0;
        } else if (n !== 0) {
          R[d + 1] = (R[d + 1]! << n) | (R[d]! >>> (32 - n));
          R[d] = R[d]! << n;
        }
        break;
      }
      case 8: { // rsh64
        const n = R[s]! & 63;
        const hi = R[d + 1]!;
        if (n >= 32) {
          R[d] = hi >>> (n - 32);
          R[d + 1] = 0;
        } else if (n !== 0) {
          R[d] = (R[d]! >>> n) | (hi << (32 - n));
          R[d + 1] = hi >>> n;
        }
        break;
      }
      case 9: { // neg64
        const a = R[d]!;
        R[d + 1] = ~R[d + 1]! + (a === 0 ? 1 : 0);
        R[d] = -a;
        break;
      }
      case 10: // mod64
        if ((R[s]! | R[s + 1]!) !== 0) {
          udivmod64(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d] = quotient[2]!;
          R[d + 1] = quotient[3]!;
        }
        break;
      case 11: // xor64
        R[d] = R[d]! ^ R[s]!;
        R[d + 1] = R[d + 1]! ^ R[s + 1]!;
        break;
      case 12: // mov64
        R[d] = R[s]!;
        R[d + 1] = R[s + 1]!;
        break;
      case 13: { // arsh64
        const n = R[s]! & 63;
        const hi = R[d + 1]!;
        if (n >= 32) {
          R[d] = hi >> (n - 32);
          R[d + 1] = hi >> 31;
        } else if (n !== 0) {
          R[d] = (R[d]! >>> n) | (hi << (32 - n));
          R[d + 1] = hi >> n;
        }
        break;
      }
      case 14: // sdiv64
        if ((R[s]! | R[s + 1]!) === 0) {
          R[d] = 0;
          R[d + 1] = 0;
        } else {
          sdivmod64(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d] = quotient[0]!;
          R[d + 1] = quotient[1]!;
        }
        break;
      case 15: // smod64
        if ((R[s]! | R[s + 1]!) !== 0) {
          sdivmod64(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
          R[d] = quotient[2]!;
          R[d + 1] = quotient[3]!;
        }
        break;
      case 16: // add32
        R[d] = R[d]! + R[s]!;
        R[d + 1] = 0;
        break;
      case 17: // sub32
        R[d] = R[d]! - R[s]!;
        R[d + 1] = 0;
        break;
      case 18: // mul32
        R[d] = Math.imul(R[d]!, R[s]!);
        R[d + 1] = 0;
        break;
      case 19: { // div32
        const b = R[s]! >>> 0;
        R[d] = b === 0 ? 0 : (R[d]! >>> 0) / b;
        R[d + 1] = 0;
        break;
      }
      case 20: // or32
        R[d] = R[d]! | R[s]!;
        R[d + 1] = 0;
        break;
      case 21: // and32
        R[d] = R[d]! & R[s]!;
        R[d + 1] = 0;
        break;
      case 22: // lsh32
        R[d] = R[d]! << R[s]!;
        R[d + 1] = 0;
        break;
      case 23: // rsh32
        R[d] = R[d]! >>> R[s]!;
        R[d + 1] = 0;
        break;
      case 24: // neg32
        R[d] = -R[d]!;
        R[d + 1] = 0;
        break;
      case 25: { // mod32
        const b = R[s]! >>> 0;
        if (b !== 0) R[d] = (R[d]! >>> 0) % b;
        R[d + 1] = 0;
        break;
      }
      case 26: // xor32
        R[d] = R[d]! ^ R[s]!;
        R[d + 1] = 0;
        break;
      case 27: // mov32
        R[d] = R[s]!;
        R[d + 1] = 0;
        break;
      case 28: // arsh32
        R[d] = R[d]! >> R[s]!;
        R[d + 1] = 0;
        break;
      case 29: { // sdiv32
        const b = R[s]!;
        R[d] = b === 0 ? 0 : (R[d]! / b) | 0;
        R[d + 1] = 0;
        break;
      }
      case 30: { // smod32
        const b = R[s]!;
        if (b !== 0) R[d] = R[d]! % b;
        R[d + 1] = 0;
        break;
      }
      case 31: { // movsx64_8
        const lo = (R[s]! << 24) >> 24;
        R[d] = lo;
        R[d + 1] = lo >> 31;
        break;
      }
      case 32: { // movsx64_16
        const lo = (R[s]! << 16) >> 16;
        R[d] = lo;
        R[d + 1] = lo >> 31;
        break;
      }
      case 33: { // movsx64_32
        const lo = R[s]!;
        R[d] = lo;
        R[d + 1] = lo >> 31;
        break;
      }
      case 34: // movsx32_8
        R[d] = (R[s]! << 24) >> 24;
        R[d + 1] = 0;
        break;
      case 35: // movsx32_16
        R[d] = (R[s]! << 16) >> 16;
        R[d + 1] = 0;
        break;
      case 36: // le16
        R[d] = R[d]! & 0xffff;
        R[d + 1] = 0;
        break;
      case 37: // nop
        break;
      case 38: // bswap16
        R[d] = ((R[d]! & 0xff) << 8) | ((R[d]! >>> 8) & 0xff);
        R[d + 1] = 0;
        break;
      case 39: // bswap32
        R[d] = swap32(R[d]!);
        R[d + 1] = 0;
        break;
      case 40: { // bswap64
        const lo = R[d]!;
        R[d] = swap32(R[d + 1]!);
        R[d + 1] = swap32(lo);
        break;
      }
      case 41: // ja
        pc = code[pc + 2]!;
        continue;
      case 42: // jeq64
        if (R[d] === R[s] && R[d + 1] === R[s + 1]) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 43: { // jgt64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 > R[s]! >>> 0 : x >>> 0 > y >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 44: { // jge64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 >= R[s]! >>> 0 : x >>> 0 > y >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 45: // jset64
        if ((R[d]! & R[s]!) !== 0 || (R[d + 1]! & R[s + 1]!) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 46: // jne64
        if (R[d] !== R[s] || R[d + 1] !== R[s + 1]) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 47: { // jsgt64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 > R[s]! >>> 0 : x > y) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 48: { // jsge64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 >= R[s]! >>> 0 : x > y) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 49: { // jlt64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 < R[s]! >>> 0 : x >>> 0 < y >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 50: { // jle64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 <= R[s]! >>> 0 : x >>> 0 < y >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 51: { // jslt64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 < R[s]! >>> 0 : x < y) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 52: { // jsle64
        const x = R[d + 1]!;
        const y = R[s + 1]!;
        if (x === y ? R[d]! >>> 0 <= R[s]! >>> 0 : x < y) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      }
      case 53: // jeq32
        if (R[d] === R[s]) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 54: // jgt32
        if (R[d]! >>> 0 > R[s]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 55: // jge32
        if (R[d]! >>> 0 >= R[s]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 56: // jset32
        if ((R[d]! & R[s]!) !== 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 57: // jne32
        if (R[d] !== R[s]) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 58: // jsgt32
        if (R[d]! > R[s]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 59: // jsge32
        if (R[d]! >= R[s]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 60: // jlt32
        if (R[d]! >>> 0 < R[s]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 61: // jle32
        if (R[d]! >>> 0 <= R[s]! >>> 0) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 62: // jslt32
        if (R[d]! < R[s]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 63: // jsle32
        if (R[d]! <= R[s]!) {
          pc = code[pc + 2]!;
          continue;
        }
        break;
      case 64: { // ldx8
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi) {
          const at = rtlb[t + 2]! | (lo & 4095);
          R[d] = u8[at]!;
          R[d + 1] = 0;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, 1);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 65: { // ldx16
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4094) {
          const at = rtlb[t + 2]! | (lo & 4095);
          R[d] = view.getUint16(at, true);
          R[d + 1] = 0;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, 2);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 66: { // ldx32
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4092) {
          const at = rtlb[t + 2]! | (lo & 4095);
          R[d] = view.getInt32(at, true);
          R[d + 1] = 0;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, 4);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 67: { // ldx64
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4088) {
          const at = rtlb[t + 2]! | (lo & 4095);
          R[d] = view.getInt32(at, true);
          R[d + 1] = view.getInt32(at + 4, true);
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, 8);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 68: { // ldsx8
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi) {
          const at = rtlb[t + 2]! | (lo & 4095);
          const v = (u8[at]! << 24) >> 24;
          R[d] = v;
          R[d + 1] = v >> 31;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, -1);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 69: { // ldsx16
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4094) {
          const at = rtlb[t + 2]! | (lo & 4095);
          const v = view.getInt16(at, true);
          R[d] = v;
          R[d + 1] = v >> 31;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, -2);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 70: { // ldsx32
        const base = R[s]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[s + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (rtlb[t] === (lo | 4095) && rtlb[t + 1] === hi && (lo & 4095) <= 4092) {
          const at = rtlb[t + 2]! | (lo & 4095);
          const v = view.getInt32(at, true);
          R[d] = v;
          R[d + 1] = v >> 31;
        } else {
          state.pc = pc;
          R[d] = slow.load(lo, hi, -4);
          R[d + 1] = slow.hi;
        }
        break;
      }
      case 71: { // st8
        const base = R[d]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi) {
          const at = wtlb[t + 2]! | (lo & 4095);
          u8[at] = R[s]!;
        } else {
          state.pc = pc;
          slow.store(lo, hi, 1, R[s]!, R[s + 1]!);
        }
        break;
      }
      case 72: { // st16
        const base = R[d]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4094) {
          const at = wtlb[t + 2]! | (lo & 4095);
          view.setInt16(at, R[s]!, true);
        } else {
          state.pc = pc;
          slow.store(lo, hi, 2, R[s]!, R[s + 1]!);
        }
        break;
      }
      case 73: { // st32
        const base = R[d]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4092) {
          const at = wtlb[t + 2]! | (lo & 4095);
          view.setInt32(at, R[s]!, true);
        } else {
          state.pc = pc;
          slow.store(lo, hi, 4, R[s]!, R[s + 1]!);
        }
        break;
      }
      case 74: { // st64
        const base = R[d]!;
        const off = code[pc + 2]!;
        const lo = (base + off) | 0;
        const hi = (R[d + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
        const t = (lo >>> 10) & 0xffc;
        if (wtlb[t] === (lo | 4095) && wtlb[t + 1] === hi && (lo & 4095) <= 4088) {
          const at = wtlb[t + 2]! | (lo & 4095);
          view.setInt32(at, R[s]!, true);
          view.setInt32(at + 4, R[s + 1]!, true);
        } else {
          state.pc = pc;
          slow.store(lo, hi, 8, R[s]!, R[s + 1]!);
        }
        break;
      }
      case 75: // atomic
        state.pc = pc;
        slow.atomic(R, d, s, code[pc + 2]!, code[pc + 3]!);
        break;
      case 76: // loadAcq
        state.pc = pc;
        slow.loadAcquire(R, d, s, code[pc + 2]!, code[pc + 3]! & 15);
        break;
      case 77: // storeRel
        state.pc = pc;
        slow.storeRelease(R, d, s, code[pc + 2]!, code[pc + 3]! & 15);
        break;
      case 78: // probe
        slow.probe(R, d, s, code[pc + 2]!, code[pc + 3]!);
        break;
      case 79: // callHelper
        state.pc = pc;
        env.call(R, code[pc + 2]!, code[pc + 3]!, s);
        break;
      case 80: // callBpf
        state.push(R, pc + STRIDE, s, slow);
        pc = code[pc + 2]!;
        continue;
      case 81: { // tailCall
        const next = env.tailCall(R, state);
        if (next !== undefined) {
          state.enter(next);
          R = state.registers;
          code = next.code;
          pc = 0;
          continue;
        }
        break;
      }
      case 82: // exit
        if (state.depth === 0) {
          state.executed = executed;
          return true;
        }
        pc = state.pop(R);
        if (state.program.code !== code) {
          code = state.program.code;
          R = state.registers;
        }
        continue;
      case 83: // movPercpu
        env.percpu(R, d, s);
        break;
      case 84: // le32
        R[d + 1] = 0;
        break;
      case 85: // ldimm64
        R[d] = R[s]!;
        R[d + 1] = R[s + 1]!;
        pc += STRIDE;
        break;
      default:
        state.pc = pc;
        throw new InvalidInsnError(pc / STRIDE);
    }
    pc += STRIDE;
  }
  state.pc = pc;
  state.executed = executed;
  return false;
}
