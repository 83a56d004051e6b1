/** A rejection as data: where, what was known there, how it came about, and what to do. */

/** An instruction as the verifier's log shows it. */
export interface ExplainedInsn {
  /** slot of the program as loaded */
  readonly index: number;
  /** as disassembled: `r1 = *(u64 *)(r6 +8)` */
  readonly text: string;
  /** C line above it, where the program has lines */
  readonly source: ExplainedSource | undefined;
}
export interface ExplainedSource {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}
/** One step of how a register came to what it is. */
export interface ExplainedCause extends ExplainedInsn {
  /** register that the instruction sets: `r1` */
  readonly register: string;
}
export interface Explanation {
  /** the verifier's own words, the line that decides */
  readonly message: string;
  /** instruction at which it stopped */
  readonly insn: ExplainedInsn | undefined;
  readonly source: ExplainedSource | undefined;
  /** what the verifier knew of each register before that instruction, by name: `{ R1: 'ctx()', R0: 'scalar()' }` */
  readonly registers: { readonly [register: string]: string };
  /** how the register that the message names came to its value, the last step first */
  readonly causes: readonly ExplainedCause[];
  /** what the message means and what to do; null where it says all itself, undefined where nothing is known of it */
  readonly advice: string | null | undefined;
  /** what `ebpf-emu explain` has more of: `null-check` */
  readonly topic: string | undefined;
}
