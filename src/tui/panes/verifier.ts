/** What the verifier knew here, beside what is. */
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

export const verifier: Pane = ({ verifier: view }, width) => {
  if (view === undefined) {
    const why = '(no BPF instruction begins here)';
    return { title: 'verifier here', rows: rows([line(span(why, 'dim'))]), current: -1 };
  }
  const lines = view.rows.map((row): Line => {
    const mark = row.allowed === true ? span('✓', 'good') : row.allowed === false ? span('✗', 'bad') : ' ';
    const value = row.value === undefined || row.allowed === undefined ? '' : ` is ${shown(row.value)}`;
    const states = row.states.join(' | ');
    const room = Math.max(8, width - 10 - value.length);
    const cut = states.length > room ? `${states.slice(0, room - 1)}…` : states;
    return line(
      mark,
      ' ',
      row.name.padEnd(6),
      span(cut, 'verifier'),
      span(value, row.allowed === false ? 'bad' : 'dim'),
    );
  });
  const { length } = view.rows.filter((r) => r.allowed === false);
  const title = length === 0 ? `verifier here  insn ${view.insn}` : `verifier here: ${length} outside of its state`;
  return { title, rows: rows(lines), current: -1 };
};

const shown = (value: bigint): string => (value < 0x1_0000_0000n ? String(value) : `0x${value.toString(16)}`);
