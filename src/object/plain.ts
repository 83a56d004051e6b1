/** Values as JSON has them. */
import type { BtfValue } from '../btf/index.ts';
import { toHex } from '../platform/index.ts';

/** What JSON can say. */
export type Plain = number | string | boolean | null | Plain[] | { [key: string]: Plain };

/** A value that JSON can hold: large integers as decimal text, bytes as hexadecimal. */
export function toPlain(value: BtfValue): Plain {
  if (typeof value === 'bigint') return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toPlain(part)]));
  return value;
}
