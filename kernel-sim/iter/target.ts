/**
 * What an iterator goes over: elements by a position that only grows, so that a reader may stop and go on
 * (Linux 6.12 Documentation/bpf/bpf_iterators.rst; seq_file.rst).
 */
import type { Addr } from '../../src/machine/addr.ts';

/** One element: its position, and what the program's context holds behind `meta`, eight bytes each. */
export interface Element {
  readonly position: number;
  readonly context: readonly Addr[];
}

/** Elements of one open iterator. */
export interface Walk {
  /** A reader begins, or goes on: what was listed is listed anew. */
  start?(): void;
  /** The first element at or behind a position. */
  at(position: number): Element | undefined;
  /** what the context holds behind `meta` when there are no more */
  readonly atEnd: readonly Addr[];
  close?(): void;
}

/** Elements of a list that is taken whenever a reader begins; positions count them. */
export class ListWalk<T> implements Walk {
  readonly atEnd: readonly Addr[];
  readonly #list: () => readonly T[];
  readonly #context: (item: T) => readonly Addr[];
  #items: readonly T[] | undefined;
  constructor(atEnd: readonly Addr[], list: () => readonly T[], context: (item: T) => readonly Addr[]) {
    this.atEnd = atEnd;
    this.#list = list;
    this.#context = context;
  }
  start(): void {
    this.#items = this.#list();
  }
  at(position: number): Element | undefined {
    const items = (this.#items ??= this.#list());
    const item = items[position];
    return item === undefined ? undefined : { position, context: this.#context(item) };
  }
}
