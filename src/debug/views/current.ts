/** Which program the panes show: the one that runs, else the one on the call stack, else the one that ran last, else the first. */
import type { DebugProgram } from '../program/programs.ts';
import type { SessionContext } from '../session/context.ts';

export function currentProgram({ programs, stop, frames }: SessionContext): DebugProgram | undefined {
  const name = stop.place.program ?? frames.find((f) => f.place.program !== undefined)?.place.program;
  return (name === undefined ? undefined : programs.named(name)) ?? programs.list[0];
}

/** Slot of the program at which it is, or goes on once what it called returns. */
export function currentSlot({
  programs,
  stop,
  frames,
}: SessionContext): { readonly program: string; readonly slot: number } | undefined {
  const { program, slot } = stop.place;
  if (program !== undefined && slot !== undefined) return { program, slot };
  for (const { place } of frames) {
    if (place.program === undefined) continue;
    // a return address is behind the call
    const call = programs.at(place.rip - 1);
    return { program: place.program, slot: call?.slot ?? place.slot ?? 0 };
  }
  return undefined;
}
