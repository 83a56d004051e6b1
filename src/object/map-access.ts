/** A loaded map with its keys and values as plain objects, by the types that the object's BTF gives: as a Map has them. */

import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import { KernelError } from '../errors/index.ts';
import { shownAs, toHex } from '../platform/index.ts';
import { BPF_MAP_TYPE, mapTypeName } from '../uapi/index.ts';
import type { MapHandle, ObjectKernel } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import type { MapDef, OpenedObject } from './model.ts';
import { type Plain, toPlain } from './plain.ts';
import { Records } from './records.ts';
import type { AnyShape, Given, GivenValue, KeyOf, MapEntry, ValueOf } from './shape.ts';

const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.PERCPU_HASH,
  BPF_MAP_TYPE.PERCPU_ARRAY,
  BPF_MAP_TYPE.LRU_PERCPU_HASH,
  BPF_MAP_TYPE.PERCPU_CGROUP_STORAGE,
]);

/** Whether the values of a type of map are one a CPU. */
export const isPerCpu = (type: number): boolean => PER_CPU.has(type);

export interface StreamOptions {
  /** ends the waiting */
  readonly signal?: AbortSignal;
}

/** One address of a stack trace. */
export interface StackFrame {
  readonly address: bigint;
  /** kernel function or program; undefined where the address is none's */
  readonly symbol: string | undefined;
  /** from its start, bytes */
  readonly offset: number;
}

export class LoadedMap<
  H extends MapHandle = MapHandle,
  E extends MapEntry = AnyShape['maps'][string],
  T extends object = AnyShape['types'],
> {
  readonly name: string;
  readonly definition: MapDef;
  /** the kernel's map, which takes bytes */
  readonly handle: H;
  readonly #btf: Btf | undefined;
  readonly #object: OpenedObject;
  readonly #kernel: ObjectKernel;
  #records: Records | undefined;

  constructor(object: OpenedObject, definition: MapDef, handle: H, kernel: ObjectKernel) {
    this.name = definition.realName;
    this.definition = definition;
    this.handle = handle;
    this.#btf = object.model.btf;
    this.#object = object;
    this.#kernel = kernel;
  }

  get fd(): number {
    return this.handle.fd;
  }

  /** Bytes of a key, from bytes, or from a value of its BTF type; without BTF from an integer. */
  keyBytes(key: Given<KeyOf<E>> | Uint8Array): Uint8Array {
    return this.#encode(key as BtfValue, this.definition.btfKey, this.definition.keySize, 'key');
  }

  /** Bytes of a value. Per-CPU maps take an array by CPU, or one value for all. */
  valueBytes(given: GivenValue<ValueOf<E>> | Uint8Array): Uint8Array {
    const value = given as BtfValue;
    const { btfValue, valueSize } = this.definition;
    const stride = this.#stride;
    if (stride === 0 || value instanceof Uint8Array) return this.#encode(value, btfValue, valueSize, 'value');
    const { cpus } = this.#kernel;
    const bytes = new Uint8Array(stride * cpus);
    for (let cpu = 0; cpu < cpus; cpu++) {
      const one = Array.isArray(value) ? value[cpu] : value;
      if (one !== undefined) bytes.set(this.#encode(one, btfValue, valueSize, 'value'), cpu * stride);
    }
    return bytes;
  }

  /** Value by key; undefined where there is none. Bytes where BTF does not say its type; an array by CPU for per-CPU maps. */
  get(key: Given<KeyOf<E>> | Uint8Array): ValueOf<E> | undefined {
    const bytes = this.handle.lookup(this.keyBytes(key));
    return bytes && (this.#decodeValue(bytes) as ValueOf<E>);
  }

  has(key: Given<KeyOf<E>> | Uint8Array): boolean {
    return this.handle.lookup(this.keyBytes(key)) !== undefined;
  }

  /** As the kernel's map: bytes for bytes. As {@link get} for anything else. */
  lookup(key: Given<KeyOf<E>> | Uint8Array): ValueOf<E> | Uint8Array | undefined {
    return key instanceof Uint8Array ? this.handle.lookup(key) : this.get(key);
  }

  /** BPF_MAP_UPDATE_ELEM with BPF_ANY unless flags say otherwise. */
  set(key: Given<KeyOf<E>> | Uint8Array, value: GivenValue<ValueOf<E>> | Uint8Array, flags = 0): this {
    this.handle.update(this.keyBytes(key), this.valueBytes(value), flags);
    return this;
  }

  /** As {@link set}. */
  update(key: Given<KeyOf<E>> | Uint8Array, value: GivenValue<ValueOf<E>> | Uint8Array, flags = 0): void {
    this.set(key, value, flags);
  }

  /** Whether there was one. @throws BpfError for maps whose entries stay (EINVAL of an array) */
  delete(key: Given<KeyOf<E>> | Uint8Array): boolean {
    try {
      this.handle.delete(this.keyBytes(key));
      return true;
    } catch (error) {
      if (error instanceof KernelError && error.errno === 'ENOENT') return false;
      throw error;
    }
  }

  /** Deletes all entries. @throws BpfError as {@link delete} */
  clear(): void {
    for (const [key] of [...this.handle.entries()]) this.handle.delete(key);
  }

  /** how many entries there are */
  get size(): number {
    let count = 0;
    for (const _ of this.handle.entries()) count++;
    return count;
  }

  /** All entries, in the kernel's order. */
  *entries(): Generator<[key: KeyOf<E>, value: ValueOf<E>]> {
    for (const [key, value] of this.handle.entries())
      yield [this.#decode(key, this.definition.btfKey) as KeyOf<E>, this.#decodeValue(value) as ValueOf<E>];
  }
  [Symbol.iterator](): Generator<[key: KeyOf<E>, value: ValueOf<E>]> {
    return this.entries();
  }
  *keys(): Generator<KeyOf<E>> {
    for (const [key] of this.entries()) yield key;
  }
  *values(): Generator<ValueOf<E>> {
    for (const [, value] of this.entries()) yield value;
  }
  forEach(each: (value: ValueOf<E>, key: KeyOf<E>, map: this) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }

  /**
   * All entries as JSON has them, in the order of their keys' bytes: the same map gives the same text. Integers that a
   * double does not hold exactly are decimal text, bytes are hexadecimal.
   */
  snapshot(): [key: Plain, value: Plain][] {
    return [...this.handle.entries()]
      .map(([key, value]) => ({
        order: toHex(key),
        entry: [toPlain(this.#decode(key, this.definition.btfKey)), toPlain(this.#decodeValue(value))] as [
          Plain,
          Plain,
        ],
      }))
      .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
      .map(({ entry }) => entry);
  }

  /** As {@link snapshot}; undefined for maps whose entries cannot be listed: ring buffers, queues. */
  listed(): [key: Plain, value: Plain][] | undefined {
    try {
      return this.snapshot();
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  /**
   * What programs have sent so far through a ring buffer or a perf event array, in order, as values of a type of the
   * object's BTF; without one as bytes. Samples of a perf event array are kept from the first call of this on, or of
   * {@link stream} or {@link onReady}, and may end in padding. A record that is shorter than the type has the members that it
   * reaches, and of arrays the elements that are there.
   *
   *     loaded.maps.events.records<{ pid: number; comm: string }>('event')
   *
   * @throws ObjectError: the map carries no records, or the object has no such type; BtfError: a record is too short for a type that is no structure
   */
  records(): Uint8Array[];
  records<N extends keyof T & string>(type: N): T[N][];
  records<R>(type: string): R[];
  records(type?: string): unknown[] {
    const { all } = this.#read();
    return type === undefined ? [...all] : all.map(this.#object.decoder(type));
  }

  /**
   * As {@link records}, one after another, and waiting for those to come; ends with the `signal`.
   *
   *     for await (const event of loaded.maps.events.stream<Event>('event')) console.log(event.comm);
   */
  stream<N extends keyof T & string>(type: N, options?: StreamOptions): AsyncGenerator<T[N], void, undefined>;
  stream<R>(type: string, options?: StreamOptions): AsyncGenerator<R, void, undefined>;
  async *stream(type: string, { signal }: StreamOptions = {}): AsyncGenerator<unknown, void, undefined> {
    const records = this.#read();
    const decode = this.#object.decoder(type);
    for (let n = 0; ; ) {
      const { all } = records;
      while (n < all.length) yield decode(all[n++] as Uint8Array);
      if (signal?.aborted) return;
      // what came while the last one was looked at woke nobody
      if (n < records.all.length) continue;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          stop();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const stop = records.onReady(done);
        signal?.addEventListener('abort', done, { once: true });
      });
    }
  }

  /**
   * `wake` is called where the kernel would wake up a reader that waits in epoll(2). Gives what ends that.
   * @throws ObjectError where the map carries no records
   */
  onReady(wake: () => void): () => void {
    const { handle } = this;
    if (handle.type === 'ringbuf' && handle.onReady) return handle.onReady(wake);
    return this.#read().onReady(wake);
  }

  /** A stack trace by its id, the innermost frame first. @throws ObjectError: no map of stack traces, or no such id */
  stack(id: number): StackFrame[] {
    const bytes = this.definition.type === BPF_MAP_TYPE.STACK_TRACE ? this.handle.lookup(idBytes(id)) : undefined;
    if (bytes === undefined) throw this.#error(`there is no stack trace ${id} in it`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const frames: StackFrame[] = [];
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const address = view.getBigUint64(at, true);
      if (address === 0n) break;
      const found = this.#kernel.symbols?.at?.(Number(BigInt.asIntN(64, address)));
      frames.push({ address, symbol: found?.name, offset: found?.offset ?? 0 });
    }
    return frames;
  }

  #read(): Records {
    if (this.#records) return this.#records;
    this.#records = Records.of(this.#kernel.bpf, this.handle);
    if (!this.#records) throw this.#error(`it is ${this.handle.type ?? 'of a type'}, which carries no records`);
    // what came after a mark did not, once the kernel is back there
    const stop = this.#kernel.restored?.add(() => {
      this.#records = undefined;
      stop?.();
    });
    return this.#records;
  }
  #error(problem: string): ObjectError {
    return new ObjectError(this.#object.model.file, `map '${this.name}'`, problem);
  }

  #decode(bytes: Uint8Array, type: number): BtfValue {
    return this.#btf && type !== 0 ? decodeValue(this.#btf, type, bytes) : bytes;
  }

  /** Bytes of one CPU's value in a per-CPU map; 0 in others. */
  get #stride(): number {
    return PER_CPU.has(this.definition.type) ? Math.ceil(this.definition.valueSize / 8) * 8 : 0;
  }

  #decodeValue(bytes: Uint8Array): BtfValue {
    const stride = this.#stride;
    if (stride === 0) return this.#decode(bytes, this.definition.btfValue);
    const { valueSize, btfValue } = this.definition;
    const count = Math.floor(bytes.length / stride);
    return Array.from({ length: count }, (_, cpu) =>
      this.#decode(bytes.slice(cpu * stride, cpu * stride + valueSize), btfValue),
    );
  }

  #encode(value: BtfValue, type: number, size: number, what: string): Uint8Array {
    if (value instanceof Uint8Array) return value;
    const bytes = new Uint8Array(size);
    if (this.#btf && type !== 0) {
      encodeValue(this.#btf, type, value, bytes, 0, `the ${what} of map '${this.name}'`);
      return bytes;
    }
    if ((typeof value !== 'number' && typeof value !== 'bigint') || size > 8)
      throw this.#error(`the type of its ${what} is not known; give ${size} bytes`);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let n = 0; n < size; n++, rest >>= 8n) bytes[n] = Number(rest & 0xffn);
    return bytes;
  }
}

/** As a Map, with the type of the map; ring buffers and queues, whose entries nobody can list, by their size. */
function view(map: LoadedMap): object {
  const { type, maxEntries } = map.definition;
  try {
    return Object.defineProperty(new Map(map.entries()), Symbol.toStringTag, { value: mapTypeName(type) });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { type: mapTypeName(type), maxEntries };
  }
}
shownAs(LoadedMap.prototype, view);

const idBytes = (id: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id, true);
  return bytes;
};
