/** The instructions of a program as it runs, line by line. */
import { disassemble, type Insn, LD_IMM64, readInsns, writeInsns, xlatedImm } from '../../isa/index.ts';
import type { SourceLine } from './source.ts';
import type { LoadedView } from './view.ts';

export interface XlatedLine {
  readonly slot: number;
  readonly text: string;
  /** one slot, or the two of a wide load */
  readonly bytes: Uint8Array;
  readonly source?: SourceLine;
  /** of the function that begins here */
  readonly signature?: string;
}

export function xlatedLines(view: LoadedView): XlatedLine[] {
  const insns = readInsns(view.xlated);
  const lines: XlatedLine[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot] as Insn;
    const wide = insn.code === LD_IMM64;
    const { source, signature } = view.at(slot);
    lines.push({
      slot,
      text: disassemble(insn, insns[slot + 1], { imm: xlatedImm, call: view.callName }),
      bytes: writeInsns(insns.slice(slot, slot + (wide ? 2 : 1))),
      ...(source ? { source } : {}),
      ...(signature ? { signature } : {}),
    });
    if (wide) slot++;
  }
  return lines;
}
