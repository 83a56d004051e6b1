/**
 * The timer tick (Linux 6.12 Documentation/timers/no_hz.rst): 250 a second on each CPU that has a task to run, none on
 * one that idles; what it accounts, and which softirqs it raises.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';
import type { HrTimers } from './hrtimers.ts';

/** CONFIG_HZ=250 */
export const TICK_NS = 4_000_000;
/** ticks between two that find a timer of the wheel due: its lowest level's granularity further up */
const WHEEL_TICKS = 32;

export class Ticks {
  readonly #kernel: TextFloor & { readonly tasks: Tasks };
  readonly #timers: HrTimers;
  /** ts->sched_timer by CPU, made when it is first needed */
  readonly #at: Addr[] = [];
  /** CPUs that have a tick */
  readonly #ticks = new Set<number>();

  constructor(kernel: TextFloor & { readonly tasks: Tasks }, timers: HrTimers) {
    this.#kernel = kernel;
    this.#timers = timers;
    const { text, args, memory, clock, cpus, tasks } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    const ticks = (): number => Math.floor(clock.now / TICK_NS);
    const isIdle = (): boolean => tasks.current.pid === 0;
    on('tick', () => {
      memory.writeU64(text.data('jiffies', 8), BigInt(ticks()));
      args.retU32(isIdle() ? 0 : 1);
    });
    on('account_tick', () => {
      if (isIdle()) return;
      const at = tasks.current.field('utime');
      memory.writeAddr(at, memory.readAddr(at) + TICK_NS);
    });
    on('timers_due', () => args.retU32(ticks() % WHEEL_TICKS === 0 ? 1 : 0));
    // a scheduling domain takes two CPUs
    on('balance_due', () => args.retU32(cpus > 1 ? 1 : 0));
    on('idle_cpu', () => args.retU32(isIdle() ? 1 : 0));
  }
  save() {
    return capture({ at: this.#at, ticks: this.#ticks });
  }
  restore(state: ReturnType<Ticks['save']>): void {
    state.back();
  }

  /** A task runs on this CPU, or none: its tick comes, or is stopped. */
  switched(cpu: number, runs: boolean): void {
    const at = (this.#at[cpu] ??= this.#timers.make('tick_nohz_handler'));
    if (runs === this.#ticks.has(cpu)) return;
    if (runs) {
      this.#ticks.add(cpu);
      const { now } = this.#kernel.clock;
      this.#timers.start(at, cpu, (Math.floor(now / TICK_NS) + 1) * TICK_NS, TICK_NS);
    } else {
      this.#ticks.delete(cpu);
      this.#timers.cancel(at);
    }
  }
}
