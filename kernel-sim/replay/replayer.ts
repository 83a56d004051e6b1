/**
 * Which task runs next and what its next system call is, as the recording says. Everything in between (entry,
 * functions, switches) is the guest's own text.
 */

import { checkArgument } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { R8, R9, R10, RCX, RDI, RDX, RSI } from '../../src/machine/cpu.ts';
import { MachineStop } from '../../src/machine/index.ts';
import { KernelError } from '../core/errno.ts';
import { MODEL_PERCPU } from '../core/model-percpu.ts';
import { suspend, WAITING, WATCHED } from '../core/pause.ts';
import type { PlacesFloor } from '../floors/places.ts';
import { VECTOR } from '../sched/interrupts.ts';
import { SOFTIRQ } from '../sched/softirqs.ts';
import type { Task } from '../task/task.ts';
import type { UserCall } from '../task/user-call.ts';
import { Happenings } from './happenings.ts';
import { type Image, Interleaver } from './interleave.ts';
import { Replay } from './replay.ts';
import { TraceSource } from './source.ts';
import type { StepSource, Trace, TraceCall, TraceEvent, TraceFunction, TraceStep } from './trace.ts';

const isRecording: is.Check = (value) => {
  const given = value as Partial<Trace & StepSource> | null | undefined;
  if (given && typeof given.next === 'function' && typeof given.seek === 'function') return undefined;
  return given && Array.isArray(given.tasks) && typeof given.steps?.[Symbol.iterator] === 'function'
    ? undefined
    : `${is.shown(value)} is no trace; readStrace(text).trace is one`;
};

/** What `cpu_next` tells kernel text to do: go to user mode, call what r10 points to, or be interrupted there. */
const NEXT = { go: 0, call: 1, interrupt: 2 } as const;
/** registers of a function's arguments */
const ARGS = [RDI, RSI, RDX, RCX, R8, R9];
/** interrupts between two steps; in a longer time the timers' others are passed over */
const MOST_INTERRUPTS = 1000;
/** shorter than this no call is taken to have slept, ns */
const SHORT_NS = 20_000;
/** calls that begin so soon after one another may overlap, ns */
const CLOSE_NS = 1_000_000;
/** task states of include/linux/sched.h */
const INTERRUPTIBLE = 1;
const NORMAL = 3;

/** Steps that only a task that is there can make. */
const APPEARS: ReadonlySet<string> = new Set(['call', 'event', 'runs', 'enter']);

export class Replayer {
  readonly happenings: Happenings;
  /** with one CPU there is nothing to be in the middle of */
  readonly #interleaver: Interleaver | undefined;
  readonly #kernel: PlacesFloor;
  /** the one that is under way */
  #replay: Replay | undefined;
  /** addresses of functions that are called often */
  readonly #places = new Map<string, Addr>();
  /** CPU that executes next */
  #target = 0;
  /** the task whose time to sleep is up next, and the timer of those whose call starts none here */
  #sleeper: Task | undefined;
  #pollTimer: Addr = 0;
  /** interrupts since the last step */
  #interrupts = 0;

  /** @param images those of programs that are loaded @param seed of which CPU's program is stopped where */
  constructor(kernel: PlacesFloor, seed: number, images: () => Iterable<Image>) {
    this.#kernel = kernel;
    if (kernel.cpus > 1) this.#interleaver = new Interleaver(kernel, seed, images);
    this.happenings = new Happenings(kernel);
    const { text, args, tasks } = kernel;
    // a sleeping call's timer lies on its stack; it fires when the recording has the call return
    text.hypercall('hrtimer_sleeps', () => {
      kernel.sched.timers.callback(args.addr(0), 'hrtimer_wakeup');
      tasks.current.sleeper = args.addr(0);
    });
    text.hypercall('hrtimer_sleeper', () => args.retAddr(this.#sleeper?.address ?? 0));
    // an interrupt or softirq takes the time that the recording tells
    for (const word of ['done_at', 'ends_at'] as const)
      text.hypercall(word, () => {
        const at = kernel.percpu.offset(kernel.context.cpu) + MODEL_PERCPU[word];
        kernel.clock.advanceTo(kernel.direct.addr(at));
        kernel.direct.putAddr(at, 0);
      });
    text.hypercall('cpu_next', () => {
      args.retU32(this.#next());
      // behind the call, which is done
      if (this.#interleaver?.isWatching) throw new MachineStop(WATCHED);
    });
    text.hypercall('switch_to', () => this.#switchTo(args.addr(0)));
    text.hypercall('move_cpu', () => {
      this.#interleaver?.resumed(this.#target);
      args.retAddr(tasks.move(this.#target, args.addr(0)));
    });
    kernel.sched.wanted = () => this.#wanted;
    tasks.exited.add((task) => this.#replay?.gone.add(task.pid));
    tasks.created.add((task) => this.#replay?.gone.delete(task.pid));
    kernel.programs.called.add(() => {
      if (this.#replay) this.#replay.calls++;
    });
  }

  /** A replay that has started, and is the only one until it has finished. @throws KernelError EBUSY */
  open(recording: Trace | StepSource, maxInsns = Number.POSITIVE_INFINITY, keepTasks = false): Replay {
    checkArgument('recording', recording, isRecording);
    if (this.#replay) throw new KernelError('EBUSY', 'a replay is running already');
    const source = 'next' in recording ? recording : new TraceSource(recording);
    const tasks = 'next' in recording ? [] : recording.tasks;
    const ended = (): void => {
      this.#interleaver?.reset();
      this.#replay = undefined;
    };
    const replay = new Replay(this.#kernel, tasks, source, maxInsns, ended, keepTasks);
    if (this.#interleaver)
      replay.interleave(this.#interleaver, (cpu) => {
        this.#target = cpu;
      });
    this.#replay = replay;
    try {
      replay.start();
    } catch (error) {
      this.#replay = undefined;
      throw error;
    }
    return replay;
  }

  save() {
    const [target, interrupts, sleeper] = [this.#target, this.#interrupts, this.#sleeper];
    const [pollTimer, happenings] = [this.#pollTimer, this.happenings.save()];
    const interleaver = this.#interleaver?.save();
    return {
      interleaver,
      happenings,
      replay: this.#replay,
      state: this.#replay?.save(),
      target,
      interrupts,
      sleeper,
      pollTimer,
    };
  }
  restore(saved: ReturnType<Replayer['save']>): void {
    const { replay, state, target, interrupts } = saved;
    // text of the model's own may lie elsewhere again
    this.#places.clear();
    this.happenings.restore(saved.happenings);
    this.#sleeper = saved.sleeper;
    this.#pollTimer = saved.pollTimer;
    this.#replay = replay;
    this.#target = target;
    this.#interrupts = interrupts;
    if (saved.interleaver) this.#interleaver?.restore(saved.interleaver);
    if (replay && state) replay.restore(state);
  }

  get #running(): Replay {
    if (this.#replay === undefined)
      throw new KernelError('ENOENT', 'a task came to user space, but nothing is replayed');
    return this.#replay;
  }
  /** The step that comes next. The hypercall that asks is made again once a step that has not arrived yet is there. */
  #first(replay: Replay): TraceStep | undefined {
    if (!replay.steps.fill()) suspend(this.#kernel.machine, WAITING);
    replay.date();
    return replay.steps.first;
  }

  /** kernel text calls `function(a, b, c)`, and asks again */
  #call(name: string, a: Addr = 0, b = 0, c = 0): number {
    const { cpu, text } = this.#kernel;
    cpu.setReg(RDI, a);
    cpu.setReg(RSI, b);
    cpu.setReg(RDX, c);
    let at = this.#places.get(name);
    if (at === undefined) {
      at = text.place(name);
      this.#places.set(name, at);
    }
    cpu.setReg(R10, at);
    return NEXT.call;
  }
  /** as {@link #call}, with as many arguments as go in registers */
  #callWith(at: Addr, args: readonly Addr[]): number {
    const { cpu } = this.#kernel;
    for (const [n, reg] of ARGS.entries()) cpu.setReg(reg, args[n] ?? 0);
    cpu.setReg(R10, at);
    return NEXT.call;
  }
  #move(to: number): number {
    this.#target = to;
    return this.#call('other_cpu');
  }
  #interrupt(vector: number): number {
    const { cpu, sched, tasks } = this.#kernel;
    this.#interrupts++;
    cpu.setReg(R10, sched.interrupts.entry(vector, tasks.current.user !== undefined));
    return NEXT.interrupt;
  }

  /**
   * The task that runs is about to go to user mode, or there is none: what happens on this CPU next. Interrupts that are
   * under way come first, then a switch that is due, then what time brings until the recording's next step, then that step.
   */
  #next(): number {
    const { tasks, clock, context, sched } = this.#kernel;
    const { cpu } = context;
    const { current } = tasks;
    if (current.user) current.call = undefined;
    this.#kernel.probes.over();
    this.#interleaver?.leave();
    const sent = sched.interrupts.first;
    if (sent !== undefined) return sent === cpu ? this.#interrupt(sched.interrupts.take()) : this.#move(sent);
    const { urgent } = sched;
    if (urgent !== undefined) return sched.isUrgent(cpu) ? this.#reschedule() : this.#move(urgent);
    if (sched.isBacklogged) {
      sched.softirqs.raise(SOFTIRQ.RCU);
      return this.#call('do_softirq');
    }
    const replay = this.#running;
    const step = this.#first(replay);
    const stopped = this.#interleaver?.due(step && this.#cpuOf(step));
    if (stopped !== undefined) return this.#move(stopped);
    const at = step ? Math.max(replay.startNs + step.time, clock.now) : clock.now;
    return this.#timer(at) ?? this.#step(replay, step, at);
  }
  /** The interrupt of a timer that is due by `at`, where there is one. */
  #timer(at: number): number | undefined {
    const { clock, context, sched } = this.#kernel;
    const timer = sched.timers.first;
    const alarm = clock.dueBy(at);
    const due = Math.min(timer?.due ?? Number.POSITIVE_INFINITY, alarm?.due ?? Number.POSITIVE_INFINITY);
    if (due > at) return undefined;
    if (this.#interrupts >= MOST_INTERRUPTS) {
      sched.timers.skip(at);
      for (const late of clock.alarms) if (late.due <= at) late.skip(at);
      return undefined;
    }
    if (timer !== undefined && timer.due === due && timer.cpu !== context.cpu) return this.#move(timer.cpu);
    clock.advanceTo(due);
    return this.#interrupt(VECTOR.TIMER);
  }
  #sleeps(task: Task, state: number): number {
    this.#kernel.sched.setState(task, state);
    task.blocked = true;
    return this.#reschedule();
  }
  #reschedule(): number {
    return this.#call(this.#kernel.tasks.current.pid === 0 ? 'schedule_idle' : 'schedule');
  }

  /** The recording's next step, or what it takes until it can be. */
  #step(replay: Replay, step: TraceStep | undefined, at: number): number {
    const { tasks, context } = this.#kernel;
    if (step?.kind === 'event' && step.pid === 0) return this.#happens(replay, step, at);
    const task = this.#taskOf(replay, step);
    if (task === undefined) return this.#next();
    const cpu = step?.cpu ?? task.cpu;
    if (cpu !== task.cpu && cpu < this.#kernel.cpus) {
      task.wantedCpu = cpu;
      if (task.queued) return this.#migrate(task, cpu);
    }
    if (task.blocked && !task.queued) return this.#wake(task, step as TraceStep, at);
    if (!task.queued) tasks.runqueues.enqueue(task);
    if (task.cpu !== context.cpu) return this.#move(task.cpu);
    if (task !== tasks.current) return this.#reschedule();
    return this.#does(replay, task, step as TraceStep, at);
  }
  /** A task that can run goes on another CPU: it gives way where it runs, then that one takes it. */
  #migrate(task: Task, to: number): number {
    const { tasks, context } = this.#kernel;
    if (task === tasks.running(task.cpu)) return task.cpu === context.cpu ? this.#reschedule() : this.#move(task.cpu);
    return to === context.cpu ? this.#call('set_task_cpu', task.address, to) : this.#move(to);
  }
  /** An event that is no call: what it makes happen. */
  #happens(replay: Replay, step: TraceEvent & { readonly cpu?: number }, at: number): number {
    const { clock, context, cpus, sched, tasks, text } = this.#kernel;
    const cpu = step.cpu !== undefined && step.cpu < cpus ? step.cpu : context.cpu;
    if (cpu !== context.cpu) return this.#move(cpu);
    // a recording without switches does not say that its task sleeps but by this
    if (step.pid === 0 && tasks.current.user && this.happenings.isRecord(step))
      return this.#sleeps(tasks.current, INTERRUPTIBLE);
    this.#interrupts = 0;
    clock.advanceTo(at);
    this.#lasts('done_at', step.done, replay);
    this.#lasts('ends_at', step.ends, replay);
    replay.steps.advance();
    const happening = this.happenings.of(step, replay.calls);
    if (happening === undefined) return this.#next();
    const { call, args } = happening;
    const place = typeof call === 'string' ? text.place(call) : call;
    if (happening.by === 'task') return this.#callWith(place, args);
    const { interrupts } = sched;
    const [irq, name] = happening.line ?? DISK_LINE;
    interrupts.device(interrupts.line(irq, name), place, [args[0] ?? 0, args[1] ?? 0, args[2] ?? 0]);
    return this.#interrupt(VECTOR.DEVICE);
  }
  #lasts(word: 'done_at' | 'ends_at', time: number | undefined, { startNs }: Replay): void {
    const { direct, percpu, context } = this.#kernel;
    direct.putAddr(percpu.offset(context.cpu) + MODEL_PERCPU[word], time === undefined ? 0 : startNs + time);
  }
  /** Whose step it is; undefined where it was none of a task, and is done. */
  #taskOf(replay: Replay, step: TraceStep | undefined): Task | undefined {
    const { tasks } = this.#kernel;
    const { steps } = replay;
    if (!step) return tasks.loader;
    const task = tasks.find(step.pid);
    if (step.kind === 'task') {
      if (!task) this.#appears(step.pid, step.comm, tasks.idle(0));
      steps.advance();
      return undefined;
    }
    if (task) {
      if (step.kind !== 'return' || task.blocked) return task;
      // its call did not wait after all
      steps.advance();
      return undefined;
    }
    if (!APPEARS.has(step.kind) || replay.gone.has(step.pid)) {
      // the end of a task that has exited by its own call, or what one that died here would have done; behind its end
      // the recording has another one by that number
      if (step.kind === 'end') replay.gone.delete(step.pid);
      steps.advance();
      return undefined;
    }
    const { current } = tasks;
    const parent = current.user ? current : tasks.idle(0);
    return this.#appears(step.pid, current.user ? current.comm : '<...>', parent);
  }
  /** A task that was there before the recording began, and can run. */
  #appears(pid: number, comm: string, parent: Task): Task {
    const { tasks } = this.#kernel;
    const task = tasks.create(pid, pid, comm, parent);
    tasks.runqueues.enqueue(task);
    return task;
  }

  /**
   * A task that waits in a call returns from it: by a timer, where the call waits for one; by the task that runs, which
   * did what it waited for; else by a device.
   */
  #wake(task: Task, step: TraceStep, at: number): number {
    const { tasks, clock, context, sched } = this.#kernel;
    // where timers are passed over nobody waits for one
    if (step.kind === 'return' && isTimed(task, step) && this.#interrupts < MOST_INTERRUPTS) {
      this.#sleeper = task;
      const timer = task.sleeper || (this.#pollTimer ||= sched.timers.make('hrtimer_wakeup'));
      sched.timers.start(timer, task.cpu, Math.max(at, clock.now));
      return this.#next();
    }
    if (tasks.current.user) {
      clock.advanceTo(at);
      return this.#call('try_to_wake_up', task.address, NORMAL, 0);
    }
    if (context.cpu !== task.cpu) return this.#move(task.cpu);
    clock.advanceTo(at);
    const { interrupts } = sched;
    const [irq, name] = lineOf(task);
    interrupts.device(interrupts.line(irq, name), this.#kernel.text.place('try_to_wake_up'), [task.address, NORMAL]);
    return this.#interrupt(VECTOR.DEVICE);
  }
  /** The task whose step it is does it: a system call, mostly. */
  #does(replay: Replay, task: Task, step: TraceStep, at: number): number {
    const { tasks, clock, recorded } = this.#kernel;
    if (task === tasks.loader) throw new KernelError('EINVAL', 'the loader has no step');
    const { steps } = replay;
    this.#interrupts = 0;
    clock.advanceTo(at);
    if (step.kind === 'run') return NEXT.go;
    if (step.kind === 'event') return this.#happens(replay, step, at);
    if (step.kind === 'enter' || step.kind === 'leave') {
      steps.advance();
      return this.#function(task, step);
    }
    if (step.kind === 'sleep') {
      steps.advance();
      return this.#sleeps(task, step.state);
    }
    if (step.kind === 'end') {
      task.exitStatus = step.status;
      steps.advance();
      return this.#call('do_group_exit', step.status);
    }
    if (step.kind !== 'call') {
      steps.advance();
      return this.#next();
    }
    replay.calls++;
    task.call = step;
    recorded.set(step.result?.lo ?? 0, step.result?.hi ?? 0);
    const { second } = steps;
    // what returns at once, before anybody else did something, has not waited
    const returns = second?.kind === 'return' && second.pid === step.pid && second.time - step.time < SHORT_NS;
    const waits = step.unfinished && !returns;
    recorded.sleeps = waits ? sleepState(step) : 0;
    task.blocked = waits;
    task.user?.setCall?.(step);
    steps.advance();
    this.#interleaver?.begin(() => (waits ? undefined : this.#closeTo(replay, step)));
    return NEXT.go;
  }

  /** The CPU that a step is of. */
  #cpuOf(step: TraceStep): number {
    const { cpus, tasks, context } = this.#kernel;
    if (step.cpu !== undefined && step.cpu < cpus) return step.cpu;
    return step.pid === 0 ? context.cpu : (tasks.find(step.pid)?.cpu ?? step.pid % cpus);
  }
  /** Another CPU whose task makes the next call while this one may still be under way. */
  #closeTo({ steps, gone }: Replay, { time }: TraceCall): number | undefined {
    const next = steps.fill() ? steps.first : undefined;
    if (next?.kind !== 'call' || next.time - time > CLOSE_NS || gone.has(next.pid)) return undefined;
    const cpu = this.#cpuOf(next);
    return cpu === this.#kernel.context.cpu ? undefined : cpu;
  }

  /** A recorded function of user space: where a probe is on it, its breakpoint's exception or its trampoline. */
  #function(task: Task, step: TraceFunction): number {
    const { uprobes } = this.#kernel.probes;
    const { func, file, args = [], result } = step;
    const where = { func, ...(file === undefined ? {} : { file }) };
    const regs = step.kind === 'enter' ? uprobes.entered(task, where, args) : uprobes.left(task, where, result);
    if (regs === undefined) return this.#next();
    return this.#call(step.kind === 'enter' ? 'exc_int3' : 'uprobe_handle_trampoline', regs);
  }

  /** Whom the recording wants to run now; the loader where it is over. */
  get #wanted(): Task | undefined {
    const replay = this.#replay;
    if (replay === undefined) return undefined;
    const { tasks } = this.#kernel;
    for (;;) {
      const step = this.#first(replay);
      if (step?.kind === 'event' && step.pid === 0) return undefined;
      const task = this.#taskOf(replay, step);
      if (!task) continue;
      // nobody wakes who watches
      if (step === undefined) tasks.runqueues.enqueue(task);
      return task;
    }
  }

  #switchTo(address: Addr): void {
    const { tasks, clock, recorded, context, sched } = this.#kernel;
    const task = tasks.at(address);
    if (!task) throw new KernelError('ESRCH', 'switch to a task that does not exist');
    tasks.runqueues.requeue(tasks.current);
    tasks.enter(task);
    sched.ticks.switched(context.cpu, task.user !== undefined);
    const replay = this.#running;
    if (task.blocked) {
      const step = this.#first(replay);
      task.blocked = false;
      if (step?.kind === 'return' && step.pid === task.pid) {
        clock.advanceTo(replay.startNs + step.time);
        if (step.call) task.call = step.call;
        replay.steps.advance();
        this.#interrupts = 0;
      }
    }
    task.sleeper = 0;
    recorded.sleeps = 0;
    recorded.set(task.call?.result?.lo ?? 0, task.call?.result?.hi ?? 0);
  }
}

/** calls that the freezer may interrupt: they wait with TASK_FREEZABLE */
const FREEZABLE_CALLS = new Set(['nanosleep', 'clock_nanosleep', 'futex', 'rt_sigtimedwait']);
const FREEZABLE = 0x2000;
/** The state in which a call waits. */
const sleepState = ({ name, sleeps = INTERRUPTIBLE }: TraceCall): number =>
  sleeps === INTERRUPTIBLE && FREEZABLE_CALLS.has(name) ? INTERRUPTIBLE | FREEZABLE : sleeps;
const TIMED = new Set(['nanosleep', 'clock_nanosleep']);
const POLLS = new Set(['poll', 'ppoll', 'select', 'pselect6', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2']);
const ETIMEDOUT = 110;
/** Whether a call ends because its time is up: the sleeping ones, and others by what they return then. */
function isTimed(task: Task, step: { readonly call?: UserCall }): boolean {
  const call = step.call ?? task.call;
  if (call === undefined) return false;
  if (TIMED.has(call.name)) return true;
  const result = call.result?.lo;
  return (POLLS.has(call.name) && result === 0) || (call.name === 'futex' && result === -ETIMEDOUT);
}
const DISK_LINE = [25, 'virtio0-req.0'] as const;
const NETWORK = /^(accept4?|connect|recv\w*|send\w*)$/;
/** The interrupt line of a device that ends a wait: the network's or the disk's. */
const lineOf = ({ call }: Task): readonly [irq: number, name: string] =>
  NETWORK.test(call?.name ?? '') ? [27, 'virtio1-input.0'] : DISK_LINE;
