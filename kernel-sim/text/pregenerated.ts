/**
 * Text of the functions at the shipped symbols' addresses, made when the package is: what a first
 * run would otherwise spend its time on. `data/make/pregenerate.ts` makes it, a test compares it.
 */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeBase64 } from '../../src/platform/index.ts';
import type { TextTable } from '../data/text-table.ts';
import type { Compiled, TraceSite } from './compile.ts';

export class Pregenerated {
  readonly hypercalls: readonly string[];
  readonly #table: TextTable;
  #index: Map<string, { readonly at: Addr; readonly from: number; readonly to: number }> | undefined;
  #text: Uint8Array | undefined;
  #sites: Map<string, TraceSite[]> | undefined;

  constructor(table: TextTable) {
    this.#table = table;
    this.hypercalls = table.hypercalls === '' ? [] : table.hypercalls.split('\n');
  }
  get(name: string, at: Addr): Compiled | undefined {
    this.#index ??= this.#read();
    const row = this.#index.get(name);
    if (!row || row.at !== at) return undefined;
    return { bytes: (this.#text as Uint8Array).subarray(row.from, row.to), sites: this.#sites?.get(name) ?? [] };
  }
  #read(): Map<string, { at: Addr; from: number; to: number }> {
    const { names, places, base, text, sites } = this.#table;
    const bytes = decodeBase64(places);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#text = decodeBase64(text);
    const index = new Map<string, { at: Addr; from: number; to: number }>();
    let from = 0;
    for (const [n, name] of names.split(' ').entries()) {
      const to = from + view.getUint32(8 * n + 4, true);
      index.set(name, { at: base + view.getUint32(8 * n, true), from, to });
      from = to;
    }
    this.#sites = new Map();
    for (const line of sites === '' ? [] : sites.split('\n')) {
      const [event, name, at, outOfLine] = line.split(' ') as [string, string, string, string];
      const start = (index.get(name) as { at: Addr }).at;
      const list = this.#sites.get(name) ?? [];
      list.push({ event, at: start + Number(at), outOfLine: start + Number(outOfLine) });
      this.#sites.set(name, list);
    }
    return index;
  }
}
