/** `dump xlated`: instructions after the verifier's rewrites, in the form of `bpftool prog dump xlated`. */
import { disassemble, type Insn, LD_IMM64, readInsns, writeInsns, xlatedImm } from '../../isa/index.ts';
import { hexBytes } from '../style.ts';
import type { LoadedView } from './view.ts';

export interface ListingOptions {
  readonly opcodes?: boolean;
  readonly linum?: boolean;
}

export interface XlatedLine {
  readonly slot: number;
  readonly text: string;
  /** one slot, or the two of a wide load */
  readonly bytes: Uint8Array;
  readonly source?: SourceLine;
  /** of the function that begins here */
  readonly signature?: string;
}

import { type SourceLine, sourceText } from './source.ts';

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

export function xlatedText(view: LoadedView, options: ListingOptions): string {
  const out: string[] = [];
  for (const line of xlatedLines(view)) {
    if (line.signature) out.push(`${line.signature}:`);
    else if (line.slot === 0) out.push(`${view.name}:`);
    if (line.source) out.push(sourceText(line.source, options.linum ?? false));
    out.push(`${String(line.slot).padStart(4)}: ${line.text}`);
    if (options.opcodes) out.push(`       ${hexBytes(line.bytes)}`);
  }
  return `${out.join('\n')}\n`;
}
