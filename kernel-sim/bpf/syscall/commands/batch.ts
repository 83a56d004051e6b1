/**
 * BPF_MAP_LOOKUP_BATCH and its kin: Linux 6.12 kernel/bpf/syscall.c (`generic_map_*_batch`) and hashtab.c, whose maps are
 * walked a bucket at a time.
 */

import type { Addr } from '../../../../src/machine/addr.ts';
import { concatBytes } from '../../../../src/platform/index.ts';
import { BPF_F_LOCK, BPF_MAP_TYPE as T } from '../../../../src/uapi/index.ts';
import { ERRNO, orErrno } from '../../../core/errno.ts';
import { type BpfMap, HashMap } from '../../maps/index.ts';
import { type Call, u32Bytes } from './call.ts';
import { copyValue, openMap, readable, updateValue, withBytes, writable } from './element.ts';

/** Offsets in `union bpf_attr.batch`. */
const ATTR = { in_batch: 0, out_batch: 8, keys: 16, values: 24, count: 32, map_fd: 36, elem_flags: 40, flags: 48 };

/** Which commands a type has; hash maps have all four. */
const GENERIC_LOOKUP: readonly number[] = [T.ARRAY, T.PERCPU_ARRAY, T.LPM_TRIE, T.ARRAY_OF_MAPS];
const GENERIC_DELETE: readonly number[] = [T.LPM_TRIE];

const isHash = (map: BpfMap): map is HashMap => map instanceof HashMap;

export const lookupBatch = (call: Call): number => {
  const open = openMap(call, ATTR.map_fd);
  readable(call, open);
  const { map } = open;
  if (isHash(map)) return hashBatch(call, map, false);
  return GENERIC_LOOKUP.includes(map.type) ? genericLookup(call, map) : none(call, map);
};
export const lookupAndDeleteBatch = (call: Call): number => {
  const open = openMap(call, ATTR.map_fd);
  readable(call, open);
  writable(call, open);
  return isHash(open.map) ? hashBatch(call, open.map, true) : none(call, open.map);
};
export const updateBatch = (call: Call): number => {
  const open = openMap(call, ATTR.map_fd);
  writable(call, open);
  const { map } = open;
  if (!isHash(map) && !GENERIC_LOOKUP.includes(map.type)) none(call, map);
  return eachGiven(call, map, (key, n) => {
    const value = call.copyIn(call.pointer(ATTR.values) + n * map.userValueSize, map.userValueSize);
    return updateValue(call, map, key, value, call.u64(ATTR.elem_flags));
  });
};
export const deleteBatch = (call: Call): number => {
  const open = openMap(call, ATTR.map_fd);
  writable(call, open);
  const { map } = open;
  if (!isHash(map) && !GENERIC_DELETE.includes(map.type)) none(call, map);
  return eachGiven(call, map, (key) => map.delete(key));
};

const none = (call: Call, map: BpfMap): never => call.fail('ENOTSUPP', `${map.describe()} has no such command`);

function elemFlags(call: Call, map: BpfMap): void {
  const flags = call.u64(ATTR.elem_flags);
  if (flags & ~BigInt(BPF_F_LOCK) || (flags !== 0n && !map.hasSpinLock)) call.fail('EINVAL', `elem_flags ${flags}`);
}

/** `generic_map_update_batch` and `generic_map_delete_batch`: stops at the first error, and tells how many went well. */
function eachGiven(call: Call, map: BpfMap, one: (key: Addr, n: number) => number): number {
  elemFlags(call, map);
  const count = call.u32(ATTR.count);
  if (count === 0) return 0;
  const keys = call.pointer(ATTR.keys);
  let done = 0;
  let err = 0;
  while (done < count && err === 0) {
    // what the element's own command throws ends the batch like its other errors
    err = orErrno(() => withBytes(call, call.copyIn(keys + done * map.keySize, map.keySize), (key) => one(key, done)));
    if (err >= 0) {
      err = 0;
      done++;
    }
  }
  call.put32(ATTR.count, done);
  return err;
}

/** `generic_map_lookup_batch`: in_batch is the last key of the batch before. */
function genericLookup(call: Call, map: BpfMap): number {
  elemFlags(call, map);
  const max = call.u32(ATTR.count);
  if (max === 0) return 0;
  call.put32(ATTR.count, 0);
  const { host } = call.state;
  const from = call.pointer(ATTR.in_batch);
  let key: Uint8Array | undefined = from === 0 ? undefined : call.copyIn(from, map.keySize);
  const next = host.kmalloc(Math.max(8, map.keySize));
  let done = 0;
  let err = 0;
  try {
    while (done < max) {
      err = key === undefined ? map.nextKey(0, next) : withBytes(call, key, (at) => map.nextKey(at, next));
      if (err < 0) break;
      key = host.memory.readBytes(next, map.keySize);
      const value = copyValue(call, map, next);
      if (value === -ERRNO.ENOENT) continue;
      if (typeof value === 'number') return value;
      call.copyOut(call.pointer(ATTR.keys) + done * map.keySize, key);
      call.copyOut(call.pointer(ATTR.values) + done * map.userValueSize, value);
      done++;
    }
  } finally {
    host.kfree(next);
  }
  call.put32(ATTR.count, done);
  if (done > 0 && key !== undefined) call.copyOut(call.pointer(ATTR.out_batch), key);
  return Math.min(err, 0);
}

/** `__htab_map_lookup_and_delete_batch`: whole buckets; in_batch is the number of the first. */
function hashBatch(call: Call, map: HashMap, remove: boolean): number {
  elemFlags(call, map);
  if (call.u64(ATTR.flags) !== 0n) call.fail('EINVAL', 'flags');
  const max = call.u32(ATTR.count);
  if (max === 0) return 0;
  call.put32(ATTR.count, 0);
  const from = call.pointer(ATTR.in_batch);
  let bucket = from === 0 ? 0 : new DataView(call.copyIn(from, 4).buffer).getUint32(0, true);
  if (bucket >= map.bucketCount) return -ERRNO.ENOENT;
  let total = 0;
  let result = 0;
  for (;;) {
    const entries = map.bucket(bucket);
    if (entries.length > max - total) {
      if (total === 0) result = -ERRNO.ENOSPC;
      break;
    }
    const values = entries.map((e) => e.value);
    if (remove) for (const { key } of entries) map.deleteBytes(key);
    const keyBytes = entries.map((e) => e.key);
    call.copyOut(call.pointer(ATTR.keys) + total * map.keySize, concatBytes(keyBytes));
    call.copyOut(call.pointer(ATTR.values) + total * map.userValueSize, concatBytes(values));
    total += entries.length;
    bucket++;
    if (bucket >= map.bucketCount) {
      result = -ERRNO.ENOENT;
      break;
    }
  }
  call.copyOut(call.pointer(ATTR.out_batch), u32Bytes(bucket));
  call.put32(ATTR.count, total);
  return result;
}
