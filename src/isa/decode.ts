/** From a slot to its row, and whether its fields are what RFC 9669 section 3 allows. */
import type { Insn } from './insn.ts';
import { BPF_JMP, BPF_PSEUDO_CALL, bpfClass, LD_IMM64 } from './opcodes.ts';
import { type InsnField, type InsnRow, rowsOf } from './table.ts';

export type Decoded =
  | { readonly ok: true; readonly row: InsnRow /** slots taken: 2 for wide loads */; readonly slots: 1 | 2 }
  | { readonly ok: false; readonly row: InsnRow | undefined; readonly reason: string };

/** The row whose selecting fields match, reserved fields not looked at; undefined for unknown instructions. */
export function rowOf(insn: Insn): InsnRow | undefined {
  for (const row of rowsOf(insn.code)) {
    const { src, off, imm } = row.select;
    if (src !== undefined && src !== insn.src) continue;
    if (off !== undefined && off !== insn.off) continue;
    if (imm !== undefined && imm !== insn.imm) continue;
    return row;
  }
  return undefined;
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(2, '0')}`;
const FIELDS: readonly InsnField[] = ['dst', 'src', 'off', 'imm'];

/**
 * The row of the instruction at `index`, or why there is none: unknown opcode, unknown combination,
 * reserved field in use, register out of range, half a wide load.
 */
export function decode(insns: readonly Insn[], index: number): Decoded {
  const insn = insns[index];
  if (!insn) return { ok: false, row: undefined, reason: `no instruction ${index}` };
  const row = rowOf(insn);
  const bad = (reason: string): Decoded => ({ ok: false, row, reason });
  if (!row) {
    return bad(rowsOf(insn.code).length === 0 ? `unknown opcode ${hex(insn.code)}` : unknownForm(insn));
  }
  for (const field of FIELDS) {
    if (insn[field] !== 0 && !row.uses.includes(field) && !(field in row.select)) {
      return bad(`reserved field ${field} of opcode ${hex(insn.code)} is ${insn[field]}, must be 0`);
    }
  }
  if (row.uses.includes('dst') && insn.dst > 11) return bad(`register r${insn.dst} does not exist`);
  if (row.uses.includes('src') && !('src' in row.select) && insn.src > 11)
    return bad(`register r${insn.src} does not exist`);
  if (insn.code !== LD_IMM64) return { ok: true, row, slots: 1 };
  const high = insns[index + 1];
  if (!high) return bad('wide load without its second slot');
  if (high.code !== 0 || high.dst !== 0 || high.src !== 0 || high.off !== 0)
    return bad('second slot of a wide load has an opcode, register or offset');
  return { ok: true, row, slots: 2 };
}

function unknownForm(insn: Insn): string {
  if (bpfClass(insn.code) === BPF_JMP) return `unknown kind of call ${insn.src}`;
  if (insn.code === LD_IMM64) return `unknown source ${insn.src} of a wide load`;
  return `opcode ${hex(insn.code)} has no form with offset ${insn.off} and immediate ${hex(insn.imm)}`;
}

/** Whether this is a call to another function of the same program. */
export const isLocalCall = (insn: Insn): boolean => insn.code === 0x85 && insn.src === BPF_PSEUDO_CALL;

/** The 64-bit immediate of a wide load, unsigned. */
export const wideImm = (low: Insn, high: Insn | undefined): bigint =>
  (BigInt((high?.imm ?? 0) >>> 0) << 32n) | BigInt(low.imm >>> 0);

/** Both slots of a wide load of `value`. */
export function ldImm64(dst: number, value: bigint, src = 0): [Insn, Insn] {
  return [
    { code: LD_IMM64, dst, src, off: 0, imm: Number(BigInt.asIntN(32, value)) },
    { code: 0, dst: 0, src: 0, off: 0, imm: Number(BigInt.asIntN(32, value >> 32n)) },
  ];
}
