/** trace_pipe up to here, the newest line last; what the last motion brought is marked. */
import { line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

export const trace: Pane = ({ trace: all, traceBefore }) => {
  const lines = all.map((l, n) => line(span(l.text.trimStart(), n >= traceBefore ? 'changed' : 'plain')));
  if (lines.length === 0) lines.push(line(span('(nothing yet)', 'dim')));
  const title = all.length === 0 ? 'trace_pipe' : `trace_pipe  ${all.length} ${all.length === 1 ? 'line' : 'lines'}`;
  return { title, rows: rows(lines), current: lines.length - 1 };
};
