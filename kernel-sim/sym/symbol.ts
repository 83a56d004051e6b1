/** What a kernel symbol is. */
import type { Addr } from '../../src/machine/addr.ts';

export interface KernelSymbol {
  readonly name: string;
  readonly address: Addr;
  /** bytes up to the next symbol, the padding in front of a function counted to the one before */
  readonly size: number;
  /** bytes as %pS tells them, without that padding; undefined: whoever knows all symbols knows */
  readonly told?: number;
  /** symbols within it, in order, by which %pS tells what follows them */
  readonly labels?: readonly Label[];
  /** `bpf`, `__builtin__ftrace`; undefined for the kernel itself */
  readonly module?: string;
  /**
   * how its text begins: e endbr64, s sealed endbr64, b neither, each with ftrace's nop behind; n endbr64 without,
   * m nothing; d data. Upper case: kprobes are refused (NOKPROBE_SYMBOL).
   */
  readonly kind?: string;
}

/** A symbol within a function's text. */
export interface Label {
  readonly name: string;
  /** from the function's start */
  readonly offset: number;
}

export const byAddress = (a: KernelSymbol, b: KernelSymbol): number =>
  a.address - b.address || (a.name < b.name ? -1 : 1);

export interface SymbolAt {
  readonly name: string;
  /** from the symbol's start */
  readonly offset: number;
  readonly size: number;
  readonly module?: string;
}

/** Symbols that never change. */
export interface SymbolTable {
  readonly names: readonly string[];
  /** all of them, by address */
  readonly order: readonly KernelSymbol[];
  get(name: string): KernelSymbol | undefined;
}
