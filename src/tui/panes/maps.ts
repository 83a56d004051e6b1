/** Maps as tables. */
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

export const maps: Pane = ({ maps: tables }) => {
  const lines: Line[] = [];
  for (const t of tables) {
    lines.push(
      line(
        span(t.name, 'bold'),
        span(`  ${t.type}, key ${t.keySize} B, value ${t.valueSize} B, ${t.maxEntries} max`, 'dim'),
      ),
    );
    if (t.note !== undefined) lines.push(line(span(`  (${t.note})`, 'dim')));
    else if (t.entries.length === 0) lines.push(line(span('  (empty)', 'dim')));
    const key = Math.min(24, Math.max(0, ...t.entries.map((e) => e.key.length)));
    for (const e of t.entries) lines.push(line('  ', span(e.key.padStart(key), 'dim'), ' ', text(e.value)));
    if (t.more) lines.push(line(span('  …', 'dim')));
  }
  if (lines.length === 0) lines.push(line(span('(the object has no maps)', 'dim')));
  return { title: 'maps', rows: rows(lines), current: -1 };
};

/** Bytes that are text read better as text. */
function text(value: string): string {
  if (!/^([0-9a-f]{2} ){3,}00$/.test(value)) return value;
  const bytes = value.split(' ').map((b) => Number.parseInt(b, 16));
  const end = bytes.indexOf(0);
  const rest = bytes.slice(end);
  const isText = end > 2 && bytes.slice(0, end).every((b) => b >= 0x20 && b < 0x7f) && rest.every((b) => b === 0);
  return isText ? JSON.stringify(String.fromCharCode(...bytes.slice(0, end))) : value;
}
