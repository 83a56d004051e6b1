/** Fields of an event's record by its format file, and how values get into them. */
import type { GuestMemory } from '../../src/machine/index.ts';
import { allEventFormats, formatFields, isCommon } from '../data/event-formats.ts';
import { type Filling, RECORD_BYTES } from './record.ts';

export interface RecordField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** `__data_loc`: the bytes lie behind the record */
  readonly isLocation: boolean;
  /** characters, in the record or behind it */
  readonly isText: boolean;
}

/** By the text of a format file, without those that every event has. */
export const recordFieldsOf = (format: string): readonly RecordField[] =>
  formatFields(format)
    .filter((field) => !isCommon(field))
    .map(({ name, type, isArray, offset, size }) => ({
      name,
      offset,
      size,
      isLocation: type.includes('__data_loc'),
      isText: /\bchar\b/.test(type) && (isArray || type.includes('[]')),
    }));

const known = new Map<string, readonly RecordField[]>();
/** Of an event by its name without category; none where Linux has no such event. */
export function recordFields(event: string): readonly RecordField[] {
  const before = known.get(event);
  if (before !== undefined) return before;
  const format = [...allEventFormats().values()].find((events) => events.has(event))?.get(event);
  const fields = format === undefined ? [] : recordFieldsOf(format);
  known.set(event, fields);
  return fields;
}

/** Writes a field: bytes that are too many for it, or for the record, are cut; where they are too few zeros follow. */
export function writeField(memory: GuestMemory, record: Filling, field: RecordField, bytes: Uint8Array): void {
  const { offset, size, isLocation } = field;
  if (!isLocation) {
    const padded = new Uint8Array(size);
    padded.set(bytes.subarray(0, size));
    memory.writeBytes(record.at + offset, padded);
    return;
  }
  const kept = bytes.subarray(0, RECORD_BYTES - record.tail);
  memory.writeU32(record.at + offset, ((kept.length << 16) | record.tail) >>> 0);
  memory.writeBytes(record.at + record.tail, kept);
  record.tail += kept.length;
}
/** Little-endian, as wide as the field is. */
export function numberBytes(value: number | bigint | boolean, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, BigInt(value));
  for (let n = 0; n < size; n++, rest >>= 8n) bytes[n] = Number(rest & 0xffn);
  return bytes;
}
