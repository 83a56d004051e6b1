/** Kernel symbols: names to addresses and back, as /proc/kallsyms has them. */

import { nearest } from '../../src/errors/near.ts';
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import { Listeners } from '../core/listeners.ts';

export interface KernelSymbol {
  readonly name: string;
  readonly address: Addr;
  /** bytes up to the next symbol, the padding in front of a function counted to the one before */
  readonly size: number;
  /** bytes as %pS tells them, without that padding; undefined: whoever knows all symbols knows */
  readonly told?: number;
  /** `bpf`, `__builtin__ftrace`; undefined for the kernel itself */
  readonly module?: string;
  /**
   * how its text begins: e endbr64, s sealed endbr64, b neither, each with ftrace's nop behind; n endbr64 without,
   * m nothing; d data. Upper case: kprobes are refused (NOKPROBE_SYMBOL).
   */
  readonly kind?: string;
}

export interface SymbolAt {
  readonly name: string;
  /** from the symbol's start */
  readonly offset: number;
  readonly size: number;
  readonly module?: string;
}

/** A table that ships: columns, by address; rows become {@link KernelSymbol} objects when they are asked for. */
export interface SymbolTable {
  readonly names: readonly string[];
  readonly kinds: string;
  readonly sizes: Uint32Array;
  address(row: number): Addr;
  /** {@link KernelSymbol.told} */
  told(row: number): number | undefined;
}

export class Symbols {
  readonly #byName = new Map<string, KernelSymbol>();
  readonly #table: SymbolTable | undefined;
  /** rows of the table by name, made at the first look-up */
  #rows: Map<string, number> | undefined;
  /** sorted by address; rebuilt when something was added */
  #sorted: KernelSymbol[] = [];
  #dirty = true;
  /** further symbols, looked up only when a name is not in the table */
  #more: ((name: string) => KernelSymbol | undefined) | undefined;
  #moreNames: (() => Iterable<string>) | undefined;
  #moreAt: ((address: Addr) => SymbolAt | undefined) | undefined;
  /** one of the further symbols was asked for, and belongs to the table from now on */
  readonly added = new Listeners<[symbol: KernelSymbol]>();
  /** what was put beside the table, and names that were taken out of it */
  readonly #put = new Map<string, KernelSymbol>();
  readonly #removed = new Set<string>();

  constructor(table?: SymbolTable) {
    this.#table = table;
  }
  save() {
    return { put: new Map(this.#put), removed: new Set(this.#removed) };
  }
  restore({ put, removed }: ReturnType<Symbols['save']>): void {
    const same =
      put.size === this.#put.size &&
      removed.size === this.#removed.size &&
      [...put].every(([name, symbol]) => this.#put.get(name) === symbol) &&
      [...removed].every((name) => this.#removed.has(name));
    if (same) return;
    for (const name of this.#put.keys()) this.#byName.delete(name);
    this.#put.clear();
    this.#removed.clear();
    for (const name of removed) {
      this.#removed.add(name);
      this.#byName.delete(name);
    }
    for (const [name, symbol] of put) {
      this.#put.set(name, symbol);
      this.#byName.set(name, symbol);
    }
    this.#dirty = true;
  }

  /** Where names come from that the table has not. */
  setFurther(
    find: (name: string) => KernelSymbol | undefined,
    names: () => Iterable<string>,
    at?: (address: Addr) => SymbolAt | undefined,
  ): void {
    this.#more = find;
    this.#moreNames = names;
    this.#moreAt = at;
  }
  /** Address of a symbol; undefined where there is none of that name. */
  address(name: string): Addr | undefined {
    return this.get(name)?.address;
  }
  get(name: string): KernelSymbol | undefined {
    const known = this.#byName.get(name);
    if (known || !this.#table || this.#removed.has(name)) return known;
    if (!this.#rows) {
      const rows = new Map<string, number>();
      const { names } = this.#table;
      for (let n = 0; n < names.length; n++) rows.set(names[n] as string, n);
      this.#rows = rows;
    }
    const row = this.#rows.get(name);
    if (row === undefined) return undefined;
    const symbol = this.#row(row);
    this.#byName.set(name, symbol);
    return symbol;
  }
  #row(row: number): KernelSymbol {
    const t = this.#table as SymbolTable;
    const told = t.told(row);
    return {
      name: t.names[row] as string,
      address: t.address(row),
      size: t.sizes[row] as number,
      kind: t.kinds[row] as string,
      ...(told === undefined ? {} : { told }),
    };
  }
  /** As {@link get}, and among the kernel's further functions, which nothing here calls. */
  find(name: string): KernelSymbol | undefined {
    const known = this.get(name);
    if (known) return known;
    const more = this.#more?.(name);
    if (more) {
      this.put(more);
      this.added.tell(more);
    }
    return more;
  }
  /** The symbol that covers an address. */
  at(address: Addr): SymbolAt | undefined {
    // per-CPU offsets are no addresses
    if (address >= 0) return undefined;
    const list = this.#order();
    const found = list[this.#after(address) - 1];
    const offset = found === undefined ? 0 : address - found.address;
    if (found?.module !== undefined && offset < Math.max(found.size, 1))
      return { name: found.name, offset, size: found.size, module: found.module };
    // a body that is longer than Linux's, out of line where Linux has no code: it is told by its function
    if (found !== undefined && found.kind === undefined && offset < found.size)
      return { name: found.name.replace(/\.cold$/, ''), offset, size: found.size };
    if (found?.told !== undefined && offset < found.told) return { name: found.name, offset, size: found.told };
    // data, local functions, padding, and which of several names a place is told by
    const further = this.#moreAt?.(address);
    if (further !== undefined) return further;
    return found !== undefined && offset < Math.max(found.size, 1)
      ? { name: found.name, offset, size: found.size }
      : undefined;
  }
  /** `name+0x12/0x34`, with ` [module]`; hexadecimal where nothing covers it. As %pS. */
  format(address: Addr, size = true): string {
    const s = this.at(address);
    if (!s) return `0x${formatAddr(address)}`;
    const mod = s.module ? ` [${s.module}]` : '';
    return `${s.name}+0x${s.offset.toString(16)}${size ? `/0x${s.size.toString(16)}` : ''}${mod}`;
  }
  add(name: string, address: Addr, size: number, module?: string): void {
    this.put({ name, address, size, ...(module === undefined ? {} : { module }) });
  }
  put(symbol: KernelSymbol): void {
    const before = this.#byName.get(symbol.name) ?? this.get(symbol.name);
    this.#byName.set(symbol.name, symbol);
    this.#put.set(symbol.name, symbol);
    if (before || this.#dirty) this.#dirty = true;
    else this.#sorted.splice(this.#after(symbol.address), 0, symbol);
  }
  /** Index behind the last symbol at or below an address, in a list that is in order. */
  #after(address: Addr): number {
    const list = this.#sorted;
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((list[mid] as KernelSymbol).address <= address) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
  remove(name: string): void {
    this.#removed.add(name);
    this.#put.delete(name);
    if (this.#byName.delete(name)) this.#dirty = true;
  }
  /** The kernel's own functions (no modules, no data), by address. */
  functions(): KernelSymbol[] {
    return this.#order().filter((s) => s.module === undefined && s.kind !== undefined && s.kind !== 'd' && s.size > 0);
  }
  /** As {@link functions}, and those that nothing here calls, which stay unknown: a list to look at. */
  everyFunction(): KernelSymbol[] {
    const out = this.functions();
    const known = new Set(out.map((s) => s.name));
    for (const name of this.#moreNames?.() ?? []) {
      const symbol = known.has(name) ? undefined : this.#more?.(name);
      if (symbol && symbol.kind !== 'd') out.push(symbol);
    }
    return out.sort((a, b) => a.address - b.address);
  }
  /** Other names of the same address. */
  aliases(of: KernelSymbol): string[] {
    const list = this.#order();
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((list[mid] as KernelSymbol).address < of.address) lo = mid + 1;
      else hi = mid;
    }
    const out: string[] = [];
    for (let i = lo; list[i]?.address === of.address; i++)
      if (list[i]?.name !== of.name) out.push((list[i] as KernelSymbol).name);
    return out;
  }
  /** Names that begin so, the kernel's further functions among them. */
  beginning(prefix: string): string[] {
    const all = new Set([...this.#byName.keys(), ...(this.#table?.names ?? []), ...(this.#moreNames?.() ?? [])]);
    return [...all].filter((name) => name.startsWith(prefix)).sort();
  }
  /** Names most like `name`, best first, for "did you mean". */
  near(name: string, count = 3): string[] {
    const close = nearest(name, new Set([...this.#byName.keys(), ...(this.#table?.names ?? [])]), count);
    return close.length > 0 || !this.#moreNames ? close : nearest(name, this.#moreNames(), count);
  }
  *all(): IterableIterator<KernelSymbol> {
    yield* this.#order();
  }
  #order(): KernelSymbol[] {
    if (this.#dirty) {
      const all = [...this.#byName.values()];
      const { names } = this.#table ?? { names: [] };
      for (let n = 0; n < names.length; n++) {
        const name = names[n] as string;
        if (!this.#byName.has(name) && !this.#removed.has(name)) all.push(this.#row(n));
      }
      this.#sorted = all.sort((a, b) => a.address - b.address || (a.name < b.name ? -1 : 1));
      this.#dirty = false;
    }
    return this.#sorted;
  }
}
