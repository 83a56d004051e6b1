/** Where maps hold log2 slots: `__u32 slots[27]` in their values, or numbers by slot in an array or a hash of integers. */
import type { MapHandle } from '../../kernel-sim/index.ts';
import { type Btf, isComposite } from '../btf/index.ts';
import { jsonText } from './json.ts';
import type { Names } from './names.ts';
import { readable } from './readable.ts';

export interface Slots {
  /** the key that they belong to; '' where the map itself is the histogram */
  readonly of: string;
  readonly counts: readonly number[];
}

export interface SlotTypes {
  readonly btf: Btf | undefined;
  /** types of key and value, 0 where they are not known */
  readonly key: number;
  readonly value: number;
}

const MOST = 64;
/** fewer slots than this are taken for something else, unless a map is named as a histogram */
const LEAST = 16;
const NAME = /hist|dist|slots?$|latency/i;
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/usecs?|_us$/, 'usecs'],
  [/msecs?|_ms$/, 'msecs'],
  [/nsecs?|_ns$/, 'nsecs'],
  [/bytes?|size/, 'bytes'],
];

export const unitOf = (map: string): string => UNITS.find(([words]) => words.test(map))?.[1] ?? 'value';

/** Whether a map looks as if it held log2 slots. */
export function looksLikeSlots(name: string, handle: MapHandle, types: SlotTypes): boolean {
  if (slotsMember(types)) return true;
  if (!['array', 'percpu_array', 'hash', 'percpu_hash'].includes(handle.type)) return false;
  if (!isCounter(handle, types) || handle.keySize > 8) return false;
  return NAME.test(name) || (handle.type.includes('array') && handle.maxEntries >= LEAST && handle.maxEntries <= MOST);
}

const isCounter = ({ valueSize }: MapHandle, { btf, value }: SlotTypes): boolean =>
  (valueSize === 4 || valueSize === 8) && (!btf || value === 0 || btf.resolve(value).kind === 'int');

/** Place of an array of integers within the value: `slots`, or the only one that is long enough. */
function slotsMember({
  btf,
  value,
}: SlotTypes): { readonly offset: number; readonly length: number; readonly size: number } | undefined {
  if (!btf || value === 0) return undefined;
  const type = btf.resolve(value);
  const members = isComposite(type) ? type.members : [{ name: '', type: value, bitOffset: 0, bitfieldSize: 0 }];
  const found = members.flatMap((m) => {
    const inner = btf.resolve(m.type);
    if (inner.kind !== 'array' || btf.resolve(inner.type).kind !== 'int') return [];
    const size = btf.sizeOf(inner.type);
    if (size !== 4 && size !== 8) return [];
    const named = /slots|hist|dist/i.test(m.name);
    return named || (inner.length >= LEAST && inner.length <= MOST)
      ? [{ offset: m.bitOffset / 8, length: inner.length, size, named }]
      : [];
  });
  return found.find((f) => f.named) ?? found[0];
}

function number(bytes: Uint8Array, offset: number, size: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return size === 4 ? view.getUint32(offset, true) : Number(view.getBigUint64(offset, true));
}

/** Bytes of each CPU's value one after the other, summed up. */
function counter(handle: MapHandle, bytes: Uint8Array): number {
  const stride = handle.type.startsWith('percpu') ? 8 : bytes.length;
  let sum = 0;
  for (let at = 0; at + handle.valueSize <= bytes.length; at += stride) sum += number(bytes, at, handle.valueSize);
  return sum;
}

/** The histograms in a map. */
export function slotsOf(handle: MapHandle, types: SlotTypes, names: Names): Slots[] {
  const member = slotsMember(types);
  if (!member) {
    const counts: number[] = [];
    for (const [key, value] of handle.entries()) {
      const slot = number(padTo8(key), 0, 8);
      if (slot < MOST) counts[slot] = counter(handle, value);
    }
    return [{ of: '', counts: Array.from(counts, (n) => n ?? 0) }];
  }
  return [...handle.entries()].map(([key, value]) => ({
    of: types.btf && types.key !== 0 ? jsonText(readable(types.btf, types.key, key, names), 'plain') : '',
    counts: Array.from({ length: member.length }, (_, n) =>
      number(value, member.offset + n * member.size, member.size),
    ),
  }));
}

function padTo8(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(8);
  out.set(bytes.subarray(0, 8));
  return out;
}
