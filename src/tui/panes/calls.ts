/** The call stack: the program, what led to it, and the system call below all. */
import { type Line, line, span } from '../text.ts';
import { type Pane, rows } from './pane.ts';

const WHAT = {
  user: 'user',
  entry: 'entry',
  kernel: 'kernel',
  trampoline: 'trampoline',
  image: 'BPF image',
  helper: 'helper',
} as const;

export const calls: Pane = ({ calls: frames, selected, event, stop }, width) => {
  const name = Math.min(34, Math.max(16, width - 13));
  if (stop.reason === 'end' && frames.length < 2) return { title: 'call stack', rows: [], current: -1 };
  const lines = frames.map((f, n): Line => {
    const symbol = (f.program === undefined ? f.symbol : f.symbol.replace(/^bpf_prog_[0-9a-f]{16}_/, '')).padEnd(name);
    const where = f.source === undefined ? WHAT[f.world] : `line ${f.source.line}`;
    const style = f.world === 'image' ? 'source' : f.world === 'trampoline' ? 'patch' : 'plain';
    return line(n === selected ? '▸' : ' ', span(symbol, style), ' ', span(where, 'dim'));
  });
  // back in user mode the task has its next call ready
  const next = stop.place.world === 'user' && stop.station !== 'syscall' ? 'next: ' : '';
  if (event.call !== undefined)
    lines.push(
      line(
        '  ',
        span(next, 'dim'),
        span(`${event.call}(${event.args.join(', ')})`, 'bold'),
        span(`  ${stop.task.comm}`, 'dim'),
      ),
    );
  return { title: 'call stack', rows: rows(lines), current: -1, marks: true };
};
