/** The kernel log: `dmesg` text, one line per record, oops and WARN text among it. */
import type { Clock } from './clock.ts';
import { Listeners } from './listeners.ts';
import { capture, reinstate } from './state.ts';

/** CONFIG_LOG_BUF_SHIFT is 17: characters kept */
const LOG_BUF = 1 << 17;

export class Printk {
  /** what dmesg shows: the oldest lines go when the buffer is full */
  readonly lines: string[] = [];
  #kept = 0;
  /** told of each line as it is logged */
  readonly logged = new Listeners<[line: string]>();
  readonly #clock: Clock;
  constructor(clock: Clock) {
    this.#clock = clock;
  }
  save() {
    return capture({ lines: this.lines, kept: this.#kept });
  }
  restore(state: ReturnType<Printk['save']>): void {
    this.#kept = reinstate(state).kept;
  }

  /** Logs text, split at newlines, each line with the time in front as dmesg prints it. */
  log(text: string): void {
    const us = Math.floor(this.#clock.now / 1000);
    const stamp = `[${String(Math.floor(us / 1e6)).padStart(5)}.${String(us % 1e6).padStart(6, '0')}]`;
    for (const line of text.split('\n')) {
      const full = `${stamp} ${line}`;
      this.lines.push(full);
      this.#kept += full.length;
      this.logged.tell(full);
    }
    let drop = 0;
    while (this.#kept > LOG_BUF) this.#kept -= (this.lines[drop++] as string).length;
    if (drop > 0) this.lines.splice(0, drop);
  }
}
