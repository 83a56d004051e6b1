/** Machine code of the function that the CPU is in; the bytes where there is room. */
import { formatAddr } from '../../machine/addr.ts';
import { line, span } from '../text.ts';
import { mark, type Pane, type Row } from './pane.ts';

/** columns from which bytes are shown, and from which the whole address */
const WITH_BYTES = 44;
const WITH_ADDRESS = 76;
const MOST_BYTES = 5;

/** As wide for all: those that have more end in an ellipsis. */
export const hexBytes = (bytes: Uint8Array, most: number): string => {
  const isCut = bytes.length > most;
  const shown = Array.from(bytes.subarray(0, isCut ? most - 1 : most), (b) => b.toString(16).padStart(2, '0'));
  return `${shown.join(' ')}${isCut ? '…' : ''}`.padEnd(most * 3);
};

/** One blank between the words, and of a target that has a name, the name. */
export const shortText = (text: string, points?: string): string => {
  const short = text.replace(/\s+/g, ' ').replace(/\b[0-9a-f]{6,16} <([^>]+)>/, '$1');
  return points === undefined ? short : short.replace(/\b0xffff[0-9a-f]{12}\b/, points.replace(/^map /, ''));
};

export const x86: Pane = ({ x86: view, patches, stop }, width) => {
  if (stop.reason === 'end' && view.current === 0)
    return {
      title: 'x86-64',
      rows: [{ line: line(span(' (the recording is over: nothing runs)', 'dim')) }],
      current: -1,
    };
  const patched = new Set(patches.map((p) => p.address));
  const most = width >= WITH_ADDRESS ? 10 : MOST_BYTES;
  const rows = view.rows.map((row): Row => {
    const address = formatAddr(row.address);
    const style = patched.has(row.address) ? 'patch' : 'plain';
    const bytes = width >= WITH_BYTES ? [span(hexBytes(row.bytes, most), style === 'patch' ? style : 'dim')] : [];
    const where = width >= WITH_ADDRESS ? address : address.slice(-4);
    return {
      line: line(mark(row), span(where, 'dim'), ' ', ...bytes, span(shortText(row.text, row.points), style)),
      target: { kind: 'address', address: row.address },
    };
  });
  return { title: `x86-64  ${view.name}`, rows, current: view.current, cursor: true };
};
