/** Where a session is to stop. */
import type { Addr } from '../../machine/addr.ts';

/** A place in the code, or something that happens. */
export type BreakpointAt =
  | { readonly kind: 'address'; readonly address: Addr }
  /** a kernel function by symbol, or a program's by its name */
  | { readonly kind: 'function'; readonly name: string; readonly offset?: number }
  | { readonly kind: 'line'; readonly file?: string; readonly line: number }
  /** a slot of a program as it runs (xlated) */
  | { readonly kind: 'insn'; readonly program: string; readonly slot: number }
  /** `bpf_map_lookup_elem`, called by a program */
  | { readonly kind: 'helper'; readonly name: string }
  | { readonly kind: 'syscall'; readonly name: string; readonly exit?: boolean }
  /** update, lookup or delete of a map, from a program */
  | { readonly kind: 'map'; readonly map: string; readonly op?: 'lookup' | 'update' | 'delete' }
  | { readonly kind: 'tracepoint'; readonly name: string };

/** What is watched: the session stops behind the instruction that changed it. */
export type WatchAt =
  /** `on`: default 'write', which is seen by the value, whoever writes; the others are accesses of guest code */
  | {
      readonly kind: 'memory';
      readonly address: Addr;
      readonly bytes: number;
      readonly on?: 'write' | 'read' | 'access';
    }
  | { readonly kind: 'expression'; readonly text: string };

export interface BreakpointOptions {
  /** stops only where this expression is not zero */
  readonly condition?: string;
  /** hits that are passed over */
  readonly ignore?: number;
  /** log point: writes this, expressions in {} replaced, and goes on */
  readonly log?: string;
  /** removed when it is hit */
  readonly temporary?: boolean;
}

export interface Breakpoint {
  readonly condition: string | undefined;
  readonly ignore: number | undefined;
  readonly log: string | undefined;
  readonly temporary: boolean | undefined;
  readonly id: number;
  readonly at: BreakpointAt | WatchAt;
  /** as it was said, for lists */
  readonly text: string;
  /** addresses in guest code; several for a line, none for a watchpoint */
  readonly addresses: readonly Addr[];
  readonly enabled: boolean;
  /** times it was reached with its condition true, up to where the session stands */
  readonly hits: number;
}
