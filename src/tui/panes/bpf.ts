/** BPF instructions of the program as it runs (xlated). */
import { line, span } from '../text.ts';
import { mark, type Pane, type Row } from './pane.ts';

export const bpf: Pane = ({ bpf: view }) => {
  if (view === undefined) return { title: 'BPF', rows: [], current: -1 };
  const digits = String(view.rows.at(-1)?.slot ?? 0).length;
  const rows: Row[] = [];
  let current = -1;
  for (const row of view.rows) {
    if (row.signature !== undefined && row.slot > 0) rows.push({ line: line(span(`  ${row.signature}:`, 'dim')) });
    if (row.current) current = rows.length;
    rows.push({
      line: line(mark(row), span(String(row.slot).padStart(digits), 'dim'), ' ', row.text.replace(/^\((..)\) /, '')),
      target: { kind: 'insn', program: view.program, slot: row.slot },
    });
  }
  return { title: `BPF  ${view.program}`, rows, current, cursor: true };
};
