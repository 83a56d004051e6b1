/** `bpftool prog dump xlated`: instructions after the verifier's rewrites, as text or JSON. */

import { type SourceLine, sourceText } from '../../debug/program/source.ts';
import type { LoadedView } from '../../debug/program/view.ts';
import { xlatedLines } from '../../debug/program/xlated-lines.ts';
import { hexBytes } from '../../platform/index.ts';
import type { Json } from '../json.ts';

export interface ListingOptions {
  /** the bytes of each instruction */
  readonly opcodes?: boolean;
  /** file, line and column behind each C line */
  readonly linum?: boolean;
}

export function xlatedText(view: LoadedView, options: ListingOptions): string {
  const out: string[] = [];
  for (const line of xlatedLines(view)) {
    if (line.signature) out.push(`${line.signature}:`);
    if (line.source) out.push(sourceText(line.source, options.linum ?? false));
    out.push(`${String(line.slot).padStart(4)}: ${line.text}`);
    if (options.opcodes) out.push(`       ${hexBytes(line.bytes)}`);
  }
  return `${out.join('\n')}\n`;
}

/** What JSON has of a C line, in front of the instruction's own. */
export const sourceJson = (
  source: SourceLine | undefined,
  linum: boolean,
): { readonly [name: string]: Json | undefined } => ({
  src: source?.text,
  ...(source && linum
    ? { file: source.file || undefined, line_num: source.line || undefined, line_col: source.column || undefined }
    : {}),
});

const byte = (b: number, digits = 2): string => `0x${b.toString(16).padStart(digits, '0')}`;
const bytes = (all: Uint8Array): Json => Array.from(all, (b) => byte(b));

export function xlatedJson(view: LoadedView, options: ListingOptions): Json {
  return xlatedLines(view).map((line) => {
    const [code = 0, registers = 0] = line.bytes;
    // of a wide load both immediates, one behind the other
    const imm =
      line.bytes.length > 8 ? [...line.bytes.subarray(4, 8), ...line.bytes.subarray(8)] : [...line.bytes.subarray(4)];
    return {
      proto: line.signature,
      ...sourceJson(line.source, options.linum ?? false),
      disasm: line.text,
      opcodes: options.opcodes
        ? {
            code: byte(code),
            src_reg: byte(registers >> 4, 1),
            dst_reg: byte(registers & 15, 1),
            off: bytes(line.bytes.subarray(2, 4)),
            imm: bytes(Uint8Array.from(imm)),
          }
        : undefined,
    };
  });
}
