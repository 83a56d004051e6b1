/** Makes one clock of the forms in which strace prints times: ns since the first line. */
import type { Prefix } from './prefix.ts';
import { LineError } from './scanner.ts';

const DAY = 86_400;
const NS = 1e9;
/** Anything less is a time of the day. */
const EPOCH_MIN = 1e8;
/** ns; a recording of more than half a year is none */
const LONGEST = 2 ** 54;

export class Times {
  #begun = false;
  #first = 0;
  #firstNs = 0;
  #last = 0;
  /** ns that relative times add up to */
  #now = 0;
  readonly #before: [boolean, number, number, number, number] = [false, 0, 0, 0, 0];

  /** wall clock of the first line, ns since 1970; only -ttt has it */
  get epoch(): bigint | undefined {
    return this.#begun && this.#first > EPOCH_MIN
      ? BigInt(this.#first) * 1_000_000_000n + BigInt(this.#firstNs)
      : undefined;
  }

  /** Time of a line, undefined where it has none. */
  at({ seconds, nanoseconds, relative }: Prefix): number | undefined {
    const before = this.#before;
    before[0] = this.#begun;
    before[1] = this.#first;
    before[2] = this.#firstNs;
    before[3] = this.#last;
    before[4] = this.#now;
    if (seconds < 0) return undefined;
    if (relative) {
      // the first line's offset is the distance to nothing
      const now = this.#begun ? this.#now + seconds * NS + nanoseconds : 0;
      if (now > LONGEST) throw new LineError('its time is too large');
      this.#begun = true;
      this.#now = now;
      return now;
    }
    if (!this.#begun) {
      this.#begun = true;
      this.#first = seconds;
      this.#firstNs = nanoseconds;
    }
    // past midnight with -tt
    if (this.#first < EPOCH_MIN && seconds < this.#last - DAY / 2 && seconds < DAY) this.#first -= DAY;
    const time = (seconds - this.#first) * NS + (nanoseconds - this.#firstNs);
    if (time > LONGEST) throw new LineError('its time is too large');
    this.#last = seconds;
    return time;
  }
  /** The line whose time was read last cannot be read: its time may be as wrong. */
  undo(): void {
    [this.#begun, this.#first, this.#firstNs, this.#last, this.#now] = this.#before;
  }
}
