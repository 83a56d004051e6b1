/** The machine code of a function, line by line, with the BPF instructions that begin at each. */
import { disassemble, type Insn, LD_IMM64, readInsns, xlatedImm } from '../../isa/index.ts';
import { decode, formatInsn } from '../../x86/index.ts';
import type { SourceLine } from './source.ts';
import type { LoadedView, PlacedFunction } from './view.ts';

export interface JitedLine {
  /** offset in the function */
  readonly pc: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** BPF instructions that begin here, and what begins with them; those without machine code stand together */
  readonly begins: readonly { readonly slot: number; readonly text: string; readonly source: SourceLine | undefined }[];
}

export function jitedLines(view: LoadedView, func: PlacedFunction, syntax: 'att' | 'intel'): JitedLine[] {
  const insns = readInsns(view.xlated);
  const slots: number[] = [];
  for (let slot = func.start; slot < func.end; slot++) {
    slots.push(slot);
    if ((insns[slot] as Insn).code === LD_IMM64) slot++;
  }
  const lines: JitedLine[] = [];
  let next = 0;
  for (let pc = 0; pc < func.bytes.length; ) {
    const x86 = decode(func.bytes, pc);
    const length = x86.row < 0 ? 1 : x86.length;
    const begins: JitedLine['begins'][number][] = [];
    while (next < slots.length && startOf(func, slots[next] as number) <= pc) {
      const slot = slots[next++] as number;
      const text = disassemble(insns[slot] as Insn, insns[slot + 1], { imm: xlatedImm, call: view.callName });
      begins.push({ slot, text, source: view.at(slot).source });
    }
    const text = formatInsn(x86, { syntax, address: func.address + pc, symbol: view.symbol });
    lines.push({ pc, bytes: func.bytes.subarray(pc, pc + length), text, begins });
    pc += length;
  }
  return lines;
}

/** The first instruction's line stands above the prologue, as the kernel's jited_line_info has it. */
const startOf = (func: PlacedFunction, slot: number): number =>
  slot === func.start ? 0 : (func.offsets[slot - func.start] ?? 0);
