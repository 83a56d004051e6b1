/** Programs at a device's ingress and egress: tcx (Linux 6.12 kernel/bpf/tcx.c; Documentation/bpf/, `enum tcx_action_base`). */
import { capture, type Stateful } from '../core/state.ts';
import type { NetDevice } from './devices.ts';
import { Mprog } from './mprog.ts';
import type { NetParts, On } from './parts.ts';
import { F_INGRESS } from './redirect.ts';

export type Direction = 'ingress' | 'egress';
const TCX = { NEXT: -1, PASS: 0, DROP: 2, REDIRECT: 7 } as const;
/** What classifiers say (include/uapi/linux/pkt_cls.h); tcx has its verdicts from there. */
export const TC_ACT = { UNSPEC: -1, OK: 0, SHOT: 2, STOLEN: 4, REDIRECT: 7, TRAP: 8 } as const;
/** verdicts behind which the buffer is somebody else's */
const TAKEN: readonly number[] = [TC_ACT.SHOT, TC_ACT.REDIRECT, TC_ACT.STOLEN, TC_ACT.TRAP];

export class TcxPlace implements Stateful {
  readonly #net: NetParts;
  readonly #lists = new Map<NetDevice, { readonly [D in Direction]: Mprog }>();
  readonly #entry: { readonly tcx_ingress: number; readonly tcx_egress: number };
  constructor(net: NetParts) {
    this.#net = net;
    this.#entry = net.kernel.structs.offsets('net_device', ['tcx_ingress', 'tcx_egress'] as const);
  }
  save() {
    return capture({ devices: [...this.#lists.values()], map: this.#lists });
  }
  restore(state: ReturnType<TcxPlace['save']>): void {
    state.back();
  }
  /** The list of a device's programs; made when it is first asked for. */
  of(device: NetDevice, direction: Direction): Mprog {
    let lists = this.#lists.get(device);
    if (lists === undefined) {
      const { kernel } = this.#net;
      lists = { ingress: new Mprog(kernel), egress: new Mprog(kernel) };
      this.#lists.set(device, lists);
    }
    return lists[direction];
  }
  /** The device's pointer to its list says whether there are any, or a qdisc behind them. */
  changed(device: NetDevice, direction: Direction): void {
    const list = this.of(device, direction);
    const { memory } = this.#net.kernel;
    memory.writeAddr(
      device.at + this.#entry[`tcx_${direction}`],
      list.any || this.#net.clsact.has(device) ? list.at : 0,
    );
  }

  register(on: On): void {
    const { kernel, skbs, drops, devices, redirect } = this.#net;
    const { args, memory } = kernel;
    // the list that a buffer meets, and the buffer as its programs see it: from the link header on
    on('tcx_entry', () => {
      const skb = args.addr(0);
      const egress = args.lo(1) !== 0;
      const dev = skb === 0 ? 0 : skbs.dev(skb);
      const entry = dev === 0 ? 0 : memory.readAddr(dev + this.#entry[egress ? 'tcx_egress' : 'tcx_ingress']);
      if (entry !== 0) {
        if (!egress) skbs.push(skb, memory.readU16(skb + skbs.f.mac_len));
        skbs.setAtIngress(skb, !egress);
        skbs.setDataPointers(skb);
      }
      args.retAddr(entry);
    });
    on('tcx_drop', () => {
      const skb = args.addr(0);
      const egress = args.lo(3) !== 0;
      const ran = skb !== 0 && args.addr(2) !== 0;
      if (ran && !egress) skbs.push(skb, -memory.readU16(skb + skbs.f.mac_len));
      const drop = ran && args.lo(1) === TCX.DROP;
      if (drop) this.#net.dropped(devices.at(skbs.dev(skb)), skbs.frame(skb), egress ? 'TC_EGRESS' : 'TC_INGRESS');
      args.retU32(drop ? drops.number(egress ? 'TC_EGRESS' : 'TC_INGRESS') : 0);
    });
    on('tcx_redirects', () => {
      const skb = args.addr(0);
      const goes = skb !== 0 && args.addr(2) !== 0 && args.lo(1) === TCX.REDIRECT;
      if (goes && args.lo(3) === 0) skbs.push(skb, memory.readU16(skb + skbs.f.mac_len));
      args.retU32(goes ? 1 : 0);
    });
    on('tcx_passed', () => {
      const skb = args.addr(0);
      const taken = args.addr(2) !== 0 && TAKEN.includes(args.lo(1));
      args.retAddr(taken ? 0 : skb);
    });
    // skb_do_redirect: the buffer's device is the target's then; 0 where there is none
    on('redirect_device', () => {
      const target = redirect.take();
      const device = target?.kind === 'device' ? devices.byIndex(target.index) : undefined;
      if (device) skbs.setDev(args.addr(0), device.at);
      this.#ingress = target?.kind === 'device' && (target.flags & F_INGRESS) !== 0;
      args.retAddr(device?.at ?? 0);
    });
    on('redirect_ingress', () => args.retU32(this.#ingress ? 1 : 0));
  }
  #ingress = false;
}
