/**
 * Functions that a task entered and left between two calls whose stacks were recorded (`strace -k`, `perf script` of `-g`): what the later
 * stack has and the earlier one had not was entered, the outermost first; what it has no more was left. A function that
 * returned and was called again by the same caller in between does not show.
 */
import type { TraceCall, TraceStep, UserFrame } from '../../kernel-sim/index.ts';

/** perf's own bound of a stack (Linux 6.12 kernel.perf_event_max_stack) */
export const MAX_FRAMES = 127;

interface Frame {
  readonly file: string;
  readonly func: string;
}

export class StackFunctions {
  /** by task, the outermost frame first */
  readonly #frames = new Map<number, readonly Frame[]>();

  /** A step, behind the functions that its stack shows to be entered and left, where it is a call that has one. */
  with(step: TraceStep): TraceStep[] {
    if (step.kind === 'end') this.#frames.delete(step.pid);
    if (step.kind !== 'call' || step.stack === undefined) return [step];
    const steps = [...this.#before(step, step.stack), step];
    // its image is another one
    if (step.name === 'execve' || step.name === 'execveat') this.#frames.delete(step.pid);
    return steps;
  }
  #before({ pid, time }: TraceCall, stack: readonly UserFrame[]): TraceStep[] {
    const now = stack.flatMap(frameOf).reverse();
    const before = this.#frames.get(pid) ?? [];
    let same = 0;
    while (same < now.length && same < before.length && isSame(now[same], before[same])) same++;
    this.#frames.set(pid, now);
    return [
      ...before
        .slice(same)
        .reverse()
        .map((frame): TraceStep => ({ kind: 'leave', pid, time, ...frame })),
      ...now.slice(same).map((frame): TraceStep => ({ kind: 'enter', pid, time, ...frame })),
    ];
  }
}

const frameOf = ({ file, symbol }: UserFrame): Frame[] => (symbol === undefined ? [] : [{ file, func: symbol }]);
const isSame = (a: Frame | undefined, b: Frame | undefined): boolean => a?.file === b?.file && a?.func === b?.func;
