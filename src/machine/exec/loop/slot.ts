/**
 * Micro-operations: what instructions are broken into for the loop. A slot of 32 bytes each, in the machine's memory
 * behind the guest's, where no guest address leads:
 *
 *     +00  operation: index of its row in rows.ts
 *     +04  destination: physical address of the register, its upper byte, a constant or a scratch register
 *     +08  source, likewise; with `resolve`, the slot that leads here (0: none), with `ask` transfers until the next question
 *     +0c  displacement, or second source; with `resolve`, 1 where the transfer is to be asked about
 *     +10  TLB table of a memory access; shift of an index register; for a condition its code, or 1 to negate it
 *     +14  where a taken branch goes on
 *     +18  weights (Machine.mark) of the block's instructions up to and with this one
 *     +1c  instructions of the block executed when it is left here
 */
import { STEP_PHYS } from '../../layout.ts';

export const SLOT = {
  op: 0x00,
  dst: 0x04,
  src: 0x08,
  disp: 0x0c,
  table: 0x10,
  target: 0x14,
  weight: 0x18,
  count: 0x1c,
} as const;
export const SLOT_BYTES = 32;
/** log2 of {@link SLOT_BYTES}, and its words */
export const SLOT_SHIFT = 5;
export const SLOT_WORDS = 8;

/** The flag words of ../flags.ts. */
export const FLAGS = STEP_PHYS;
/**
 * State that the loop takes and leaves. `marked` (i32 weights) and `left` (i32, instructions left, negative) are one i64.
 * `jumps`: the current mode's cache of branch targets.
 */
export const STATE = { marked: STEP_PHYS + 0x40, left: STEP_PHYS + 0x44, jumps: STEP_PHYS + 0x48 } as const;

/** The cache of branch targets: entries of an i64 address and an i32 slot (0: none), by {@link jumpIndex}. */
export const JUMP_ENTRIES = 1024;
export const JUMP_BYTES = 16;

/** Word index of the entry for an address's low half. */
export const jumpIndex = (lo: number): number => ((lo ^ (lo >>> 10)) & (JUMP_ENTRIES - 1)) << 2;

/** Longest block: below this many instructions the stepper goes one by one. */
export const MAX_BLOCK = 64;
