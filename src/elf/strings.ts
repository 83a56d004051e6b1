/** String tables (System V gABI chapter 4, "String Table"), with a limit on what one name may take. */

/** Longest name that is taken: far more than KSYM_NAME_LEN (512), and it bounds what a table without ends can cost. */
export const MAX_NAME = 4096;

/** The string at `offset`, or undefined where the table does not hold one there. */
export function stringAt(table: Uint8Array, offset: number): string | undefined {
  if (offset >= table.length) return undefined;
  const end = table.subarray(offset, offset + MAX_NAME).indexOf(0);
  if (end < 0) return undefined;
  return Buffer.from(table.buffer, table.byteOffset + offset, end).toString('utf8');
}
