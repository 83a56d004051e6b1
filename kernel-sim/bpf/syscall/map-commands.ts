/** The element commands of bpf(2): Linux 6.12 Documentation/bpf/maps.rst and bpf(2), with the errors of kernel/bpf/syscall.c. */
import { checkArgument } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_F_LOCK, BPF_F_RDONLY, BPF_F_WRONLY, BPF_MAP_TYPE as T } from '../../../src/uapi/index.ts';
import { ERRNO, type Errno, errnoName } from '../../core/errno.ts';
import { BpfError } from '../errors.ts';
import type { BpfMap, RingbufMap } from '../maps/index.ts';
import { BloomFilterMap } from '../maps/index.ts';
import type { BpfState } from '../objects/state.ts';

/** A key or value: its bytes, or a number that is stored in the map's size, little-endian. */
export type MapBytes = Uint8Array | number | bigint | readonly number[] | null | undefined;

/** u64 flags, of which a number holds what is in use. */
const FLAGS = is.whole(0, Number.MAX_SAFE_INTEGER);

/** Types without MAP_FREEZE, and those that a freeze may not reach. */
const UNFREEZABLE: readonly number[] = [T.STRUCT_OPS];

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
    const command = 'BPF_MAP_LOOKUP_ELEM';
    checkArgument('flags', flags, FLAGS);
    this.#readable(command, map);
    if (flags & ~BPF_F_LOCK || (flags & BPF_F_LOCK && !map.hasSpinLock))
      throw new BpfError(command, 'EINVAL', `flags ${flags}`);
    if (map instanceof BloomFilterMap) {
      const value = encode(command, 'value', key, map.valueSize);
      return this.#found(
        command,
        this.#withBuffer(command, value, (at) => map.peek(at)),
      )
        ? value
        : undefined;
    }
    return this.#value(
      command,
      this.#withKey(command, map, key, (at) => map.lookupUser(at)),
    );
  }

  update(map: BpfMap, key: MapBytes, value: MapBytes, flags = 0): void {
    const command = 'BPF_MAP_UPDATE_ELEM';
    checkArgument('flags', flags, FLAGS);
    this.#writable(command, map);
    if (flags & BPF_F_LOCK && !map.hasSpinLock) throw new BpfError(command, 'EINVAL', 'the value has no bpf_spin_lock');
    const bytes = encode(command, 'value', value, map.userValueSize);
    this.#check(
      command,
      this.#withKey(command, map, key, (keyAt) =>
        this.#withBuffer(command, bytes, (valueAt) => map.updateUser(keyAt, valueAt, flags)),
      ),
      map,
    );
  }

  delete(map: BpfMap, key: MapBytes): void {
    const command = 'BPF_MAP_DELETE_ELEM';
    this.#writable(command, map);
    this.#check(
      command,
      this.#withKey(command, map, key, (at) => map.delete(at)),
      map,
    );
  }

  nextKey(map: BpfMap, key: MapBytes): Uint8Array | undefined {
    const command = 'BPF_MAP_GET_NEXT_KEY';
    this.#readable(command, map);
    const next = this.#state.host.kmalloc(Math.max(map.keySize, 8));
    try {
      const err =
        key === undefined || key === null
          ? this.#state.guarded(command, () => map.nextKey(0, next))
          : this.#withKey(command, map, key, (at) => map.nextKey(at, next));
      return this.#found(command, err) ? this.#state.host.memory.readBytes(next, map.keySize) : undefined;
    } finally {
      this.#state.host.kfree(next);
    }
  }

  lookupAndDelete(map: BpfMap, key: MapBytes): Uint8Array | undefined {
    const command = 'BPF_MAP_LOOKUP_AND_DELETE_ELEM';
    this.#readable(command, map);
    this.#writable(command, map);
    if (!map.canLookupAndDelete) throw new BpfError(command, 'ENOTSUPP', `${map.describe()} has no such command`);
    return this.#value(
      command,
      this.#withKey(command, map, key, (at) => map.lookupAndDelete(at)),
    );
  }

  /** LOOKUP_BATCH and LOOKUP_AND_DELETE_BATCH: entries behind `after`, at most `count`. */
  lookupBatch(map: BpfMap, after: MapBytes, count: number, remove = false): BatchResult {
    const command = remove ? 'BPF_MAP_LOOKUP_AND_DELETE_BATCH' : 'BPF_MAP_LOOKUP_BATCH';
    this.#readable(command, map);
    if (remove) this.#writable(command, map);
    if (!map.canBatch || (remove && !map.canBatchDelete))
      throw new BpfError(command, 'ENOTSUPP', `${map.describe()} has no batches`);
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
    const command = 'BPF_MAP_FREEZE';
    if (UNFREEZABLE.includes(map.type) || map.hasSpinLock)
      throw new BpfError(command, 'ENOTSUPP', `${map.describe()} may not be frozen`);
    if (map.flags & BPF_F_RDONLY) throw new BpfError(command, 'EPERM', 'the descriptor is read-only');
    if (map.writers > 0 || map.frozen)
      throw new BpfError(command, 'EBUSY', map.frozen ? 'already frozen' : 'mapped for writing');
    map.freeze();
  }

  /** Takes the records of a ring buffer that are ready. */
  consume(map: RingbufMap): Uint8Array[] {
    return this.#state.guarded('poll', () => [...map.consume()]);
  }

  #readable(command: string, map: BpfMap): void {
    if (map.flags & BPF_F_WRONLY)
      throw new BpfError(command, 'EPERM', `${map.describe()} is write-only for user space`);
  }
  #writable(command: string, map: BpfMap): void {
    if (map.flags & BPF_F_RDONLY || map.frozen) {
      throw new BpfError(
        command,
        'EPERM',
        `${map.describe()} is ${map.frozen ? 'frozen' : 'read-only for user space'}`,
      );
    }
  }
  #check(command: string, result: number, map: BpfMap): void {
    if (result < 0) throw new BpfError(command, errnoName(result) as Errno, map.describe());
  }
  #found(command: string, result: number): boolean {
    if (result < 0 && result !== -ERRNO.ENOENT) throw new BpfError(command, errnoName(result) as Errno, 'refused');
    return result >= 0;
  }
  #value(command: string, found: Uint8Array | number): Uint8Array | undefined {
    if (typeof found !== 'number') return found;
    this.#found(command, found);
    return undefined;
  }
  #withKey<T>(command: string, map: BpfMap, key: MapBytes, use: (at: Addr) => T): T {
    if (map.keySize === 0) {
      if (key !== undefined && key !== null) throw new BpfError(command, 'EINVAL', `${map.describe()} has no keys`);
      return this.#state.guarded(command, () => use(0));
    }
    return this.#withBuffer(command, encode(command, 'key', key, map.keySize), use);
  }
  /** The kernel's copy of what user space passed. */
  #withBuffer<T>(command: string, bytes: Uint8Array, use: (at: Addr) => T): T {
    const { host } = this.#state;
    const at = host.kmalloc(Math.max(8, bytes.length));
    try {
      host.memory.writeBytes(at, bytes);
      return this.#state.guarded(command, () => use(at));
    } finally {
      host.kfree(at);
    }
  }
}

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
