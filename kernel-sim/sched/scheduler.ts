/**
 * What the scheduler's text asks of the host (kernel/sched/core.c, fair.c): which tasks can run, which sleep, what waking
 * one does. Who runs when is decided elsewhere: by a recording's steps, else in turn.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { SPINS, suspend } from '../core/pause.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Task } from '../task/task.ts';
import type { Tasks } from '../task/tasks.ts';
import { HrTimers } from './hrtimers.ts';
import { Interrupts } from './interrupts.ts';
import { Softirqs } from './softirqs.ts';
import { Ticks } from './ticks.ts';
import { TimerWheel } from './wheel.ts';

type SchedFloor = TextFloor & { readonly tasks: Tasks };

/** sched.h: what `__state` says of a task that is no more */
const TASK_DEAD = 0x80;
const U32 = 0x1_0000_0000;
/** one that is to go on elsewhere gives way */
const stays = (task: Task): boolean => task.queued && task.wantedCpu === undefined;
/** kernel/sched/sched.h: the first wakeup, which takes the CPU from nobody */
const WF_FORK = 4;
/** dead tasks whose memory is given back without waiting for a tick (rcutree.qhimark stands for the same) */
const MOST_DEAD = 16;

export class Scheduler {
  readonly interrupts: Interrupts;
  readonly softirqs: Softirqs;
  readonly timers: HrTimers;
  readonly ticks: Ticks;
  readonly wheel: TimerWheel;
  readonly #kernel: SchedFloor;
  /** the task that is to run next because the recording says so: it goes before others */
  wanted: () => Task | undefined = () => undefined;
  /** tasks on their way to another CPU's run queue, by that CPU */
  readonly #wakelists: Task[][];
  /** CPUs whose task is to give way */
  readonly #urgent = new Set<number>();
  /** dead tasks, freed when a grace period has passed */
  readonly #dead: Task[] = [];
  /** what ran since it was looked at last */
  #delta = 0;
  /** task to send a reschedule interrupt for: its CPU */
  #remote = -1;

  constructor(kernel: SchedFloor) {
    this.#kernel = kernel;
    this.interrupts = new Interrupts(kernel);
    this.softirqs = new Softirqs(kernel);
    this.timers = new HrTimers(kernel);
    this.ticks = new Ticks(kernel, this.timers);
    this.wheel = new TimerWheel(kernel, this.timers);
    this.#wakelists = Array.from({ length: kernel.cpus }, () => []);
    this.#register();
  }
  save() {
    const { delta, remote } = { delta: this.#delta, remote: this.#remote };
    const parts = [this.interrupts, this.softirqs, this.timers, this.ticks, this.wheel];
    const { preemptsByTick } = this;
    const lists = { wakelists: this.#wakelists, urgent: this.#urgent, dead: this.#dead };
    return capture({ parts, ...lists, delta, remote, preemptsByTick });
  }
  restore(state: ReturnType<Scheduler['save']>): void {
    const { delta, remote, preemptsByTick } = state.back();
    this.preemptsByTick = preemptsByTick;
    this.#delta = delta;
    this.#remote = remote;
  }

  /** A CPU whose task is to give way now; undefined: none. */
  get urgent(): number | undefined {
    for (const cpu of this.#urgent) return cpu;
    return undefined;
  }
  isUrgent(cpu: number): boolean {
    return this.#urgent.has(cpu);
  }
  /** dead tasks wait for memory to be given back, and no tick may come for long */
  get isBacklogged(): boolean {
    return this.#dead.length > MOST_DEAD;
  }
  /** `__state` */
  state(task: Task): number {
    return (this.#kernel.memory.i32[task.words.state] as number) >>> 0;
  }
  setState(task: Task, state: number): void {
    this.#kernel.memory.i32[task.words.state] = state;
  }
  /** A replay is over; `keeps`: its tasks wait for the next one. */
  finished(keeps: boolean): void {
    if (!keeps) this.reset();
  }
  /** No CPU has anything to do any more. */
  reset(): void {
    this.#urgent.clear();
    for (const list of this.#wakelists) list.length = 0;
    this.#dead.length = 0;
    this.interrupts.reset();
    for (let cpu = 0; cpu < this.#kernel.cpus; cpu++) this.ticks.switched(cpu, false);
  }

  /** Who runs on this CPU next: whom the recording names, else the others in turn. */
  pick(): Task {
    const { tasks, context } = this.#kernel;
    const { cpu } = context;
    const wanted = this.wanted();
    if (wanted && stays(wanted) && wanted.cpu === cpu) return wanted;
    const prev = tasks.current;
    for (const task of tasks.runqueues.queue(cpu)) if (task !== prev && !task.blocked && stays(task)) return task;
    return stays(prev) && !prev.blocked ? prev : tasks.idle(cpu);
  }

  #register(): void {
    const { text, args, tasks, memory, context, clock } = this.#kernel;
    const { runqueues } = tasks;
    const { i32 } = memory;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    const task = (n = 0): Task | undefined => tasks.at(args.addr(n));
    /** the argument, where it is so; else null */
    const where = (is: boolean, n = 0): void => args.retAddr(is ? args.addr(n) : 0);

    // who holds a spin lock goes on on another CPU, when that executes
    on('spin_wait', () => {
      if (memory.readU32(args.addr(0)) !== 0) suspend(this.#kernel.machine, SPINS);
    });
    on('this_rq', () => args.retAddr(runqueues.address(context.cpu)));
    on('task_rq', () => args.retAddr(runqueues.address(task()?.cpu ?? 0)));
    on('task_current', () => args.retAddr(tasks.current.address));
    on('prev_state', () => args.retU32(tasks.current.pid === 0 ? 0 : this.state(tasks.current)));
    on('dequeue', () => {
      const t = task();
      if (t) runqueues.dequeue(t);
    });
    on('enqueue', () => {
      const t = task();
      if (t) runqueues.enqueue(t);
    });
    on('runs', () => {
      const t = task();
      where(t?.queued === true && t.pid !== 0);
    });
    on('pick_next_task', () => args.retAddr(this.pick().address));
    on('clear_resched', () => {
      this.#urgent.delete(context.cpu);
      runqueues.resched(tasks.current, false);
    });
    on('unless_same', () => args.retU32(args.addr(0) === args.addr(1) ? 0 : 1));
    on('died', () => where(task()?.exitStatus !== undefined && this.state(task() as Task) === TASK_DEAD));
    on('task_dead', () => this.setState(tasks.current, TASK_DEAD));

    // --- time on the CPU ---
    on('update_curr', () => {
      const { current } = tasks;
      if (current.pid === 0) {
        args.retAddr(0);
        return;
      }
      this.#delta = Math.max(0, clock.now - current.execStart);
      current.execStart = clock.now;
      const { runtime } = current.words;
      const total = (i32[runtime]! >>> 0) + i32[runtime + 1]! * U32 + Math.floor(this.#delta);
      i32[runtime] = total;
      i32[runtime + 1] = total / U32;
      args.retAddr(current.address);
    });
    on('exec_delta', () => args.retAddr(Math.floor(this.#delta)));
    on('exec_start', () => {
      const t = task();
      if (t) t.execStart = clock.now;
    });

    // --- waking ---
    on('wakes', () => {
      const t = task();
      where(t !== undefined && !t.queued && t.exitStatus === undefined);
    });
    on('select_task_rq', () => args.retU32(task()?.wantedCpu ?? task()?.cpu ?? 0));
    on('migrates', () => {
      const t = task();
      args.retU32(t !== undefined && t.wantedCpu !== undefined && t.wantedCpu !== t.cpu ? 1 : 0);
    });
    on('set_task_cpu', () => {
      const t = task();
      if (!t) return;
      const { queued } = t;
      if (queued) runqueues.dequeue(t);
      runqueues.adopt(t, args.lo(1));
      t.wantedCpu = undefined;
      if (queued) runqueues.enqueue(t);
    });
    // ttwu_queue_cond(): another CPU that idles does it itself
    on('ttwu_queue_wakelist', () => {
      const t = task();
      const away = t !== undefined && t.cpu !== context.cpu && tasks.running(t.cpu).pid === 0;
      if (away) (this.#wakelists[t.cpu] as Task[]).push(t);
      args.retU32(away ? 1 : 0);
    });
    on('ttwu_here', () => {
      const t = task();
      where(t !== undefined && !(this.#wakelists[t.cpu] as Task[]).includes(t));
    });
    on('ttwu_pending', () => args.retAddr((this.#wakelists[context.cpu] as Task[]).shift()?.address ?? 0));
    on('task_running', () => {
      const t = task();
      if (t) this.setState(t, 0);
    });
    on('preempts', () => {
      const t = task();
      if (t === undefined) return args.retU32(0);
      const curr = tasks.running(t.cpu);
      const isNew = (args.lo(1) & WF_FORK) !== 0;
      args.retU32(curr.pid === 0 || (!isNew && curr !== t && t === this.wanted()) ? 1 : 0);
    });
    on('resched_curr', () => {
      const cpu = this.#cpuOf(args.addr(0));
      const curr = tasks.running(cpu);
      this.#urgent.add(cpu);
      runqueues.resched(curr, true);
      this.#remote = cpu;
      // one that idles polls the flag
      args.retU32(cpu !== context.cpu && curr.pid !== 0 ? 1 : 0);
    });
    on('resched_cpu', () => args.retU32(this.#remote));
    on('send_ipi', () => this.interrupts.send(args.lo(0), args.lo(1)));
    on('slice_over', () => {
      const others = runqueues.queue(context.cpu).some((t) => t !== tasks.current && !t.blocked);
      where(others && this.preemptsByTick && this.wanted() !== tasks.current);
    });

    // --- dead tasks ---
    on('call_rcu', () => {
      const t = task();
      if (t && !this.#dead.includes(t)) this.#dead.push(t);
    });
    on('rcu_pending', () => args.retU32(this.#dead.length > 0 ? 1 : 0));
    on('rcu_callback', () => args.retAddr(this.#dead.shift()?.rcu ?? 0));
    on('rcu_task', () => args.retAddr(tasks.byRcu(args.addr(0))?.address ?? 0));
    on('put_task_struct', () => {
      const t = task();
      if (t) tasks.release(t);
    });
  }
  /** false where a recording tells each switch itself */
  preemptsByTick = true;

  #cpuOf(rq: Addr): number {
    const { tasks, cpus } = this.#kernel;
    for (let cpu = 0; cpu < cpus; cpu++) if (tasks.runqueues.address(cpu) === rq) return cpu;
    return 0;
  }
}
