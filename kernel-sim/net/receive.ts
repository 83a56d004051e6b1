/** What a buffer goes through on its way in, beside calling: protocols, sockets, their queues (hypercalls of `text/functions/net-path.ts`). */

import type { Addr } from '../../src/machine/addr.ts';
import { AF, IPPROTO, SOCK, TCP } from '../../src/uapi/socket.ts';
import { ERRNO } from '../core/errno.ts';
import { SOCK_ROOM } from '../core/object-words.ts';
import { capture } from '../core/state.ts';
import type { Reason } from './drops.ts';
import {
  ETH_P,
  type Flow,
  fold16,
  get16,
  IP_HLEN,
  IP6_HLEN,
  icmpUnreachable,
  parseIp,
  pseudoSum,
  put16,
  sum16,
} from './inet.ts';
import type { NetParts, On } from './parts.ts';
import { PACKET, SkbQueue } from './skb.ts';
import type { Inboxes } from './tcp/input.ts';
import type { Transmit } from './transmit.ts';

/** net.core.rmem_default */
const RCVBUF = 212_992;
const MSG_PEEK = 2;
/** least MTU of IPv6, and how its multicast addresses begin (RFC 8200 section 5, RFC 4291 section 2.7) */
const [MTU6, MULTICAST6] = [1280, 0xff];
/** include/linux/netdevice.h: congestion, the packet went all the same */
const NET_XMIT_CN = 2;
/** IPTOS_PREC_INTERNETCONTROL: precedence of errors (RFC 1812 section 4.3.2.5) */
const INTERNETWORK_CONTROL = 0xc0;
/** what text passes to `@drop_reason` */
const BY_NUMBER: readonly Reason[] = ['IP_INADDRERRORS', 'NO_SOCKET', 'SOCKET_FILTER', 'SOCKET_RCVBUFF', 'QUEUE_PURGE'];
const PTYPES: Readonly<Record<number, string>> = {
  [ETH_P.IP]: 'ip_rcv',
  [ETH_P.ARP]: 'arp_rcv',
  [ETH_P.IPV6]: 'ipv6_rcv',
};
const PROTOCOLS: Readonly<Record<number, string>> = {
  [IPPROTO.ICMP]: 'icmp_rcv',
  [IPPROTO.TCP]: 'tcp_v4_rcv',
  [IPPROTO.UDP]: 'udp_rcv',
};
const PROTOCOLS6: Readonly<Record<number, string>> = {
  [IPPROTO.ICMPV6]: 'icmpv6_rcv',
  [IPPROTO.TCP]: 'tcp_v6_rcv',
  [IPPROTO.UDP]: 'udpv6_rcv',
};
const ICMP: Readonly<Record<number, string>> = { 3: 'icmp_unreach', 8: 'icmp_echo' };
/** functions that hypercalls give to text to call */
export const RECEIVERS: readonly string[] = [
  ...Object.values(PTYPES),
  ...Object.values(PROTOCOLS),
  ...Object.values(PROTOCOLS6),
  ...Object.values(ICMP),
  ...['ip6_input', 'ip6_pkt_discard', 'udp_sendmsg'],
  ...['ip_local_deliver', 'ip_forward', 'ip_error', 'process_backlog', 'virtnet_poll'],
];

/** A socket's receive queue. */
interface Inbox {
  readonly queue: SkbQueue;
  bytes: number;
}

export class Receive implements Inboxes {
  readonly #net: NetParts;
  readonly #transmit: Transmit;
  readonly #inboxes = new Map<Addr, Inbox>();
  #icmpSk: Addr = 0;
  #icmp6Sk: Addr = 0;
  /** the packet of UDP whose socket is looked for */
  looksUp: Addr = 0;

  constructor(net: NetParts, transmit: Transmit) {
    this.#net = net;
    this.#transmit = transmit;
  }
  save() {
    return capture({ inboxes: this.#inboxes, icmpSk: this.#icmpSk, icmp6Sk: this.#icmp6Sk });
  }
  restore(state: ReturnType<Receive['save']>): void {
    const { icmpSk, icmp6Sk } = state.back();
    this.#icmpSk = icmpSk;
    this.#icmp6Sk = icmp6Sk;
  }

  register(on: On): void {
    const { kernel, skbs, drops, devices, lwt } = this.#net;
    const { args, memory, text } = kernel;
    const give = (name: string | undefined): void => args.retAddr(name === undefined ? 0 : text.place(name));
    // the second argument where the first is 0
    on('drop_reason', () => args.retU32(drops.number(BY_NUMBER[args.lo(0)] ?? 'NOT_SPECIFIED')));
    on('skb_reset_network', () => {
      const skb = args.addr(0);
      if (skb === 0) return;
      skbs.resetHeader(skb, 'network_header');
      skbs.resetHeader(skb, 'transport_header');
      memory.writeU16(skb + skbs.f.mac_len, skbs.header(skb, 'network_header') - skbs.header(skb, 'mac_header'));
      const device = devices.at(skbs.dev(skb));
      if (device) {
        device.stats.rxPackets++;
        device.stats.rxBytes += skbs.len(skb) + memory.readU16(skb + skbs.f.mac_len);
      }
    });
    // deliver_skb: the list of packet types; a buffer that somebody took is none
    on('rx_result', () => {
      memory.writeAddr(args.addr(1), args.addr(0));
      args.retU32(args.addr(0) === 0 ? 1 : 0);
    });
    on('ptype', () => give(args.addr(0) === 0 ? undefined : PTYPES[skbs.protocol(args.addr(0))]));
    on('ip_rcv_core', () => args.retU32(this.#check(args.addr(0))));
    const four = (skb: Addr): string => {
      const packet = memory.readBytes(skbs.data(skb), IP_HLEN);
      const to = packet.subarray(16, 20);
      const mine = devices.isLocal(to) || (to[0] as number) >= 224;
      return mine ? 'ip_local_deliver' : 'ip_error';
    };
    const six = (skb: Addr): string => {
      const to = memory.readBytes(skbs.data(skb) + 24, 16);
      return devices.isLocal(to) || to[0] === MULTICAST6 ? 'ip6_input' : 'ip6_pkt_discard';
    };
    // what a route's program stands in front of
    on('dst_orig_input', () => {
      const skb = args.addr(0);
      give(skb === 0 ? undefined : skbs.protocol(skb) === ETH_P.IPV6 ? six(skb) : four(skb));
    });
    on('dst_input', () => give(lwt.comesIn(args.addr(0)) ? 'lwtunnel_input' : four(args.addr(0))));
    on('dst_input6', () => give(lwt.comesIn(args.addr(0)) ? 'lwtunnel_input' : six(args.addr(0))));
    on('ip_pull', () => {
      const skb = args.addr(0);
      skbs.push(skb, -((memory.readU8(skbs.data(skb)) & 15) * 4));
      skbs.resetHeader(skb, 'transport_header');
    });
    on('ip_protocol', () => args.retU32(memory.readU8(skbs.header(args.addr(0), 'network_header') + 9)));
    on('inet_protos', () => give(PROTOCOLS[args.lo(0)]));
    on('ip6_rcv_core', () => args.retU32(this.#check6(args.addr(0))));
    on('ip6_pull', () => {
      skbs.push(args.addr(0), -IP6_HLEN);
      skbs.resetHeader(args.addr(0), 'transport_header');
    });
    on('ip6_protocol', () => args.retU32(memory.readU8(skbs.header(args.addr(0), 'network_header') + 6)));
    on('inet6_protos', () => give(PROTOCOLS6[args.lo(0)]));
    on('icmp6_unreachable', () => args.retAddr(this.#unreachable6(args.addr(0), args.lo(1), args.lo(2))));
    // a socket of IPv6 that sends to an address of IPv4
    on('v6_mapped', () => {
      const to = args.addr(0) === 0 ? undefined : this.#net.destination(args.addr(0), args.addr(1));
      give(to?.address.length === 4 ? 'udp_sendmsg' : undefined);
    });
    on('udp_looks_up', () => {
      this.looksUp = args.addr(0);
      args.retAddr(skbs.data(this.looksUp));
    });
    on('udp_best', () => {
      const seen = parseIp(this.#net.packet(this.looksUp));
      args.retAddr(seen === undefined ? 0 : this.#net.ports.lookup(IPPROTO.UDP, seen.flow));
    });
    // programs are asked where no socket is connected to where the packet is from
    on('sk_lookup_wanted', () => {
      const sk = args.addr(0);
      const asked = this.#net.skLookup.any && (sk === 0 || this.#net.socks.peerPort(sk) === 0);
      args.retAddr(asked ? this.looksUp : 0);
    });
    on('sock_queue', () => args.retU32(this.#enqueue(args.addr(0), args.addr(1)) ? 1 : 0));
    on('sock_dequeue', () => args.retAddr(this.#dequeue(args.addr(0), args.lo(1))));
    // programs of cgroups see the packet from its network header on, and the socket
    on('skb_of_cgroup', () => {
      const [sk, skb, saved] = [args.addr(0), args.addr(1), args.addr(2)];
      const offset = skbs.data(skb) - skbs.header(skb, 'network_header');
      memory.writeAddr(saved, memory.readAddr(skb + skbs.f.sk));
      memory.writeU32(saved + 8, offset);
      memory.writeAddr(skb + skbs.f.sk, sk);
      skbs.push(skb, offset);
      skbs.setDataPointers(skb);
    });
    on('skb_as_before', () => {
      const [skb, saved] = [args.addr(0), args.addr(1)];
      skbs.push(skb, -memory.readS32(saved + 8));
      memory.writeAddr(skb + skbs.f.sk, memory.readAddr(saved));
    });
    // what ip_finish_output does with a verdict: NET_XMIT_SUCCESS and NET_XMIT_CN go on
    on('xmit_refused', () => {
      const refused = args.lo(0) !== 0 && args.lo(0) !== NET_XMIT_CN;
      const skb = args.addr(1);
      if (refused) this.#net.dropped(devices.at(skbs.dev(skb)), skbs.frame(skb), 'CGROUP_EGRESS');
      args.retU32(refused ? drops.number('BPF_CGROUP_EGRESS') : 0);
    });
    on('rcv_refused', () => args.retU32(args.lo(0) < 0 ? 1 : 0));
    // ip_send_skb: what the system call hears of it (net_xmit_errno)
    on('xmit_failed', () => {
      const n = args.lo(0);
      const error = n > 0 ? (n === NET_XMIT_CN ? 0 : -ERRNO.ENOBUFS) : n;
      if (error !== 0) kernel.departures.depart(error, 'cgroup_inet_egress');
    });
    on('icmp_pointer', () => give(ICMP[memory.readU8(skbs.data(args.addr(0)))]));
    on('icmp_reply', () => args.retAddr(this.#echo(args.addr(0))));
    on('icmp_unreachable', () => args.retAddr(this.#unreachable(args.addr(0), args.lo(2))));
    on('icmp_error', () => {});
    on('caller', () => args.retAddr(this.#caller()));
    on('skb_unref', () => args.retU32(args.addr(0) !== 0 && skbs.unref(args.addr(0)) ? 1 : 0));
    on('skb_free', () => {
      if (args.addr(0) !== 0) skbs.free(args.addr(0));
    });
  }

  /** Why IP does not take a packet; 0: it does. */
  #check(skb: Addr): number {
    const { kernel, skbs, drops } = this.#net;
    if (skbs.pktType(skb) === PACKET.OTHERHOST) return drops.number('OTHERHOST');
    const length = skbs.len(skb);
    if (length < IP_HLEN) return drops.number('PKT_TOO_SMALL');
    const header = kernel.memory.readBytes(skbs.data(skb), IP_HLEN);
    const bytes = ((header[0] as number) & 15) * 4;
    const total = ((header[2] as number) << 8) | (header[3] as number);
    if ((header[0] as number) >> 4 !== 4 || bytes < IP_HLEN || bytes > length) return drops.number('IP_INHDR');
    if (fold16(sum16(kernel.memory.readBytes(skbs.data(skb), bytes))) !== 0xffff) return drops.number('IP_CSUM');
    if (total > length) return drops.number('PKT_TOO_SMALL');
    if (total < bytes) return drops.number('IP_INHDR');
    // pskb_trim_rcsum: what Ethernet padded
    if (total < length) skbs.trim(skb, total);
    skbs.resetHeader(skb, 'transport_header', bytes);
    return 0;
  }

  /** Why IPv6 does not take a packet; 0: it does. */
  #check6(skb: Addr): number {
    const { kernel, skbs, drops } = this.#net;
    if (skbs.pktType(skb) === PACKET.OTHERHOST) return drops.number('OTHERHOST');
    if (skbs.len(skb) < IP6_HLEN) return drops.number('PKT_TOO_SMALL');
    const header = kernel.memory.readBytes(skbs.data(skb), IP6_HLEN);
    if ((header[0] as number) >> 4 !== 6) return drops.number('IP_INHDR');
    const total = IP6_HLEN + get16(header, 4);
    if (total > skbs.len(skb)) return drops.number('PKT_TOO_SMALL');
    if (total < skbs.len(skb)) skbs.trim(skb, total);
    skbs.resetHeader(skb, 'transport_header', IP6_HLEN);
    return 0;
  }

  #inbox(sk: Addr): Inbox {
    let inbox = this.#inboxes.get(sk);
    if (inbox === undefined) {
      inbox = { queue: new SkbQueue(this.#net.kernel, this.#net.skbs), bytes: 0 };
      this.#inboxes.set(sk, inbox);
    }
    return inbox;
  }
  queue(sk: Addr): SkbQueue {
    return this.#inbox(sk).queue;
  }
  charge(sk: Addr, bytes: number): void {
    const { memory, structs } = this.#net.kernel;
    const inbox = this.#inbox(sk);
    inbox.bytes += bytes;
    memory.writeU32(sk + structs.of('sock').offset('sk_receive_queue.qlen'), inbox.queue.length);
  }
  #enqueue(sk: Addr, skb: Addr): boolean {
    const { kernel, skbs } = this.#net;
    const { memory, structs } = kernel;
    const inbox = this.#inbox(sk);
    const size = memory.readU32(skb + skbs.f.truesize);
    if (inbox.bytes + size > RCVBUF) return false;
    inbox.bytes += size;
    inbox.queue.push(skb);
    memory.writeAddr(skb + skbs.f.sk, sk);
    memory.writeU32(sk + structs.of('sock').offset('sk_receive_queue.qlen'), inbox.queue.length);
    return true;
  }
  #dequeue(sk: Addr, flags: number): Addr {
    const { kernel, skbs } = this.#net;
    const inbox = this.#inboxes.get(sk);
    // a call that failed took nothing
    if (inbox === undefined || (flags & MSG_PEEK) !== 0 || kernel.recorded.failed) return 0;
    const skb = inbox.queue.shift();
    if (skb === 0) return 0;
    const { memory, structs } = kernel;
    inbox.bytes -= memory.readU32(skb + skbs.f.truesize);
    memory.writeU32(sk + structs.of('sock').offset('sk_receive_queue.qlen'), inbox.queue.length);
    return skb;
  }
  /** The socket is closed: what was not read is freed. */
  closed(sk: Addr): void {
    const inbox = this.#inboxes.get(sk);
    if (inbox === undefined) return;
    this.#inboxes.delete(sk);
    for (let skb = inbox.queue.shift(); skb !== 0; skb = inbox.queue.shift()) this.#net.skbs.free(skb);
  }

  /** RFC 792: an echo's answer, the ends exchanged. */
  #echo(skb: Addr): Addr {
    const packet = this.#net.packet(skb);
    const seen = parseIp(packet);
    if (seen === undefined) return 0;
    const message = packet.slice(((packet[0] as number) & 15) * 4);
    message[0] = 0;
    message.fill(0, 2, 4);
    const sum = ~fold16(sum16(message)) & 0xffff;
    message[2] = sum >> 8;
    message[3] = sum & 0xff;
    return this.#answer(seen.flow, message, { df: false });
  }
  #unreachable(skb: Addr, code: number): Addr {
    const packet = this.#net.packet(skb);
    const seen = parseIp(packet);
    if (seen === undefined || seen.protocol === IPPROTO.ICMP) return 0;
    return this.#answer(seen.flow, icmpUnreachable(code, packet), { df: false, tos: INTERNETWORK_CONTROL });
  }
  /** RFC 4443 section 3.1: what could not be delivered is quoted, up to the least MTU of IPv6. */
  #unreachable6(skb: Addr, type: number, code: number): Addr {
    const packet = this.#net.packet(skb);
    const seen = parseIp(packet);
    if (seen === undefined || seen.protocol === IPPROTO.ICMPV6) return 0;
    const message = new Uint8Array(8 + Math.min(packet.length, MTU6 - IP6_HLEN - 8));
    message[0] = type;
    message[1] = code;
    message.set(packet.subarray(0, message.length - 8), 8);
    const flow = { saddr: seen.flow.daddr, daddr: seen.flow.saddr, sport: 0, dport: 0 };
    const sum = ~fold16(pseudoSum(flow, IPPROTO.ICMPV6, message.length) + sum16(message)) & 0xffff;
    put16(message, 2, sum);
    const [head, data] = [message.subarray(0, 8), message.subarray(8)];
    return this.#transmit.ip(this.#icmp6(), IPPROTO.ICMPV6, head, data, flow, 0);
  }
  /** An ICMP message to where a packet came from. */
  #answer({ saddr, daddr }: Flow, message: Uint8Array, options: { readonly df: boolean; readonly tos?: number }): Addr {
    const flow = { saddr: daddr, daddr: saddr, sport: 0, dport: 0 };
    const [head, data] = [message.subarray(0, 8), message.subarray(8)];
    return this.#transmit.ip(this.#icmp(), IPPROTO.ICMP, head, data, flow, this.#id(), options);
  }
  /** `ipv4_icmp_sk`, `ipv6_icmp_sk`: the kernel's own sockets, from which errors and echoes are sent */
  #icmp(): Addr {
    this.#icmpSk ||= this.#control(AF.INET, IPPROTO.ICMP);
    return this.#icmpSk;
  }
  #icmp6(): Addr {
    this.#icmp6Sk ||= this.#control(AF.INET6, IPPROTO.ICMPV6);
    return this.#icmp6Sk;
  }
  /** `inet_ctl_sock_create` */
  #control(family: number, protocol: number): Addr {
    const { slab, memory, structs } = this.#net.kernel;
    const sock = structs.of('sock');
    const sk = slab.kmalloc(SOCK_ROOM);
    memory.writeBytes(sk, new Uint8Array(SOCK_ROOM));
    memory.writeU16(sk + sock.offset('__sk_common.skc_family'), family);
    memory.writeU8(sk + sock.offset('__sk_common.skc_state'), TCP.CLOSE);
    memory.writeU16(sk + sock.offset('sk_type'), SOCK.RAW);
    memory.writeU16(sk + sock.offset('sk_protocol'), protocol);
    return sk;
  }
  #id(): number {
    return this.#net.kernel.random.below(0x10000);
  }
  /** `__builtin_return_address(0)` of the function whose text asks: behind its saved frame pointer. */
  #caller(): Addr {
    const { cpu, memory } = this.#net.kernel;
    return memory.readAddr(cpu.reg(RBP) + 8);
  }
}
/** index of rbp in Intel's order */
const RBP = 5;
