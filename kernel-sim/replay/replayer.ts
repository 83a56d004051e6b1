/**
 * Which task runs next and what its next system call is, as the recording says. Everything in between (entry,
 * functions, switches) is the guest's own text.
 */

import { checkArgument } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { suspend, WAITING } from '../core/pause.ts';
import type { PlacesFloor } from '../floors/places.ts';
import type { Task } from '../task/task.ts';
import { Replay } from './replay.ts';
import { TraceSource } from './source.ts';
import type { StepSource, Trace, TraceStep } from './trace.ts';

const isRecording: is.Check = (value) => {
  const given = value as Partial<Trace & StepSource> | null | undefined;
  if (given && typeof given.next === 'function' && typeof given.seek === 'function') return undefined;
  return given && Array.isArray(given.tasks) && typeof given.steps?.[Symbol.iterator] === 'function'
    ? undefined
    : `${is.shown(value)} is no trace; readStrace(text).trace is one`;
};

/** What {@link Replayer.userNext} tells the way back to user space. */
const NEXT = { go: 0, schedule: 1, fatal: 2 } as const;

export class Replayer {
  readonly #kernel: PlacesFloor;
  /** the one that is under way */
  #replay: Replay | undefined;

  constructor(kernel: PlacesFloor) {
    this.#kernel = kernel;
    const { text, args, tasks } = kernel;
    text.hypercall('user_next', () => args.retU32(this.userNext()));
    text.hypercall('pick_next_task', () => args.retAddr(this.#pick().address));
    text.hypercall('task_current', () => args.retAddr(kernel.tasks.current.address));
    text.hypercall('switch_to', () => this.#switchTo(args.addr(0)));
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
      this.#replay = undefined;
    };
    const replay = new Replay(this.#kernel, tasks, source, maxInsns, ended, keepTasks);
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
    return { replay: this.#replay, state: this.#replay?.save() };
  }
  restore({ replay, state }: ReturnType<Replayer['save']>): void {
    this.#replay = replay;
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

  /** The current task is about to return to user space: what it does there is its next system call. */
  userNext(): number {
    const { tasks, clock, recorded } = this.#kernel;
    const replay = this.#running;
    const { steps } = replay;
    const task = tasks.current;
    task.call = undefined;
    const step = this.#first(replay);
    if (!step || step.pid !== task.pid || step.kind === 'task') return NEXT.schedule;
    if (step.kind === 'return') {
      // its call did not wait after all
      steps.advance();
      return this.userNext();
    }
    const at = replay.startNs + step.time;
    if (at > clock.now) clock.pass(at);
    if (step.kind === 'run') return NEXT.go;
    if (step.kind === 'end') {
      recorded.set(step.status, 0);
      recorded.waits = false;
      task.exitStatus = step.status;
      steps.advance();
      return NEXT.fatal;
    }
    replay.calls++;
    task.call = step;
    recorded.set(step.result?.lo ?? 0, step.result?.hi ?? 0);
    const { second } = steps;
    const waits = step.unfinished && !(second?.kind === 'return' && second.pid === step.pid);
    recorded.waits = waits;
    task.blocked = waits;
    task.user?.setCall?.(step);
    steps.advance();
    return NEXT.go;
  }

  /** Whose step comes next; the loader's turn is at the end. */
  #pick(): Task {
    const { tasks } = this.#kernel;
    const replay = this.#running;
    const { steps } = replay;
    for (;;) {
      const step = this.#first(replay);
      if (!step) return tasks.loader;
      const task = tasks.find(step.pid);
      if (step.kind === 'task') {
        if (!task) tasks.create(step.pid, step.pid, step.comm, tasks.idle);
        steps.advance();
        continue;
      }
      if (task) {
        if (step.kind !== 'return' && task.blocked) {
          // the recording lost its return: it returns now
          return task;
        }
        if (step.kind === 'return' && !task.blocked) {
          steps.advance();
          continue;
        }
        return task;
      }
      if (step.kind !== 'call' || replay.gone.has(step.pid)) {
        // the end of a task that has exited by its own call, or what one that died here would have done
        steps.advance();
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
    const replay = this.#running;
    const { steps } = replay;
    const step = this.#first(replay);
    tasks.enter(task);
    if (task.blocked) {
      task.blocked = false;
      if (step?.kind === 'return' && step.pid === task.pid) {
        const at = replay.startNs + step.time;
        if (at > clock.now) clock.pass(at);
        if (step.call) task.call = step.call;
        steps.advance();
      }
    }
    recorded.waits = false;
    recorded.set(task.call?.result?.lo ?? 0, task.call?.result?.hi ?? 0);
    tasks.reap();
  }
}
