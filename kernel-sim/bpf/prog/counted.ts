/**
 * Which slots count as executing an instruction of the program as loaded, the same for every engine: the first of those
 * that stand for one. What rewrites put in front of the program counts for nothing.
 *
 * Machine code counts an instruction by its first byte, and some have none (`goto +0`, a move of a register to itself,
 * a conversion to the byte order that there is). Such a slot shares its byte with the next one, so where something
 * jumps to that one it is counted with the slot before it, or, where that one may jump over it too, not at all.
 */

import type { Insn } from '../../../src/isa/index.ts';
import * as isa from '../../../src/isa/index.ts';
import { targetOf } from './patch.ts';
import type { ProgCode } from './prog.ts';

/** For each slot the slot with whose first byte it is counted, -1 where it is not. */
export function countedSlots({ insns, origins, funcs }: Pick<ProgCode, 'insns' | 'origins' | 'funcs'>): Int32Array {
  const targets = new Uint8Array(insns.length + 1);
  for (const f of funcs) targets[f.start] = 1;
  for (let slot = 0; slot < insns.length; slot++) {
    const target = targetOf(insns[slot]!, slot);
    if (target !== undefined && target >= 0 && target <= insns.length) targets[target] = 1;
    if (insns[slot]!.code === isa.LD_IMM64) slot++;
  }
  const out = new Int32Array(insns.length).fill(-1);
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    const isFirst = origins[slot]! >= 0 && (slot === 0 || origins[slot] !== origins[slot - 1]);
    if (isFirst) out[slot] = emitsNothing(insn) && targets[slot + 1] ? carrier(insns, targets, slot) : slot;
    if (insn.code === isa.LD_IMM64) slot++;
  }
  for (const { start, end } of funcs) {
    const exits: number[] = [];
    for (let slot = start; slot < end; slot++) if (insns[slot]!.code === (isa.BPF_JMP | isa.BPF_EXIT)) exits.push(slot);
    // in machine code all exits are the first one's bytes: where those count, so do the exits that rewrites put in
    if (exits.length > 0 && out[exits[0]!] === exits[0]) for (const slot of exits) out[slot] = slot;
  }
  return out;
}

function emitsNothing({ code, dst, src, off, imm }: Insn): boolean {
  if (code === (isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X)) return dst === src && off === 0;
  if (code === (isa.BPF_JMP | isa.BPF_JA)) return off === 0;
  if (code === (isa.BPF_JMP32 | isa.BPF_JA)) return imm === 0;
  return code === (isa.BPF_ALU | isa.BPF_END | isa.BPF_K) && imm === 64;
}

/** The slot in front, if executing it always goes on here and nothing else does. */
function carrier(insns: readonly Insn[], targets: Uint8Array, slot: number): number {
  if (slot === 0 || targets[slot]) return -1;
  const wide = insns[slot - 2]?.code === isa.LD_IMM64 && insns[slot - 1]!.code === 0;
  const before = slot - (wide ? 2 : 1);
  const { code } = insns[before]!;
  const klass = isa.bpfClass(code);
  const isJump = klass === isa.BPF_JMP32 || (klass === isa.BPF_JMP && code !== (isa.BPF_JMP | isa.BPF_CALL));
  return isJump || emitsNothing(insns[before]!) ? -1 : before;
}
