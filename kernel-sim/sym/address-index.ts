/**
 * Every symbol of the kernel by address, data and local functions among them, read when an address is asked for that no
 * function here covers: `get_symbol_pos` of Linux 6.12 kernel/kallsyms.c. Facts of one version, which do not change.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { kallsymsData } from '../data/builtin.ts';
import type { SymbolAt } from './symbol.ts';

interface Index {
  readonly text: string;
  /** by address, those of one address in kallsyms' order */
  readonly addresses: Float64Array;
  /** where in the text a row's type begins, and where the row ends */
  readonly starts: Uint32Array;
  readonly count: number;
}
let index: Index | undefined;

function read(): Index {
  const text = kallsymsData();
  let rows = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) rows++;
  const addresses = new Float64Array(rows);
  const starts = new Uint32Array(rows);
  let count = 0;
  let address: Addr = 0;
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at);
    address += Number.parseInt(text.slice(at, space), 36);
    // offsets into per-CPU areas are no addresses
    const end = text.indexOf('\n', at);
    if (address < 0) {
      addresses[count] = address;
      starts[count++] = space + 1;
      // is_kernel(): what is discarded after boot lies behind
      if (text.startsWith('_end\n', space + 2)) break;
    }
    at = end < 0 ? text.length : end + 1;
  }
  return { text, addresses, starts, count };
}

/** The first symbol of the highest address that is not above this one; undefined outside of the kernel's image. */
export function kernelSymbolAt(address: Addr): SymbolAt | undefined {
  index ??= read();
  const { text, addresses, starts, count } = index;
  let lo = 0;
  let hi = count;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (addresses[mid]! <= address) lo = mid + 1;
    else hi = mid;
  }
  // the last is the image's end
  if (lo === 0 || lo === count) return undefined;
  const start = addresses[lo - 1]!;
  let row = lo - 1;
  while (row > 0 && addresses[row - 1] === start) row--;
  const from = starts[row]! + 1;
  const end = text.indexOf('\n', from);
  return { name: text.slice(from, end < 0 ? undefined : end), offset: address - start, size: addresses[lo]! - start };
}
