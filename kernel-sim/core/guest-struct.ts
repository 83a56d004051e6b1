/** Structures in guest memory by field name, laid out as the active BTF says, bit fields too. */
import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import type { StructField } from './field-layout.ts';
import type { Structs } from './structs.ts';

interface GuestStructs {
  readonly memory: GuestMemory;
  readonly structs: Structs;
}

/** One structure in guest memory, by field name. */
export class GuestStruct {
  readonly at: Addr;
  readonly #kernel: GuestStructs;
  readonly #name: string;
  constructor(kernel: GuestStructs, name: string, at: Addr) {
    this.#kernel = kernel;
    this.#name = name;
    this.at = at;
  }
  #field(name: string): StructField {
    return this.#kernel.structs.member(this.#name, name);
  }
  addressOf(name: string): Addr {
    return this.at + this.#field(name).offset;
  }
  /** A number or address; bit fields take their bits. */
  set(name: string, value: number): this {
    const { memory } = this.#kernel;
    const f = this.#field(name);
    if (f.bitfieldSize > 0) {
      const shift = f.bitOffset % 8;
      const mask = ((1 << f.bitfieldSize) - 1) << shift;
      memory.writeU8(this.at + f.offset, (memory.readU8(this.at + f.offset) & ~mask) | ((value << shift) & mask));
    } else if (f.size === 8) memory.writeAddr(this.at + f.offset, value);
    else if (f.size === 4) memory.writeU32(this.at + f.offset, value >>> 0);
    else if (f.size === 2) memory.writeU16(this.at + f.offset, value & 0xffff);
    else memory.writeU8(this.at + f.offset, value & 0xff);
    return this;
  }
  get(name: string): number {
    const { memory } = this.#kernel;
    const f = this.#field(name);
    if (f.bitfieldSize > 0) {
      return (memory.readU8(this.at + f.offset) >> (f.bitOffset % 8)) & ((1 << f.bitfieldSize) - 1);
    }
    if (f.size === 8) return memory.readAddr(this.at + f.offset);
    if (f.size === 4) return memory.readU32(this.at + f.offset);
    return f.size === 2 ? memory.readU16(this.at + f.offset) : memory.readU8(this.at + f.offset);
  }
  setBig(name: string, value: bigint): this {
    this.#kernel.memory.writeU64(this.addressOf(name), value);
    return this;
  }
  getBig(name: string): bigint {
    return this.#kernel.memory.readU64(this.addressOf(name));
  }
  has(name: string): boolean {
    try {
      this.#field(name);
      return true;
    } catch {
      return false;
    }
  }
}
