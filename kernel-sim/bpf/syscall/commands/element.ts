/** BPF_MAP_LOOKUP_ELEM and its kin, one element at a time: what precedes and follows a map's own operation. */

import type { Addr } from '../../../../src/machine/addr.ts';
import { BPF_F_LOCK, BPF_MAP_TYPE as T } from '../../../../src/uapi/index.ts';
import { type Errno, errnoName } from '../../../core/errno.ts';
import type { FileMode } from '../../../core/fds.ts';
import { BloomFilterMap, type BpfMap } from '../../maps/index.ts';
import type { BpfState } from '../../objects/state.ts';
import type { Call } from './call.ts';

/** Offsets in the union: the structure that the BPF_MAP_*_ELEM commands share. */
const ATTR = { map_fd: 0, key: 8, value: 16, flags: 24 };

/** Who asks: a system call, or a typed handle. */
export interface Caller {
  readonly state: BpfState;
  fail(errno: Errno, what: string): never;
}

export interface OpenMap {
  readonly map: BpfMap;
  readonly mode: FileMode;
}

/** `map_get_sys_perms`: how the descriptor was opened; a frozen map is not written. */
export function openMap(call: Call, offset: number): OpenMap {
  const fd = call.s32(offset);
  const map = call.state.mapByFd(call.command, fd);
  const mode = call.process.fds.mode(fd);
  return { map, mode: { read: mode.read, write: mode.write && !map.frozen } };
}
export function readable(call: Caller, { map, mode }: OpenMap): void {
  if (!mode.read) call.fail('EPERM', `${map.describe()} is write-only for user space`);
}
export function writable(call: Caller, { map, mode }: OpenMap): void {
  if (!mode.write) call.fail('EPERM', `${map.describe()} is ${map.frozen ? 'frozen' : 'read-only for user space'}`);
}

/** BPF_F_LOCK is for values with a bpf_spin_lock. */
export function lockable(call: Caller, map: BpfMap, flags: bigint): void {
  if (flags & BigInt(BPF_F_LOCK) && !map.hasSpinLock) call.fail('EINVAL', 'the value has no bpf_spin_lock');
}

/** Throws the error that a negative answer of a map's operation stands for. */
export function check(call: Caller, result: number, map: BpfMap): void {
  if (result < 0) call.fail(errnoName(result) as Errno, map.describe());
}

/** Kernel memory for the time of a command. */
export function withBytes<R>(call: Caller, bytes: Uint8Array, use: (at: Addr) => R): R {
  const { host } = call.state;
  const at = host.kmalloc(Math.max(8, bytes.length));
  try {
    host.memory.writeBytes(at, bytes);
    return use(at);
  } finally {
    host.kfree(at);
  }
}

/** `___bpf_copy_key`: calls with the key's address in the kernel, 0 where the map has no keys. */
export function withKey<R>(call: Call, map: BpfMap, at: Addr, use: (key: Addr) => R): R {
  if (map.keySize === 0) return at === 0 ? use(0) : call.fail('EINVAL', `${map.describe()} has no keys`);
  return withBytes(call, call.copyIn(at, map.keySize), use);
}

export function lookupElem(call: Call): number {
  const flags = call.u64(ATTR.flags);
  if (flags & ~BigInt(BPF_F_LOCK)) call.fail('EINVAL', `flags 0x${flags.toString(16)}`);
  const open = openMap(call, ATTR.map_fd);
  const { map } = open;
  readable(call, open);
  lockable(call, map, flags);
  const to = call.pointer(ATTR.value);
  const value = withKey(call, map, call.pointer(ATTR.key), (key) => {
    if (map instanceof BloomFilterMap) {
      const asked = call.copyIn(to, map.valueSize);
      check(call, peekAt(call, map, asked), map);
      return asked;
    }
    return found(call, map, copyValue(call, map, key));
  });
  call.copyOut(to, value);
  return 0;
}

/** Whether a bloom filter may have a value: 0, or -ENOENT. */
export const peekAt = (call: Caller, map: BpfMap, value: Uint8Array): number =>
  withBytes(call, value, (at) => map.peek(at));

/** `bpf_map_copy_value` */
export function copyValue(call: Caller, map: BpfMap, key: Addr): Uint8Array | number {
  if (map.type !== T.QUEUE && map.type !== T.STACK) return map.lookupUser(key);
  const { host } = call.state;
  const at = host.kmalloc(Math.max(8, map.valueSize));
  try {
    const err = map.peek(at);
    return err < 0 ? err : host.memory.readBytes(at, map.valueSize);
  } finally {
    host.kfree(at);
  }
}
export function found(call: Caller, map: BpfMap, value: Uint8Array | number): Uint8Array {
  return typeof value === 'number' ? call.fail(errnoName(value) as Errno, map.describe()) : value;
}

export function updateElem(call: Call): number {
  const open = openMap(call, ATTR.map_fd);
  const { map } = open;
  writable(call, open);
  const flags = call.u64(ATTR.flags);
  lockable(call, map, flags);
  return withKey(call, map, call.pointer(ATTR.key), (key) => {
    const value = call.copyIn(call.pointer(ATTR.value), map.userValueSize);
    check(call, updateValue(call, map, key, value, flags), map);
    return 0;
  });
}

/** `bpf_map_update_value` */
export function updateValue(call: Caller, map: BpfMap, key: Addr, value: Uint8Array, flags: bigint): number {
  call.state.takesRoom.tell('BPF_MAP_UPDATE_ELEM', map);
  // no flag of 6.12 is above the lower half, so a larger number is refused like any other
  const low = flags > 0xffff_ffffn ? 0xffff_fff8 : Number(flags);
  return withBytes(call, value, (at) =>
    map.type === T.QUEUE || map.type === T.STACK || map.type === T.BLOOM_FILTER
      ? map.push(at, low)
      : map.updateUser(key, at, low),
  );
}

export function deleteElem(call: Call): number {
  const open = openMap(call, ATTR.map_fd);
  writable(call, open);
  const { map } = open;
  return withKey(call, map, call.pointer(ATTR.key), (key) => {
    check(call, map.delete(key), map);
    return 0;
  });
}

export function getNextKey(call: Call): number {
  const open = openMap(call, ATTR.map_fd);
  readable(call, open);
  const { map } = open;
  const given = call.pointer(ATTR.key);
  const next = given === 0 ? nextKey(call, map, 0) : withKey(call, map, given, (key) => nextKey(call, map, key));
  call.copyOut(call.pointer(ATTR.value), found(call, map, next));
  return 0;
}
/** The key behind the one at `key`, the first where that is 0; a negative error number where there is none. */
export function nextKey(call: Caller, map: BpfMap, key: Addr): Uint8Array | number {
  const { host } = call.state;
  const next = host.kmalloc(Math.max(8, map.keySize));
  try {
    const err = map.nextKey(key, next);
    return err < 0 ? err : host.memory.readBytes(next, map.keySize);
  } finally {
    host.kfree(next);
  }
}

const HASHES: readonly number[] = [T.HASH, T.PERCPU_HASH, T.LRU_HASH, T.LRU_PERCPU_HASH];

export function lookupAndDelete(call: Call): number {
  const flags = call.u64(ATTR.flags);
  if (flags & ~BigInt(BPF_F_LOCK)) call.fail('EINVAL', `flags 0x${flags.toString(16)}`);
  const open = openMap(call, ATTR.map_fd);
  const { map } = open;
  readable(call, open);
  writable(call, open);
  const isQueue = map.type === T.QUEUE || map.type === T.STACK;
  if (flags !== 0n && isQueue) call.fail('EINVAL', `${map.describe()} takes no flags`);
  lockable(call, map, flags);
  const value = withKey(call, map, call.pointer(ATTR.key), (key) => {
    if (!isQueue && !HASHES.includes(map.type)) return call.fail('ENOTSUPP', `${map.describe()} has no such command`);
    return found(call, map, map.lookupAndDelete(key));
  });
  call.copyOut(call.pointer(ATTR.value), value);
  return 0;
}

export function freeze(call: Call): number {
  freezeMap(call, openMap(call, 0));
  return 0;
}
/** `map_freeze` */
export function freezeMap(call: Caller, open: OpenMap): void {
  const { map } = open;
  if (map.type === T.STRUCT_OPS || map.hasSpinLock) call.fail('ENOTSUPP', `${map.describe()} may not be frozen`);
  writable(call, open);
  if (map.writers > 0) call.fail('EBUSY', 'mapped for writing');
  map.freeze();
}
