/** The text that attaching patched, before and after. */
import { formatAddr } from '../../machine/addr.ts';
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';
import { hexBytes } from './x86.ts';

export const patch: Pane = ({ patches }, width) => {
  const lines: Line[] = [];
  for (const p of patches) {
    if (patches.length > 1 || width > 90)
      lines.push(
        line(
          span(`${p.kind} ${p.symbol}`, 'bold'),
          span(` at ${formatAddr(p.address)}, by ${p.via}, for ${p.program}`, 'dim'),
        ),
      );
    for (const i of p.before)
      lines.push(line(span('before  ', 'dim'), span(hexBytes(i.bytes, 5), 'dim'), ' ', i.text.replace(/\s+/g, ' ')));
    for (const i of p.after)
      lines.push(
        line('after   ', span(hexBytes(i.bytes, 5), 'patch'), ' ', span(i.text.replace(/\s+/g, ' '), 'patch')),
      );
    if (p.unreached !== undefined) lines.push(line(span(`(${p.unreached})`, 'dim')));
  }
  if (lines.length === 0) lines.push(line(span('(these programs hang on no kernel text)', 'dim')));
  const [first] = patches;
  const title =
    patches.length === 1 ? `before and after the patch: ${first?.symbol}` : 'text before and after the patch';
  return { title, rows: rows(lines), current: -1 };
};
