/** The translator's intermediate form: a unit is blocks of micro-operations, each with a way to go on. */
import type { Form, X86Insn } from '../../../x86/index.ts';
import type { Addr } from '../../addr.ts';
import type { ExitPoint, Uop } from './uop.ts';

/** A decoded instruction in place. */
export interface Decoded {
  readonly rip: Addr;
  readonly next: Addr;
  readonly insn: X86Insn;
  readonly form: Form;
}

export type Terminator =
  | { readonly kind: 'jump'; readonly to: Block }
  | {
      readonly kind: 'branch';
      readonly cc: number;
      readonly taken: Block;
      readonly other: Block;
    }
  /** out of the unit: rip is known, or in variable `a`; `step`: the stepper must execute what is there */
  | {
      readonly kind: 'leave';
      readonly exit: ExitPoint;
      readonly a: number;
      readonly step: boolean;
      /** address of the indirect call that leaves */
      readonly site?: Addr;
      /**
       * A return, to the translated code that called the unit where it is what that expects. A jump, to translated code
       * where there is any. A new stack: `a` is rsp, and the unit at exit.rip, which has another frame, goes on.
       */
      readonly way?: 'return' | 'jump' | 'stack';
    }
  /**
   * The return address is on the stack: calls translated code, at exit.rip or where variable `a` says, then `to` if it
   * returns as calls do. `next`: where it returns to, rbp in its variable.
   */
  | {
      readonly kind: 'call';
      readonly exit: ExitPoint;
      readonly a: number;
      readonly next: ExitPoint;
      readonly to: Block;
    }
  /** a hypercall, then `to` unless the handler moved rip, rsp or rbp, or patched text */
  | { readonly kind: 'vmcall'; readonly exit: ExitPoint; readonly to: Block };

/** Whether other code runs between the block and what follows it: any register, flag and part of memory may have changed. */
export const clobbers = (term: Terminator): boolean => term.kind === 'vmcall' || term.kind === 'call';

/** The variable that a terminator reads, -1 none. */
export const termReads = (term: Terminator): number => (term.kind === 'leave' || term.kind === 'call' ? term.a : -1);

export interface Block {
  readonly id: number;
  readonly rip: Addr;
  /** stack state at entry */
  readonly sp: number;
  readonly bp: number;
  uops: Uop[];
  term: Terminator;
  /** registers that it reads, and that it writes, as masks */
  read: number;
  modified: number;
  /** guest instructions */
  count: number;
  /** weights (Machine.mark) of the first n instructions; undefined: all are 0 */
  weights?: readonly number[] | undefined;
  /** what decides the flags at its end: its updates from the last full one on */
  flags?: readonly Uop[];
}

/** Everything that becomes one WebAssembly function. */
export interface Unit {
  readonly entry: Addr;
  readonly blocks: Block[];
  /** rbp at entry, as offset from rsp, that it relies on; or {@link DYNAMIC} */
  readonly bp: number;
  /** guest code that it was made from: [start, end) */
  readonly ranges: readonly (readonly [Addr, Addr])[];
  /** starts of blocks that were left out */
  readonly cold: readonly Addr[];
  /** lowest and highest byte of the stack frame, from rsp at entry; lo === hi: none touched */
  readonly frame: { lo: number; hi: number };
  /** slots that its checks use, as a mask */
  readonly runs: number;
  readonly temps: number;
}

/** Where control goes next, first and second way; undefined where there is none. */
export function successor(term: Terminator, way: 0 | 1): Block | undefined {
  if (term.kind === 'branch') return way === 0 ? term.taken : term.other;
  return way === 1 || term.kind === 'leave' ? undefined : term.to;
}
