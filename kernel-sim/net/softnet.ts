/**
 * What waits to be received, and the softirq that does it: NAPI instances and the per-CPU backlog
 * (Linux 6.12 Documentation/networking/napi.rst; `pcpu_hot.softirq_pending` says what is to be done).
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { NetDevice } from './devices.ts';
import { type SkBuffs, SkbQueue } from './skb.ts';

/** NET_RX_SOFTIRQ, include/linux/interrupt.h */
const NET_RX = 1 << 3;
/** net.core.netdev_max_backlog */
const MAX_BACKLOG = 1000;

/** A `struct napi_struct`: whose packets it polls, and with which function. */
interface Napi {
  readonly at: Addr;
  readonly poll: string;
  readonly device: NetDevice | undefined;
  scheduled: boolean;
  /** its budget was spent before its packets were */
  waits: boolean;
  polled: number;
}

export class Softnet implements Stateful {
  readonly #kernel: ObjectFloor;
  readonly #queue: SkbQueue;
  readonly #napis = new Map<Addr, Napi>();
  readonly #list: Napi[] = [];
  readonly #backlog: Napi;
  /** offset of pcpu_hot.softirq_pending from a CPU's base */
  readonly #pending: number;

  constructor(kernel: ObjectFloor, skbs: SkBuffs) {
    this.#kernel = kernel;
    this.#queue = new SkbQueue(kernel, skbs);
    this.#pending = kernel.text.percpu('pcpu_hot') + kernel.structs.of('pcpu_hot').offset('softirq_pending');
    this.#backlog = this.#napi('process_backlog', undefined);
  }
  save() {
    return capture({ queue: this.#queue, napis: [...this.#napis.values()], map: this.#napis, list: this.#list });
  }
  restore(state: ReturnType<Softnet['save']>): void {
    state.back();
  }
  #napi(poll: string, device: NetDevice | undefined): Napi {
    const { slab, memory, structs } = this.#kernel;
    const layout = structs.of('napi_struct');
    const at = slab.kmalloc(layout.size);
    if (device) memory.writeAddr(at + layout.offset('dev'), device.at);
    memory.writeU32(at + layout.offset('weight'), 64);
    const napi: Napi = { at, poll, device, scheduled: false, waits: false, polled: 0 };
    this.#napis.set(at, napi);
    return napi;
  }
  /** An instance of a driver's: {@link schedule} makes softirq poll it. */
  add(poll: string, device: NetDevice): Addr {
    return this.#napi(poll, device).at;
  }
  deviceOf(napi: Addr): NetDevice | undefined {
    return this.#napis.get(napi)?.device;
  }
  /** `napi_schedule`: it is polled by the next softirq. */
  schedule(at: Addr): void {
    const napi = this.#napis.get(at);
    if (!napi || napi.scheduled) return;
    napi.scheduled = true;
    this.#list.push(napi);
    this.#raise(NET_RX);
  }
  get #pendingAt(): Addr {
    return this.#kernel.percpu.address(this.#pending, this.#kernel.context.cpu);
  }
  #raise(bits: number): void {
    const { memory } = this.#kernel;
    memory.writeU16(this.#pendingAt, memory.readU16(this.#pendingAt) | bits);
  }
  get pending(): number {
    return this.#kernel.memory.readU16(this.#pendingAt);
  }

  register(on: (name: string, handler: () => void) => void, full: (skb: Addr) => void): void {
    const { args, text } = this.#kernel;
    // the buffer is queued; the NAPI instance of the backlog where it was not scheduled already
    on('backlog_push', () => {
      const skb = args.addr(0);
      if (this.#queue.length > MAX_BACKLOG) {
        full(skb);
        args.retAddr(0);
        return;
      }
      this.#queue.push(skb);
      const first = !this.#backlog.scheduled;
      this.schedule(this.#backlog.at);
      args.retAddr(first ? this.#backlog.at : 0);
    });
    on('backlog_shift', () => {
      const skb = this.#queue.shift();
      if (skb !== 0) this.#backlog.polled++;
      args.retAddr(skb);
    });
    on('napi_next', () => {
      const napi = this.#list.shift();
      if (napi) napi.polled = 0;
      args.retAddr(napi?.at ?? 0);
    });
    on('napi_poll_fn', () => args.retAddr(text.place(this.#napis.get(args.addr(0))?.poll ?? 'process_backlog')));
    // napi_complete_done: what arrives from now on schedules it again
    on('polled', () => {
      const napi = this.#napis.get(args.addr(0));
      if (napi) {
        napi.scheduled = false;
        if (napi.waits) this.schedule(napi.at);
        napi.waits = false;
      }
      args.retU32(napi?.polled ?? 0);
    });
  }
  /** So many packets of this instance were looked at. */
  count(at: Addr, packets: number): void {
    const napi = this.#napis.get(at);
    if (napi) napi.polled += packets;
  }
  /** There is more than the budget allowed: it is polled again, once others were. */
  again(at: Addr): void {
    const napi = this.#napis.get(at);
    if (napi) napi.waits = true;
  }
}
