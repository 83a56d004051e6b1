/**
 * Sockets in sockmaps: what programs do with the messages that they send, and the segments that they receive
 * (Linux 6.12 Documentation/bpf/map_sockmap.rst). What the kernel leaves to a worker happens at once here.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { AF, IPPROTO } from '../../src/uapi/socket.ts';
import { ERRNO } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetParts, On } from './parts.ts';
import { F_INGRESS } from './redirect.ts';
import { SkbQueue } from './skb.ts';
import type { Inboxes } from './tcp/input.ts';

/** Programs of a map (`struct sk_psock_progs`): `struct bpf_prog`, 0 where there is none. */
export interface SockMapProgs {
  msg: Addr;
  parser: Addr;
  verdict: Addr;
  skbVerdict: Addr;
}
/** `enum __sk_action` */
const ACTION = { DROP: 0, PASS: 1, REDIRECT: 2 } as const;
const SK_PASS = 1;

interface Psock {
  readonly progs: SockMapProgs;
  /** segments that no program has looked at yet */
  readonly arrived: SkbQueue;
}

export class Psocks implements Stateful {
  readonly #net: NetParts;
  readonly #inboxes: Inboxes;
  readonly #of = new Map<Addr, Psock>();
  /** what the socket sends instead of what its task gave */
  #sends: Uint8Array | undefined;
  constructor(net: NetParts, inboxes: Inboxes) {
    this.#net = net;
    this.#inboxes = inboxes;
  }
  save() {
    return capture({ of: this.#of });
  }
  restore(state: ReturnType<Psocks['save']>): void {
    state.back();
    this.#sends = undefined;
  }
  /** A socket comes into a map, and has its programs from now on. */
  join(sk: Addr, progs: SockMapProgs): void {
    const arrived = this.#of.get(sk)?.arrived ?? new SkbQueue(this.#net.kernel, this.#net.skbs);
    this.#of.set(sk, { progs: { ...progs }, arrived });
  }
  /** It is in no map any more, or is closed. */
  leave(sk: Addr): void {
    const psock = this.#of.get(sk);
    if (psock === undefined) return;
    this.#of.delete(sk);
    for (let skb = psock.arrived.shift(); skb !== 0; skb = psock.arrived.shift()) this.#net.skbs.free(skb);
  }
  /** What the call that runs sends in place of its own bytes. */
  get sends(): Uint8Array | undefined {
    return this.#sends;
  }
  /** Takes a segment, where a program is to look at it first. */
  takes(sk: Addr, skb: Addr): boolean {
    const psock = this.#of.get(sk);
    if (psock === undefined || (psock.progs.verdict === 0 && psock.progs.skbVerdict === 0)) return false;
    psock.arrived.push(skb);
    return true;
  }
  /** The function that is told of data: `sk_data_ready` */
  dataReady(sk: Addr): string {
    const psock = this.#of.get(sk);
    if (psock === undefined || psock.arrived.length === 0) return 'sock_def_readable';
    return psock.progs.parser === 0 ? 'sk_psock_verdict_data_ready' : 'sk_psock_strp_data_ready';
  }

  register(on: On): void {
    const { kernel, skbs, socks, drops } = this.#net;
    const { args, memory, slab, text, departures } = kernel;
    const msgOf = (at: Addr): GuestStruct => new GuestStruct(kernel, 'sk_msg', at);
    const bytesOf = (at: Addr): Uint8Array => {
      const msg = msgOf(at);
      return memory.readBytes(msg.get('data'), msg.get('data_end') - msg.get('data'));
    };
    const CALLEES = ['tcp_bpf_sendmsg', 'tcp_bpf_recvmsg', 'tcp_bpf_push', 'tcp_bpf_redirects'];
    const READY = ['sk_psock_verdict_data_ready', 'sk_psock_strp_data_ready'];
    text.maker.mayCall([...CALLEES, ...READY, 'sk_psock_pass', 'sk_psock_redirects', 'sk_psock_drop']);
    const inMap = (sk: Addr): boolean => sk !== 0 && this.#of.has(sk) && socks.protocol(sk) === IPPROTO.TCP;
    on('psock_sends', () => {
      const sk = args.addr(0);
      const has = inMap(sk) && this.#of.get(sk)?.progs.msg !== 0;
      args.retAddr(has ? text.place('tcp_bpf_sendmsg') : args.addr(1));
    });
    on('psock_receives', () => args.retAddr(inMap(args.addr(0)) ? text.place('tcp_bpf_recvmsg') : args.addr(1)));

    // a program refused the message there: it is asked here, too
    on('psock_refused', () => {
      const socket = args.addr(0);
      const sk = socket === 0 ? 0 : memory.readAddr(socket + kernel.structs.of('socket').offset('sk'));
      const has = kernel.recorded.lo === -ERRNO.EACCES && inMap(sk) && this.#of.get(sk)?.progs.msg !== 0;
      args.retAddr(has ? text.place(socks.family(sk) === AF.INET6 ? 'inet6_sendmsg' : 'inet_sendmsg') : 0);
    });

    // --- messages ---
    on('psock_msg', () => {
      // a program refused it there, too: it is asked here
      const { failed, lo } = kernel.recorded;
      const payload = failed && lo !== -ERRNO.EACCES ? undefined : this.#net.payload(args.lo(1), failed);
      if (payload === undefined) return args.retAddr(0);
      const { size } = kernel.structs.of('sk_msg');
      const at = slab.kmalloc(size);
      const data = slab.kmalloc(Math.max(8, payload.length));
      memory.writeBytes(at, new Uint8Array(size));
      memory.writeBytes(data, payload);
      msgOf(at)
        .set('data', data)
        .set('data_end', data + payload.length)
        .set('sg.size', payload.length)
        .set('sk', args.addr(0));
      args.retAddr(at);
    });
    on('psock_msg_prog', () => args.retAddr(this.#of.get(args.addr(0))?.progs.msg ?? 0));
    on('psock_msg_verdict', () => {
      const redirects = msgOf(args.addr(0)).get('sk_redir') !== 0;
      args.retU32(args.u32(1) !== SK_PASS ? ACTION.DROP : redirects ? ACTION.REDIRECT : ACTION.PASS);
    });
    on('psock_msg_way', () => {
      const [msg, verdict] = [args.addr(1), args.u32(2)];
      if (msg === 0) return args.retAddr(0);
      if (verdict === ACTION.DROP) departures.depart(-ERRNO.EACCES, 'sk_msg');
      const name = verdict === ACTION.PASS ? 'tcp_bpf_push' : 'tcp_bpf_redirects';
      args.retAddr(verdict === ACTION.DROP ? 0 : text.place(name));
    });
    on('psock_target', () => args.retAddr(msgOf(args.addr(0)).get('sk_redir')));
    on('psock_is_ingress', () => args.retU32(msgOf(args.addr(0)).get('flags') & F_INGRESS));
    on('psock_data', () => {
      this.#sends = bytesOf(args.addr(0));
      args.retU32(this.#sends.length);
    });
    on('psock_sent', () => {
      this.#sends = undefined;
    });
    on('psock_ingress', () => this.#deliver(args.addr(0), bytesOf(args.addr(1))));
    on('psock_free', () => {
      if (args.addr(0) === 0) return;
      slab.kfree(msgOf(args.addr(0)).get('data'));
      slab.kfree(args.addr(0));
    });

    // --- segments ---
    on('read_skb', () => args.retAddr(this.#of.get(args.addr(0))?.arrived.shift() ?? 0));
    on('psock_parser', () => this.#run(args.addr(0), args.addr(1), 'parser'));
    on('psock_skb_prog', () => {
      const progs = this.#of.get(args.addr(0))?.progs;
      this.#run(args.addr(0), args.addr(1), progs?.verdict ? 'verdict' : 'skbVerdict');
    });
    on('psock_skb_verdict', () => {
      const redirects = this.#target(args.addr(0)) !== 0;
      args.retU32(args.u32(1) !== SK_PASS ? ACTION.DROP : redirects ? ACTION.REDIRECT : ACTION.PASS);
    });
    on('psock_apply', () => {
      const verdict = args.u32(0);
      const name = verdict === ACTION.DROP ? 'drop' : verdict === ACTION.PASS ? 'pass' : 'redirects';
      args.retAddr(text.place(`sk_psock_${name}`));
    });
    on('psock_pass', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      this.#inboxes.queue(sk).push(skb);
      this.#inboxes.charge(sk, memory.readU32(skb + skbs.f.truesize));
    });
    on('psock_drop_reason', () => args.retU32(drops.number('NOT_SPECIFIED')));
    on('psock_skb_target', () => args.retAddr(this.#target(args.addr(0))));
    on('psock_skb_ingress', () => args.retU32(this.#redirect(args.addr(0)) & F_INGRESS));
    on('psock_skb_data', () => {
      this.#sends = skbs.bytes(args.addr(0));
      args.retU32(this.#sends.length);
    });
    on('psock_skb_deliver', () => this.#deliver(args.addr(0), skbs.bytes(args.addr(1))));
  }
  /** The program, and the segment as it sees it. */
  #run(sk: Addr, skb: Addr, which: keyof SockMapProgs): void {
    const { kernel, skbs } = this.#net;
    kernel.memory.writeAddr(skb + skbs.f.sk, sk);
    new GuestStruct(kernel, 'sk_buff', skb).set('_sk_redir', 0);
    skbs.setDataPointers(skb);
    kernel.args.retAddr(this.#of.get(sk)?.progs[which] ?? 0);
  }
  /** `_sk_redir`: the socket, and a flag in its lowest bit */
  #redirect(skb: Addr): number {
    return new GuestStruct(this.#net.kernel, 'sk_buff', skb).get('_sk_redir');
  }
  #target(skb: Addr): Addr {
    const redirect = this.#redirect(skb);
    return redirect - (redirect % 2);
  }
  /** Bytes are there to be read. */
  #deliver(sk: Addr, bytes: Uint8Array): void {
    const { skbs, kernel } = this.#net;
    const skb = skbs.alloc(0, bytes.length);
    skbs.put(skb, bytes);
    this.#inboxes.queue(sk).push(skb);
    this.#inboxes.charge(sk, kernel.memory.readU32(skb + skbs.f.truesize));
  }
}
