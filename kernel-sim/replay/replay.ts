/**
 * One replay, as an object that is stepped: {@link Replay.start}, {@link Replay.step} as often as one likes,
 * {@link Replay.finish}. Between two steps the kernel can be saved and restored.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { RSP, type Stop } from '../../src/machine/index.ts';
import { SIG } from '../../src/uapi/process.ts';
import { PAUSED, SPINS, WAITING, WATCHED } from '../core/pause.ts';
import { capture, reinstate } from '../core/state.ts';
import { userFault } from '../fault/user-fault.ts';
import type { PlacesFloor } from '../floors/places.ts';
import type { Interleaver } from './interleave.ts';
import { Steps } from './steps.ts';
import type { StepSource, TraceTask } from './trace.ts';

/** more oopses than this, and the replay ends */
const MAX_OOPSES = 16;
const KERNEL_CS = 0x10;
const KERNEL_FLAGS = 0x202;
const INTERRUPTIBLE = 1;

export interface ReplayResult {
  /** system calls made */
  readonly calls: number;
  /** instructions executed: the guest's, and those of BPF where the interpreter executes them */
  readonly insns: number;
  /** why it ended before the recording did */
  readonly stopped: 'aborted' | 'max-insns' | 'fault' | undefined;
  /** what the kernel log says of faults in the kernel: one oops each */
  readonly oopses: readonly string[];
}

/** Why {@link Replay.step} came back. */
export interface ReplayStop {
  /**
   * 'budget': as many instructions were executed as asked for. 'breakpoint': rip is at one of the machine's breakpoints.
   * 'wait': the source has no step yet. 'end': there is nothing more to do.
   */
  readonly reason: 'budget' | 'breakpoint' | 'wait' | 'end';
  /**
   * It stopped in guest code that a handler of the host had called (a helper's callback): registers and memory can be
   * looked at, but it cannot go on from here. Restore a mark, and step to a later count.
   */
  readonly inner: boolean;
}

export class Replay {
  readonly steps: Steps;
  readonly #kernel: PlacesFloor;
  readonly #tasks: readonly TraceTask[];
  readonly #onFinish: () => void;
  readonly #keepTasks: boolean;
  /** in whole, {@link insns} */
  readonly #maxInsns: number;
  /** virtual time of the recording's start */
  startNs = 0;
  calls = 0;
  /** pids that have exited in this replay */
  readonly gone = new Set<number>();
  readonly #oopses: string[] = [];
  #stopped: ReplayResult['stopped'];
  #interleaver: Interleaver | undefined;
  #turn: (cpu: number) => void = () => undefined;
  #ended = false;
  #isDated = false;
  // of grace periods: it holds one up, and it has told that it does no more
  #isReading = false;
  #isLeft = false;
  // of the CPU and the counters when it began
  #rip: Addr = 0;
  #rsp: Addr = 0;
  #before = 0;

  /** `onFinish`: another replay may begin; `keepTasks`: its tasks wait for that one */
  constructor(
    kernel: PlacesFloor,
    tasks: readonly TraceTask[],
    source: StepSource,
    maxInsns: number,
    onFinish: () => void,
    keepTasks = false,
  ) {
    this.#keepTasks = keepTasks;
    this.#onFinish = onFinish;
    this.#kernel = kernel;
    this.#tasks = tasks;
    this.#maxInsns = maxInsns;
    this.steps = new Steps(source);
  }

  /** Programs may be stopped for other CPUs: `turn` is told which one executes next. */
  interleave(interleaver: Interleaver, turn: (cpu: number) => void): void {
    this.#interleaver = interleaver;
    this.#turn = turn;
  }

  /** Instructions executed so far, counted as {@link ReplayResult.insns}. */
  get insns(): number {
    return this.#kernel.machine.executed - this.#before;
  }
  get ended(): boolean {
    return this.#ended;
  }
  /** As {@link ReplayResult.oopses}, so far. */
  get oopses(): readonly string[] {
    return this.#oopses;
  }

  /** Makes the tasks and enters the scheduler; nothing is executed yet. */
  start(): void {
    const { machine, tasks, cpu, memory, text, clock, sched } = this.#kernel;
    const schedule = text.place('schedule');
    for (const t of this.#tasks) {
      if (tasks.find(t.pid)) continue;
      tasks.runqueues.enqueue(tasks.create(t.pid, t.pid, t.comm, tasks.idle(0)));
    }
    this.startNs = clock.now;
    const isFilled = this.steps.fill();
    this.date();
    this.#before = machine.executed;
    machine.innerLimit = this.#before + this.#maxInsns;
    this.#kernel.rcu.enter();
    this.#rip = cpu.rip;
    this.#rsp = cpu.reg(RSP);
    if (isFilled && this.steps.first === undefined) {
      this.#ended = true;
      return;
    }
    memory.writeAddr(this.#rsp - 8, machine.haltAddress);
    cpu.setReg(RSP, this.#rsp - 8);
    sched.setState(tasks.loader, INTERRUPTIBLE);
    cpu.rip = schedule;
  }

  /** The wall clock is the recording's, from when that is known. */
  date(): void {
    const { clock } = this.#kernel;
    const { startRealtime } = this.steps.source;
    if (this.#isDated || startRealtime === undefined) return;
    this.#isDated = true;
    clock.setRealtime(startRealtime + BigInt(clock.now - this.startNs));
  }

  /** Fulfilled when a step that was waited for may be there. */
  async ready(): Promise<void> {
    await this.steps.seeking;
    await this.steps.source.ready();
  }

  /**
   * Executes `maxInsns` instructions, or as many as there are up to an end, a breakpoint or a step that has not arrived.
   * It may execute some more, to the next place where it can stop: guest code that a handler of the host calls goes on
   * to its end. That place is the same whatever the steps before were.
   */
  step(maxInsns = Number.POSITIVE_INFINITY): ReplayStop {
    const { machine, interp } = this.#kernel;
    const end = this.#before + this.#maxInsns;
    this.#reads(true);
    const target = Math.min(end, machine.executed + maxInsns);
    if (interp) {
      interp.pauseAt = target;
      interp.limit = interp.executed + (end - machine.executed);
    }
    try {
      while (!this.#ended) {
        const left = target - machine.executed;
        if (left > 0) {
          const stop = this.#outcome(this.#run(this.#upTo(left)));
          if (stop) return stop;
        } else if (machine.executed >= end) this.stop('max-insns');
        else return { reason: 'budget', inner: false };
      }
    } finally {
      if (interp) interp.pauseAt = Number.POSITIVE_INFINITY;
    }
    return { reason: 'end', inner: false };
  }

  /** How far the machine may run: to the next instruction, where one may be the last before another CPU's. */
  #upTo(left: number): number {
    const interleaver = this.#interleaver;
    if (!interleaver?.isWatching) return left;
    const next = interleaver.look();
    if (next !== undefined) this.#turn(next);
    return 1;
  }

  /** Host code around the machine meets what programs did to memory as guest code does. */
  #run(left: number): Stop {
    const { machine, faults } = this.#kernel;
    try {
      return machine.run(left);
    } catch (error) {
      const oops = faults.ofHost(error);
      if (oops === undefined) throw error;
      return { reason: 'stopped', why: oops };
    }
  }

  /** Whether the machine may have stopped in the middle of a program. */
  #reads(isReading: boolean): void {
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    if (isReading) this.#kernel.rcu.lock();
    else this.#kernel.rcu.unlock();
  }

  /** What the machine's stop means; undefined: go on. */
  #outcome(stop: Stop): ReplayStop | undefined {
    const { machine, tasks, faults, cpu } = this.#kernel;
    const inner = stop.inner === true;
    if (stop.reason === 'breakpoint') return { reason: 'breakpoint', inner };
    if (stop.why === WAITING) {
      // in front of user space or in the scheduler
      this.#reads(false);
      return { reason: 'wait', inner };
    }
    if (stop.why === PAUSED || stop.why === WATCHED) return undefined;
    if (stop.why === SPINS) {
      const next = this.#interleaver?.spins();
      if (next !== undefined) {
        this.#turn(next);
        return undefined;
      }
    }
    if (machine.executed >= this.#before + this.#maxInsns) {
      this.stop('max-insns');
      return undefined;
    }
    if (stop.reason === 'budget') {
      // inside of a handler: somebody wanted to look
      return inner ? { reason: 'budget', inner } : undefined;
    }
    if (stop.reason === 'halt') {
      if (tasks.current !== tasks.loader) this.#stopped = 'fault';
      this.#ended = true;
      return undefined;
    }
    let signal: number = SIG.SEGV;
    if (stop.reason === 'fault' && stop.fault && cpu.cpl === 3) signal = userFault(this.#kernel, stop.fault);
    else if (stop.reason === 'fault' && stop.fault) this.#oopses.push(faults.oops(stop.fault).text);
    else this.#oopses.push((stop.why as { text?: string }).text ?? String(stop.why));
    if (tasks.current === tasks.loader || this.#oopses.length >= MAX_OOPSES) {
      this.#stopped = 'fault';
      this.#ended = true;
    } else this.#killCurrent(signal);
    return undefined;
  }

  /** Ends it where it is. */
  stop(why: 'aborted' | 'max-insns'): void {
    if (this.#ended) return;
    this.#stopped = why;
    this.#ended = true;
    if (why === 'max-insns' && this.#kernel.cpu.cpl === 0) this.#oopses.push(this.#kernel.faults.lockup().text);
  }

  /** Ends what its tasks are doing, and gives the CPU back as it was. */
  finish(): ReplayResult {
    const { machine, tasks, cpu, interp, sched } = this.#kernel;
    const { insns } = this;
    if (!this.#ended) this.stop('aborted');
    this.#onFinish();
    this.steps.source.close();
    machine.innerLimit = undefined;
    if (interp) {
      interp.limit = Number.POSITIVE_INFINITY;
      interp.abandon();
    }
    if (this.#stopped) this.#backToLoader();
    cpu.rip = this.#rip;
    cpu.setReg(RSP, this.#rsp);
    for (const t of [...tasks.all()]) {
      if (!t.user || t === tasks.loader || (this.#keepTasks && !this.#stopped)) continue;
      tasks.exit(t, 0);
    }
    tasks.reap();
    sched.finished(this.#keepTasks && !this.#stopped);
    this.#reads(false);
    if (!this.#isLeft) {
      this.#isLeft = true;
      this.#kernel.rcu.leave();
    }
    return { calls: this.calls, insns, stopped: this.#stopped, oopses: this.#oopses };
  }

  save() {
    const { startNs, calls } = this;
    const [stopped, ended, rip, rsp, before] = [this.#stopped, this.#ended, this.#rip, this.#rsp, this.#before];
    const [isDated, isReading, isLeft] = [this.#isDated, this.#isReading, this.#isLeft];
    return {
      steps: this.steps.save(),
      rest: capture({
        gone: this.gone,
        oopses: this.#oopses,
        startNs,
        calls,
        stopped,
        ended,
        rip,
        rsp,
        before,
        isDated,
        isReading,
        isLeft,
      }),
    };
  }
  restore({ steps, rest }: ReturnType<Replay['save']>): void {
    this.steps.restore(steps);
    const s = reinstate(rest);
    this.startNs = s.startNs;
    this.calls = s.calls;
    this.#stopped = s.stopped;
    this.#ended = s.ended;
    this.#rip = s.rip;
    this.#rsp = s.rsp;
    this.#before = s.before;
    this.#isDated = s.isDated;
    this.#isReading = s.isReading;
    this.#isLeft = s.isLeft;
  }

  /** make_task_dead(): the task that oopsed never runs again, the others go on. */
  #killCurrent(signal: number): void {
    const { cpu, tasks, context, text, probes, interp } = this.#kernel;
    const task = tasks.current;
    interp?.abandon();
    if (cpu.cpl === 3) cpu.cs = KERNEL_CS;
    tasks.bindCpu(context.cpu);
    cpu.kernelGsBase = 0;
    cpu.rflags = KERNEL_FLAGS;
    context.preemptCount = 0;
    context.migrationDisabled = 0;
    probes.reset();
    if (task.pid === 0) {
      // Linux would panic: here the CPU idles on
      tasks.startCpu(context.cpu);
      tasks.bindCpu(context.cpu);
      cpu.setReg(RSP, task.stackTop - 8);
      cpu.rip = text.place('start_secondary');
      return;
    }
    tasks.exit(task, signal);
    cpu.setReg(RSP, task.stackTop - 512);
    cpu.rip = text.place('do_task_dead');
  }
  /** The host takes the CPU back in the middle of guest code. */
  #backToLoader(): void {
    const { cpu, tasks, sched } = this.#kernel;
    if (cpu.cpl === 3) cpu.cs = KERNEL_CS;
    cpu.kernelGsBase = 0;
    cpu.rflags = KERNEL_FLAGS;
    tasks.recall();
    sched.reset();
  }
}
