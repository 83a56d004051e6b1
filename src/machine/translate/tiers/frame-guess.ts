/** Whether rbp is a frame pointer where a unit starts. */
import type { Addr } from '../../addr.ts';
import { RBP, RSP } from '../../cpu.ts';
import { EXEC } from '../../layout.ts';
import type { GuestMemory } from '../../memory.ts';
import { DYNAMIC } from '../ir/uop.ts';
import type { Functions } from './functions.ts';
import type { Host } from './translation.ts';

const MOV_RBP_RSP = [0x48, 0x89, 0xe5];

/** Just behind `mov rbp, rsp`, where tail calls arrive: rbp is the frame pointer there, whatever comes next. */
function followsFrame(memory: GuestMemory, entry: Addr): boolean {
  const phys = memory.translate(entry - MOV_RBP_RSP.length, EXEC, false);
  return phys >= 0 && MOV_RBP_RSP.every((byte, i) => memory.u8[phys + i] === byte);
}

/**
 * rbp at `entry` as an offset from rsp, or {@link DYNAMIC}. In code that starts in the middle of a function, rbp as it
 * is now is probably the frame pointer.
 */
export function frameGuess({ memory, cpu }: Host, entry: Addr, functions: Functions): number {
  if (followsFrame(memory, entry)) return 0;
  if (functions.startsFunction(entry)) return DYNAMIC;
  const offset = cpu.reg(RBP) - cpu.reg(RSP);
  return offset >= 0 && offset <= 8192 && offset % 8 === 0 ? offset : DYNAMIC;
}
