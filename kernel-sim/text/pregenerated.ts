/**
 * Text of the functions at the shipped symbols' addresses, made when the package is: what a first
 * run would otherwise spend its time on. `data/make/pregenerate.ts` makes it, a test compares it.
 */

import type { Addr } from '../../src/machine/addr.ts';
import { decodeBase64 } from '../../src/platform/index.ts';
import type { TextTable } from '../data/text-table.ts';
import type { Compiled, TraceSite } from './compile.ts';

interface Place {
  readonly at: Addr;
  readonly length: number;
}
interface Row extends Place {
  /** where its bytes are in the table's text */
  readonly from: number;
}

export class Pregenerated {
  readonly hypercalls: readonly string[];
  readonly #table: TextTable;
  #rows: Map<string, Row> | undefined;
  #text: Uint8Array | undefined;
  #sites: Map<string, TraceSite[]> | undefined;
  /** names of text of the model's own */
  #own: string[] = [];

  constructor(table: TextTable) {
    this.#table = table;
    this.hypercalls = table.hypercalls === '' ? [] : table.hypercalls.split('\n');
  }
  /** Distances from `_stext` at which the model's own text and variables go on. */
  get ownText(): number {
    return this.#table.ownText;
  }
  get ownData(): number {
    return this.#table.ownData;
  }
  /** Functions and variables that the kernel has no symbols for, and where they lie. */
  get own(): readonly [string, Addr][] {
    const { own, base } = this.#table;
    return own.split(' ').map((place) => {
      const [name = '', at] = place.split('=');
      return [name, base + Number(at)];
    });
  }
  /** Names of the model's own text with bytes from `start` to `end`. */
  ownNames(start: Addr, end: Addr): string[] {
    const rows = this.#index();
    return this.#own.filter((name) => {
      const { at, length } = rows.get(name) as Row;
      return at < end && at + length > start;
    });
  }
  place(name: string): Place | undefined {
    return this.#index().get(name);
  }
  piece(name: string): { readonly name: string; readonly at: Addr; readonly bytes: Uint8Array } | undefined {
    const row = this.#index().get(name);
    return row && { name, at: row.at, bytes: this.#bytes(row) };
  }
  get(name: string, at: Addr): Compiled | undefined {
    const row = this.#index().get(name);
    if (row?.at !== at) return undefined;
    return { bytes: this.#bytes(row), sites: this.#sites?.get(name) ?? [] };
  }

  #bytes({ from, length }: Row): Uint8Array {
    return (this.#text as Uint8Array).subarray(from, from + length);
  }
  #index(): Map<string, Row> {
    if (this.#rows !== undefined) return this.#rows;
    const { names, places, base, text, sites, firstOwn } = this.#table;
    const bytes = decodeBase64(places);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#text = decodeBase64(text);
    const rows = new Map<string, Row>();
    let from = 0;
    for (const [n, name] of names.split(' ').entries()) {
      const length = view.getUint32(8 * n + 4, true);
      rows.set(name, { at: base + view.getUint32(8 * n, true), from, length });
      from += length;
      if (n >= firstOwn) this.#own.push(name);
    }
    this.#rows = rows;
    this.#sites = new Map();
    for (const line of sites === '' ? [] : sites.split('\n')) {
      const [event, name, at, outOfLine] = line.split(' ') as [string, string, string, string];
      const start = (rows.get(name) as Row).at;
      const list = this.#sites.get(name) ?? [];
      list.push({ event, at: start + Number(at), outOfLine: start + Number(outOfLine) });
      this.#sites.set(name, list);
    }
    return rows;
  }
}
