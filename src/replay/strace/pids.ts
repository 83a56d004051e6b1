/**
 * Whose line is it? strace names a line's task only while it follows several, so the first task's
 * pid shows once it has a child, and lines without a name belong to whichever task is left.
 */
const NAMED = /^(?:\[pid\s+(\d+)\]|(\d+)\s)/gm;
const BORN = /strace: Process (\d+) attached|(?:clone3?|fork|vfork)(?: resumed>|\().* = (\d+)/g;

/** Pid of a recording that names none. */
export const UNNAMED_PID = 1000;

export class Pids {
  readonly #main: number;
  readonly #alive = new Set<number>();

  constructor(text: string) {
    const born = new Set(Array.from(text.matchAll(BORN), (m) => Number(m[1] ?? m[2])));
    const first = Array.from(text.matchAll(NAMED), (m) => Number(m[1] ?? m[2])).find((pid) => !born.has(pid));
    this.#main = first ?? UNNAMED_PID;
    this.#alive.add(this.#main);
  }

  /** The task of a line that is named so, or not named. */
  of(named: number | undefined): number {
    const pid = named ?? (this.#alive.has(this.#main) ? this.#main : ([...this.#alive].at(-1) ?? this.#main));
    this.#alive.add(pid);
    return pid;
  }

  exited(pid: number): void {
    this.#alive.delete(pid);
  }
}
