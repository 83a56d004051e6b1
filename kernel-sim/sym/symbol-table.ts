/** The symbols that ship: columns, of which a row becomes a {@link KernelSymbol} when it is asked for. All kernels share it. */
import type { Addr } from '../../src/machine/addr.ts';
import { byAddress, type KernelSymbol, type Label, type SymbolTable } from './symbol.ts';

export interface SymbolColumns {
  readonly names: readonly string[];
  readonly kinds: string;
  readonly sizes: Uint32Array;
  address(row: number): Addr;
  /** {@link KernelSymbol.told} */
  told(row: number): number | undefined;
  /** {@link KernelSymbol.labels} of those that have some, by name */
  readonly labels: ReadonlyMap<string, readonly Label[]>;
}

export class ShippedSymbols implements SymbolTable {
  readonly #columns: SymbolColumns;
  readonly #symbols: KernelSymbol[] = [];
  /** rows by name, made at the first look-up */
  #rows: ReadonlyMap<string, number> | undefined;
  #order: readonly KernelSymbol[] | undefined;

  constructor(columns: SymbolColumns) {
    this.#columns = columns;
  }
  get names(): readonly string[] {
    return this.#columns.names;
  }
  get(name: string): KernelSymbol | undefined {
    this.#rows ??= new Map(this.names.map((of, row) => [of, row]));
    const row = this.#rows.get(name);
    return row === undefined ? undefined : this.#symbol(row);
  }
  get order(): readonly KernelSymbol[] {
    this.#order ??= this.names.map((_, row) => this.#symbol(row)).sort(byAddress);
    return this.#order;
  }
  #symbol(row: number): KernelSymbol {
    const known = this.#symbols[row];
    if (known !== undefined) return known;
    const { names, kinds, sizes, address, told, labels } = this.#columns;
    const bytes = told(row);
    const name = names[row] as string;
    const within = labels.get(name);
    const symbol = {
      name,
      address: address(row),
      size: sizes[row] as number,
      kind: kinds[row] as string,
      ...(bytes === undefined ? {} : { told: bytes }),
      ...(within === undefined ? {} : { labels: within }),
    };
    this.#symbols[row] = symbol;
    return symbol;
  }
}
