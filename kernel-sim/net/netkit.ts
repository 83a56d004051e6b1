/** Pairs of netkit devices: a program of either end decides what it sends (include/uapi/linux/if_link.h, NETKIT_*; Linux 6.12). */
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetDevice } from './devices.ts';
import { Mprog } from './mprog.ts';
import { ETH_HLEN } from './packet.ts';
import type { NetParts, On } from './parts.ts';
import { PACKET } from './skb.ts';

const NETKIT = { NEXT: -1, PASS: 0, DROP: 2, REDIRECT: 7 } as const;

export class Netkit implements Stateful {
  readonly #net: NetParts;
  readonly #lists = new Map<NetDevice, Mprog>();
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ map: this.#lists, lists: [...this.#lists.values()] });
  }
  restore(state: ReturnType<Netkit['save']>): void {
    state.back();
  }
  /**
   * The programs of an end, which links name by the primary device.
   * @throws KernelError ENXIO where it is no netkit device, EACCES where it is the pair's peer
   */
  of(device: NetDevice, end: 'primary' | 'peer'): Mprog {
    if (device.kind !== 'netkit' || device.peer === undefined)
      throw new KernelError('ENXIO', `${device.name} is no netkit device`);
    if (device.index > device.peer.index)
      throw new KernelError(
        'EACCES',
        `${device.name} is the peer: programs of both ends are attached by ${device.peer.name}`,
      );
    return this.#list(end === 'primary' ? device : device.peer);
  }
  #list(device: NetDevice): Mprog {
    let list = this.#lists.get(device);
    if (list === undefined) {
      list = new Mprog(this.#net.kernel);
      this.#lists.set(device, list);
    }
    return list;
  }

  register(on: On): void {
    const { kernel, skbs, devices, drops } = this.#net;
    const { args, memory } = kernel;
    const taken = (act: number): boolean => act !== NETKIT.NEXT && act !== NETKIT.PASS;
    // netkit_prep_forward: the buffer is the other end's from here on
    on('netkit_entry', () => {
      const [skb, dev] = [args.addr(0), args.addr(1)];
      const device = devices.at(dev);
      memory.writeAddr(skb + skbs.f.sk, 0);
      skbs.resetHeader(skb, 'mac_header');
      skbs.setPktType(skb, PACKET.HOST);
      if (device?.peer) skbs.setDev(skb, device.peer.at);
      skbs.setDataPointers(skb);
      const list = device && this.#lists.get(device);
      args.retAddr(list?.any ? list.at : 0);
    });
    on('netkit_redirects', () => args.retU32(args.addr(1) !== 0 && args.lo(0) === NETKIT.REDIRECT ? 1 : 0));
    on('netkit_drop', () => {
      const [skb, act, entry] = [args.addr(0), args.lo(1), args.addr(2)];
      const drop = entry !== 0 && taken(act) && act !== NETKIT.REDIRECT;
      if (drop) this.#net.dropped(devices.at(skbs.dev(skb)), skbs.frame(skb), 'NETKIT');
      args.retU32(drop ? drops.number('NOT_SPECIFIED') : 0);
    });
    on('netkit_passed', () => {
      const [skb, act, entry] = [args.addr(0), args.lo(1), args.addr(2)];
      const passes = entry === 0 || !taken(act);
      if (passes) skbs.push(skb, -ETH_HLEN);
      args.retAddr(passes ? skb : 0);
    });
  }
}
