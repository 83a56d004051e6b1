/**
 * Grace periods (Linux 6.12 Documentation/RCU/whatisRCU.rst): what is taken out of use while guest code may still be in
 * the middle of it, images of programs above all, is freed when nothing is.
 *
 * While the machine runs there are readers. Between two of its runs there may be, too: a test run that waits for its
 * next slice, a replay that stopped in a program. A task that sleeps in a function is no reader, but returns through
 * the function's trampoline (Documentation/RCU/Design/Requirements, "Tasks RCU"): that waits for the driver's end.
 */
import { capture, reinstate, type Stateful } from './state.ts';

export class Rcu implements Stateful {
  readonly #machine: { readonly running: boolean };
  readonly #waiting: (() => void)[] = [];
  readonly #tasksWaiting: (() => void)[] = [];
  /** who drives tasks, and who may be in the middle of guest code */
  #drivers = 0;
  #readers = 0;

  constructor(machine: { readonly running: boolean }) {
    this.#machine = machine;
  }
  save() {
    const counts = { drivers: this.#drivers, readers: this.#readers };
    return capture({ counts, waiting: this.#waiting, tasks: this.#tasksWaiting });
  }
  restore(state: ReturnType<Rcu['save']>): void {
    const { drivers, readers } = reinstate(state).counts;
    this.#drivers = drivers;
    this.#readers = readers;
  }

  /** `call_rcu`: frees now where nothing reads, else after the last reader. */
  call(free: () => void): void {
    this.#waiting.push(free);
    this.#end();
  }
  /** `call_rcu_tasks`: the same, once no task can be on its way back either. */
  callTasks(free: () => void): void {
    this.#tasksWaiting.push(free);
    this.#end();
  }

  /** From here to {@link unlock} somebody may be in the middle of guest code, though the machine does not run. */
  lock(): void {
    this.#readers++;
  }
  unlock(): void {
    this.#readers--;
    this.#end();
  }
  /** From here to {@link leave} tasks may sleep in the kernel. */
  enter(): void {
    this.#drivers++;
  }
  leave(): void {
    this.#drivers--;
    this.#end();
  }

  #end(): void {
    if (this.#readers > 0 || this.#machine.running) return;
    for (let free = this.#waiting.shift(); free !== undefined; free = this.#waiting.shift()) free();
    if (this.#drivers > 0) return;
    for (let free = this.#tasksWaiting.shift(); free !== undefined; free = this.#tasksWaiting.shift()) free();
  }
}
