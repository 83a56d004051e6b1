/** All keys, on one screen where it is wide enough for two columns. */
import { GROUPS } from '../keys.ts';
import type { Story } from '../story.ts';
import { type Line, line, span, wrap } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

const KEY = 10;

export function help(_: Story, width: number): PaneText {
  const lines: Line[] = [];
  for (const [title, bindings] of GROUPS) {
    lines.push(line(span(title, 'title')));
    for (const b of bindings) {
      const [first = '', ...more] = wrap(b.help, Math.max(20, width - KEY - 2));
      lines.push(line(' ', span(b.shown.padEnd(KEY), 'key'), first));
      for (const rest of more) lines.push(line(' '.repeat(KEY + 1), rest));
    }
  }
  lines.push(line(span('Mouse', 'title')));
  lines.push(line(' ', span('click'.padEnd(KEY), 'key'), 'chooses a line; on its first column: a breakpoint'));
  lines.push(line(' ', span('wheel'.padEnd(KEY), 'key'), 'scrolls the pane under it'));
  return { title: 'keys', rows: rows(lines), current: -1 };
}
