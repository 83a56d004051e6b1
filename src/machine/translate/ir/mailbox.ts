/**
 * Words at {@link MAILBOX_PHYS} through which translated code and the host speak, and what its
 * functions return. Registers go to the CPU state itself.
 *
 *     +00   i32  instructions of the budget left
 *     +04   i32  flag code        +08 i32 overlay code (see flags.ts)
 *     +10   i64  flag a   +18 b   +20 overlay a   +28 overlay b
 *     +30   i32  weights of the instructions executed (Machine.mark)
 *     +34   i32  low half of the address of the indirect call that left, 0 none
 *     +40 + 20n  run of pages in slot n (0: the stack's)
 *           i64  first address   +08 i64 bytes   +10 i32 what to add to an address there, modulo 2^32, for its offset in memory
 */
import { MAILBOX_PHYS } from '../../layout.ts';

export const MAIL = {
  left: MAILBOX_PHYS,
  code: MAILBOX_PHYS + 0x04,
  over: MAILBOX_PHYS + 0x08,
  soft: MAILBOX_PHYS + 0x0c,
  a: MAILBOX_PHYS + 0x10,
  b: MAILBOX_PHYS + 0x18,
  oa: MAILBOX_PHYS + 0x20,
  ob: MAILBOX_PHYS + 0x28,
  marked: MAILBOX_PHYS + 0x30,
  site: MAILBOX_PHYS + 0x34,
  runs: MAILBOX_PHYS + 0x40,
} as const;

/** Fields of a run slot. */
export const RUN = { start: 0x00, bytes: 0x08, delta: 0x10, size: 0x20 } as const;

/** Why translated code gave the machine back. */
export const LEFT = {
  /** the stepper must execute what is at rip: a check failed */
  step: 0,
  /** control goes to rip */
  transfer: 1,
  /** too little budget for another round of a loop, or for the function at rip */
  budget: 2,
  /** the frame of the unit at rip is not inside the known stack, and nothing of it happened */
  frame: 3,
  /** the stepper must execute what is at rip: it is not translated */
  stop: 4,
  /** a hypercall's handler changed rip, the stack, the text or what the run loop looks at */
  vmcall: 5,
} as const;
export type Left = (typeof LEFT)[keyof typeof LEFT];

/** What the host answers to a hypercall of translated code. */
export const VMCALL = {
  /** go on */
  quiet: 0,
  /** return: rip, the stack or the text is another */
  leave: 1,
  /** go on; flags and budget are in the mailbox */
  reload: 2,
} as const;
