/** Station 3: the program as the kernel holds it, with the bytes of each instruction. */
import { line, span } from '../text.ts';
import { mark, type Pane, type Row } from './pane.ts';
import { hexBytes } from './x86.ts';

const SLOT_BYTES = 8;

export const xlated: Pane = ({ bpf: view }) => {
  if (view === undefined) return { title: 'xlated', rows: [], current: -1 };
  const rows: Row[] = [];
  let current = -1;
  for (const row of view.rows) {
    if (row.signature !== undefined) rows.push({ line: line(span(`${row.signature}:`, 'bold')) });
    if (row.source !== undefined) rows.push({ line: line(span(`; ${row.source.text}`, 'source')) });
    if (row.current) current = rows.length;
    rows.push({
      line: line(
        mark(row),
        span(String(row.slot).padStart(4), 'dim'),
        '  ',
        span(hexBytes(row.bytes.subarray(0, SLOT_BYTES), SLOT_BYTES), 'dim'),
        ' ',
        row.text,
      ),
      target: { kind: 'insn', program: view.program, slot: row.slot },
    });
  }
  return { title: `xlated  ${view.program}: ${view.rows.length} instructions`, rows, current, cursor: true };
};
