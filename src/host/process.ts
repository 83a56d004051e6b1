/** Processes that the command consists of, each with the model's descriptors that it has open. */
import { readdirSync, readFileSync } from 'node:fs';
import type { FdObject, FdTable } from '../../kernel-sim/core/fds.ts';
import { ALL_CAPS, type Process } from '../../kernel-sim/core/process.ts';
import { HostMemory } from './memory.ts';
import { SYS } from './numbers.ts';

/** `S`: interruptible sleep; `Z`: it has ended (proc_pid_stat(5)) */
function isThreadWaiting(folder: string): boolean {
  const stat = readFileSync(`${folder}/stat`, 'latin1');
  if (!/^[SZ]/.test(stat.slice(stat.lastIndexOf(')') + 2))) return false;
  let call = '';
  try {
    call = readFileSync(`${folder}/syscall`, 'latin1');
  } catch {
    // who joined from elsewhere may not be looked at so closely
  }
  const nr = Number.parseInt(call, 10);
  return nr !== SYS.write && nr !== SYS.writev;
}

export class HostProcess implements Process {
  readonly pid: number;
  readonly fds: FdTable;
  readonly memory: HostMemory;
  readonly uid = 0;
  readonly caps = ALL_CAPS;
  /** numbers at which the host's kernel has a descriptor that stands for the model's */
  readonly placed: Set<number>;
  #comm: string | undefined;
  constructor(tgid: number, fds: FdTable, placed: Iterable<number> = []) {
    this.pid = tgid;
    this.fds = fds;
    this.placed = new Set(placed);
    this.memory = new HostMemory(tgid);
  }
  get tid(): number {
    return this.pid;
  }
  get comm(): string {
    try {
      this.#comm ??= readFileSync(`/proc/${this.pid}/comm`, 'utf8').trimEnd();
    } catch {
      return '<...>'; // it has ended
    }
    return this.#comm;
  }
  /** execve(2): another program and other memory; what was open with O_CLOEXEC is closed. */
  exec(): void {
    this.#comm = undefined;
    this.memory.close();
    let open: Set<string>;
    try {
      open = new Set(readdirSync(`/proc/${this.pid}/fd`));
    } catch {
      return; // it has ended meanwhile
    }
    for (const [fd] of [...this.fds.entries()]) if (!open.has(String(fd))) this.close(fd);
  }
  /** Whether each of its threads, `but` one, sleeps in the host's kernel, and not because who reads its output is slow. */
  isWaiting(but?: number): boolean {
    try {
      return readdirSync(`/proc/${this.pid}/task`).every(
        (tid) => tid === String(but) || isThreadWaiting(`/proc/${this.pid}/task/${tid}`),
      );
    } catch {
      return true; // it has ended
    }
  }
  close(fd: number): void {
    this.fds.close(fd);
    this.placed.delete(fd);
  }
  end(): void {
    this.memory.close();
    this.fds.closeAll();
  }
}

/** By thread group, as the supervisor tells of them. */
export class Processes {
  readonly #byPid = new Map<number, HostProcess>();
  readonly #threads = new Map<number, number>();
  readonly #empty: (first: number) => FdTable;
  readonly #known: Process[];
  readonly #elsewhere: (pid: number, fd: number) => FdObject | undefined;
  #first = 0;
  /** `known`: who asks about the descriptors of others finds them there; `elsewhere`: what a number is that no table has */
  constructor(
    empty: (first: number) => FdTable,
    known: Process[],
    elsewhere: (pid: number, fd: number) => FdObject | undefined,
  ) {
    this.#elsewhere = elsewhere;
    this.#empty = empty;
    this.#known = known;
  }
  #add(process: HostProcess): HostProcess {
    process.fds.elsewhere = (fd) => this.#elsewhere(process.pid, fd);
    this.#byPid.set(process.pid, process);
    this.#known.push(process);
    return process;
  }
  get(tgid: number): HostProcess {
    let process = this.#byPid.get(tgid);
    if (!process) {
      process = this.#add(new HostProcess(tgid, this.#empty(this.#first)));
    }
    return process;
  }
  get first(): number {
    return this.#first;
  }
  /** The first process: `base` is the lowest number of the model's descriptors. */
  start(tgid: number, base: number): void {
    this.#first = base;
    this.#threads.set(tgid, tgid);
    this.get(tgid);
  }
  child(parent: number, tid: number, tgid: number): void {
    this.#threads.set(tid, tgid);
    if (this.#byPid.has(tgid)) return;
    const from = this.#byPid.get(this.#threads.get(parent) ?? parent);
    if (from) this.#add(new HostProcess(tgid, from.fds.fork(), from.placed));
  }
  /** A thread has ended; the process with its last. */
  exit(tid: number, tgid: number): HostProcess | undefined {
    this.#threads.delete(tid);
    for (const group of this.#threads.values()) if (group === tgid) return undefined;
    const process = this.#byPid.get(tgid);
    this.#byPid.delete(tgid);
    if (process) this.#known.splice(this.#known.indexOf(process), 1);
    process?.end();
    return process;
  }
  all(): IterableIterator<HostProcess> {
    return this.#byPid.values();
  }
}
