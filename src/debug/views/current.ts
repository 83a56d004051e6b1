/** Which program the panes show: the one that runs in the selected frame, else one further up the call stack, else the first. */
import type { DebugProgram } from '../program/programs.ts';
import type { SessionContext } from '../session/context.ts';

/** An instruction of a program as it runs. */
export interface ProgramSlot {
  readonly program: string;
  readonly slot: number;
}

export function currentProgram({ programs, frames, selected }: SessionContext): DebugProgram | undefined {
  const name = frames.slice(selected).find((f) => f.place.program !== undefined)?.place.program;
  return (name === undefined ? undefined : programs.named(name)) ?? programs.list[0];
}

/** Slot of the program at which it is, or goes on once what it called returns. */
export function currentSlot({ programs, frames, selected }: SessionContext): ProgramSlot | undefined {
  for (const { place, calls } of frames.slice(selected)) {
    if (place.program === undefined) continue;
    // a return address is behind the call
    const slot = (calls ? programs.at(place.rip - 1)?.slot : undefined) ?? place.slot;
    if (slot !== undefined) return { program: place.program, slot };
  }
  return undefined;
}
