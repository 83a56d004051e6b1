/** What stands in front of a line's event: the task and the time, in strace's forms. */

export interface Prefix {
  readonly pid: number | undefined;
  /** seconds as printed: since the epoch (-ttt), of the day (-tt, -t), or since the line before (-r) */
  readonly seconds: number | undefined;
  readonly relative: boolean;
  readonly rest: string;
}

/** `[pid 12]`, or `12` where -o wrote the file. */
const PID = /^(?:\[pid\s+(\d+)\]|(\d+)(?=\s))\s*/;
const CLOCK = /^(\d\d):(\d\d):(\d\d(?:\.\d+)?)\s+/;
const SECONDS = /^(\d+\.\d+)(?:\s+)/;
/** -r prints the time since the line before, in a column of twelve. */
const RELATIVE_WIDTH = 5;

export function readPrefix(line: string): Prefix {
  const pid = PID.exec(line);
  const afterPid = pid ? line.slice(pid[0].length) : line.trimStart();
  const gap = (pid ? line.slice(pid[0].trimEnd().length) : line).length - afterPid.length;
  const number = pid ? Number(pid[1] ?? pid[2]) : undefined;
  const clock = CLOCK.exec(afterPid);
  if (clock) {
    const seconds = Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
    return { pid: number, seconds, relative: false, rest: afterPid.slice(clock[0].length) };
  }
  const time = SECONDS.exec(afterPid);
  if (time) {
    const seconds = Number(time[1]);
    const relative = gap >= RELATIVE_WIDTH || (gap > 1 && seconds < 10_000);
    return { pid: number, seconds, relative, rest: afterPid.slice(time[0].length) };
  }
  return { pid: number, seconds: undefined, relative: false, rest: afterPid };
}

const DAY = 86_400;
/** Anything less is a time of the day. */
const EPOCH_MIN = 1e8;

/** Makes one clock of the forms: ns since the first line. */
export class Times {
  #first: number | undefined;
  #now = 0;
  #last = 0;

  /** wall clock of the first line, ns since 1970; only -ttt has it */
  get epoch(): bigint | undefined {
    return this.#first !== undefined && this.#first > EPOCH_MIN
      ? BigInt(Math.round(this.#first * 1e6)) * 1000n
      : undefined;
  }

  at({ seconds, relative }: Prefix): number | undefined {
    if (seconds === undefined) return undefined;
    if (relative) {
      // the first line's offset is the distance to nothing
      if (this.#first === undefined) this.#first = 0;
      else this.#now += seconds;
    } else {
      this.#first ??= seconds;
      // past midnight with -tt
      if (seconds < this.#last - DAY / 2) this.#first -= DAY;
      this.#last = seconds;
      this.#now = seconds - this.#first;
    }
    return Math.round(this.#now * 1e9);
  }
}
