/**
 * When translating pays. It costs what stepping some hundred times as many instructions does, so what runs for a
 * moment is better stepped: translating may cost, all in all, about as much as was spent on executing so far.
 * With that bound a run takes at most twice as long as with the better choice, however it goes on.
 */
import { type Addr, dropRange } from '../../addr.ts';

/** Nothing is translated before units of so many instructions would pay: what is hot shows in the meantime. */
const FIRST = 1000;
/** A translated instruction takes about this part of a stepped one's time. */
const TRANSLATED_SHARE = 1 / 16;
/** evidence that a unit should be made again doubles with each time it was, so often */
const MAX_DOUBLINGS = 7;

export class Policy {
  /** what an instruction of a unit costs, in stepped instructions */
  private readonly price: number;
  private spent: number;
  /** by entry: times that its unit was made again */
  private readonly remakes = new Map<Addr, number>();
  /** instructions executed in translated code */
  translated = 0;

  /** @param patience instructions that are stepped for each that is translated */
  constructor(patience: number) {
    this.price = patience;
    this.spent = patience * FIRST;
  }

  /** Whether units of so many instructions may be made now, `executed` instructions into the machine's life. */
  affords(insns: number, executed: number): boolean {
    const earned = executed - this.translated * (1 - TRANSLATED_SHARE);
    return this.spent + insns * this.price <= earned;
  }

  /** A unit of so many instructions was made. */
  spend(insns: number): void {
    this.spent += insns * this.price;
  }

  /** Whether something happened often enough to make the unit at `entry` again, where `first` times are enough at first. */
  enough(entry: Addr, times: number, first: number): boolean {
    return times >= first << Math.min(MAX_DOUBLINGS, this.remakes.get(entry) ?? 0);
  }

  remade(entry: Addr): void {
    this.remakes.set(entry, (this.remakes.get(entry) ?? 0) + 1);
  }

  /** Forgets entries in a range whose text is gone. */
  forget(start: Addr, end: Addr): void {
    dropRange(this.remakes, start, end);
  }
}
