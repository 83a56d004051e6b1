/**
 * Counters in a program that was rewritten: how often each straight run of instructions, and each conditional jump's way
 * on, is executed. For who measures a program; Linux has nothing like it. A counter is a u64 in memory that the kernel
 * gives; adding to it takes no register but the rewrites' own, and a slot below the function's stack, where that has
 * MAX_BPF_STACK bytes too: the verifier's limit, which nothing that executes programs has.
 */
import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import { ldImm64, ldxDw, mov64Imm, stxDw } from './build.ts';
import { type Draft, type Patch, rewrite, subprogOf, targetKind } from './draft.ts';

/** BPF_REG_AX, which programs cannot name */
const AX = 11;
const SAVED = 8;
/** bytes of a counter */
export const COUNTER_BYTES = 8;

export interface Counters {
  /** how many there are */
  readonly count: number;
  /** counter of each slot of the program as loaded; -1 where the rewrites removed it */
  readonly ofInsn: Int32Array;
  /** conditional jumps that are left: the slot as loaded, and the counter of its way on */
  readonly jumps: readonly { readonly insn: number; readonly goesOn: number }[];
}

const isConditional = (i: Insn): boolean => {
  const cls = I.bpfClass(i.code);
  if (cls !== I.BPF_JMP && cls !== I.BPF_JMP32) return false;
  const op = I.bpfOp(i.code);
  return op !== I.BPF_JA && op !== I.BPF_CALL && op !== I.BPF_EXIT && i.code !== (I.BPF_JMP | I.BPF_TAIL_CALL);
};
const endsRun = (i: Insn): boolean => {
  const cls = I.bpfClass(i.code);
  return (cls === I.BPF_JMP || cls === I.BPF_JMP32) && I.bpfOp(i.code) !== I.BPF_CALL;
};

/** The last pass. `base` is the address of the first counter; `loaded` the number of slots as loaded. */
export function addCounters(draft: Draft, base: bigint, loaded: number): Counters {
  const { insns, aux, subprogs } = draft;
  const of = subprogOf(draft);
  const isWide = (slot: number): boolean => slot > 0 && insns[slot - 1]?.code === I.LD_IMM64;
  /** what rewrites put in the place of one instruction is counted as one */
  const isFirst = (slot: number): boolean =>
    !isWide(slot) && (slot === 0 || aux[slot]?.origIdx !== aux[slot - 1]?.origIdx || of[slot] !== of[slot - 1]);
  const leads = new Uint8Array(insns.length + 1);
  for (const { start } of subprogs) leads[start] = 1;
  insns.forEach((insn, slot) => {
    const kind = targetKind(insn);
    if (kind !== 'none') leads[slot + 1 + (kind === 'imm' ? insn.imm : insn.off)] = 1;
    if (endsRun(insn)) leads[slot + 1] = 1;
  });
  const room = subprogs.map((s) => Math.ceil(s.stackDepth / 8) * 8 + SAVED);
  const ofInsn = new Int32Array(loaded).fill(-1);
  const ofSlot = new Int32Array(insns.length).fill(-1);
  const jumps: { readonly insn: number; readonly goesOn: number }[] = [];
  const goesOn = new Map<number, number>();
  let count = 0;
  let run = -1;
  for (let slot = 0; slot < insns.length; slot++) {
    const origin = aux[slot]?.origIdx ?? -1;
    if (leads[slot] && isFirst(slot)) {
      run = count++;
      ofSlot[slot] = run;
    }
    if (origin >= 0 && origin < loaded && ofInsn[origin] === -1) ofInsn[origin] = run;
    const isLast = aux[slot + 1]?.origIdx !== origin;
    if (isConditional(insns[slot] as Insn) && isLast && origin >= 0) {
      goesOn.set(slot, count);
      jumps.push({ insn: origin, goesOn: count++ });
    }
  }
  rewrite(draft, (insn, slot) => {
    const [before, after] = [ofSlot[slot] as number, goesOn.get(slot)];
    if (before < 0 && after === undefined) return undefined;
    const at = -(room[of[slot] as number] as number);
    const add = (n: number): Insn[] => increment(base + BigInt(n * COUNTER_BYTES), at);
    return around(insn, before < 0 ? [] : add(before), after === undefined ? [] : add(after));
  });
  draft.subprogs.forEach((s, n) => {
    s.stackDepth = room[n] as number;
  });
  return { count, ofInsn, jumps };
}

/** `*(u64 *)address += 1`, every register kept */
const increment = (address: bigint, at: number): Insn[] => [
  stxDw(10, 0, at),
  mov64Imm(0, 1),
  ...ldImm64(AX, address),
  I.insn(I.BPF_STX | I.BPF_ATOMIC | I.BPF_DW, AX, 0, 0, I.BPF_ADD),
  ldxDw(0, 10, at),
];

/** An instruction between others; its target, counted as before the pass, leaves the patch. */
function around(insn: Insn, before: readonly Insn[], after: readonly Insn[]): Patch {
  const kind = targetKind(insn);
  const moved = (distance: number): number => (distance >= 0 ? distance + after.length : distance - before.length);
  const placed =
    kind === 'none' ? insn : kind === 'imm' ? { ...insn, imm: moved(insn.imm) } : { ...insn, off: moved(insn.off) };
  return { insns: [...before, placed, ...after] };
}
