/** Timers in map values: bpf-helpers(7), bpf_timer_init and its kin. They fire when the kernel's clock passes them. */
import { type Addr, addrOf } from '../../../../src/machine/addr.ts';
import { BPF_F_TIMER_ABS, BPF_F_TIMER_CPU_PIN } from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { capture, reinstate } from '../../../core/state.ts';
import type { PlacesFloor } from '../../../floors/places.ts';
import { WalkCursor } from '../../maps/index.ts';
import type { TimerCall } from '../../objects/state.ts';
import { type HelperBodies, type HelperCall, pair, type Timer } from './call.ts';

/** include/linux/preempt.h */
const SOFTIRQ_OFFSET = 0x100;
/** Where the value with a timer in it begins, and its key. */
function elementOf(call: HelperCall, map: Addr, timer: Addr): { key: Addr; value: Addr } | undefined {
  const object = call.state.mapAt(map);
  const cursor = new WalkCursor();
  while (object?.walkNext(cursor) === 0 && cursor.key !== 0) {
    const { key, value } = cursor;
    if (timer >= value && timer < value + object.valueSize) return { key, value };
  }
  return undefined;
}

/** Where the timers lie that are due. */
export const dueTimers = (call: HelperCall): Addr[] =>
  [...call.timers].filter(([, timer]) => isDue(call, timer)).map(([at]) => at);

const isDue = ({ kernel }: HelperCall, { callback, expires }: Timer): boolean =>
  callback !== 0 && expires <= kernel.clock.now;

/** Disarms a timer; its callback(map, key, value), undefined where it is not due any more or its element is gone. */
export function takeTimer(call: HelperCall, at: Addr): TimerCall | undefined {
  const timer = call.timers.get(at);
  if (timer === undefined || !isDue(call, timer)) return undefined;
  timer.expires = Number.POSITIVE_INFINITY;
  const element = elementOf(call, timer.map, at);
  if (element === undefined) call.timers.delete(at);
  call.nextTimer = Number.POSITIVE_INFINITY;
  for (const { callback, expires } of call.timers.values())
    if (callback !== 0 && expires < call.nextTimer) call.nextTimer = expires;
  if (element === undefined) return undefined;
  const args = [pair(timer.map), pair(element.key), pair(element.value)];
  // asked by a test run, it is in none yet; work is a thread's
  const inSoftirq = timer.isWork === true || (call.kernel.context.preemptCount & SOFTIRQ_OFFSET) !== 0;
  return { target: timer.callback, args, preempt: inSoftirq ? 0 : SOFTIRQ_OFFSET };
}

/** What kernel text asks for in the softirq of timers: one callback after the other, each with its arguments. */
export class DueTimers {
  readonly #call: () => HelperCall | undefined;
  /** those that were due when a CPU's softirq began, and the one that is called back there */
  readonly #left = new Map<number, readonly Addr[]>();
  readonly #current = new Map<number, TimerCall>();

  constructor({ text, args, context }: PlacesFloor, call: () => HelperCall | undefined) {
    this.#call = call;
    text.hypercall('bpf_timer', () => args.retAddr(this.#next(context.cpu)?.target ?? 0));
    for (const [n, name] of ['map', 'key', 'value'].entries())
      text.hypercall(`bpf_timer_${name}`, () => {
        const [lo, hi] = this.#current.get(context.cpu)?.args[n] ?? [0, 0];
        args.retAddr(addrOf(lo, hi));
      });
  }
  save() {
    return capture({ left: this.#left, current: this.#current });
  }
  restore(state: ReturnType<DueTimers['save']>): void {
    reinstate(state);
  }
  #next(cpu: number): TimerCall | undefined {
    const call = this.#call();
    this.#current.delete(cpu);
    let left = call === undefined ? [] : (this.#left.get(cpu) ?? dueTimers(call));
    while (call !== undefined && left.length > 0) {
      const due = takeTimer(call, left[0]!);
      left = left.slice(1);
      if (due === undefined) continue;
      this.#left.set(cpu, left);
      this.#current.set(cpu, due);
      return due;
    }
    // what a callback starts anew is the next softirq's
    this.#left.delete(cpu);
    return undefined;
  }
}

/** Calls back timers that are due, in a softirq. Asked when time has moved and no program runs. */
export function runDueTimers(call: HelperCall): number {
  const { context } = call.kernel;
  let fired = 0;
  for (const at of dueTimers(call)) {
    const due = takeTimer(call, at);
    if (due === undefined) continue;
    context.preemptCount += due.preempt;
    call.callback(due.target, due.args);
    context.preemptCount -= due.preempt;
    fired++;
  }
  return fired;
}

export const TIMER: HelperBodies = {
  bpf_timer_init: (call) => {
    const { args, kernel } = call;
    const clock = args.u32(2);
    const all = call.timers;
    if (args.hi(2) !== 0 || (clock !== 0 && clock !== 1 && clock !== 7)) args.retInt(-ERRNO.EINVAL);
    else if (all.has(args.addr(0))) args.retInt(-ERRNO.EBUSY);
    else {
      all.set(args.addr(0), { map: args.addr(1), callback: 0, expires: Number.POSITIVE_INFINITY });
      kernel.memory.writeAddr(args.addr(0), args.addr(1));
      args.retInt(0);
    }
  },
  bpf_timer_set_callback: (call) => {
    const timer = call.timers.get(call.args.addr(0));
    if (timer) timer.callback = call.args.addr(1);
    call.args.retInt(timer ? 0 : -ERRNO.EINVAL);
  },
  bpf_timer_start: (call) => {
    const { args, kernel } = call;
    const flags = args.u32(2);
    const timer = call.timers.get(args.addr(0));
    if (args.hi(2) !== 0 || flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN) || !timer || timer.callback === 0) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const ns = Number(args.big(1));
    timer.expires = flags & BPF_F_TIMER_ABS ? ns : kernel.clock.now + ns;
    call.nextTimer = Math.min(call.nextTimer, timer.expires);
    args.retInt(0);
  },
  bpf_timer_cancel: (call) => {
    const timer = call.timers.get(call.args.addr(0));
    const armed = timer !== undefined && timer.expires !== Number.POSITIVE_INFINITY;
    if (timer) timer.expires = Number.POSITIVE_INFINITY;
    call.args.retInt(timer ? (armed ? 1 : 0) : -ERRNO.EINVAL);
  },
};
