/** Map values and the map object itself (check_map_access(), check_ptr_to_map_access()). */

import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { F_RDONLY_PROG, F_WRONLY_PROG, MAP } from '../kinds.ts';
import type { Reg } from '../state/reg.ts';
import type { Access } from './access.ts';
import { isKptr } from './record.ts';
import { checkRegion } from './region.ts';

export const mapReadable = (map: MapFacts): boolean => (map.flags & F_WRONLY_PROG) === 0;
export const mapWritable = (map: MapFacts): boolean => (map.flags & F_RDONLY_PROG) === 0;

export function checkMapAccessType(env: Env, map: MapFacts, off: number, size: number, access: Access): void {
  const allowed = access === 'write' ? mapWritable(map) : mapReadable(map);
  if (allowed) return;
  const what = access === 'write' ? 'write into' : 'read from';
  env.fail('EACCES', `${what} map forbidden, value_size=${map.valueSize} off=${off} size=${size}`);
}

/** The range, and that no special field is touched. */
export function checkMapAccess(
  env: Env,
  reg: Reg,
  regno: number,
  off: number,
  size: number,
  zeroOk: boolean,
  direct: boolean,
): void {
  const map = reg.map as MapFacts;
  checkRegion(env, reg, regno, off, size, map.valueSize, zeroOk);
  const lo = reg.v.sminNumber + off;
  const hi = reg.v.umaxNumber + off + size;
  for (const field of env.records.ofMap(map)) {
    if (lo >= field.offset + field.size || field.offset >= hi) continue;
    if (!isKptr(field.kind)) env.fail('EACCES', `${field.kind} cannot be accessed directly by load/store`);
    if (!direct) env.fail('EACCES', 'kptr cannot be accessed indirectly by helper');
    if (!reg.v.isConst) env.fail('EACCES', 'kptr access cannot have variable offset');
    const at = off + reg.v.sminNumber;
    if (field.offset !== at) env.fail('EACCES', `kptr access misaligned expected=${field.offset} off=${at}`);
    if (size !== 8) env.fail('EACCES', 'kptr access size must be BPF_DW');
  }
}

/** A constant of a frozen read-only array. */
export function readConstant(map: MapFacts, off: number, size: number): bigint | undefined {
  if (!(map.flags & F_RDONLY_PROG) || !map.frozen || map.type !== MAP.ARRAY) return undefined;
  return map.readConst?.(off, size);
}
