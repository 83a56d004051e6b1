/**
 * High-resolution timers (Linux 6.12 Documentation/timers/hrtimers.rst): `struct hrtimer` in guest memory, with the CPU
 * whose interrupt they are and when it comes. What a timer does is its function, which kernel text calls.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';

export interface HrTimer {
  readonly at: Addr;
  readonly cpu: number;
  due: number;
  /** ns from one expiry to the next, where its function restarts it */
  readonly period: number;
}

export class HrTimers {
  readonly #kernel: TextFloor;
  readonly #armed: HrTimer[] = [];
  /** the one whose function runs */
  #expired: HrTimer | undefined;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    const { text, args, memory, clock, context } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('hrtimer_first', () => args.retAddr(this.#take(context.cpu, clock.now)));
    on('hrtimer_now', () => {
      memory.writeU64(args.addr(0), BigInt(Math.floor(clock.now)));
      args.retU32(1);
    });
    on('hrtimer_function', () => {
      const at = args.addr(0);
      args.retAddr(at === 0 ? 0 : memory.readAddr(at + this.#offset('function')));
    });
    // timers of the softirq: the clock's alarms
    on('hrtimer_soft_due', () => args.retU32(clock.dueBy(clock.now) ? 1 : 0));
    on('hrtimer_restarts', () => {
      const timer = this.#expired;
      this.#expired = undefined;
      if (timer === undefined || args.lo(1) === 0) {
        args.retAddr(0);
        return;
      }
      timer.due += timer.period;
      this.#add(timer);
      args.retAddr(timer.at);
    });
  }
  save() {
    return capture({ armed: this.#armed, expired: { timer: this.#expired } });
  }
  restore(state: ReturnType<HrTimers['save']>): void {
    this.#expired = state.back().expired.timer;
  }
  #offset(field: 'node.expires' | '_softexpires' | 'function' | 'state'): number {
    return this.#kernel.structs.offsets('hrtimer', [field])[field];
  }

  /** A `struct hrtimer` with its function, which is not armed. */
  make(callback: string): Addr {
    const { slab, structs } = this.#kernel;
    const at = slab.kmalloc(structs.offsets('hrtimer', []).sizeof);
    this.callback(at, callback);
    return at;
  }
  callback(at: Addr, name: string): void {
    this.#kernel.memory.writeAddr(at + this.#offset('function'), this.#kernel.text.place(name));
  }
  /** `hrtimer_start`: its interrupt comes at `due`, ns since boot. */
  start(at: Addr, cpu: number, due: number, period = 0): void {
    this.cancel(at);
    this.#add({ at, cpu, due, period });
  }
  cancel(at: Addr): void {
    const n = this.#armed.findIndex((timer) => timer.at === at);
    if (n >= 0) this.#armed.splice(n, 1);
    if (this.#expired?.at === at) this.#expired = undefined;
  }
  /** In the order of their times, and of their CPUs where those are the same. */
  #add(timer: HrTimer): void {
    let n = this.#armed.length;
    for (; n > 0; n--) {
      const before = this.#armed[n - 1] as HrTimer;
      if (before.due < timer.due || (before.due === timer.due && before.cpu <= timer.cpu)) break;
    }
    this.#armed.splice(n, 0, timer);
    const { memory } = this.#kernel;
    memory.writeU64(timer.at + this.#offset('node.expires'), BigInt(Math.floor(timer.due)));
    memory.writeU64(timer.at + this.#offset('_softexpires'), BigInt(Math.floor(timer.due)));
    memory.writeU8(timer.at + this.#offset('state'), 1);
  }
  /** The one that comes first. */
  get first(): HrTimer | undefined {
    return this.#armed[0];
  }
  #take(cpu: number, now: number): Addr {
    const n = this.#armed.findIndex((timer) => timer.cpu === cpu && timer.due <= now);
    if (n < 0) return 0;
    this.#expired = this.#armed[n];
    this.#armed.splice(n, 1);
    return (this.#expired as HrTimer).at;
  }
  /** So long a time passes that not each of their turns is taken: those that come again come behind `ns`. */
  skip(ns: number): void {
    const late = this.#armed.filter(({ due, period }) => due <= ns && period > 0);
    for (const timer of late) {
      this.#armed.splice(this.#armed.indexOf(timer), 1);
      timer.due += timer.period * Math.ceil((ns + 1 - timer.due) / timer.period);
      this.#add(timer);
    }
  }
}
