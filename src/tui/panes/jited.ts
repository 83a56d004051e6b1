/** Station 4: each BPF instruction, and the machine code that Linux's JIT makes of it. */
import { formatAddr } from '../../machine/addr.ts';
import { line, span } from '../text.ts';
import { mark, type Pane, type Row } from './pane.ts';
import { hexBytes, shortText } from './x86.ts';

export const jited: Pane = ({ image, bpf }, width) => {
  if (image === undefined) return { title: 'JIT', rows: [], current: -1 };
  const texts = new Map(bpf?.rows.map((r) => [r.slot, r.text] as const));
  const most = width > 70 ? 10 : 5;
  const rows: Row[] = [];
  let current = -1;
  for (const row of image.rows) {
    const bpfText = row.slot === undefined ? undefined : texts.get(row.slot);
    if (bpfText !== undefined) rows.push({ line: line(span(`${row.slot}: ${bpfText}`, 'source')) });
    if (row.current) current = rows.length;
    rows.push({
      line: line(
        mark(row),
        span(formatAddr(row.address).slice(-6), 'dim'),
        '  ',
        span(hexBytes(row.bytes, most), 'dim'),
        ' ',
        shortText(row.text, row.points),
      ),
      target: { kind: 'address', address: row.address },
    });
  }
  return { title: `JIT  ${image.name}`, rows, current, cursor: true };
};
