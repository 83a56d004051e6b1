/**
 * Which slots count as executing an instruction of the program as loaded, the same for every engine: the first of those
 * that stand for one. What rewrites put in front of the program counts for nothing.
 *
 * Machine code counts an instruction by its first byte, and some have none (a jump over nothing that has any, a move of a
 * register to itself, a conversion to the byte order that there is). Such a slot shares its byte with the next one, so where something
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
  const solid = solidSlots(insns);
  /** whether something may come in behind an empty slot, up to the byte that it shares */
  const joined = new Uint8Array(insns.length);
  for (let slot = insns.length - 1, target = insns.length + 1; slot >= 0; slot--) {
    if (targets[slot + 1]) target = slot + 1;
    joined[slot] = target <= solid[slot]! ? 1 : 0;
  }
  const out = new Int32Array(insns.length).fill(-1);
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    const isFirst = origins[slot]! >= 0 && (slot === 0 || origins[slot] !== origins[slot - 1]);
    if (isFirst) out[slot] = solid[slot] !== slot && joined[slot] ? carrier(insns, targets, solid, slot) : slot;
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

/** The first slot from each on that has bytes in machine code: another one than itself for those without. */
function solidSlots(insns: readonly Insn[]): Int32Array {
  const solid = new Int32Array(insns.length + 1);
  solid[insns.length] = insns.length;
  for (let slot = insns.length - 1; slot >= 0; slot--) {
    const { code, dst, src, off, imm } = insns[slot]!;
    const over = code === (isa.BPF_JMP | isa.BPF_JA) ? off : code === (isa.BPF_JMP32 | isa.BPF_JA) ? imm : -1;
    const move = code === (isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X) && dst === src && off === 0;
    const swap = code === (isa.BPF_ALU | isa.BPF_END | isa.BPF_K) && imm === 64;
    const jump = over >= 0 && slot + 1 + over <= solid[slot + 1]!;
    solid[slot] = move || swap || jump ? solid[slot + 1]! : slot;
  }
  return solid;
}

/** The slot in front, if executing it always goes on here and nothing else does. */
function carrier(insns: readonly Insn[], targets: Uint8Array, solid: Int32Array, slot: number): number {
  if (slot === 0 || targets[slot]) return -1;
  const wide = insns[slot - 2]?.code === isa.LD_IMM64 && insns[slot - 1]!.code === 0;
  const before = slot - (wide ? 2 : 1);
  const { code } = insns[before]!;
  const klass = isa.bpfClass(code);
  const isJump = klass === isa.BPF_JMP32 || (klass === isa.BPF_JMP && code !== (isa.BPF_JMP | isa.BPF_CALL));
  return isJump || solid[before] !== before ? -1 : before;
}
