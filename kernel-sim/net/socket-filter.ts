/** Filters of sockets (socket(7), SO_ATTACH_FILTER and SO_ATTACH_BPF): how much of a packet a socket takes; 0 drops it. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetParts, On } from './parts.ts';

export class SocketFilters implements Stateful {
  readonly #net: NetParts;
  readonly #filters = new Map<Addr, Addr>();
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ filters: this.#filters });
  }
  restore(state: ReturnType<SocketFilters['save']>): void {
    state.back();
  }
  /** `sk`: `struct sock`; `prog`: `struct bpf_prog`, 0 takes it off */
  set(sk: Addr, prog: Addr): void {
    if (prog === 0) this.#filters.delete(sk);
    else this.#filters.set(sk, prog);
  }
  closed(sk: Addr): void {
    this.#filters.delete(sk);
  }

  register(on: On): void {
    const { kernel, skbs, devices } = this.#net;
    const { args } = kernel;
    on('sk_filter', () => {
      const prog = this.#filters.get(args.addr(0)) ?? 0;
      if (prog !== 0) skbs.setDataPointers(args.addr(1));
      args.retAddr(prog);
    });
    // what sk_filter_trim_cap makes of it: the error of a cgroup's program, or of none of the packet; else it is cut
    on('sk_filtered', () => {
      const [skb, kept, prog, refused, least] = [args.addr(0), args.u32(1), args.addr(2), args.u32(3), args.u32(4)];
      const drop = refused !== 0 || (prog !== 0 && kept === 0);
      if (drop)
        this.#net.dropped(
          devices.at(skbs.dev(skb)),
          skbs.frame(skb),
          refused !== 0 ? 'CGROUP_INGRESS' : 'SOCKET_FILTER',
        );
      else if (prog !== 0 && kept < skbs.len(skb)) skbs.trim(skb, Math.max(kept, least));
      args.retU32(drop ? 1 : 0);
    });
  }
}
