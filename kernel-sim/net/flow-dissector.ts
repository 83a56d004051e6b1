/** The program of a network namespace that takes a packet's flow apart (Linux 6.12 Documentation/bpf/prog_flow_dissector.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, type Stateful } from '../core/state.ts';
import { parseIp } from './inet.ts';
import type { NetParts, On } from './parts.ts';

/** BPF_OK; BPF_FLOW_DISSECTOR_CONTINUE: the kernel takes the packet apart itself */
const [OK, CONTINUE] = [0, 129];
/** parts of `struct bpf_flow_keys` that make a flow: addresses and ports */
const ADDRESSES = { at: 16, bytes: 32 } as const;

export class FlowDissector implements Stateful {
  readonly #net: NetParts;
  #prog: Addr = 0;
  #key: object | undefined;
  /** the hash of the flow that was dissected last */
  #hash = 0;
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ prog: this.#prog, key: { is: this.#key } });
  }
  restore(state: ReturnType<FlowDissector['save']>): void {
    const { prog, key } = state.back();
    this.#prog = prog;
    this.#key = key.is;
  }
  /** `struct bpf_prog` of the one, where it is there */
  get programs(): readonly Addr[] {
    return this.#key === undefined ? [] : [this.#prog];
  }
  /** who has put it there */
  get key(): object | undefined {
    return this.#key;
  }
  /** @throws KernelError E2BIG where there is one */
  add(key: object, prog: Addr): void {
    if (this.#key !== undefined) throw new KernelError('E2BIG', 'the network namespace has a flow dissector already');
    this.#key = key;
    this.#prog = prog;
  }
  replace(key: object, prog: Addr): void {
    if (this.#key === key) this.#prog = prog;
  }
  remove(key: object): void {
    if (this.#key !== key) return;
    this.#key = undefined;
    this.#prog = 0;
  }

  register(on: On): void {
    const { args, slab } = this.#net.kernel;
    on('flow_dissector', () => args.retAddr(args.addr(0) === 0 ? 0 : this.#prog));
    on('flow_context', () => args.retAddr(this.#context(args.addr(0))));
    // whether it is taken apart: what the program says of its flow, or what the kernel sees itself
    on('flow_dissected', () => {
      const [skb, context, verdict] = [args.addr(0), args.addr(1), args.u32(2)];
      const byProgram = context !== 0 && verdict !== CONTINUE;
      this.#hash = byProgram ? this.#ofKeys(context) : this.#ofPacket(skb);
      if (context !== 0) {
        slab.kfree(new GuestStruct(this.#net.kernel, 'bpf_flow_dissector', context).get('flow_keys'));
        slab.kfree(context);
      }
      args.retU32(!byProgram || verdict === OK ? 1 : 0);
    });
    on('flow_hash', () => {
      const skb = args.addr(0);
      const { skbs, kernel } = this.#net;
      // 0 is no hash
      kernel.memory.writeU32(skb + skbs.f.hash, this.#hash || 1);
    });
  }
  /** `struct bpf_flow_dissector` with its `struct bpf_flow_keys`, as __skb_flow_dissect fills them. */
  #context(skb: Addr): Addr {
    const { kernel, skbs } = this.#net;
    const { slab, structs, memory } = kernel;
    const at = slab.kmalloc(structs.of('bpf_flow_dissector').size);
    const size = structs.of('bpf_flow_keys').size;
    const keys = slab.kmalloc(size);
    memory.fillBytes(keys, 0, size);
    const data = skbs.data(skb);
    const offset = skbs.header(skb, 'network_header') - data;
    new GuestStruct(kernel, 'bpf_flow_keys', keys)
      .set('nhoff', offset)
      .set('thoff', offset)
      .set('n_proto', memory.readU16(skb + skbs.f.protocol));
    new GuestStruct(kernel, 'bpf_flow_dissector', at)
      .set('flow_keys', keys)
      .set('skb', skb)
      .set('data', data)
      .set('data_end', data + skbs.len(skb) - memory.readU32(skb + skbs.f.data_len));
    return at;
  }
  #ofKeys(context: Addr): number {
    const { kernel } = this.#net;
    const keys = new GuestStruct(kernel, 'bpf_flow_dissector', context).get('flow_keys');
    return hashOf(kernel.memory.readBytes(keys + ADDRESSES.at, ADDRESSES.bytes));
  }
  #ofPacket(skb: Addr): number {
    const seen = parseIp(this.#net.packet(skb));
    if (seen === undefined) return 0;
    const { saddr, daddr, sport, dport } = seen.flow;
    return hashOf([...saddr, ...daddr, sport >> 8, sport & 0xff, dport >> 8, dport & 0xff, seen.protocol]);
  }
}
/** Linux's is SipHash with a key of the boot; here FNV-1a. */
function hashOf(bytes: Iterable<number>): number {
  let hash = 0x811c_9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
