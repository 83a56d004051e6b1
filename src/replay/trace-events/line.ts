/**
 * One line of trace events as text, in the forms of ftrace's `trace`, `trace-cmd report` and `perf script`
 * (Linux 6.12 Documentation/trace/ftrace.rst; perf-script(1)):
 *
 *     bash-1234    [000] d..2.  5432.123456: sched_process_fork: comm=bash pid=1234 child_comm=bash child_pid=1235
 *     cat-1235     [001]        5432.123500: sys_enter_openat:  dfd: 0xffffff9c, filename: 0x7ffd, flags: 0x00080000
 *     cat  1235 [001]  5432.123510: syscalls:sys_exit_openat: 0x3
 *     cat-1235     [001] .....  5432.123520: sys_read(fd: 3, buf: 7ffd0000, count: 20000)
 */
export interface EventLine {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** as printed */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** without its category */
  readonly event: string;
  /** what follows the event's name */
  readonly text: string;
}

const LINE =
  /^\s*(\S.{0,30}?)(?:-|\s+)(\d{1,7})(?:\/(\d{1,7}))?\s+(?:\([\s\d-]{1,9}\)\s+)?\[(\d{1,5})\]\s+(?:[A-Za-z.#\d]{4,7}\s+)?(\d{1,10})\.(\d{1,9}):\s+(?:\d+\s+)?(?:\w+:)?(\w+)(: *|\(| -> )(.*)$/;
/** more of a line is of no use */
const LONGEST = 4096;

/** The event of a line; undefined for one that is none. */
export function readEventLine(line: string): EventLine | undefined {
  const m = LINE.exec(line.slice(0, LONGEST));
  if (!m) return undefined;
  const [, comm = '', pid, tid, cpu, seconds, fraction = '', event = '', behind = '', rest = ''] = m;
  return {
    comm,
    pid: Number(tid ?? pid),
    cpu: Number(cpu),
    seconds: Number(seconds),
    nanoseconds: Number(fraction.padEnd(9, '0')),
    event: behind === '(' ? `sys_enter_${bare(event)}` : behind === ' -> ' ? `sys_exit_${bare(event)}` : event,
    text: behind === '(' ? rest.replace(/\)\s*$/, '') : rest,
  };
}

/** ftrace prints `sys_openat(…)` for sys_enter_openat. */
const bare = (event: string): string => event.replace(/^sys_/, '');
