/**
 * The call stack. Kernel text here has no frame pointers everywhere, so a frame is told by its return address: what
 * lies on the stack is one where the instruction in front of it is a call, and of a direct call where that leads to the
 * function below it.
 */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { type Addr, addrOf } from '../../machine/addr.ts';
import { RSP } from '../../machine/index.ts';
import type { Place } from './types.ts';
import type { Places } from './world.ts';

export interface Frame {
  readonly place: Place;
  /** where this frame's caller goes on is on the stack here; undefined for the outermost */
  readonly returnAt: Addr | undefined;
  /** address that it returns to */
  readonly returnTo: Addr | undefined;
}

const MOST_FRAMES = 64;
const MOST_WORDS = 2048;

export function framesOf(kernel: Kernel, places: Places): Frame[] {
  const { cpu, memory, tasks } = kernel;
  const frames: Frame[] = [];
  let rip = cpu.rip;
  const from = cpu.reg(RSP);
  if (cpu.cpl === 3) return [{ place: places.at(rip), returnAt: undefined, returnTo: undefined }];
  const top = tasks.current.stackTop;
  let at = from;
  for (let words = 0; words < MOST_WORDS && frames.length < MOST_FRAMES; words++, at += 8) {
    if (at >= top || memory.translate(at, 0, false) < 0) break;
    const to = addrOf(memory.readS32(at), memory.readS32(at + 4));
    if (!isReturn(kernel, to, rip)) continue;
    frames.push({ place: places.at(rip), returnAt: at, returnTo: to });
    rip = to;
  }
  frames.push({ place: places.at(rip), returnAt: undefined, returnTo: undefined });
  return frames;
}

/** Whether code at `inner` may return to `to`: a call stands in front, and where it says what it calls, it is that. */
function isReturn(kernel: Kernel, to: Addr, inner: Addr): boolean {
  const { memory, symbols } = kernel;
  if (to >= 0 || memory.translate(to - 7, 2, false) < 0 || symbols.at(to) === undefined) return false;
  if (memory.readU8(to - 5) === 0xe8) {
    const called = symbols.at(to + memory.readS32(to - 4))?.name;
    const here = symbols.at(inner)?.name;
    if (called === undefined || here === undefined) return false;
    return called === here || `${called}.cold` === here || (JUMPS.test(called) && !here.endsWith('.cold'));
  }
  // call r64, call r/m64: where it leads is not written in it
  for (const length of [2, 3, 6, 7]) {
    const rex = memory.readU8(to - length);
    const at = (rex & 0xf0) === 0x40 ? to - length + 1 : to - length;
    if (memory.readU8(at) === 0xff && ((memory.readU8(at + 1) >> 3) & 7) === 2) return true;
  }
  return false;
}
/** Functions that end in a jump to another, which then returns in their place. */
const JUMPS = /^(x64_sys_call|do_syscall_64|.*trampoline.*|.*thunk.*)$/;
