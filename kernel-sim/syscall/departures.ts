/** Where a program's verdict makes a recorded call fail: the task, and whoever looks, see the verdict's error; the recording has another result. */
import type { Args } from '../core/args.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { Tasks } from '../task/tasks.ts';
import type { KernelText } from '../text/kernel-text.ts';
import type { Recorded } from './recorded.ts';

/** A call that a verdict made fail, where the recording has another result. */
export interface Departure {
  readonly pid: number;
  readonly comm: string;
  readonly call: string;
  /** as recorded; undefined: the recording has not said yet */
  readonly recorded: number | undefined;
  /** what the task sees instead: a negative error number, or what a program has put in its place */
  readonly result: number;
  /** attach type, or LSM hook, of the program */
  readonly by: string;
}

export class Departures implements Stateful {
  readonly told = new Listeners<[departure: Departure]>();
  readonly #tasks: Tasks;
  readonly #recorded: Recorded;

  constructor(tasks: Tasks, recorded: Recorded) {
    this.#tasks = tasks;
    this.#recorded = recorded;
  }
  save() {
    return capture({ told: this.told });
  }
  restore(state: ReturnType<Departures['save']>): void {
    state.back();
  }

  /** `text` asks at each refusal of an LSM hook (`lsm_refused`): `where` names the hook by the address that asks. */
  register(text: Pick<KernelText, 'hypercall'>, args: Args, where: () => string): void {
    text.hypercall('lsm_refused', () => this.depart(args.lo(0), where()));
  }
  /** The running call returns this, whatever the recording says; an error waits for nothing. */
  depart(result: number, by: string): void {
    const { current } = this.#tasks;
    const { call } = current;
    this.#recorded.set(result, result < 0 ? -1 : 0);
    if (result < 0) {
      this.#recorded.sleeps = 0;
      current.blocked = false;
    }
    if (call === undefined) return;
    current.call = { ...call, result: { lo: result, hi: result < 0 ? -1 : 0 } };
    const recorded = call.result?.lo;
    if (recorded !== result)
      this.told.tell({ pid: current.pid, comm: current.comm, call: call.name, recorded, result, by });
  }
}
