/** Pids that a recording names. */

/** pids are below it (include/linux/threads.h, PID_MAX_LIMIT) */
export const PID_MAX_LIMIT = 0x40_0000;

/** Pids, one bit each: a recording may have made them all. */
export class PidSet {
  readonly #words = new Int32Array(PID_MAX_LIMIT / 32);
  has(pid: number): boolean {
    return (((this.#words[pid >> 5] as number) >> (pid & 31)) & 1) !== 0;
  }
  add(pid: number): void {
    (this.#words[pid >> 5] as number) |= 1 << (pid & 31);
  }
}
