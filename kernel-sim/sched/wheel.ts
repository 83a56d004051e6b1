/** The timer wheel (Linux 6.12 Documentation/timers/): functions that the TIMER softirq calls once their time has come. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { HrTimers } from './hrtimers.ts';

interface Waiting {
  /** ns since boot */
  readonly due: number;
  readonly callee: string;
  readonly arg: Addr;
}

export class TimerWheel {
  readonly #kernel: TextFloor;
  readonly #timers: HrTimers;
  /** in the order of their times */
  readonly #waiting: Waiting[] = [];
  /** the tick that finds the first of them due, made when it is first needed */
  #tick: Addr = 0;
  #arg: Addr = 0;

  constructor(kernel: TextFloor, timers: HrTimers) {
    this.#kernel = kernel;
    this.#timers = timers;
    const { text, args, clock } = kernel;
    text.hypercall('timer_expired', () => {
      const first = this.#waiting[0];
      const due = first !== undefined && first.due <= clock.now;
      if (due) this.#waiting.shift();
      this.#arg = due ? first.arg : 0;
      args.retAddr(due ? text.place(first.callee) : 0);
    });
    text.hypercall('timer_argument', () => args.retAddr(this.#arg));
    text.hypercall('wheel_next', () => this.#arm());
  }
  save() {
    return { waiting: capture({ list: this.#waiting }), tick: this.#tick };
  }
  restore({ waiting, tick }: ReturnType<TimerWheel['save']>): void {
    waiting.back();
    this.#tick = tick;
  }

  /** `mod_timer`: `callee(arg)` is called when `ns` have passed. The same pair waits only once. */
  add(ns: number, callee: string, arg: Addr): void {
    const { clock, text } = this.#kernel;
    this.cancel(callee, arg);
    text.maker.mayCall([callee]);
    const due = clock.now + ns;
    const at = this.#waiting.findIndex((one) => one.due > due);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, { due, callee, arg });
    this.#arm();
  }
  /** `timer_delete` */
  cancel(callee: string, arg: Addr): void {
    const at = this.#waiting.findIndex((one) => one.callee === callee && one.arg === arg);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
  #arm(): void {
    this.#tick ||= this.#timers.make('timer_wheel_tick');
    const first = this.#waiting[0];
    if (first === undefined) this.#timers.cancel(this.#tick);
    else this.#timers.start(this.#tick, this.#kernel.context.cpu, Math.max(first.due, this.#kernel.clock.now + 1));
  }
}
