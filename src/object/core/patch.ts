/** A decided CO-RE relocation put into its instruction; one that cannot be met makes it a call that the verifier refuses. */
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_B,
  BPF_CALL,
  BPF_DW,
  BPF_H,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_X,
  type Insn,
  insn as makeInsn,
} from '../../isa/index.ts';
import { CoreError } from './kinds.ts';
import type { CoreDecision } from './resolve.ts';

/** Number of the helper that a poisoned instruction calls: 0xbad2310, "bad relo". */
export const POISON_CALL = 195896080;

const CLASS = 7;
const SIZE = 0x18;
const MODE = 0xe0;
const WIDTH: Readonly<Record<number, number>> = { [BPF_B]: 1, [BPF_H]: 2, [BPF_W]: 4, [BPF_DW]: 8 };

const isWide = (insn: Insn): boolean => insn.code === (BPF_LD | BPF_DW);

/** Replaces an instruction (both slots of a wide load) by the poison. */
export function poison(insns: Insn[], at: number): void {
  const wide = isWide(insns[at] as Insn);
  insns[at] = makeInsn(BPF_JMP | BPF_CALL, 0, 0, 0, POISON_CALL);
  if (wide && at + 1 < insns.length) insns[at + 1] = makeInsn(BPF_JMP | BPF_CALL, 0, 0, 0, POISON_CALL);
}

function expect(decision: CoreDecision, found: bigint): void {
  if (decision.validate && decision.oldValue !== undefined && BigInt.asUintN(64, found) !== decision.oldValue) {
    throw new CoreError(`${decision.local}: the instruction holds ${found}, not ${decision.oldValue}`);
  }
}

/** Patches instruction `at`. @throws CoreError where the instruction is none that CO-RE knows, or holds something else */
export function patch(insns: Insn[], at: number, decision: CoreDecision): void {
  const insn = insns[at] as Insn;
  const value = decision.newValue;
  if (value === undefined) {
    poison(insns, at);
    return;
  }
  switch (insn.code & CLASS) {
    case BPF_ALU:
    case BPF_ALU64:
      if ((insn.code & BPF_X) !== 0)
        throw new CoreError(`${decision.local}: the instruction takes a register, not a number`);
      expect(decision, BigInt(insn.imm));
      insns[at] = { ...insn, imm: Number(BigInt.asIntN(32, value)) };
      return;
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX: {
      expect(decision, BigInt(insn.off));
      if (value > 0x7fffn) throw new CoreError(`${decision.local}: offset ${value} is too far for a load or store`);
      if (decision.widthConflict) {
        poison(insns, at);
        return;
      }
      let { code } = insn;
      if (decision.oldSize !== decision.newSize) {
        const width = WIDTH[insn.code & SIZE] as number;
        if (width !== decision.oldSize)
          throw new CoreError(
            `${decision.local}: the instruction moves ${width} bytes, the field has ${decision.oldSize}`,
          );
        const size = Object.keys(WIDTH).find((bits) => WIDTH[Number(bits)] === decision.newSize);
        if (size === undefined) throw new CoreError(`${decision.local}: no load moves ${decision.newSize} bytes`);
        code = (insn.code & MODE) | Number(size) | (insn.code & CLASS);
      }
      insns[at] = { ...insn, code, off: Number(value) };
      return;
    }
    case BPF_LD: {
      const second = insns[at + 1];
      if (
        !isWide(insn) ||
        insn.src !== 0 ||
        insn.off !== 0 ||
        !second ||
        second.code !== 0 ||
        second.dst !== 0 ||
        second.src !== 0 ||
        second.off !== 0
      ) {
        throw new CoreError(`${decision.local}: the instruction is no 64-bit load`);
      }
      expect(decision, (BigInt(second.imm) << 32n) | BigInt(insn.imm >>> 0));
      insns[at] = { ...insn, imm: Number(BigInt.asIntN(32, value)) };
      insns[at + 1] = { ...second, imm: Number(BigInt.asIntN(32, value >> 32n)) };
      return;
    }
    default:
      throw new CoreError(`${decision.local}: opcode 0x${insn.code.toString(16)} is none that is relocated`);
  }
}
