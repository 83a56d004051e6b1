/** What there is code for, and what there never shall be. */
import type { Addr } from '../../addr.ts';
import { CPU, type CpuState } from '../../cpu.ts';
import type { GuestMemory } from '../../memory.ts';
import { Calls } from '../emit/calls.ts';
import { covers } from '../lift/shape.ts';
import { Counters, NEVER, TRANSLATED } from './counters.ts';
import type { Translation } from './translation.ts';

/** a refused function has its text within this many bytes */
const REACH = 1 << 20;

export class Translations {
  private readonly memory: GuestMemory;
  private readonly threshold: number;
  readonly counters = new Counters();
  readonly byEntry = new Map<Addr, Translation>();
  /** by slot */
  readonly bySlot: (Translation | undefined)[] = [];
  /** addresses that were refused, with the reason: for tests and for people */
  readonly refused = new Map<Addr, string>();
  private madeCalls: Calls | undefined;

  /** @param threshold transfers to an address before it is translated */
  constructor(memory: GuestMemory, threshold: number) {
    this.memory = memory;
    this.threshold = threshold;
  }

  get calls(): Calls {
    this.madeCalls ??= new Calls(this.memory);
    return this.madeCalls;
  }

  /** The translation for where the CPU is. */
  current(cpu: CpuState): Translation | undefined {
    if (this.madeCalls === undefined) return undefined;
    const { words } = cpu;
    const slot = this.madeCalls.cached(words[CPU.rip >> 2]!, words[(CPU.rip >> 2) + 1]!);
    return slot !== 0 ? this.bySlot[slot] : this.byEntry.get(cpu.rip);
  }

  add(t: Translation): void {
    this.counters.set(t.entry, TRANSLATED);
    this.byEntry.set(t.entry, t);
    this.bySlot[t.slot] = t;
  }

  /** There shall be none at an address. */
  refuse(entry: Addr, why: string): void {
    this.refused.set(entry, why);
    this.counters.set(entry, NEVER);
  }

  /** Nothing calls it any more. */
  remove(t: Translation): void {
    this.byEntry.delete(t.entry);
    this.bySlot[t.slot] = undefined;
    this.calls.disconnect(t.slot);
  }

  /** It is made again as soon as it is wanted. */
  drop(t: Translation): void {
    this.remove(t);
    this.counters.set(t.entry, this.threshold);
  }

  /** Drops what was made from text in [va, end); whether that was anything. What was refused near it may be tried again. */
  forget(va: Addr, end: Addr): boolean {
    let dropped = false;
    for (const t of this.byEntry.values()) {
      if (!covers(t.ranges, va, end)) continue;
      this.drop(t);
      dropped = true;
    }
    for (const entry of this.refused.keys()) {
      if (entry < va - REACH || entry > end + REACH) continue;
      this.refused.delete(entry);
      this.counters.set(entry, 0);
    }
    return dropped;
  }
}
