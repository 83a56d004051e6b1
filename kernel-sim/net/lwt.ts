/** Programs on a route: lightweight tunnels of the kind bpf (ip-route(8), `encap bpf in|out|xmit`; Linux 6.12 net/core/lwt_bpf.c names the parts). */
import type { Addr } from '../../src/machine/addr.ts';
import { ERRNO } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import { type IpPrefix, inNetwork, parsePrefix } from './address.ts';
import { ETH_P } from './inet.ts';
import type { NetParts, On } from './parts.ts';

export const LWT_HOOKS = ['in', 'out', 'xmit'] as const;
export type LwtHook = (typeof LWT_HOOKS)[number];
/** enum bpf_ret_code */
const RET = { OK: 0, DROP: 2, REDIRECT: 7, REROUTE: 128 } as const;

interface Encap {
  readonly key: object;
  readonly to: IpPrefix;
  readonly hook: LwtHook;
  readonly prog: Addr;
}

export class Lwt implements Stateful {
  readonly #net: NetParts;
  readonly #routes: Encap[] = [];
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ routes: this.#routes });
  }
  restore(state: ReturnType<Lwt['save']>): void {
    state.back();
  }
  /** Packets whose route is `to` (`10.1.0.0/16`) go through the program. @throws KernelError EINVAL for an address that is none */
  add(key: object, to: string, hook: LwtHook, prog: Addr): void {
    this.#routes.push({ key, to: parsePrefix(to), hook, prog });
  }
  remove(key: object): void {
    const at = this.#routes.findIndex((one) => one.key === key);
    if (at >= 0) this.#routes.splice(at, 1);
  }

  comesIn(skb: Addr): boolean {
    return this.#routes.length > 0 && this.#find(skb, 'in') !== 0;
  }

  register(on: On): void {
    const { kernel, skbs, devices, drops } = this.#net;
    const { args } = kernel;
    kernel.text.maker.mayCall(['ip_output', 'ip6_output', 'lwtunnel_input']);
    on('lwt', () => {
      const skb = args.addr(0);
      args.retAddr(skb === 0 || this.#routes.length === 0 ? 0 : this.#find(skb, LWT_HOOKS[args.lo(1)] ?? 'in'));
    });
    on('lwt_starts', () => skbs.setDataPointers(args.addr(0)));
    on('lwt_redirects', () => args.retU32(args.lo(0) === RET.REDIRECT && args.lo(1) !== 0 ? 1 : 0));
    on('lwt_drop', () => {
      const [skb, act] = [args.addr(0), args.lo(1)];
      // a redirect where there is none is let pass, with a warning; what is no verdict is lost
      const goes = act === RET.OK || act === RET.REROUTE || act === RET.REDIRECT;
      const drop = act === RET.DROP || !goes;
      if (drop) this.#net.dropped(devices.at(skbs.dev(skb)), skbs.frame(skb), 'LWT');
      args.retU32(drop ? drops.number('NOT_SPECIFIED') : 0);
    });
    on('lwt_orig_output', () => {
      const skb = args.addr(0);
      const six = skb !== 0 && skbs.protocol(skb) === ETH_P.IPV6;
      args.retAddr(skb === 0 ? 0 : kernel.text.place(six ? 'ip6_output' : 'ip_output'));
    });
    // what the tunnel says: the packet was taken (-EPERM, or the redirect), or goes on
    on('lwt_result', () => {
      const [act, dropped, redirected] = [args.lo(0), args.u32(1), args.u32(2)];
      const error = act === RET.DROP ? -ERRNO.EPERM : -ERRNO.EINVAL;
      args.retU32(dropped !== 0 ? error : redirected !== 0 ? RET.REDIRECT : RET.OK);
    });
  }
  #find(skb: Addr, hook: LwtHook): Addr {
    const packet = this.#net.packet(skb);
    const six = (packet[0] as number) >> 4 === 6;
    const to = six ? packet.subarray(24, 40) : packet.subarray(16, 20);
    return this.#routes.find((one) => one.hook === hook && inNetwork(one.to, to))?.prog ?? 0;
  }
}
