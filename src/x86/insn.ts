/**
 * A decoded x86-64 instruction: flat numbers, so that the machine can specialise on them and the
 * listing can print them (Intel SDM vol. 2A, chapter 2 "Instruction Format").
 *
 * What the fields mean for one instruction is said by its table row: `form(insn.row)` has the
 * mnemonic, and for each operand which field holds it (see `row.ts`).
 */
export interface X86Insn {
  /** index of the table row, or -1: no row matches these bytes (#UD) */
  row: number;
  /** bytes, prefixes included; for an invalid instruction how many were looked at */
  length: number;
  /** ModRM.reg with REX.R, or the opcode's `+r` with REX.B; an 8-bit operand has 16..19 for ah, ch, dh, bh; -1 none */
  reg: number;
  /** ModRM.rm with REX.B where mod is 3 (8-bit as `reg`); -1: the operand is in memory, or there is none */
  rm: number;
  /** memory operand: base register, {@link RIP} for rip-relative, -1 none */
  base: number;
  /** memory operand: index register, -1 none */
  index: number;
  /** memory operand: log2 of the scale, 0..3 */
  scale: number;
  /** memory operand: displacement, s32 */
  disp: number;
  /** a SIB byte was there (the listing shows a useless one) */
  sib: boolean;
  /** whether there is a memory operand (ModRM or moffs) */
  mem: boolean;
  /** VEX.vvvv register, -1 none */
  vvvv: number;
  /** immediate, relative displacement or moffs, sign-extended to 64 bits as s32 halves */
  immLo: number;
  immHi: number;
  /** second immediate (`enter imm16, imm8`) */
  imm2: number;
  /** 0 none, {@link FS}, {@link GS} */
  segment: number;
  /** {@link PREFIX} bits */
  prefixes: number;
  /** offset of the displacement and of the immediate from the first byte, 0 none: what a patcher overwrites */
  dispAt: number;
  immAt: number;
}

/** `base` of a rip-relative operand: the address of the next instruction. */
export const RIP = 16;
/** `segment` values: the segment override's number in Intel's order (es cs ss ds fs gs). */
export const FS = 4;
export const GS = 5;

/** Bits of {@link X86Insn.prefixes}. */
export const PREFIX = {
  LOCK: 0x01,
  /** F3: rep, repe */
  REP: 0x02,
  /** F2: repne */
  REPNE: 0x04,
  /** 66 operand size */
  OPSIZE: 0x08,
  /** 67 address size: 32-bit effective address */
  ADDRSIZE: 0x10,
  REX: 0x20,
  REX_W: 0x40,
  VEX: 0x80,
  /** 3E (notrack, branch taken), 2E (branch not taken; `cs` in long nops) */
  DS: 0x100,
  CS: 0x200,
  ES: 0x400,
  SS: 0x800,
  /** 64 and 65, kept in `segment` */
  FS_GS: 0x1000,
} as const;

/** A blank instruction to decode into. */
export const blankInsn = (): X86Insn => ({
  row: -1,
  length: 0,
  reg: -1,
  rm: -1,
  base: -1,
  index: -1,
  scale: 0,
  disp: 0,
  sib: false,
  mem: false,
  vvvv: -1,
  immLo: 0,
  immHi: 0,
  imm2: 0,
  segment: 0,
  prefixes: 0,
  dispAt: 0,
  immAt: 0,
});
