/**
 * Decoder: bytes to a table row and its operand fields, in 64-bit mode (Intel SDM vol. 2A,
 * chapter 2; prefixes 2.1.1, REX 2.2.1, rip-relative 2.2.1.6, VEX 2.3).
 */
import { blankInsn, FS, GS, PREFIX, RIP, type X86Insn } from './insn.ts';
import { candidatesOf, VEX_MAPS } from './opcode-index.ts';
import type { Form } from './row.ts';

const PREFIX_BITS = PREFIX.LOCK | PREFIX.REP | PREFIX.REPNE | PREFIX.OPSIZE;
/** A processor refuses longer instructions (SDM vol. 2A, 2.3.11). */
const MAX_LENGTH = 15;

/**
 * Decodes the instruction at `at`. Where no row matches, the result's `row` is -1 and its `length`
 * the number of bytes that were looked at.
 */
export function decode(bytes: Uint8Array, at = 0, into: X86Insn = blankInsn()): X86Insn {
  const insn = into;
  insn.row = insn.reg = insn.rm = insn.base = insn.index = insn.vvvv = -1;
  insn.scale = insn.disp = insn.immLo = insn.immHi = insn.imm2 = insn.segment = insn.dispAt = insn.immAt = 0;
  insn.mem = insn.sib = false;
  const end = Math.min(bytes.length, at + MAX_LENGTH);
  let p = at;
  let prefixes = 0;
  let segment = 0;
  let rex = 0;
  let byte = 0;
  /** the last of F2 and F3 selects the form */
  let last = 0;

  for (; ; p++) {
    if (p >= end) return invalid(insn, p - at, prefixes);
    byte = bytes[p] as number;
    if (byte >= 0x40 && byte <= 0x4f) {
      rex = byte;
      continue;
    }
    const bit = prefixBit(byte);
    if (bit === 0) break;
    rex = 0; // a REX that is not the last prefix is ignored
    if (bit === PREFIX.REP || bit === PREFIX.REPNE) last = byte;
    if (byte === 0x64) segment = FS;
    else if (byte === 0x65) segment = GS;
    prefixes |= bit;
  }

  let map = 0;
  let vex = 0;
  let w = (rex & 8) !== 0;
  if (byte === 0xc4 || byte === 0xc5) {
    if (rex !== 0 || (prefixes & PREFIX_BITS) !== 0) return invalid(insn, p + 1 - at, prefixes);
    const three = byte === 0xc4;
    if (p + (three ? 3 : 2) >= end) return invalid(insn, end - at, prefixes);
    const p1 = bytes[p + 1] as number;
    const p2 = three ? (bytes[p + 2] as number) : p1;
    map = three ? p1 & 31 : 1;
    rex = (~p1 >> 5) & (three ? 7 : 4);
    w = three && (p2 & 0x80) !== 0;
    vex = 0x100 | (p2 & 7);
    insn.vvvv = (~p2 >> 3) & 15;
    p += three ? 3 : 2;
    if (map > 3 || (vex & 4) !== 0) return invalid(insn, p - at, prefixes);
    byte = bytes[p++] as number;
    prefixes |= PREFIX.VEX;
    last = [0, 0x66, 0xf3, 0xf2][vex & 3] as number;
    map += VEX_MAPS;
  } else {
    p++;
    if (byte === 0x0f) {
      map = 1;
      if (p >= end) return invalid(insn, p - at, prefixes);
      byte = bytes[p++] as number;
      if (byte === 0x38 || byte === 0x3a) {
        map = byte === 0x38 ? 2 : 3;
        if (p >= end) return invalid(insn, p - at, prefixes);
        byte = bytes[p++] as number;
      }
    }
    if (rex !== 0) prefixes |= PREFIX.REX;
    if (w) prefixes |= PREFIX.REX_W;
  }

  const candidates = candidatesOf((map << 8) | byte);
  if (candidates === undefined) return invalid(insn, p - at, prefixes);
  const modrm = p < end ? (bytes[p] as number) : -1;
  let f: Form | undefined;
  for (let i = 0; i < candidates.length; i++) {
    const c = candidates[i] as Form;
    if (matches(c, byte, modrm, prefixes, last, rex, w, vex !== 0, insn.vvvv)) {
      f = c;
      break;
    }
  }
  if (f === undefined) return invalid(insn, p - at, prefixes);

  let reg = (byte & 7) | ((rex & 1) << 3);
  if (f.modrm >= 0) {
    if (modrm < 0) return invalid(insn, p - at, prefixes);
    p++;
    if (f.modrm < 0x100) {
      reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
      if (modrm >= 0xc0) insn.rm = (modrm & 7) | ((rex & 1) << 3);
      else {
        p = decodeMemory(insn, bytes, p, end, modrm, rex, at);
        if (p < 0) return invalid(insn, end - at, prefixes);
      }
    }
  }
  const { operands } = f;
  for (let i = 0; i < operands.length; i++) {
    const o = operands[i] as (typeof operands)[number];
    const high = o.size === 1 && rex === 0 && vex === 0 ? 12 : 0;
    if (o.place === 'reg' || o.place === 'opcode') insn.reg = high > 0 && reg >= 4 ? reg + high : reg;
    else if (o.place === 'rm') {
      if (high > 0 && insn.rm >= 4) insn.rm += high;
    } else if (o.place === 'moffs') insn.mem = true;
  }
  if (f.immSize > 0) {
    if (p + f.immSize + f.imm2Size > end) return invalid(insn, end - at, prefixes);
    insn.immAt = p - at;
    readImmediate(insn, bytes, p, f.immSize);
    p += f.immSize;
    if (operands[0]?.place === 'moffs' || operands[1]?.place === 'moffs') {
      if (prefixes & PREFIX.ADDRSIZE) {
        // A0..A3 with 67 take four bytes of address
        insn.immHi = 0;
        p -= 4;
      }
    } else if (f.imm2Size > 0) insn.imm2 = bytes[p++] as number;
  }
  insn.row = f.row;
  insn.length = p - at;
  insn.segment = segment;
  insn.prefixes = prefixes;
  if (prefixes & PREFIX.LOCK && !(f.lockable && insn.mem)) return invalid(insn, p - at, prefixes);
  return insn;
}

function prefixBit(byte: number): number {
  switch (byte) {
    case 0xf0:
      return PREFIX.LOCK;
    case 0xf3:
      return PREFIX.REP;
    case 0xf2:
      return PREFIX.REPNE;
    case 0x66:
      return PREFIX.OPSIZE;
    case 0x67:
      return PREFIX.ADDRSIZE;
    case 0x3e:
      return PREFIX.DS;
    case 0x2e:
      return PREFIX.CS;
    case 0x26:
      return PREFIX.ES;
    case 0x36:
      return PREFIX.SS;
    case 0x64:
    case 0x65:
      return PREFIX.FS_GS;
    default:
      return 0;
  }
}

function matches(
  f: Form,
  byte: number,
  modrm: number,
  prefixes: number,
  last: number,
  rex: number,
  w: boolean,
  vex: boolean,
  vvvv: number,
): boolean {
  const m = f.modrm;
  if (m >= 0) {
    if (modrm < 0) return false;
    if (m >= 0x100) {
      if (modrm !== (m & 0xff)) return false;
    } else {
      if (m < 8 && ((modrm >> 3) & 7) !== m) return false;
      const rmOperand = rmOf(f);
      if (rmOperand !== undefined && !(modrm >= 0xc0 ? rmOperand.allowReg : rmOperand.allowMem)) return false;
    }
  }
  if (vex) return f.prefix === last && f.w === w && (vvvv === 0 || hasVvvv(f));
  const p66 = (prefixes & PREFIX.OPSIZE) !== 0;
  if (p66 && (f.refuse & 4 || (f.refuse & 1 && !w))) return false;
  if (f.refuse & 2 && last !== 0) return false;
  if (f.refuse & 8 && w) return false;
  if (f.w && !w) return false;
  if (f.prefix === 0x66 || f.opsize) {
    if (!p66) return false;
  }
  if (f.prefix > 0x66 && f.prefix !== last) return false;
  // 90 is nop (pause) rather than xchg with rax; with REX.B it exchanges r8
  return f.opcode !== 0x90 || f.map !== 0 || (f.plusR ? byte !== 0x90 || (rex & 1) !== 0 : (rex & 1) === 0);
}

const hasVvvv = (f: Form): boolean => f.operands.some((o) => o.place === 'vvvv');

function rmOf(f: Form): Form['operands'][number] | undefined {
  const { operands } = f;
  for (let i = 0; i < operands.length; i++) if (operands[i]?.place === 'rm') return operands[i];
  return undefined;
}

/** ModRM, SIB, displacement; the offset after them, or -1 where the bytes end. */
function decodeMemory(
  insn: X86Insn,
  bytes: Uint8Array,
  from: number,
  end: number,
  modrm: number,
  rex: number,
  at: number,
): number {
  let p = from;
  const mod = modrm >> 6;
  let base = modrm & 7;
  let dispSize = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  insn.mem = true;
  if (base === 4) {
    if (p >= end) return -1;
    const sib = bytes[p++] as number;
    insn.sib = true;
    const x = ((sib >> 3) & 7) | ((rex & 2) << 2);
    insn.index = x === 4 ? -1 : x;
    insn.scale = sib >> 6;
    base = sib & 7;
    if (base === 5 && mod === 0) {
      base = -1;
      dispSize = 4;
    }
  } else if (base === 5 && mod === 0) {
    base = RIP;
    dispSize = 4;
  }
  insn.base = base < 0 || base === RIP ? base : base | ((rex & 1) << 3);
  if (p + dispSize > end) return -1;
  if (dispSize > 0) insn.dispAt = p - at;
  if (dispSize === 1) insn.disp = ((bytes[p] as number) << 24) >> 24;
  else if (dispSize === 4) insn.disp = read32(bytes, p);
  return p + dispSize;
}

function readImmediate(insn: X86Insn, bytes: Uint8Array, p: number, size: number): void {
  if (size === 1) insn.immLo = ((bytes[p] as number) << 24) >> 24;
  else if (size === 2) insn.immLo = (((bytes[p] as number) | ((bytes[p + 1] as number) << 8)) << 16) >> 16;
  else insn.immLo = read32(bytes, p);
  insn.immHi = size === 8 ? read32(bytes, p + 4) : insn.immLo >> 31;
}

const read32 = (bytes: Uint8Array, p: number): number =>
  (bytes[p] as number) |
  ((bytes[p + 1] as number) << 8) |
  ((bytes[p + 2] as number) << 16) |
  ((bytes[p + 3] as number) << 24);

function invalid(insn: X86Insn, looked: number, prefixes: number): X86Insn {
  insn.row = -1;
  insn.length = looked;
  insn.prefixes = prefixes;
  return insn;
}
