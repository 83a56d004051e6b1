/**
 * Softirqs (include/linux/interrupt.h): what is pending on each CPU, `pcpu_hot.softirq_pending`, and the functions that
 * serve it (kernel/softirq.c, softirq_vec).
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { TextFloor } from '../floors/text.ts';

export const SOFTIRQ = {
  HI: 0,
  TIMER: 1,
  NET_TX: 2,
  NET_RX: 3,
  BLOCK: 4,
  IRQ_POLL: 5,
  TASKLET: 6,
  SCHED: 7,
  HRTIMER: 8,
  RCU: 9,
} as const;

/** by number */
const ACTIONS: Readonly<Record<number, string>> = {
  [SOFTIRQ.HI]: 'tasklet_hi_action',
  [SOFTIRQ.NET_TX]: 'net_tx_action',
  [SOFTIRQ.IRQ_POLL]: 'irq_poll_softirq',
  [SOFTIRQ.TASKLET]: 'tasklet_action',
  [SOFTIRQ.TIMER]: 'run_timer_softirq',
  [SOFTIRQ.NET_RX]: 'net_rx_action',
  [SOFTIRQ.BLOCK]: 'blk_done_softirq',
  [SOFTIRQ.SCHED]: 'sched_balance_softirq',
  [SOFTIRQ.HRTIMER]: 'hrtimer_run_softirq',
  [SOFTIRQ.RCU]: 'rcu_core_si',
};

export class Softirqs {
  readonly #kernel: TextFloor;
  /** offset of pcpu_hot.softirq_pending from a CPU's base */
  readonly #pending: number;
  /** the one that is served */
  #vector = 0;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    this.#pending = kernel.text.percpu('pcpu_hot') + kernel.structs.of('pcpu_hot').offset('softirq_pending');
    const { text, args } = kernel;
    const on = (name: string, handler: () => void): void => void text.hypercall(name, handler);
    on('raise_softirq', () => this.raise(args.u32(0)));
    on('softirq_pending', () => args.retU32(this.pending));
    on('softirq_vector', () => args.retU32(this.#vector));
    // the lowest number first; each is served once before any is again
    on('softirq_take', () => {
      const bits = this.pending;
      for (let nr = 0; nr < 10; nr++) {
        if ((bits & (1 << nr)) === 0) continue;
        kernel.memory.writeU16(this.#at, bits & ~(1 << nr));
        this.#vector = nr;
        args.retAddr(text.place(ACTIONS[nr] ?? 'just_return_func'));
        return;
      }
      args.retAddr(0);
    });
  }
  save(): number {
    return this.#vector;
  }
  restore(vector: number): void {
    this.#vector = vector;
  }
  get #at(): Addr {
    return this.#kernel.percpu.address(this.#pending, this.#kernel.context.cpu);
  }
  /** bits of what is to be served on this CPU */
  get pending(): number {
    return this.#kernel.memory.readU16(this.#at);
  }
  /** `or_softirq_pending` */
  raise(nr: number): void {
    this.#kernel.memory.writeU16(this.#at, this.pending | (1 << nr));
  }
}
