/** The hooks of netfilter on the way of a packet of IPv4 and of IPv6, called in the order of their priorities (include/uapi/linux/netfilter.h). */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetParts, On } from './parts.ts';

export const NF_HOOKS = ['PRE_ROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POST_ROUTING'] as const;
const NF_DROP = 0;
/** include/uapi/linux/netfilter.h */
export const NFPROTO = { IPV4: 2, IPV6: 10 } as const;
export type NfFamily = (typeof NFPROTO)[keyof typeof NFPROTO];
const LOCAL_OUT = 3;

interface Hook {
  readonly key: object;
  readonly priority: number;
  prog: Addr;
}

export class Netfilter implements Stateful {
  readonly #net: NetParts;
  readonly #hooks: { readonly [F in NfFamily]: readonly Hook[][] } = {
    [NFPROTO.IPV4]: NF_HOOKS.map(() => []),
    [NFPROTO.IPV6]: NF_HOOKS.map(() => []),
  };
  /** packets that are between two programs */
  readonly #walks = new Map<
    Addr,
    { readonly list: readonly Hook[]; readonly hook: number; next: number; dropped: boolean }
  >();
  readonly #state: { readonly [F in 'hook' | 'pf' | 'in' | 'out' | 'sk' | 'net' | 'sizeof']: number };
  readonly #ctx: { readonly state: number; readonly skb: number; readonly sizeof: number };
  constructor(net: NetParts) {
    this.#net = net;
    const { structs } = net.kernel;
    this.#state = structs.offsets('nf_hook_state', ['hook', 'pf', 'in', 'out', 'sk', 'net'] as const);
    this.#ctx = structs.offsets('bpf_nf_ctx', ['state', 'skb'] as const);
  }
  save() {
    return capture({ hooks: this.#hooks, walks: this.#walks });
  }
  restore(state: ReturnType<Netfilter['save']>): void {
    state.back();
  }

  /** @throws KernelError EBUSY where the priority is taken at this hook */
  add(family: NfFamily, hook: number, key: object, prog: Addr, priority: number): void {
    const list = this.#hooks[family][hook];
    if (list === undefined) throw new KernelError('EINVAL', `hook ${hook}: one of 0 to ${NF_HOOKS.length - 1}`);
    if (list.some((one) => one.priority === priority))
      throw new KernelError('EBUSY', `priority ${priority} is taken at ${NF_HOOKS[hook]}`);
    list.push({ key, prog, priority });
    list.sort((a, b) => a.priority - b.priority);
  }
  replace(key: object, prog: Addr): void {
    for (const list of this.#lists()) for (const one of list) if (one.key === key) one.prog = prog;
  }
  remove(key: object): void {
    for (const list of this.#lists()) {
      const at = list.findIndex((one) => one.key === key);
      if (at >= 0) list.splice(at, 1);
    }
  }

  #lists(): Hook[][] {
    return [...this.#hooks[NFPROTO.IPV4], ...this.#hooks[NFPROTO.IPV6]];
  }

  register(on: On): void {
    const { args, slab } = this.#net.kernel;
    const { drops } = this.#net;
    // what nf_hook_slow walks, where anything hangs at the hook: `struct nf_hook_state`, with the programs' context behind it
    const enters = (name: string, family: NfFamily): void =>
      on(name, () => {
        const [number, skb] = [args.lo(0), args.addr(1)];
        if (skb === 0 || (this.#hooks[family][number]?.length ?? 0) === 0) args.retAddr(0);
        else args.retAddr(this.#enter(family, number, skb));
      });
    enters('nf_hook', NFPROTO.IPV4);
    enters('nf_hook6', NFPROTO.IPV6);
    on('nf_context', () => args.retAddr(args.addr(0) + this.#state.sizeof));
    on('nf_next', () => {
      const walk = this.#walks.get(args.addr(0));
      args.retAddr(walk === undefined || walk.dropped ? 0 : (walk.list[walk.next++]?.prog ?? 0));
    });
    on('nf_verdict', () => {
      const walk = this.#walks.get(args.addr(0));
      if (walk && args.addr(2) !== 0 && args.lo(1) === NF_DROP) walk.dropped = true;
      args.retU32(args.addr(2) !== 0 && walk?.dropped === false ? 1 : 0);
    });
    on('nf_drop', () => {
      const walk = this.#walks.get(args.addr(0));
      if (walk?.dropped) this.#tell(walk.hook, args.addr(1));
      args.retU32(walk?.dropped ? drops.number('NETFILTER_DROP') : 0);
    });
    // the buffer, where it goes on
    on('nf_passed', () => {
      const state = args.addr(0);
      const dropped = state !== 0 && this.#walks.get(state)?.dropped === true;
      if (state !== 0) {
        this.#walks.delete(state);
        slab.kfree(state);
      }
      args.retAddr(dropped ? 0 : args.addr(1));
    });
  }
  #enter(family: NfFamily, hook: number, skb: Addr): Addr {
    const { skbs, devices, kernel } = this.#net;
    const { memory, slab } = kernel;
    const f = this.#state;
    const at = slab.kmalloc(f.sizeof + this.#ctx.sizeof);
    const dev = hook < LOCAL_OUT ? skbs.dev(skb) : skbs.routeDev(skb);
    memory.writeU8(at + f.hook, hook);
    memory.writeU8(at + f.pf, family);
    memory.writeAddr(at + (hook < LOCAL_OUT - 1 ? f.in : f.out), dev);
    memory.writeAddr(at + f.sk, memory.readAddr(skb + skbs.f.sk));
    memory.writeAddr(at + f.net, devices.at(dev)?.netns ?? devices.lo.netns);
    memory.writeAddr(at + f.sizeof + this.#ctx.state, at);
    memory.writeAddr(at + f.sizeof + this.#ctx.skb, skb);
    this.#walks.set(at, { list: this.#hooks[family][hook] ?? [], hook, next: 0, dropped: false });
    return at;
  }
  #tell(hook: number, skb: Addr): void {
    const { skbs, devices } = this.#net;
    this.#net.dropped(
      devices.at(hook < LOCAL_OUT ? skbs.dev(skb) : skbs.routeDev(skb)),
      skbs.frame(skb),
      `NF_${NF_HOOKS[hook]}`,
    );
  }
}
