/** `dump xlated`: instructions after the verifier's rewrites, in the form of `bpftool prog dump xlated`. */

import { sourceText } from '../../debug/program/source.ts';
import type { LoadedView } from '../../debug/program/view.ts';
import { xlatedLines } from '../../debug/program/xlated-lines.ts';
import { hexBytes } from '../style.ts';

export interface ListingOptions {
  readonly opcodes?: boolean;
  readonly linum?: boolean;
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
