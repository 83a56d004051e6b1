/** Tasks as gdb's threads: a thread's number is the task's pid. */

/** PID_MAX_LIMIT: gdb takes thread 0 for any, so the idle task is one that no pid can be. */
const IDLE = 4 << 20;

export const threadId = (pid: number): string => (pid === 0 ? IDLE : pid).toString(16);

/** undefined: any thread, or all of them. */
export function pidOf(id: string): number | undefined {
  if (id === '' || id === '0' || id === '-1') return undefined;
  const n = Number.parseInt(id, 16);
  return n === IDLE ? 0 : n;
}
