/** A loaded map with its keys and values as plain objects, by the types that the object's BTF gives. */
import { type Btf, type BtfValue, decodeValue, encodeValue } from '../btf/index.ts';
import type { MapHandle } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import type { MapDef } from './model.ts';

export class LoadedMap<H extends MapHandle = MapHandle> {
  readonly name: string;
  readonly definition: MapDef;
  /** the kernel's map, which takes bytes */
  readonly handle: H;
  readonly #btf: Btf | undefined;
  readonly #file: string;

  constructor(file: string, definition: MapDef, handle: H, btf: Btf | undefined) {
    this.name = definition.realName;
    this.definition = definition;
    this.handle = handle;
    this.#btf = btf;
    this.#file = file;
  }

  get fd(): number {
    return this.handle.fd;
  }

  /** Bytes of a key, from bytes, or from a value of its BTF type; without BTF from an integer. */
  keyBytes(key: BtfValue): Uint8Array {
    return this.#encode(key, this.definition.btfKey, this.definition.keySize, 'key');
  }

  valueBytes(value: BtfValue): Uint8Array {
    return this.#encode(value, this.definition.btfValue, this.definition.valueSize, 'value');
  }

  /** Value by key; undefined where there is none. Bytes where BTF does not say its type. */
  get(key: BtfValue): BtfValue | undefined {
    const bytes = this.handle.lookup(this.keyBytes(key));
    return bytes && this.#decode(bytes, this.definition.btfValue);
  }

  /** BPF_MAP_UPDATE_ELEM with BPF_ANY unless flags say otherwise. */
  set(key: BtfValue, value: BtfValue, flags = 0): void {
    this.handle.update(this.keyBytes(key), this.valueBytes(value), flags);
  }

  delete(key: BtfValue): void {
    this.handle.delete(this.keyBytes(key));
  }

  /** All entries, in the kernel's order. */
  *entries(): Generator<[key: BtfValue, value: BtfValue]> {
    for (const [key, value] of this.handle.entries())
      yield [this.#decode(key, this.definition.btfKey), this.#decode(value, this.definition.btfValue)];
  }

  #decode(bytes: Uint8Array, type: number): BtfValue {
    if (!this.#btf || type === 0) return bytes;
    // Per-CPU maps give one value for each CPU, each 8-byte aligned.
    const size = this.#btf.sizeOf(type);
    const stride = Math.ceil(size / 8) * 8;
    if (bytes.length >= 2 * stride && bytes.length % stride === 0 && size === this.definition.valueSize) {
      return Array.from({ length: bytes.length / stride }, (_, cpu) =>
        decodeValue(this.#btf as Btf, type, bytes, cpu * stride),
      );
    }
    return decodeValue(this.#btf, type, bytes);
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
