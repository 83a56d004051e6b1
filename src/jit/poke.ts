/**
 * Patching direct tail calls, when a prog array's slot is set or cleared (`bpf_arch_poke_desc_update`
 * of Linux 6.12): the jump to the target is written before the bypass in front of it is removed, and
 * the bypass put back before the jump is taken away.
 */
import { Assembler } from '../x86/index.ts';
import type { JitPoke } from './types.ts';

export interface TextPatch {
  /** offset in the function */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The patches, in the order in which they are to be made.
 * @param func address of the function that holds the tail call
 * @param target address of the program now in the slot, undefined where it is empty
 */
export function pokePatches(poke: JitPoke, func: bigint, target: bigint | undefined): TextPatch[] {
  const jump = (offset: number, to: bigint): TextPatch => ({
    offset,
    bytes: new Assembler(func + BigInt(offset)).op('jmp rel32', to).bytes(),
  });
  const nop = (offset: number): TextPatch => ({ offset, bytes: new Assembler(0).nops(5).bytes() });
  if (target === undefined) return [jump(poke.bypass, func + BigInt(poke.bypassTo)), nop(poke.target)];
  return [jump(poke.target, target + BigInt(poke.adjust)), nop(poke.bypass)];
}
