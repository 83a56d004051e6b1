/**
 * Strace writes about itself in between, and where a task begins while another's line is half written, into the middle
 * of that line:
 *
 *     clone(child_stack=NULL, flags=SIGCHLDstrace: Process 2479 attached
 *     , child_tidptr=0x7fb502b34a10) = 2479
 *
 * With -C a table follows the recording.
 */
import { LONGEST_LINE } from '../lines.ts';
import { PID_MAX_LIMIT, type PidSet } from '../pids.ts';
import { isDigit, MINUS, type Scanner, SPACE, ZERO } from './scanner.ts';

const LETTER_D = 0x64;
const PERCENT = 0x25;
const PROCESS = 'strace: Process ';
const ATTACHED = ' attached';

export class Chatter {
  readonly #born: PidSet;
  /** number of the first part of the line that passed */
  line = 0;
  #carried: Uint8Array | undefined;
  #table = false;

  constructor(born: PidSet) {
    this.#born = born;
  }

  /** Whether the line is the recording's; what strace wrote into it is taken out. */
  pass(s: Scanner, line: number): boolean {
    if (!this.#carried) this.line = line;
    else this.#join(s);
    if (blank(s)) return false;
    if (s.bytes[s.end - 1] === LETTER_D && s.has(ATTACHED, s.end - ATTACHED.length) && this.#attached(s)) return false;
    if (s.peek() === PERCENT && s.has('% time ')) this.#table = true;
    if (this.#table && this.#row(s)) return false;
    return !s.has('strace: ');
  }

  #join(s: Scanner): void {
    const first = this.#carried!;
    this.#carried = undefined;
    const whole = new Uint8Array(first.length + s.end - s.at);
    whole.set(first);
    whole.set(s.bytes.subarray(s.at, s.end), first.length);
    s.set(whole, 0, whole.length);
  }

  /** `…strace: Process 12 attached` at the line's end: the rest of what is before it follows in the next line. */
  #attached(s: Scanner): boolean {
    let at = s.end - ATTACHED.length;
    let pid = 0;
    for (let unit = 1; at > s.at && isDigit(s.bytes[at - 1] as number); unit *= 10)
      pid += ((s.bytes[--at] as number) - ZERO) * unit;
    at -= PROCESS.length;
    if (at < s.at || !s.has(PROCESS, at)) return false;
    if (pid > 0 && pid < PID_MAX_LIMIT) this.#born.add(pid);
    if (at > s.at && at - s.at < LONGEST_LINE) this.#carried = s.bytes.slice(s.at, at);
    return true;
  }

  /** A line of -C's table, which ends with its total. */
  #row(s: Scanner): boolean {
    if (s.has(' total', s.end - 6)) {
      this.#table = false;
      return true;
    }
    for (let at = s.at; at < s.end; at++) {
      const c = s.bytes[at] as number;
      if (c === SPACE || c === MINUS || c === PERCENT || isDigit(c)) continue;
      if (c === 0x28) {
        this.#table = false;
        return false;
      }
    }
    return true;
  }
}

function blank(s: Scanner): boolean {
  for (let at = s.at; at < s.end; at++) if ((s.bytes[at] as number) > SPACE) return false;
  return true;
}
