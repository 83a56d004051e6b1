/** What a row of the loop's tables says, and the operations that it stands for. */
import type { Emitter, Width } from './emitter.ts';

/**
 * What an operation is to the flags, so that those nobody can see need not be made:
 *
 *     none    neither reads nor writes them
 *     all     overwrites all six (as the x86 table says, what it leaves undefined counted)
 *     count   all six, but none where the shift's count is 0
 *     some    overwrites some and keeps the others
 *     looks   reads them; or may fault or leave the loop, so that whoever looks then sees them all
 */
export type FlagRule = 'none' | 'all' | 'count' | 'some' | 'looks';

/**
 * Operand kinds of an instruction's row, as ../lower.ts reads them from an x86 form:
 *
 *     update    destination becomes destination op source
 *     compare   two sources, flags only
 *     unary     destination becomes op destination
 *     shift     destination becomes value op count
 *     product   destination becomes source op source
 */
export type Kind = 'update' | 'compare' | 'unary' | 'shift' | 'product';

/** An instruction's row: for each width an operation that is named after both, as `add64`. */
export interface InsnRow {
  /** the x86 table's mnemonics, the first of which is the operations' name */
  readonly mnemonics: string;
  readonly kind: Kind;
  readonly widths: readonly Width[];
  readonly flags: FlagRule;
  /** pushes the result of the operands in the locals a and b, or a and the count k */
  readonly body: (e: Emitter, width: Width) => void;
  /** sets the flag words, from a, b and the result in r; the operation then has a twin without, as `add64n` */
  readonly rule?: (e: Emitter, width: Width) => void;
}

/** One operation of the loop: its number is its index. */
export interface Operation {
  readonly name: string;
  readonly flags: FlagRule;
  /** index of the operation that does the same but for the flags */
  readonly twin?: number;
  readonly emit: (e: Emitter) => void;
}

/** What operations of a row are named after. */
export const firstName = ({ mnemonics }: { readonly mnemonics: string }): string => mnemonics.split(' ')[0]!;
