/**
 * Classifiers at a device's ingress and egress: the clsact qdisc with filters of cls_bpf, behind what tcx has (tc-bpf(8);
 * include/uapi/linux/pkt_cls.h, TC_ACT_*).
 */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetDevice } from './devices.ts';
import type { NetParts, On } from './parts.ts';
import { type Direction, TC_ACT } from './tcx.ts';

/** what a program in direct action may say; all else is nothing said */
const VERDICTS: readonly number[] = [TC_ACT.OK, TC_ACT.SHOT, TC_ACT.STOLEN, TC_ACT.REDIRECT, TC_ACT.TRAP];
/** priorities that the kernel gives go down from here: TC_H_MAKE(0x80000000, 0) - 1 each */
const FIRST_PRIORITY = 0xc000;
const ETH_P_ALL = 3;

/** A filter of cls_bpf. */
export interface ClsBpf {
  readonly key: object;
  prog: Addr;
  /** 1..65535, the lowest first */
  readonly priority: number;
  readonly handle: number;
  /** ETH_P_*, 3: all */
  readonly protocol: number;
  /** what the program returns is the verdict; otherwise whether the filter matches */
  readonly directAction: boolean;
}
export type ClsBpfAsked = Pick<ClsBpf, 'key' | 'prog'> & Partial<ClsBpf>;

export class Clsact implements Stateful {
  readonly #net: NetParts;
  readonly #lists = new Map<NetDevice, { readonly [D in Direction]: ClsBpf[] }>();
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ map: this.#lists, lists: [...this.#lists.values()].flatMap((one) => [one.ingress, one.egress]) });
  }
  restore(state: ReturnType<Clsact['save']>): void {
    state.back();
  }

  /** `tc qdisc add dev DEV clsact`; nothing where it is there. */
  install(device: NetDevice): void {
    if (!this.#lists.has(device)) this.#lists.set(device, { ingress: [], egress: [] });
    for (const direction of ['ingress', 'egress'] as const) this.#net.tcx.changed(device, direction);
  }
  /** `tc qdisc del dev DEV clsact`: its filters go with it. */
  uninstall(device: NetDevice): readonly ClsBpf[] {
    const lists = this.#lists.get(device);
    this.#lists.delete(device);
    for (const direction of ['ingress', 'egress'] as const) this.#net.tcx.changed(device, direction);
    return lists === undefined ? [] : [...lists.ingress, ...lists.egress];
  }
  has(device: NetDevice): boolean {
    return this.#lists.has(device);
  }
  /** The filters of a device, in the order in which they are asked. */
  of(device: NetDevice, direction: Direction): readonly ClsBpf[] {
    return this.#lists.get(device)?.[direction] ?? [];
  }
  /**
   * `tc filter add`: a filter with a priority and a handle of its own.
   * @throws KernelError EINVAL where the device has no clsact, EEXIST where priority and handle are taken
   */
  add(device: NetDevice, direction: Direction, asked: ClsBpfAsked): ClsBpf {
    const list = this.#lists.get(device)?.[direction];
    if (list === undefined) throw new KernelError('EINVAL', `${device.name} has no clsact qdisc`);
    const priority = asked.priority || Math.min(FIRST_PRIORITY, ...list.map((one) => one.priority - 1));
    const same = list.filter((one) => one.priority === priority);
    const handle = asked.handle || Math.max(0, ...same.map((one) => one.handle)) + 1;
    if (same.some((one) => one.handle === handle))
      throw new KernelError('EEXIST', `${device.name} has a filter of priority ${priority} with handle ${handle}`);
    const { key, prog, protocol = ETH_P_ALL, directAction = true } = asked;
    const filter = { key, prog, priority, handle, protocol, directAction };
    list.push(filter);
    // a new one of the same priority is asked first: it is at the head of the classifier's list
    list.sort((a, b) => a.priority - b.priority || b.handle - a.handle);
    return filter;
  }
  /** @throws KernelError ENOENT */
  remove(device: NetDevice, direction: Direction, key: object): void {
    const list = this.#lists.get(device)?.[direction] ?? [];
    const at = list.findIndex((one) => one.key === key);
    if (at < 0) throw new KernelError('ENOENT', `${device.name} has no such filter`);
    list.splice(at, 1);
  }

  register(on: On): void {
    const { kernel, skbs, devices } = this.#net;
    const { args, memory } = kernel;
    let egress = false;
    const shift = (skb: Addr, back: boolean): void => {
      if (egress) return;
      const bytes = memory.readU16(skb + skbs.f.mac_len);
      skbs.push(skb, back ? -bytes : bytes);
    };
    const filterAt = (skb: Addr, n: number): ClsBpf | undefined => {
      const device = devices.at(skbs.dev(skb));
      return device && this.of(device, egress ? 'egress' : 'ingress')[n];
    };
    // behind tcx, where nobody there had a verdict: classifiers see the buffer without its link header
    on('tc_wanted', () => {
      const [skb, act, entry] = [args.addr(0), args.lo(1), args.addr(2)];
      const device = entry === 0 || skb === 0 ? undefined : devices.at(skbs.dev(skb));
      const wanted = device !== undefined && act === TC_ACT.UNSPEC && this.#lists.has(device);
      egress = args.lo(3) !== 0;
      if (wanted) shift(skb, true);
      args.retU32(wanted ? 1 : 0);
    });
    on('tc_act', () => {
      const [skb, tcx, wanted, act] = [args.addr(0), args.lo(1), args.u32(2), args.lo(3)];
      if (wanted !== 0) shift(skb, false);
      args.retU32(wanted !== 0 ? act : tcx);
    });
    // `at`: the number of the next filter
    on('cls_bpf_next', () => {
      const [skb, at] = [args.addr(0), args.addr(1)];
      const filter = filterAt(skb, memory.readU32(at));
      memory.writeU32(at, memory.readU32(at) + 1);
      if (filter !== undefined) {
        shift(skb, false);
        skbs.setDataPointers(skb);
      }
      args.retAddr(filter?.prog ?? 0);
    });
    on('cls_bpf_verdict', () => {
      const [skb, at, prog, result] = [args.addr(0), args.addr(1), args.addr(2), args.lo(3)];
      if (prog === 0) return args.retU32(TC_ACT.UNSPEC);
      shift(skb, true);
      const filter = filterAt(skb, memory.readU32(at) - 1);
      // a filter without actions lets pass what it matches
      const act = filter?.directAction === false ? (result === 0 ? TC_ACT.UNSPEC : TC_ACT.OK) : result;
      args.retU32(VERDICTS.includes(act) ? act : TC_ACT.UNSPEC);
    });
    on('cls_bpf_again', () => args.retU32(args.addr(0) !== 0 && args.lo(1) === TC_ACT.UNSPEC ? 1 : 0));
    on('tc_stolen', () => {
      const [skb, act, entry] = [args.addr(0), args.lo(1), args.addr(2)];
      args.retAddr(skb !== 0 && entry !== 0 && (act === TC_ACT.STOLEN || act === TC_ACT.TRAP) ? skb : 0);
    });
  }
}
