/** The stack from rsp up. */
import { formatAddr } from '../../machine/addr.ts';
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

export const stack: Pane = ({ stack: words }) => {
  const lines = words.map((w): Line => {
    const registers = w.registers.length > 0 ? span(` ← ${w.registers.join(', ')}`, 'changed') : '';
    const slot = w.slot === undefined ? '' : span(w.slot.padEnd(9), 'source');
    const follow = w.follow === undefined ? '' : ` → ${w.follow}`;
    return line(span(formatAddr(w.address).slice(-4), 'dim'), ' ', w.hex, ' ', slot, follow, registers);
  });
  return { title: 'stack', rows: rows(lines), current: -1 };
};
