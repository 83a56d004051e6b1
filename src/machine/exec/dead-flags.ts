/**
 * Dead flags within a block: an operation whose flags are overwritten before anything can look at them gets its
 * flagless twin. Whatever may fault, call a handler or leave the block looks at them all.
 */
import { CONSTANT_ONE, IMM, type Step } from './context.ts';
import { OPERATIONS } from './loop/operations.ts';
import { SLOT, SLOT_WORDS } from './loop/slot.ts';

/** `from` and `to` number slots of `words`; `steps` tells shifts by a constant from those by cl. */
export function eliminateFlags(
  words: Int32Array,
  from: number,
  to: number,
  steps: readonly (Step | undefined)[],
): void {
  let live = true;
  for (let n = to - 1; n >= from; n--) {
    const at = n * SLOT_WORDS + (SLOT.op >> 2);
    const { flags, twin } = OPERATIONS[words[at]!]!;
    if (flags === 'looks') live = true;
    else if (flags === 'none') continue;
    else if (!live && twin !== undefined) words[at] = twin;
    else if (flags === 'all' || (flags === 'count' && shiftsFor(steps[n]))) live = false;
  }
}

/** Whether a shift's count is a constant other than 0. */
function shiftsFor(s: Step | undefined): boolean {
  if (s === undefined || s.kinds[1] !== IMM) return false;
  return s.regs[1] === CONSTANT_ONE || (s.insn.immLo & (s.size === 8 ? 63 : 31)) !== 0;
}
