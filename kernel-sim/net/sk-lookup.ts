/** Programs of a network namespace that choose the socket of a packet (Linux 6.12 Documentation/bpf/prog_sk_lookup.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import { AF } from '../../src/uapi/socket.ts';
import { ERRNO, KernelError } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, type Stateful } from '../core/state.ts';
import { parseIp } from './inet.ts';
import { swap16 } from './packet.ts';
import type { NetParts, On } from './parts.ts';

const [SK_DROP, SK_PASS] = [0, 1];
/** BPF_... netns_bpf: MAX_NETNS_BPF_LINKS of sk_lookup */
const MOST = 64;

interface Item {
  readonly key: object;
  prog: Addr;
}
/** One lookup that is under way. */
interface Run {
  next: number;
  selected: Addr;
  noReuseport: number;
  allPass: boolean;
  /** two addresses of IPv6, which the context points to */
  readonly addresses: Addr;
}

export class SkLookup implements Stateful {
  readonly #net: NetParts;
  readonly #items: Item[] = [];
  readonly #runs = new Map<Addr, Run>();
  /** socket that was chosen last and stands for its group */
  #behind: Addr = 0;
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ items: this.#items, runs: this.#runs });
  }
  restore(state: ReturnType<SkLookup['save']>): void {
    state.back();
  }
  /** Behind the others. @throws KernelError E2BIG */
  add(key: object, prog: Addr): void {
    if (this.#items.length >= MOST) throw new KernelError('E2BIG', `${MOST} programs look up sockets here already`);
    this.#items.push({ key, prog });
  }
  replace(key: object, prog: Addr): void {
    const item = this.#items.find((one) => one.key === key);
    if (item) item.prog = prog;
  }
  remove(key: object): void {
    const at = this.#items.findIndex((one) => one.key === key);
    if (at >= 0) this.#items.splice(at, 1);
  }
  /** `struct bpf_prog` of each, in the order that they are asked */
  get programs(): readonly Addr[] {
    return this.#items.map((item) => item.prog);
  }
  get any(): boolean {
    return this.#items.length > 0;
  }

  register(on: On): void {
    const { args, slab } = this.#net.kernel;
    on('sk_lookup_enabled', () => args.retU32(this.any ? 1 : 0));
    on('sk_lookup_context', () => args.retAddr(this.#context(args.addr(0), args.u32(1))));
    on('sk_lookup_next', () => {
      const [ctx, run] = this.#run(args.addr(0));
      // what the last program that passed has chosen
      ctx.set('selected_sk', run.selected).set('no_reuseport', run.noReuseport);
      args.retAddr(this.#items[run.next++]?.prog ?? 0);
    });
    on('sk_lookup_verdict', () => {
      const [ctx, run] = this.#run(args.addr(0));
      const [ran, verdict] = [args.addr(1) !== 0, args.u32(2)];
      if (ran && verdict === SK_PASS && ctx.get('selected_sk') !== 0) {
        run.selected = ctx.get('selected_sk');
        run.noReuseport = ctx.get('no_reuseport');
      } else if (ran && verdict === SK_DROP) run.allPass = false;
      args.retU32(ran ? 1 : 0);
    });
    on('sk_lookup_result', () => {
      const at = args.addr(0);
      const [, run] = this.#run(at);
      this.#runs.delete(at);
      slab.kfree(at);
      slab.kfree(run.addresses);
      this.#behind = run.noReuseport === 0 ? run.selected : 0;
      if (run.selected === 0 && !run.allPass) args.ret(-ERRNO.ECONNREFUSED, -1);
      else args.retAddr(run.selected);
    });
    // a socket that was chosen stands for its group, unless the program said no
    on('reuseport_behind', () => {
      const sk = args.hi(0) === -1 ? 0 : args.addr(0);
      args.retU32(sk !== 0 && sk === this.#behind && this.#net.reuseport.isGrouped(sk) ? 1 : 0);
    });
  }
  #run(at: Addr): [GuestStruct, Run] {
    const run = this.#runs.get(at);
    if (run === undefined) throw new KernelError('EINVAL', 'no lookup is under way');
    return [new GuestStruct(this.#net.kernel, 'bpf_sk_lookup_kern', at), run];
  }
  #context(skb: Addr, protocol: number): Addr {
    const { kernel, devices, skbs } = this.#net;
    const { slab, memory } = kernel;
    const size = kernel.structs.of('bpf_sk_lookup_kern').size;
    const at = slab.kmalloc(size);
    const addresses = slab.kmalloc(32);
    memory.writeBytes(at, new Uint8Array(size));
    const seen = parseIp(this.#net.packet(skb));
    const ctx = new GuestStruct(kernel, 'bpf_sk_lookup_kern', at);
    if (seen) {
      const { saddr, daddr, sport, dport } = seen.flow;
      const six = saddr.length === 16;
      ctx.set('family', six ? AF.INET6 : AF.INET).set('protocol', protocol);
      ctx.set('sport', swap16(sport)).set('dport', dport);
      ctx.set('ingress_ifindex', devices.at(skbs.dev(skb))?.index ?? 0);
      memory.writeBytes(addresses, saddr);
      memory.writeBytes(addresses + 16, daddr);
      if (six) ctx.set('v6.saddr', addresses).set('v6.daddr', addresses + 16);
      else {
        memory.writeBytes(ctx.addressOf('v4.saddr'), saddr);
        memory.writeBytes(ctx.addressOf('v4.daddr'), daddr);
      }
    }
    this.#runs.set(at, { next: 0, selected: 0, noReuseport: 0, allPass: true, addresses });
    return at;
  }
}
