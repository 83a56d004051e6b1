/** Kernel symbols: names to addresses and back, as /proc/kallsyms has them. */

import { nearest } from '../../src/errors/near.ts';
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import { Listeners } from '../core/listeners.ts';
import { byAddress, type KernelSymbol, type Label, type SymbolAt, type SymbolTable } from './symbol.ts';

/** Index behind the last symbol at or below an address, in a list that is in order. */
function after(list: readonly KernelSymbol[], address: Addr): number {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if ((list[mid] as KernelSymbol).address <= address) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** What tells a place in a function that has labels: the last one in front of it, up to the next. */
function atLabel(name: string, labels: readonly Label[], offset: number, size: number): SymbolAt {
  const next = labels.find((l) => l.offset > offset);
  const label = labels.findLast((l) => l.offset <= offset) ?? { name, offset: 0 };
  return { name: label.name, offset: offset - label.offset, size: (next?.offset ?? size) - label.offset };
}

/** Of a kernel whose symbols are all put. */
const NO_SYMBOLS: SymbolTable = { names: [], order: [], get: () => undefined };

export class Symbols {
  readonly #table: SymbolTable;
  /** what was put beside the table, and names that were taken out of it */
  readonly #put = new Map<string, KernelSymbol>();
  readonly #removed = new Set<string>();
  /** further text of a name that is put already, in the order in which it came */
  readonly #namesakes: KernelSymbol[] = [];
  /** of {@link #put} and {@link #namesakes}, by address; rebuilt when something changed */
  #sorted: KernelSymbol[] = [];
  #dirty = false;
  /** both, by address, once all were asked for */
  #merged: readonly KernelSymbol[] | undefined;
  /** further symbols, looked up only when a name is not in the table */
  #more: ((name: string) => KernelSymbol | undefined) | undefined;
  #moreNames: (() => Iterable<string>) | undefined;
  #moreAt: ((address: Addr) => SymbolAt | undefined) | undefined;
  /** one of the further symbols was asked for, and belongs to the table from now on */
  readonly added = new Listeners<[symbol: KernelSymbol]>();

  constructor(table: SymbolTable = NO_SYMBOLS) {
    this.#table = table;
  }
  save() {
    return { put: new Map(this.#put), removed: new Set(this.#removed), namesakes: [...this.#namesakes] };
  }
  restore({ put, removed, namesakes }: ReturnType<Symbols['save']>): void {
    const same =
      put.size === this.#put.size &&
      removed.size === this.#removed.size &&
      namesakes.length === this.#namesakes.length &&
      namesakes.every((symbol, n) => this.#namesakes[n] === symbol) &&
      [...put].every(([name, symbol]) => this.#put.get(name) === symbol) &&
      [...removed].every((name) => this.#removed.has(name));
    if (same) return;
    this.#put.clear();
    this.#removed.clear();
    for (const name of removed) this.#removed.add(name);
    for (const [name, symbol] of put) this.#put.set(name, symbol);
    this.#namesakes.splice(0, this.#namesakes.length, ...namesakes);
    this.#changed();
  }
  #changed(): void {
    this.#dirty = true;
    this.#merged = undefined;
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
    const put = this.#put.get(name);
    return put !== undefined || this.#removed.has(name) ? put : this.#table.get(name);
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
    const found = this.#below(address);
    const offset = found === undefined ? 0 : address - found.address;
    if (found?.module !== undefined && offset < Math.max(found.size, 1))
      return { name: found.name, offset, size: found.size, module: found.module };
    // a body that is longer than Linux's, out of line where Linux has no code: it is told by its function
    if (found !== undefined && found.kind === undefined && offset < found.size)
      return { name: found.name.replace(/\.cold$/, ''), offset, size: found.size };
    if (found?.labels !== undefined && offset < found.size)
      return atLabel(found.name, found.labels, offset, found.size);
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
    const replaces = this.#put.has(symbol.name);
    this.#put.set(symbol.name, symbol);
    this.#merged = undefined;
    if (replaces || this.#dirty) this.#dirty = true;
    else this.#sorted.splice(after(this.#sorted, symbol.address), 0, symbol);
  }
  remove(name: string): void {
    this.#removed.add(name);
    this.#merged = undefined;
    if (this.#put.delete(name)) this.#dirty = true;
  }
  /**
   * Text of a program. Programs of one name and tag, or functions of theirs, have one name: each is listed and told by
   * its address, as bpf_ksym_add() and bpf_ksym_del() of kernel/bpf/core.c keep them; by name the first is found.
   */
  addText(name: string, address: Addr, size: number): void {
    if (!this.#put.has(name)) {
      this.add(name, address, size, 'bpf');
      return;
    }
    this.#namesakes.push({ name, address, size, module: 'bpf' });
    this.#changed();
  }
  removeText(name: string, address: Addr): void {
    if (this.#put.get(name)?.address === address) {
      const next = this.#namesakes.findIndex((s) => s.name === name);
      const [heir] = next < 0 ? [] : this.#namesakes.splice(next, 1);
      if (heir === undefined) this.#put.delete(name);
      else this.#put.set(name, heir);
    } else {
      const at = this.#namesakes.findIndex((s) => s.name === name && s.address === address);
      if (at < 0) return;
      this.#namesakes.splice(at, 1);
    }
    this.#changed();
  }
  /** Something of that name was put in its place, or it was taken out. */
  #isHidden({ name }: KernelSymbol): boolean {
    return this.#put.has(name) || this.#removed.has(name);
  }
  get #own(): readonly KernelSymbol[] {
    if (this.#dirty) {
      this.#sorted = [...this.#put.values(), ...this.#namesakes].sort(byAddress);
      this.#dirty = false;
    }
    return this.#sorted;
  }
  /** The last symbol at or below an address. */
  #below(address: Addr): KernelSymbol | undefined {
    const own = this.#own;
    const put = own[after(own, address) - 1];
    const { order } = this.#table;
    let row = after(order, address) - 1;
    while (row >= 0 && this.#isHidden(order[row] as KernelSymbol)) row--;
    const shipped = order[row];
    if (put === undefined || shipped === undefined) return put ?? shipped;
    return byAddress(put, shipped) > 0 ? put : shipped;
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
    const out: string[] = [];
    for (let i = after(list, of.address) - 1; list[i]?.address === of.address; i--)
      if (list[i]?.name !== of.name) out.unshift((list[i] as KernelSymbol).name);
    return out;
  }
  /** Names that begin so, the kernel's further functions among them. */
  beginning(prefix: string): string[] {
    const all = new Set([...this.#put.keys(), ...this.#table.names, ...(this.#moreNames?.() ?? [])]);
    return [...all].filter((name) => name.startsWith(prefix)).sort();
  }
  /** Names most like `name`, best first, for "did you mean". */
  near(name: string, count = 3): string[] {
    const close = nearest(name, new Set([...this.#put.keys(), ...this.#table.names]), count);
    return close.length > 0 || !this.#moreNames ? close : nearest(name, this.#moreNames(), count);
  }
  *all(): IterableIterator<KernelSymbol> {
    yield* this.#order();
  }
  #order(): readonly KernelSymbol[] {
    this.#merged ??=
      this.#put.size + this.#removed.size === 0
        ? this.#table.order
        : [...this.#table.order.filter((s) => !this.#isHidden(s)), ...this.#own].sort(byAddress);
    return this.#merged;
  }
}
