/** The element commands of bpf(2) for typed handles: Linux 6.12 Documentation/bpf/maps.rst and bpf(2), with the errors of kernel/bpf/syscall.c. */
import { checkArgument } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_ANY, BPF_EXIST, BPF_F_LOCK, BPF_F_RDONLY, BPF_F_WRONLY, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { ERRNO, type Errno } from '../../core/errno.ts';
import { BpfError } from '../errors.ts';
import type { BpfMap, RingbufMap } from '../maps/index.ts';
import { BloomFilterMap, HashMap } from '../maps/index.ts';
import type { BpfState } from '../objects/state.ts';
import {
  type Caller,
  check,
  copyValue,
  found,
  freezeMap,
  lockable,
  nextKey,
  type OpenMap,
  peekAt,
  readable,
  updateValue,
  withBytes,
  writable,
} from './commands/element.ts';

/** A key or value: its bytes, or a number that is stored in the map's size, little-endian. */
export type MapBytes = Uint8Array | number | bigint | readonly number[] | null | undefined;

/** u64 flags, of which a number holds what is in use. */
const FLAGS = is.whole(0, Number.MAX_SAFE_INTEGER);
/** flags that ask for nothing but that the element is there, or is not */
const PLAIN_FLAGS: readonly number[] = [BPF_ANY, BPF_NOEXIST, BPF_EXIST];

export interface BatchResult {
  keys: Uint8Array[];
  values: Uint8Array[];
  /** the last one: nothing follows */
  done: boolean;
}

export class MapCommands {
  readonly #state: BpfState;
  constructor(state: BpfState) {
    this.#state = state;
  }

  lookup(map: BpfMap, key: MapBytes, flags = 0): Uint8Array | undefined {
    if (flags === 0 && isPlain(map, BPF_F_WRONLY) && hasSize(key, map.keySize))
      return this.#state.guarded('BPF_MAP_LOOKUP_ELEM', () => map.lookupBytes(key));
    const call = this.#call('BPF_MAP_LOOKUP_ELEM');
    checkArgument('flags', flags, FLAGS);
    readable(call, opened(map));
    if (flags & ~BPF_F_LOCK) call.fail('EINVAL', `flags ${flags}`);
    lockable(call, map, BigInt(flags));
    if (map instanceof BloomFilterMap) {
      const value = encode(call.command, 'value', key, map.valueSize);
      const err = this.#state.guarded(call.command, () => peekAt(call, map, value));
      return ifFound(call, map, err < 0 ? err : value);
    }
    return ifFound(
      call,
      map,
      this.#withKey(call, map, key, (at) => copyValue(call, map, at)),
    );
  }

  update(map: BpfMap, key: MapBytes, value: MapBytes, flags = 0): void {
    const isWritten =
      !this.#state.takesRoom.any && isPlain(map, BPF_F_RDONLY) && !map.frozen && PLAIN_FLAGS.includes(flags);
    if (isWritten && hasSize(key, map.keySize) && hasSize(value, map.valueSize)) {
      const error = this.#state.guarded('BPF_MAP_UPDATE_ELEM', () => map.putBytes(key, value, flags));
      if (error < 0) check(this.#call('BPF_MAP_UPDATE_ELEM'), error, map);
      return;
    }
    const call = this.#call('BPF_MAP_UPDATE_ELEM');
    checkArgument('flags', flags, FLAGS);
    writable(call, opened(map));
    lockable(call, map, BigInt(flags));
    const bytes = encode(call.command, 'value', value, map.userValueSize);
    check(
      call,
      this.#withKey(call, map, key, (at) => updateValue(call, map, at, bytes, BigInt(flags))),
      map,
    );
  }

  delete(map: BpfMap, key: MapBytes): void {
    const call = this.#call('BPF_MAP_DELETE_ELEM');
    writable(call, opened(map));
    check(
      call,
      this.#withKey(call, map, key, (at) => map.delete(at)),
      map,
    );
  }

  nextKey(map: BpfMap, key: MapBytes): Uint8Array | undefined {
    const call = this.#call('BPF_MAP_GET_NEXT_KEY');
    readable(call, opened(map));
    const isFirst = key === undefined || key === null;
    const next = this.#state.guarded(call.command, () =>
      isFirst ? nextKey(call, map, 0) : this.#withKey(call, map, key, (at) => nextKey(call, map, at)),
    );
    return ifFound(call, map, next);
  }

  lookupAndDelete(map: BpfMap, key: MapBytes): Uint8Array | undefined {
    const call = this.#call('BPF_MAP_LOOKUP_AND_DELETE_ELEM');
    readable(call, opened(map));
    writable(call, opened(map));
    if (!map.canLookupAndDelete) call.fail('ENOTSUPP', `${map.describe()} has no such command`);
    return ifFound(
      call,
      map,
      this.#withKey(call, map, key, (at) => map.lookupAndDelete(at)),
    );
  }

  /** LOOKUP_BATCH and LOOKUP_AND_DELETE_BATCH: entries behind `after`, at most `count`. */
  lookupBatch(map: BpfMap, after: MapBytes, count: number, remove = false): BatchResult {
    const call = this.#call(remove ? 'BPF_MAP_LOOKUP_AND_DELETE_BATCH' : 'BPF_MAP_LOOKUP_BATCH');
    readable(call, opened(map));
    if (remove) writable(call, opened(map));
    if (!map.canBatch || (remove && !map.canBatchDelete)) call.fail('ENOTSUPP', `${map.describe()} has no batches`);
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    let key = this.nextKey(map, after);
    while (key !== undefined && keys.length < count) {
      const value = this.lookup(map, key);
      if (value !== undefined) {
        keys.push(key);
        values.push(value);
      }
      key = this.nextKey(map, key);
    }
    if (remove) for (const k of keys) this.delete(map, k);
    return { keys, values, done: key === undefined };
  }
  updateBatch(map: BpfMap, keys: readonly MapBytes[], values: readonly MapBytes[], flags = 0): number {
    const command = 'BPF_MAP_UPDATE_BATCH';
    if (!map.canBatch) throw new BpfError(command, 'ENOTSUPP', `${map.describe()} has no batches`);
    keys.forEach((key, i) => {
      this.update(map, key, values[i], flags);
    });
    return keys.length;
  }
  deleteBatch(map: BpfMap, keys: readonly MapBytes[]): number {
    if (!map.canBatchDelete) throw new BpfError('BPF_MAP_DELETE_BATCH', 'ENOTSUPP', `${map.describe()} has no batches`);
    for (const key of keys) this.delete(map, key);
    return keys.length;
  }

  freeze(map: BpfMap): void {
    freezeMap(this.#call('BPF_MAP_FREEZE'), opened(map));
  }

  /** Takes the records of a ring buffer that are ready. */
  consume(map: RingbufMap): Uint8Array[] {
    return this.#state.guarded('poll', () => [...map.consume()]);
  }

  #call(command: string): Caller & { readonly command: string } {
    const fail = (errno: Errno, what: string): never => {
      throw new BpfError(command, errno, what);
    };
    return { state: this.#state, command, fail };
  }
  #withKey<T>(call: Caller & { readonly command: string }, map: BpfMap, key: MapBytes, use: (at: Addr) => T): T {
    if (map.keySize > 0) {
      const bytes = encode(call.command, 'key', key, map.keySize);
      return this.#state.guarded(call.command, () => withBytes(call, bytes, use));
    }
    if (key !== undefined && key !== null) call.fail('EINVAL', `${map.describe()} has no keys`);
    return this.#state.guarded(call.command, () => use(0));
  }
}

/** Mostly keys and values are bytes of the right size, and the map is a hash of plain values: nothing else is to be looked at. */
const isPlain = (map: BpfMap, forbidden: number): map is HashMap =>
  map instanceof HashMap && (map.flags & forbidden) === 0 && map.takesBytes;
const hasSize = (bytes: MapBytes, size: number): bytes is Uint8Array =>
  bytes instanceof Uint8Array && bytes.length === size;

/** A typed handle may do what the map's own flags let. */
const opened = (map: BpfMap): OpenMap => ({
  map,
  mode: { read: !(map.flags & BPF_F_WRONLY), write: !(map.flags & BPF_F_RDONLY) && !map.frozen },
});
/** What bpf(2) answers with ENOENT is no error to who asks by a handle. */
const ifFound = (call: Caller, map: BpfMap, value: Uint8Array | number): Uint8Array | undefined =>
  value === -ERRNO.ENOENT ? undefined : found(call, map, value);

const KEY_OR_VALUE = is.either(is.bytes, is.listOf(is.whole(0, 255)));

/** Bytes of a key or value. @throws BpfError EFAULT where there is none, EINVAL for other lengths; ArgumentError */
export function encode(command: string, what: string, given: MapBytes, size: number): Uint8Array {
  if (typeof given === 'number' || typeof given === 'bigint') {
    checkArgument(what, given, is.u64);
    const out = new Uint8Array(size);
    let rest = BigInt.asUintN(size * 8, BigInt(given));
    for (let i = 0; i < size && rest !== 0n; i++, rest >>= 8n) out[i] = Number(rest & 0xffn);
    return out;
  }
  if (given === undefined || given === null) throw new BpfError(command, 'EFAULT', `no ${what}`);
  checkArgument(what, given, KEY_OR_VALUE);
  const bytes = given instanceof Uint8Array ? given : Uint8Array.from(given as readonly number[]);
  if (bytes.length !== size)
    throw new BpfError(command, 'EINVAL', `the ${what} has ${bytes.length} bytes, this map takes ${size}`);
  return bytes;
}
