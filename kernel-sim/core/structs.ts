/**
 * Structure layouts by field name. The built-in ones are a table of facts that
 * `data/make/extract.ts` took from the kernel's BTF; with another kernel's BTF they come from there.
 */
import { type Btf, BtfError } from '../../src/btf/index.ts';
import { KernelError } from './errno.ts';
import { type StructLayout as FieldLayout, layoutOf, type StructField } from './field-layout.ts';

export interface FieldAt {
  /** bytes from the structure's start */
  readonly offset: number;
  /** bytes */
  readonly size: number;
}

/** A structure of the table that ships. */
export interface ShippedLayout {
  /** bytes */
  readonly size: number;
  readonly fields: ReadonlyMap<string, StructField>;
}

/** Layouts that ship, by the structure's name: facts that all kernels share. A row is read when it is first asked for. */
export class LayoutTable {
  readonly #rows: Readonly<Record<string, string>>;
  readonly #read = new Map<string, ShippedLayout>();

  /** @param rows size in bytes, then `field.path:offset:size` each, separated by blanks */
  constructor(rows: Readonly<Record<string, string>>) {
    this.#rows = rows;
  }
  has(name: string): boolean {
    return name in this.#rows;
  }
  get(name: string): ShippedLayout | undefined {
    const known = this.#read.get(name);
    const row = this.#rows[name];
    if (known !== undefined || row === undefined) return known;
    const [size, ...rest] = row.split(' ') as [string, ...string[]];
    const fields = new Map<string, StructField>();
    for (const field of rest) {
      const [path, offset, bytes] = field.split(':') as [string, string, string];
      fields.set(path, { offset: Number(offset), size: Number(bytes), bitfieldSize: 0, bitOffset: 0 });
    }
    const layout = { size: Number(size), fields };
    this.#read.set(name, layout);
    return layout;
  }
}

export class StructLayout {
  readonly name: string;
  readonly size: number;
  readonly #find: (path: string) => FieldAt | undefined;
  readonly #known = new Map<string, FieldAt>();
  constructor(name: string, size: number, find: (path: string) => FieldAt | undefined) {
    this.name = name;
    this.size = size;
    this.#find = find;
  }
  /** @throws KernelError where the structure has no such field */
  field(path: string): FieldAt {
    let f = this.#known.get(path);
    if (!f) {
      f = this.#find(path);
      if (!f) throw new KernelError('ENOENT', `struct ${this.name} has no field ${path} in the active BTF`);
      this.#known.set(path, f);
    }
    return f;
  }
  offset(path: string): number {
    return this.field(path).offset;
  }
  has(path: string): boolean {
    return this.#known.has(path) || this.#find(path) !== undefined;
  }
}

export class Structs {
  readonly #table: LayoutTable;
  /** whether another kernel's BTF took the table's place */
  readonly foreign: boolean;
  readonly #btf: () => Btf;
  readonly #layouts = new Map<string, StructLayout>();
  #members: FieldLayout | undefined;

  constructor(table: LayoutTable, foreign: boolean, btf: () => Btf) {
    this.#table = table;
    this.foreign = foreign;
    this.#btf = btf;
  }
  /** @throws KernelError where the active BTF has no such structure */
  of(name: string): StructLayout {
    let layout = this.#layouts.get(name);
    if (!layout) {
      layout = (this.foreign ? undefined : this.#fromTable(name)) ?? fromBtf(this.#btf(), name);
      if (!layout) throw new KernelError('ENOENT', `no struct ${name} in the active BTF`);
      this.#layouts.set(name, layout);
    }
    return layout;
  }
  /** Offsets of these fields and `sizeof`; what the active BTF has not lies where the shipped kernel has it. */
  offsets<F extends string>(name: string, fields: readonly F[]): { readonly [field in F | 'sizeof']: number } {
    const shipped = this.foreign ? this.#fromTable(name) : undefined;
    const active = this.has(name) ? this.of(name) : shipped;
    if (!active) throw new KernelError('ENOENT', `no struct ${name} in the active BTF`);
    const offset = (field: F): number => (active.has(field) || !shipped ? active : shipped).offset(field);
    return Object.fromEntries([...fields.map((f) => [f, offset(f)]), ['sizeof', active.size]]) as {
      readonly [field in F | 'sizeof']: number;
    };
  }
  /** A member with its bits; the table holds none that is a bit field. @throws BtfError where the structure or the member does not exist */
  member(struct: string, member: string): StructField {
    const shipped = this.foreign ? undefined : this.#table.get(struct)?.fields.get(member);
    if (shipped !== undefined) return shipped;
    this.#members ??= layoutOf(this.#btf());
    return this.#members.field(struct, member);
  }
  has(name: string): boolean {
    return (
      this.#layouts.has(name) || (!this.foreign && this.#table.has(name)) || this.#btf().findByName(name, 'struct') > 0
    );
  }
  /** Fields that the table leaves out come from the built-in BTF. */
  #fromTable(name: string): StructLayout | undefined {
    const row = this.#table.get(name);
    if (row === undefined) return undefined;
    const { size, fields } = row;
    let whole: StructLayout | undefined;
    return new StructLayout(name, size, (path) => {
      const at = fields.get(path);
      if (at) return at;
      whole ??= fromBtf(this.#btf(), name);
      return whole?.has(path) ? whole.field(path) : undefined;
    });
  }
}

function fromBtf(btf: Btf, name: string): StructLayout | undefined {
  const id = btf.findByName(name, 'struct') || btf.findByName(name, 'union');
  if (id <= 0) return undefined;
  return new StructLayout(name, btf.sizeOf(id), (path) => {
    try {
      const f = btf.offsetOf(id, path);
      return { offset: f.offset, size: f.size };
    } catch (error) {
      if (error instanceof BtfError) return undefined;
      throw error;
    }
  });
}
