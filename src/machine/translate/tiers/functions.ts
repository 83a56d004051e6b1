/** The functions of guest text as units are made of them: which blocks they have, as far as those were executed. */
import type { Addr } from '../../addr.ts';
import { covers, type Shape, shapeAt } from '../lift/shape.ts';
import type { Learned } from './learned.ts';
import type { Host, TranslatorOptions } from './translation.ts';

/** What functions begin with: there rbp is the caller's. */
const FUNCTION_STARTS: ReadonlySet<string> = new Set(['endbr64', 'push', 'nop', 'call']);

export class Functions {
  private readonly host: Host;
  private readonly options: TranslatorOptions;
  private readonly learned: Learned;
  private readonly shapes = new Map<Addr, Shape | undefined>();

  constructor(host: Host, options: TranslatorOptions, learned: Learned) {
    this.host = host;
    this.options = options;
    this.learned = learned;
  }

  get known(): boolean {
    return this.shapes.size > 0;
  }

  /** Whether code has been executed, by the stepper or, as far as it was taken into units, since. */
  executed = (rip: Addr): boolean => this.learned.warm.has(rip) || this.host.seen(rip);

  shape = (entry: Addr): Shape | undefined => {
    if (this.shapes.has(entry)) return this.shapes.get(entry);
    // What has not been executed is left out of a function, unless nothing of it has.
    const partly = this.executed(entry);
    const shape = shapeAt(this.host.memory, entry, partly ? (rip) => !this.executed(rip) : undefined);
    this.shapes.set(entry, shape);
    if (shape !== undefined) this.learned.of(shape.ranges);
    if (shape !== undefined && partly) {
      for (const start of shape.blocks.keys()) if (!shape.cold.includes(start)) this.learned.warm.add(start);
    }
    return shape;
  };

  /** About how many instructions the unit at `entry` would have with what it inlines. */
  size(entry: Addr): number {
    const { maxInline, maxInsns } = this.options;
    const work: (Shape | undefined)[] = [this.shape(entry)];
    let insns = 0;
    for (let shape = work.pop(); shape !== undefined && insns <= maxInsns; shape = work.pop()) {
      insns += shape.insns;
      for (const { end } of shape.blocks.values()) {
        const callee = end.kind === 'call' ? this.shape(end.target) : undefined;
        if (callee?.returns && callee.insns <= maxInline) work.push(callee);
      }
    }
    return insns;
  }

  /** Shapes without blocks that have been executed since are made again. */
  forgetThawed(): void {
    for (const [entry, shape] of this.shapes) {
      if (shape?.cold.some((rip) => this.host.seen(rip))) this.shapes.delete(entry);
    }
  }

  startsFunction(entry: Addr): boolean {
    const first = this.shape(entry)?.blocks.get(entry)?.insns[0]?.form.mnemonic;
    return first === undefined || FUNCTION_STARTS.has(first);
  }

  /** Forgets functions with text in [va, end). */
  forget(va: Addr, end: Addr): void {
    for (const [entry, shape] of this.shapes) {
      if (shape === undefined ? entry >= va && entry < end : covers(shape.ranges, va, end)) this.shapes.delete(entry);
    }
  }
}
