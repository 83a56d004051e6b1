/** All keys, on one screen where it is wide enough for two columns. */
import { GROUPS } from '../keys.ts';
import type { Story } from '../story.ts';
import { fitted, type Line, line, span, wrap } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

const KEY = 10;
/** columns from which there are two */
const TWO = 108;

export function help(_: Story, width: number): PaneText {
  const column = width >= TWO ? (width >> 1) - 1 : width;
  const groups = [...GROUPS.map(([title, bindings]) => [title, bindings] as const), MOUSE].map(([title, bindings]) =>
    groupLines(title, bindings, column),
  );
  if (column === width) return { title: 'keys', rows: rows(groups.flat()), current: -1 };
  // groups go to the column that is shorter
  const left: Line[] = [];
  const right: Line[] = [];
  for (const g of groups) (left.length <= right.length ? left : right).push(...g, []);
  const both = Array.from({ length: Math.max(left.length, right.length) }, (_, n) => [
    ...fitted(left[n] ?? [], column),
    span('  '),
    ...(right[n] ?? []),
  ]);
  return { title: 'keys', rows: rows(both), current: -1 };
}

type Shown = { readonly shown: string; readonly help: string };
const MOUSE: readonly [string, readonly Shown[]] = [
  'Mouse',
  [
    { shown: 'click', help: 'chooses a line; on its first column: a breakpoint' },
    { shown: 'wheel', help: 'scrolls the pane under it' },
  ],
];

function groupLines(title: string, bindings: readonly Shown[], width: number): Line[] {
  const lines: Line[] = [line(span(title, 'title'))];
  for (const b of bindings) {
    const [first = '', ...more] = wrap(b.help, Math.max(20, width - KEY - 2));
    lines.push(line(span(b.shown.padEnd(KEY), 'key'), first));
    for (const rest of more) lines.push(line(' '.repeat(KEY), rest));
  }
  return lines;
}
