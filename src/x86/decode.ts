/**
 * Decoder: bytes to a table row and its operand fields, in 64-bit mode (Intel SDM vol. 2A,
 * chapter 2; prefixes 2.1.1, REX 2.2.1, rip-relative 2.2.1.6, VEX 2.3).
 */
import { blankInsn, FS, GS, PREFIX, RIP, type X86Insn } from './insn.ts';
import { select, VEX_MAPS } from './opcode-index.ts';

/** Legacy prefixes (SDM vol. 2A, 2.1.1). */
const PREFIX_BIT = new Uint16Array(256);
PREFIX_BIT[0xf0] = PREFIX.LOCK;
PREFIX_BIT[0xf3] = PREFIX.REP;
PREFIX_BIT[0xf2] = PREFIX.REPNE;
PREFIX_BIT[0x66] = PREFIX.OPSIZE;
PREFIX_BIT[0x67] = PREFIX.ADDRSIZE;
PREFIX_BIT[0x3e] = PREFIX.DS;
PREFIX_BIT[0x2e] = PREFIX.CS;
PREFIX_BIT[0x26] = PREFIX.ES;
PREFIX_BIT[0x36] = PREFIX.SS;
PREFIX_BIT[0x64] = PREFIX_BIT[0x65] = PREFIX.FS_GS;
/** Without REX the byte registers 4..7 are ah, ch, dh, bh: numbered 16..19. */
const HIGH_BYTE = 12;

const PREFIX_BITS = PREFIX.LOCK | PREFIX.REP | PREFIX.REPNE | PREFIX.OPSIZE;
/** A processor refuses longer instructions (SDM vol. 2A, 2.3.11). */
const MAX_LENGTH = 15;

/**
 * Decodes the instruction at `at`, which must end before `limit`. Where no row matches, the result's `row` is -1 and its `length`
 * the number of bytes that were looked at.
 */
export function decode(bytes: Uint8Array, at = 0, limit = bytes.length): X86Insn {
  const insn = blankInsn();
  const end = Math.min(limit, at + MAX_LENGTH);
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
    const bit = PREFIX_BIT[byte] as number;
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
    last = (vex & 3) === 0 ? 0 : (vex & 3) === 1 ? 0x66 : (vex & 3) === 2 ? 0xf3 : 0xf2;
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

  const modrm = p < end ? (bytes[p] as number) : -1;
  const f = select((map << 8) | byte, modrm, prefixes, last, rex, w, insn.vvvv > 0);
  if (f === undefined) return invalid(insn, p - at, prefixes);

  let reg = (byte & 7) | ((rex & 1) << 3);
  if (f.modrm >= 0) {
    p++;
    if (f.modrm < 0x100) {
      reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
      if (modrm >= 0xc0) {
        const rm = (modrm & 7) | ((rex & 1) << 3);
        insn.rm = f.byteRm && rex === 0 && rm > 3 ? rm + HIGH_BYTE : rm;
      } else {
        p = decodeMemory(insn, bytes, p, end, modrm, rex, at);
        if (p < 0) return invalid(insn, end - at, prefixes);
      }
    }
  }
  if (f.hasReg) insn.reg = f.byteReg && rex === 0 && reg > 3 ? reg + HIGH_BYTE : reg;
  if (f.immSize > 0) {
    if (p + f.immSize + f.imm2Size > end) return invalid(insn, end - at, prefixes);
    insn.immAt = p - at;
    readImmediate(insn, bytes, p, f.immSize);
    p += f.immSize;
    if (f.moffs) {
      insn.mem = true;
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
