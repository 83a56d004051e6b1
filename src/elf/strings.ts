/** String tables (System V gABI chapter 4, "String Table"), with a limit on what one name may take. */
import { decodeUtf8 } from '../platform/index.ts';

/** Longest name that is taken: far more than KSYM_NAME_LEN (512), and it bounds what a table without ends can cost. */
export const MAX_NAME = 4096;

/** Bytes of names that a table may give for each of its own: tails are shared, but not by thousands. */
const MAX_SHARING = 16;

/** Names of a table as they are asked for, with a bound on all of them together. */
export class StringTable {
  readonly #table: Uint8Array;
  #left: number;

  constructor(table: Uint8Array) {
    this.#table = table;
    this.#left = table.length * MAX_SHARING + 65536;
  }

  /** The string at `offset`, or undefined where there is none, or too much was asked for. */
  at(offset: number): string | undefined {
    const text = stringAt(this.#table, offset);
    this.#left -= text?.length ?? 0;
    return this.#left < 0 ? undefined : text;
  }
}

/** The string at `offset`, or undefined where the table does not hold one there. */
export function stringAt(table: Uint8Array, offset: number): string | undefined {
  if (offset >= table.length) return undefined;
  const end = table.subarray(offset, offset + MAX_NAME).indexOf(0);
  if (end < 0) return undefined;
  return decodeUtf8(table, offset, offset + end);
}
