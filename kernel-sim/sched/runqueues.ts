/**
 * The run queue of each CPU (Linux 6.12 Documentation/scheduler/sched-design-CFS.rst): the tasks that could run there
 * and do not, in the order in which they will, and `struct rq` in guest memory as far as tools read it.
 */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Task } from '../task/task.ts';

/** TIF_NEED_RESCHED of thread_info.flags */
const NEED_RESCHED = 1 << 3;
const U32 = 0x1_0000_0000;

export class Runqueues {
  readonly #kernel: TextFloor;
  readonly #queues: Task[][] = [];
  readonly #rq: Addr[] = [];
  /** where fields of each `struct rq` lie in memory, in words */
  readonly #words: Readonly<Record<'nr' | 'cfsNr' | 'clock' | 'curr', number>>[] = [];
  readonly #cfs: number;
  readonly #i32: Int32Array;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    const { structs, memory, percpu, text, cpus } = kernel;
    const rq = structs.offsets('rq', ['nr_running', 'clock', 'curr', 'cpu', 'online', 'cfs']);
    const cfs = structs.offsets('cfs_rq', ['nr_running', 'rq']);
    this.#cfs = rq.cfs;
    this.#i32 = memory.i32;
    for (let cpu = 0; cpu < cpus; cpu++) {
      const at = percpu.offset(cpu) + text.percpu('runqueues');
      this.#rq.push(at);
      const word = (offset: number): number => memory.translate(at + offset, 1, false) >> 2;
      const nr = word(rq.nr_running);
      const cfsNr = word(rq.cfs + cfs.nr_running);
      this.#words.push({ nr, cfsNr, clock: word(rq.clock), curr: word(rq.curr) });
      this.#queues.push([]);
      memory.writeU32(at + rq.cpu, cpu);
      memory.writeU32(at + rq.online, 1);
      memory.writeAddr(at + rq.cfs + cfs.rq, at);
    }
  }
  save() {
    return capture(this.#queues);
  }
  restore(state: ReturnType<Runqueues['save']>): void {
    reinstate(state);
  }

  /** `cpu_rq(cpu)` */
  address(cpu: number): Addr {
    return this.#rq[cpu] as Addr;
  }
  /** A task is one of this CPU's: where its `se.cfs_rq` points. */
  adopt(task: Task, cpu: number): void {
    const { memory } = this.#kernel;
    task.cpu = cpu;
    memory.writeU32(task.field('thread_info.cpu'), cpu);
    memory.writeU32(task.field('wake_cpu'), cpu);
    memory.writeAddr(task.field('se.cfs_rq'), this.address(cpu) + this.#cfs);
  }
  /** It can run: behind the others. */
  enqueue(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.#i32[task.words.onRq] = 1;
    (this.#queues[task.cpu] as Task[]).push(task);
    this.#count(task.cpu, 1);
  }
  /** It sleeps, or is no more. */
  dequeue(task: Task): void {
    if (!task.queued) return;
    task.queued = false;
    this.#i32[task.words.onRq] = 0;
    const queue = this.#queues[task.cpu] as Task[];
    const at = queue.indexOf(task);
    if (at >= 0) queue.splice(at, 1);
    this.#count(task.cpu, -1);
  }
  #count(cpu: number, by: number): void {
    const { nr, cfsNr } = this.#words[cpu] as { nr: number; cfsNr: number };
    this.#i32[nr] = (this.#i32[nr] as number) + by;
    this.#i32[cfsNr] = (this.#i32[cfsNr] as number) + by;
  }
  /** It has had its turn: the others come first. */
  requeue(task: Task): void {
    const queue = this.#queues[task.cpu] as Task[];
    const at = queue.indexOf(task);
    if (at < 0 || at === queue.length - 1) return;
    queue.splice(at, 1);
    queue.push(task);
  }
  /** Tasks that are to run on a CPU, the one that does among them. */
  queue(cpu: number): readonly Task[] {
    return this.#queues[cpu] as Task[];
  }
  /** What runs on a CPU now. */
  running(task: Task, cpu: number, now: number): void {
    const { curr, clock } = this.#words[cpu] as { curr: number; clock: number };
    const i32 = this.#i32;
    i32[curr] = addrLo(task.address);
    i32[curr + 1] = addrHi(task.address);
    i32[clock] = now;
    i32[clock + 1] = now / U32;
  }

  /** `set_tsk_need_resched` */
  resched(task: Task, on: boolean): void {
    const { flags } = task.words;
    const now = this.#i32[flags] as number;
    this.#i32[flags] = on ? now | NEED_RESCHED : now & ~NEED_RESCHED;
  }
}
