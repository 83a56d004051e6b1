/** A loaded map with its keys and values as plain objects, by the types that the object's BTF gives. */

import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import { BPF_MAP_TYPE } from '../uapi/index.ts';
import type { MapHandle } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import type { MapDef } from './model.ts';

const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.PERCPU_HASH,
  BPF_MAP_TYPE.PERCPU_ARRAY,
  BPF_MAP_TYPE.LRU_PERCPU_HASH,
  BPF_MAP_TYPE.PERCPU_CGROUP_STORAGE,
]);

export class LoadedMap<H extends MapHandle = MapHandle> {
  readonly name: string;
  readonly definition: MapDef;
  /** the kernel's map, which takes bytes */
  readonly handle: H;
  readonly #btf: Btf | undefined;
  readonly #file: string;
  readonly #cpus: number;

  constructor(file: string, definition: MapDef, handle: H, btf: Btf | undefined, cpus = 1) {
    this.name = definition.realName;
    this.definition = definition;
    this.handle = handle;
    this.#btf = btf;
    this.#file = file;
    this.#cpus = cpus;
  }

  get fd(): number {
    return this.handle.fd;
  }

  /** Bytes of a key, from bytes, or from a value of its BTF type; without BTF from an integer. */
  keyBytes(key: BtfValue): Uint8Array {
    return this.#encode(key, this.definition.btfKey, this.definition.keySize, 'key');
  }

  /** Bytes of a value. Per-CPU maps take an array by CPU, or one value for all. */
  valueBytes(value: BtfValue): Uint8Array {
    const { btfValue, valueSize } = this.definition;
    const stride = this.#stride;
    if (stride === 0 || value instanceof Uint8Array) return this.#encode(value, btfValue, valueSize, 'value');
    const bytes = new Uint8Array(stride * this.#cpus);
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      const one = Array.isArray(value) ? value[cpu] : value;
      if (one !== undefined) bytes.set(this.#encode(one, btfValue, valueSize, 'value'), cpu * stride);
    }
    return bytes;
  }

  /** Value by key; undefined where there is none. Bytes where BTF does not say its type; an array by CPU for per-CPU maps. */
  get(key: BtfValue): BtfValue | undefined {
    const bytes = this.handle.lookup(this.keyBytes(key));
    return bytes && this.#decodeValue(bytes);
  }

  /** As the kernel's map: bytes for bytes. As {@link get} for anything else. */
  lookup(key: BtfValue): BtfValue | undefined {
    return key instanceof Uint8Array ? this.handle.lookup(key) : this.get(key);
  }

  /** BPF_MAP_UPDATE_ELEM with BPF_ANY unless flags say otherwise. */
  set(key: BtfValue, value: BtfValue, flags = 0): void {
    this.handle.update(this.keyBytes(key), this.valueBytes(value), flags);
  }

  /** As {@link set}. */
  update(key: BtfValue, value: BtfValue, flags = 0): void {
    this.set(key, value, flags);
  }

  delete(key: BtfValue): void {
    this.handle.delete(this.keyBytes(key));
  }

  /** All entries, in the kernel's order. */
  *entries(): Generator<[key: BtfValue, value: BtfValue]> {
    for (const [key, value] of this.handle.entries())
      yield [this.#decode(key, this.definition.btfKey), this.#decodeValue(value)];
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
    if ((typeof value !== 'number' && typeof value !== 'bigint') || size > 8) {
      throw new ObjectError(
        this.#file,
        `map '${this.name}'`,
        `the type of its ${what} is not known; give ${size} bytes`,
      );
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let n = 0; n < size; n++, rest >>= 8n) bytes[n] = Number(rest & 0xffn);
    return bytes;
  }
}
