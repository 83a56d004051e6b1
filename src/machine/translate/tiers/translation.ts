/** What the tiers speak of: translated code for an address, the machine that it runs on, and when and how much is translated. */
import type { Addr } from '../../addr.ts';
import type { CpuState } from '../../cpu.ts';
import type { GuestMemory } from '../../memory.ts';
import type { AddressClass } from '../ir/address-class.ts';
import type { Unit } from '../ir/ir.ts';

/** Translated code for one entry address. */
export interface Translation {
  readonly entry: Addr;
  readonly ranges: Unit['ranges'];
  /** in the table of Calls */
  readonly slot: number;
  /** whether it has a stack frame, which must be in kernel memory */
  readonly framed: boolean;
  /** budget below which it cannot run */
  readonly need: number;
  /** guest instructions that it was made from */
  readonly insns: number;
  /** instructions that it may run at once; grows, so that the engine below can replace it early by its optimised form */
  slice: number;
  /** starts of blocks that were left out, and times that control came to one */
  readonly cold: ReadonlySet<Addr>;
  colds: number;
  /** when it was made, counted in changes of class, and misses at places that changed since */
  readonly epoch: number;
  stale: number;
  /** times that it found the stack not as it relies on */
  refusals: number;
}

/** What the translator needs of the machine. */
export interface Host {
  readonly memory: GuestMemory;
  readonly cpu: CpuState;
  insns: number;
  marked: number;
  readonly weights: ReadonlyMap<Addr, number>;
  /** runs the hypercall's handler */
  hypercall(): void;
  /** whether the stepper has executed the instruction at an address */
  seen(rip: Addr): boolean;
  /** whether something happened that the run loop must look at */
  attention(): boolean;
}

export interface TranslatorOptions {
  /** transfers to an address before it is translated */
  readonly threshold: number;
  /** instructions that are stepped for each that is translated; 0 where a threshold is given and this is not: that alone decides */
  readonly patience: number;
  readonly maxInsns: number;
  readonly maxInline: number;
  /** decides how an access is checked, where it answers: any answer is correct, so a test gives all */
  readonly classOf?: (rip: Addr) => AddressClass | undefined;
}

export const DEFAULT_TRANSLATOR: TranslatorOptions = {
  threshold: 400,
  patience: 4000,
  maxInsns: 12000,
  maxInline: 400,
};
