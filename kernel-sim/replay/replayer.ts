/**
 * Replays a recording: decides which task runs next and what its next system call is. Everything in
 * between (entry, functions, switches) is the guest's own text.
 */

import { checkArgument, checkOptions, type Schema } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import { type Fault, RSP } from '../../src/machine/index.ts';
import { host } from '../../src/platform/index.ts';
import { KernelError } from '../core/errno.ts';
import { PAUSED } from '../core/pause.ts';
import type { PlacesFloor } from '../floors/places.ts';
import type { Task } from '../task/task.ts';
import type { Trace, TraceStep } from './trace.ts';

/** instructions between two looks at the host's event loop */
const SLICE = 3_000_000;
/** more oopses than this, and the replay ends */
const MAX_OOPSES = 16;
const KERNEL_CS = 0x10;
const KERNEL_FLAGS = 0x202;
const SIGSEGV = 11;

export interface ReplayOptions {
  /** stops the replay at the next slice */
  readonly signal?: AbortSignal;
  /** told after each slice, some dozen times a second */
  readonly onProgress?: (progress: { readonly calls: number; readonly insns: number }) => void;
  /** no more instructions than this, counted as {@link ReplayResult.insns}; the replay then ends with {@link ReplayResult.stopped} */
  readonly maxInsns?: number;
}

const OPTIONS: Schema<ReplayOptions> = { signal: is.object, onProgress: is.callback, maxInsns: is.count };

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

const isTrace: is.Check = (value) => {
  const trace = value as Partial<Trace> | null | undefined;
  return trace && Array.isArray(trace.tasks) && typeof trace.steps?.[Symbol.iterator] === 'function'
    ? undefined
    : `${is.shown(value)} is no trace; readStrace(text).trace is one`;
};

/** What {@link Replayer.userNext} tells the way back to user space. */
const NEXT = { go: 0, schedule: 1, fatal: 2 } as const;

export class Replayer {
  readonly #kernel: PlacesFloor;
  #steps: Iterator<TraceStep> | undefined;
  /** the step that comes next, and the one behind it */
  #step: TraceStep | undefined;
  #after: TraceStep | undefined;
  #startNs = 0;
  #calls = 0;
  /** pids that have exited in this replay */
  readonly #gone = new Set<number>();

  constructor(kernel: PlacesFloor) {
    this.#kernel = kernel;
    const { text, args } = kernel;
    text.hypercall('user_next', () => args.retU32(this.userNext()));
    text.hypercall('pick_next_task', () => args.retAddr(this.#pick().address));
    text.hypercall('task_current', () => args.retAddr(kernel.tasks.current.address));
    text.hypercall('switch_to', () => this.#switchTo(args.addr(0)));
    kernel.tasks.exited.add((task) => this.#gone.add(task.pid));
    kernel.tasks.created.add((task) => this.#gone.delete(task.pid));
  }

  async run(trace: Trace, options: ReplayOptions = {}): Promise<ReplayResult> {
    checkOptions('options', options, OPTIONS);
    checkArgument('trace', trace, isTrace);
    const { machine, tasks, cpu, memory, text } = this.#kernel;
    if (this.#steps) throw new KernelError('EBUSY', 'a replay is running already');
    const schedule = text.place('schedule');
    for (const t of trace.tasks) if (!tasks.find(t.pid)) tasks.create(t.pid, t.pid, t.comm, tasks.idle);
    this.#steps = trace.steps[Symbol.iterator]();
    this.#startNs = this.#kernel.clock.now;
    if (trace.startRealtime !== undefined) this.#kernel.clock.setRealtime(trace.startRealtime);
    this.#calls = 0;
    this.#gone.clear();
    this.#advance();
    this.#advance();
    const { interp } = this.#kernel;
    const executed = (): number => machine.insns + (interp?.executed ?? 0);
    const before = executed();
    const maxInsns = options.maxInsns ?? Number.POSITIVE_INFINITY;
    if (interp) interp.onSlice = () => true;
    machine.innerLimit = machine.insns + maxInsns;
    let stopped: ReplayResult['stopped'];
    const oopses: string[] = [];
    const rip = cpu.rip;
    const rsp = cpu.reg(RSP);
    try {
      if (this.#step !== undefined) {
        memory.writeAddr(rsp - 8, machine.haltAddress);
        cpu.setReg(RSP, rsp - 8);
        cpu.rip = schedule;
        for (;;) {
          const left = maxInsns - (executed() - before);
          if (interp) interp.limit = interp.executed + left;
          const stop = machine.run(Math.min(SLICE, left));
          if (stop.reason === 'halt' && tasks.current === tasks.loader) break;
          if (stop.reason === 'budget' || stop.why === PAUSED || executed() - before >= maxInsns) {
            if (executed() - before >= maxInsns) stopped = 'max-insns';
            if (stopped && cpu.cpl === 0) oopses.push(this.#kernel.faults.lockup().text);
            await host.turn();
            if (options.signal?.aborted) stopped = 'aborted';
            options.onProgress?.({ calls: this.#calls, insns: executed() - before });
            if (stopped) break;
            continue;
          }
          if (stop.reason !== 'fault' && stop.reason !== 'stopped') {
            stopped = 'fault';
            break;
          }
          const { faults } = this.#kernel;
          if (stop.reason === 'fault' && stop.fault && this.#kernel.cpu.cpl === 3) this.#segfault(stop.fault);
          else if (stop.reason === 'fault' && stop.fault) oopses.push(faults.oops(stop.fault).text);
          else oopses.push((stop.why as { text?: string }).text ?? String(stop.why));
          if (tasks.current === tasks.loader || oopses.length >= MAX_OOPSES) {
            stopped = 'fault';
            break;
          }
          this.#killCurrent();
        }
      }
    } finally {
      this.#steps = undefined;
      this.#step = undefined;
      this.#after = undefined;
      machine.innerLimit = undefined;
      if (interp) {
        interp.limit = Number.POSITIVE_INFINITY;
        interp.onSlice = undefined;
      }
      if (stopped) this.#backToLoader();
      cpu.rip = rip;
      cpu.setReg(RSP, rsp);
      for (const t of [...tasks.all()]) {
        if (!t.user || t === tasks.loader) continue;
        tasks.exit(t, 0);
      }
      tasks.reap();
    }
    return { calls: this.#calls, insns: executed() - before, stopped, oopses };
  }

  /** A fault in user mode: the line that the kernel logs (Linux 6.12 arch/x86/mm/fault.c, show_signal_msg). */
  #segfault(fault: Fault): void {
    const { cpu, tasks, printk } = this.#kernel;
    const { comm, pid } = tasks.current;
    const hex = (a: number): string => a.toString(16);
    printk.log(
      `${comm}[${pid}]: segfault at ${hex(fault.address ?? 0)} ip ${formatAddr(fault.rip)} sp ${formatAddr(cpu.reg(RSP))} error ${hex(fault.errorCode)}`,
    );
  }
  /** make_task_dead(): the task that oopsed never runs again, the others go on. */
  #killCurrent(): void {
    const { cpu, tasks, context, text, probes } = this.#kernel;
    const task = tasks.current;
    if (cpu.cpl === 3) cpu.cs = KERNEL_CS;
    tasks.bindCpu(tasks.current.cpu);
    cpu.kernelGsBase = 0;
    cpu.rflags = KERNEL_FLAGS;
    context.preemptCount = 0;
    context.migrationDisabled = 0;
    probes.reset();
    tasks.exit(task, SIGSEGV);
    cpu.setReg(RSP, task.stackTop - 512);
    cpu.rip = text.place('do_task_dead');
  }
  /** The host takes the CPU back in the middle of guest code. */
  #backToLoader(): void {
    const { cpu, tasks, context } = this.#kernel;
    if (cpu.cpl === 3) cpu.cs = KERNEL_CS;
    tasks.bindCpu(tasks.current.cpu);
    cpu.kernelGsBase = 0;
    cpu.rflags = KERNEL_FLAGS;
    context.preemptCount = 0;
    tasks.enter(tasks.loader);
  }

  #advance(): void {
    this.#step = this.#after;
    const next = this.#steps?.next();
    this.#after = next && !next.done ? next.value : undefined;
  }

  /** The current task is about to return to user space: what it does there is its next system call. */
  userNext(): number {
    const { tasks, clock, recorded, probes } = this.#kernel;
    const task = tasks.current;
    task.call = undefined;
    const step = this.#step;
    if (!step || step.pid !== task.pid) return NEXT.schedule;
    if (step.kind === 'return') {
      // its call did not wait after all
      this.#advance();
      return this.userNext();
    }
    // it is there already
    if (step.kind === 'task') {
      this.#advance();
      return this.userNext();
    }
    const at = this.#startNs + step.time;
    if (at > clock.now) {
      if (probes.samplers.any) probes.samplers.advance(at);
      clock.now = at;
    }
    if (step.kind === 'end') {
      recorded.set(step.status, 0);
      recorded.waits = false;
      task.exitStatus = step.status;
      this.#advance();
      return NEXT.fatal;
    }
    this.#calls++;
    task.call = step;
    recorded.set(step.result?.lo ?? 0, step.result?.hi ?? 0);
    const waits = step.unfinished && !(this.#after?.kind === 'return' && this.#after.pid === step.pid);
    recorded.waits = waits;
    task.blocked = waits;
    task.user?.setCall(step);
    this.#advance();
    return NEXT.go;
  }

  /** Whose step comes next; the loader's turn is at the end. */
  #pick(): Task {
    const { tasks } = this.#kernel;
    for (;;) {
      const step = this.#step;
      if (!step) return tasks.loader;
      const task = tasks.find(step.pid);
      if (step.kind === 'task') {
        if (!task) tasks.create(step.pid, step.pid, step.comm, tasks.idle);
        this.#advance();
        continue;
      }
      if (task) {
        if (step.kind !== 'return' && task.blocked) {
          // the recording lost its return: it returns now
          return task;
        }
        if (step.kind === 'return' && !task.blocked) {
          this.#advance();
          continue;
        }
        return task;
      }
      if (step.kind !== 'call' || this.#gone.has(step.pid)) {
        // the end of a task that has exited by its own call, or what one that died here would have done
        this.#advance();
        continue;
      }
      const parent = tasks.current.pid === 0 || tasks.current === tasks.loader ? tasks.idle : tasks.current;
      return tasks.create(step.pid, step.pid, parent === tasks.idle ? '<...>' : parent.comm, parent);
    }
  }

  #switchTo(address: Addr): void {
    const { tasks, clock, recorded } = this.#kernel;
    const task = tasks.at(address);
    if (!task) throw new KernelError('ESRCH', 'switch to a task that does not exist');
    tasks.enter(task);
    const step = this.#step;
    if (task.blocked) {
      task.blocked = false;
      if (step?.kind === 'return' && step.pid === task.pid) {
        const at = this.#startNs + step.time;
        if (at > clock.now) clock.now = at;
        this.#advance();
      }
    }
    recorded.waits = false;
    recorded.set(task.call?.result?.lo ?? 0, task.call?.result?.hi ?? 0);
    tasks.reap();
  }
}
