/**
 * `dump jited --addresses`: the machine code where it lies, each C line above its instructions: address, offset, bytes,
 * instruction, symbols. Without it the listing has bpftool's form (`src/show/bpftool/jited.ts`).
 */

import { type JitedLine, jitedLines } from '../../debug/program/jited-lines.ts';
import { sourceText } from '../../debug/program/source.ts';
import type { LoadedView, PlacedFunction } from '../../debug/program/view.ts';
import { formatAddr } from '../../machine/addr.ts';
import { hexBytes } from '../../platform/index.ts';

interface ListingOptions {
  /** bytes below each instruction, as bpftool has them */
  readonly opcodes?: boolean;
  readonly linum?: boolean;
}

export interface JitedOptions extends ListingOptions {
  readonly syntax: 'att' | 'intel';
  readonly bpf?: boolean;
}

/** Widest instruction that the JIT emits: movabs. */
const BYTES_COLUMN = 30;

export function jitedText(view: LoadedView, options: JitedOptions): string {
  const out: string[] = [];
  for (const func of view.functions) {
    const signature = view.at(func.start).signature;
    if (signature) out.push(`${signature}:`);
    out.push(`${func.name}:`);
    for (const line of jitedLines(view, func, options.syntax)) {
      for (const { slot, text, source } of line.begins) {
        if (source) out.push(sourceText(source, options.linum ?? false));
        if (options.bpf) out.push(`${String(slot).padStart(4)}: ${text}`);
      }
      out.push(...insnLines(line, func, options.opcodes ?? false));
    }
    out.push('');
  }
  return `${out.join('\n')}\n`;
}

function insnLines(line: JitedLine, func: PlacedFunction, opcodes: boolean): string[] {
  const pc = line.pc.toString(16);
  const text = line.text.trimEnd();
  if (opcodes) return [`${pc.padStart(4)}:\t${text}`, `\t${hexBytes(line.bytes)} `];
  return [
    `${formatAddr(func.address + line.pc)} ${pc.padStart(5)}:\t${hexBytes(line.bytes).padEnd(BYTES_COLUMN)}  ${text}`,
  ];
}
