/**
 * Whose line is it? Strace names a line's task only while it follows several, so the first task's pid shows once it has
 * a child, and lines without a name belong to whichever task is left.
 */
import { PidSet } from '../pids.ts';
import { LineError } from './scanner.ts';

/** tasks at once: the default of Linux's pid_max (include/linux/threads.h, PID_MAX_DEFAULT) */
const MOST = 0x8000;

/** Pid of a recording that names none. */
export const UNNAMED_PID = 1000;

export class Tasks {
  /** those that a call of the recording created */
  readonly born = new PidSet();
  /** that of lines without a name, once it is known */
  main: number | undefined;
  /** how a later line names the task whose pid was taken from elsewhere */
  #alias: number | undefined;
  #named = false;
  #unnamed = false;
  readonly #alive = new Set<number>();
  /** the same in order of appearance; some have exited since */
  #order: number[] = [];

  /** The task of a line that is named so (0: not named); 0 where it cannot be told yet. */
  of(name: number): number {
    if (name === 0) {
      this.#unnamed = true;
      if (this.main === undefined) return 0;
      if (this.#alive.has(this.main) || this.#alive.size === 0) return this.main;
      return this.#last();
    }
    if (name === this.#alias) return this.main as number;
    if (!this.#named && !this.born.has(name)) {
      this.#named = true;
      // the same task has told its pid itself, in a namespace of its own
      if (this.main !== undefined && this.#unnamed && this.main !== name) {
        this.#alias = name;
        return this.main;
      }
      this.settle(name);
    }
    return name;
  }
  /** The pid of lines without a name is `pid` from now on. */
  settle(pid: number): void {
    this.main ??= pid;
    this.lives(this.main);
  }
  lives(pid: number): void {
    if (pid === 0 || this.#alive.has(pid)) return;
    if (this.#alive.size >= MOST) throw new LineError(`more than ${MOST} tasks run at once`);
    this.#alive.add(pid);
    this.#order.push(pid);
    if (this.#order.length > 2 * MOST) this.#order = [...this.#alive];
  }
  exited(pid: number): void {
    this.#alive.delete(pid);
  }
  #last(): number {
    for (;;) {
      const last = this.#order.at(-1);
      if (last === undefined) return this.main as number;
      if (this.#alive.has(last)) return last;
      this.#order.pop();
    }
  }
}
