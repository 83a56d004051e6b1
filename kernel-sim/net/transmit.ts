/** What a buffer goes through on its way out, beside calling: headers, the route, the device (hypercalls of `text/functions/net-path.ts`). */
import type { Addr } from '../../src/machine/addr.ts';
import { IPPROTO } from '../../src/uapi/socket.ts';
import { capture } from '../core/state.ts';
import {
  ETH_P,
  etherType,
  type Flow,
  fold16,
  get16,
  IP_HLEN,
  IP6_HLEN,
  networkHeader,
  sum16,
  UDP_HLEN,
  udpHeader,
} from './inet.ts';
import { ETH_HLEN, swap16 } from './packet.ts';
import type { NetParts } from './parts.ts';
import { PACKET } from './skb.ts';

/** room for the link's header, in whole words of 16: LL_RESERVED_SPACE of an Ethernet device */
export const LL_ROOM = 16;

export class Transmit {
  readonly #net: NetParts;
  /** `struct rtable` of a device, which `_skb_refdst` points to */
  readonly #routes = new Map<Addr, Addr>();
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ routes: this.#routes });
  }
  restore(state: ReturnType<Transmit['save']>): void {
    state.back();
  }

  register(on: (name: string, handler: () => void) => void): void {
    const { kernel, skbs, devices } = this.#net;
    const { args, memory, text } = kernel;
    on('udp_make_skb', () => args.retAddr(this.#udp(args.addr(0), args.addr(1), args.lo(2))));
    on('skb_leaves', () => {
      const skb = args.addr(0);
      if (skb === 0) return;
      skbs.setDev(skb, skbs.routeDev(skb));
      skbs.setProtocol(skb, ETH_P.IP);
    });
    on('skb_leaves6', () => {
      const skb = args.addr(0);
      skbs.setDev(skb, skbs.routeDev(skb));
      skbs.setProtocol(skb, ETH_P.IPV6);
    });
    // the header of the link: neigh_hh_output, eth_header
    on('neigh_header', () => {
      const skb = args.addr(0);
      const device = skb === 0 ? undefined : devices.at(skbs.dev(skb));
      if (device === undefined) return;
      const network = skbs.data(skb);
      const six = memory.readU8(network) >> 4 === 6;
      const to = memory.readBytes(network + (six ? 24 : 16), six ? 16 : 4);
      const data = skbs.push(skb, ETH_HLEN);
      memory.writeBytes(data, this.#net.neighbour(device, to));
      memory.writeBytes(data + 6, device.mac);
      memory.writeU16(data + 12, swap16(skbs.protocol(skb)));
    });
    on('skb_reset_mac', () => {
      if (args.addr(0) !== 0) skbs.resetHeader(args.addr(0), 'mac_header');
    });
    on('skb_len', () => args.retU32(skbs.len(args.addr(0))));
    on('skb_dev', () => args.retAddr(skbs.dev(args.addr(0))));
    on('ndo_start_xmit', () => {
      const device = devices.at(args.addr(0));
      args.retAddr(device === undefined ? 0 : text.place(device.xmit));
    });
    on('skb_orphan', () => {
      const skb = args.addr(0);
      memory.writeAddr(skb + skbs.f.sk, 0);
    });
    on('device_sent', () => {
      const device = devices.at(args.addr(1));
      if (device) this.#net.sent(device, args.addr(0));
    });
    on('veth_peer', () => args.retAddr(devices.at(args.addr(0))?.peer?.at ?? 0));
    on('eth_type_trans', () => {
      const [skb, at] = [args.addr(0), args.addr(1)];
      const device = devices.at(at);
      if (skb === 0 || device === undefined) {
        args.retU32(0);
        return;
      }
      skbs.setDev(skb, at);
      skbs.resetHeader(skb, 'mac_header');
      const mac = skbs.data(skb);
      const protocol = memory.readU16(mac + 12);
      skbs.setPktType(skb, packetType(memory.readBytes(mac, 6), device.mac));
      skbs.push(skb, -ETH_HLEN);
      memory.writeU16(skb + skbs.f.protocol, protocol);
      memory.writeU32(skb + skbs.f.skb_iif, device.index);
      if (device === devices.lo) this.#net.sent(device, skb);
      args.retU32(protocol);
    });
  }

  /** `ip_make_skb` of a UDP socket: the data that the system call sends behind their headers, as one buffer; 0 where it cannot be. */
  #udp(sk: Addr, msg: Addr, length: number): Addr {
    const { ports, devices } = this.#net;
    const payload = this.#net.payload(length);
    const to = this.#net.destination(sk, msg);
    if (to === undefined || payload === undefined) return 0;
    const { source } = devices.route(to.address);
    const local = ports.local(sk, source);
    const flow = { saddr: local.address, daddr: to.address, sport: local.port, dport: to.port };
    return this.ip(
      sk,
      IPPROTO.UDP,
      udpHeader(flow, payload.length),
      payload,
      flow,
      to.connected ? ports.nextId(sk) : 0,
    );
  }

  /** A datagram as a buffer: its data begin with the IP header. `header` is the transport's. */
  ip(
    sk: Addr,
    protocol: number,
    header: Uint8Array,
    payload: Uint8Array,
    flow: Flow,
    id: number,
    more: { readonly df?: boolean; readonly tos?: number } = {},
  ): Addr {
    const { kernel, skbs, devices } = this.#net;
    const { memory } = kernel;
    const length = header.length + payload.length;
    const ip = networkHeader(flow, protocol, length, id, more.df, more.tos);
    const skb = skbs.alloc(LL_ROOM, ip.length + length);
    skbs.put(skb, ip);
    skbs.put(skb, header);
    skbs.put(skb, payload);
    this.address(skb, sk, devices.route(flow.daddr).device.at, ip.length);
    memory.writeU16(skb + skbs.f.protocol, swap16(etherType(flow)));
    return skb;
  }
  /** Gives a buffer whose data begin with the IP header, so many bytes long, its socket and its route. */
  address(skb: Addr, sk: Addr, dev: Addr, header = IP_HLEN): void {
    const { kernel, skbs } = this.#net;
    const { memory } = kernel;
    memory.writeAddr(skb + skbs.f.sk, sk);
    memory.writeAddr(skb + skbs.f._skb_refdst, this.#route(dev));
    if (sk !== 0) {
      const sock = kernel.structs.of('sock');
      memory.writeU32(skb + skbs.f.priority, memory.readU32(sk + sock.offset('sk_priority')));
      memory.writeU32(skb + skbs.f.mark, memory.readU32(sk + sock.offset('sk_mark')));
    }
    skbs.resetHeader(skb, 'network_header');
    skbs.resetHeader(skb, 'transport_header', header);
  }
  #route(dev: Addr): Addr {
    let at = this.#routes.get(dev);
    if (at === undefined) {
      const { slab, memory, structs } = this.#net.kernel;
      const layout = structs.of('rtable');
      at = slab.kmalloc(layout.size);
      memory.writeAddr(at + layout.offset('dst.dev'), dev);
      this.#routes.set(dev, at);
    }
    return at;
  }
}

/** PACKET_HOST and its kin, as eth_type_trans compares addresses. */
function packetType(to: Uint8Array, own: Uint8Array): number {
  if (to.every((byte, n) => byte === own[n])) return PACKET.HOST;
  if (to.every((byte) => byte === 0xff)) return PACKET.BROADCAST;
  return (to[0] as number) & 1 ? PACKET.MULTICAST : PACKET.OTHERHOST;
}

/**
 * A frame as it is on the wire: checksums of UDP and TCP, which the stack leaves to the device
 * (Documentation/networking/checksum-offloads.rst), are there.
 */
export function onTheWire(frame: Uint8Array): Uint8Array {
  const type = get16(frame, 12);
  const six = type === ETH_P.IPV6;
  if (frame.length < ETH_HLEN + (six ? IP6_HLEN : IP_HLEN) || (type !== ETH_P.IP && !six)) return frame;
  const header = six ? IP6_HLEN : ((frame[ETH_HLEN] as number) & 15) * 4;
  const protocol = frame[ETH_HLEN + (six ? 6 : 9)] as number;
  const start = ETH_HLEN + header;
  const end = Math.min(frame.length, six ? start + get16(frame, ETH_HLEN + 4) : ETH_HLEN + get16(frame, ETH_HLEN + 2));
  const field = protocol === IPPROTO.UDP ? 6 : protocol === IPPROTO.TCP ? 16 : -1;
  if (field < 0 || start + Math.max(field + 2, UDP_HLEN) > end) return frame;
  const out = frame.slice();
  const transport = out.subarray(start, end);
  transport[field] = 0;
  transport[field + 1] = 0;
  const addresses = six ? out.subarray(ETH_HLEN + 8, ETH_HLEN + 40) : out.subarray(ETH_HLEN + 12, ETH_HLEN + 20);
  const sum = ~fold16(sum16(transport, sum16(addresses, protocol + transport.length))) & 0xffff;
  transport[field] = sum >> 8;
  transport[field + 1] = sum & 0xff;
  return out;
}
