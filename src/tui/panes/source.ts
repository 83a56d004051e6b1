/** C lines of the program, what has code with its number bright. */
import { line, span } from '../text.ts';
import { mark, type Pane, type Row } from './pane.ts';

export const source: Pane = ({ source: view }) => {
  if (view === undefined) {
    const rows = [{ line: line(span('(no C lines: compile with clang -g)', 'dim')) }];
    return { title: 'C', rows, current: -1 };
  }
  const digits = String(view.rows.at(-1)?.line ?? 0).length;
  const rows = view.rows.map((row): Row => {
    const number = span(String(row.line).padStart(digits), row.slots.length > 0 ? 'plain' : 'dim');
    return {
      line: line(mark(row), number, ' ', span(row.text, row.slots.length > 0 ? 'source' : 'plain')),
      target: { kind: 'line', file: view.file, line: row.line },
    };
  });
  return { title: view.file.replace(/^\.\//, ''), rows, current: view.current, cursor: true };
};
