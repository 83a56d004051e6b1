/**
 * The run queue of each CPU (Linux 6.12 Documentation/scheduler/sched-design-CFS.rst): the tasks that could run there
 * and do not, in the order in which they will, and `struct rq` in guest memory as far as tools read it.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Task } from '../task/task.ts';

/** TIF_NEED_RESCHED of thread_info.flags */
const NEED_RESCHED = 1 << 3;

export class Runqueues {
  readonly #kernel: TextFloor;
  readonly #queues: Task[][] = [];
  readonly #rq: Addr[] = [];
  /** offsets in `struct rq` */
  readonly #at: Readonly<Record<'nr_running' | 'cfsNr' | 'clock' | 'curr' | 'cfs', number>>;
  readonly #flags: number;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    const { structs, memory, percpu, text, cpus } = kernel;
    const rq = structs.offsets('rq', ['nr_running', 'clock', 'curr', 'cpu', 'online', 'cfs']);
    const cfs = structs.offsets('cfs_rq', ['nr_running', 'rq']);
    this.#at = { ...rq, cfsNr: rq.cfs + cfs.nr_running };
    this.#flags = structs.of('task_struct').offset('thread_info.flags');
    for (let cpu = 0; cpu < cpus; cpu++) {
      const at = percpu.offset(cpu) + text.percpu('runqueues');
      this.#rq.push(at);
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
    memory.writeAddr(task.field('se.cfs_rq'), this.address(cpu) + this.#at.cfs);
  }
  /** It can run: behind the others. */
  enqueue(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.#kernel.memory.writeU32(task.field('on_rq'), 1);
    (this.#queues[task.cpu] as Task[]).push(task);
    this.#count(task.cpu, 1);
  }
  /** It sleeps, or is no more. */
  dequeue(task: Task): void {
    if (!task.queued) return;
    task.queued = false;
    this.#kernel.memory.writeU32(task.field('on_rq'), 0);
    const queue = this.#queues[task.cpu] as Task[];
    const at = queue.indexOf(task);
    if (at >= 0) queue.splice(at, 1);
    this.#count(task.cpu, -1);
  }
  #count(cpu: number, by: number): void {
    const { memory } = this.#kernel;
    const rq = this.address(cpu);
    memory.writeU32(rq + this.#at.nr_running, memory.readU32(rq + this.#at.nr_running) + by);
    memory.writeU32(rq + this.#at.cfsNr, memory.readU32(rq + this.#at.cfsNr) + by);
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
    const { memory } = this.#kernel;
    const rq = this.address(cpu);
    memory.writeAddr(rq + this.#at.curr, task.address);
    memory.writeU64(rq + this.#at.clock, BigInt(Math.floor(now)));
  }

  /** `set_tsk_need_resched` */
  resched(task: Task, on: boolean): void {
    const { memory } = this.#kernel;
    const at = task.address + this.#flags;
    const flags = memory.readU32(at);
    memory.writeU32(at, on ? flags | NEED_RESCHED : flags & ~NEED_RESCHED);
  }
  needsResched(task: Task): boolean {
    return (this.#kernel.memory.readU32(task.address + this.#flags) & NEED_RESCHED) !== 0;
  }
}
