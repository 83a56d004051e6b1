/** What a motion stops at: addresses, and a question that is asked at each. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { Addr } from '../../machine/addr.ts';
import { RSP } from '../../machine/index.ts';
import type { Programs } from '../program/programs.ts';
import type { Stops } from '../time/timeline.ts';
import type { Unit } from './types.ts';

/** Where a step begins. */
export interface From {
  readonly pid: number;
  readonly rsp: Addr;
  /** of the program in whose image it is */
  readonly program: string | undefined;
  readonly slot: number | undefined;
  readonly line: number | undefined;
}

export function fromHere(kernel: Kernel, programs: Programs): From {
  const { cpu, tasks } = kernel;
  const image = programs.at(cpu.rip);
  return {
    pid: tasks.current.pid,
    rsp: cpu.reg(RSP),
    program: image?.program.name,
    slot: image?.slot,
    line: image?.program.line(image.slot)?.line,
  };
}

/**
 * Steps of BPF instructions and C lines: the next place in any image where one begins. `over`: not in what the current
 * function calls.
 */
export function unitStops(
  kernel: Kernel,
  programs: Programs,
  unit: Unit,
  from: From,
  over: boolean,
  back = false,
): Stops {
  const { cpu, tasks } = kernel;
  const starts = unit === 'line' ? programs.lineStarts : programs.slotStarts;
  // backwards a function ends where it begins, in front of its prologue
  const entries = new Set(back ? programs.functionStarts : []);
  return {
    addresses: new Set([...starts, ...entries]),
    hit: (rip) => {
      const image = programs.at(rip);
      if (image === undefined) return false;
      if (from.program === undefined) return !entries.has(rip);
      if (entries.has(rip)) return tasks.current.pid === from.pid && (!over || cpu.reg(RSP) >= from.rsp);
      const mine = tasks.current.pid === from.pid;
      // a stack grows downwards: what lies below belongs to what is called
      if (over && mine && cpu.reg(RSP) < from.rsp) return false;
      if (unit !== 'line') return true;
      const line = image.program.line(image.slot);
      // the same line goes on behind a call that is part of it
      return line?.line !== from.line || image.program.name !== from.program || cpu.reg(RSP) !== from.rsp;
    },
  };
}

/** One address, reached with the stack as high as `rsp` or higher, by the same task. */
export const returnStop = (kernel: Kernel, at: Addr, pid: number, rsp: Addr): Stops => ({
  addresses: new Set([at]),
  hit: () => kernel.tasks.current.pid === pid && kernel.cpu.reg(RSP) >= rsp,
});

export const anyOf = (...all: readonly Stops[]): Stops => ({
  addresses: new Set(all.flatMap((s) => [...s.addresses])),
  hit: (rip) => all.some((s) => s.addresses.has(rip) && s.hit(rip)),
});
