/** Headers of the Internet protocols as bytes: IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768), ICMP (RFC 792), checksums (RFC 1071). */
import { IPPROTO } from '../../src/uapi/socket.ts';

/** include/uapi/linux/if_ether.h */
export const ETH_P = {
  '802_2': 4,
  IP: 0x0800,
  TEB: 0x6558,
  ARP: 0x0806,
  VLAN: 0x8100,
  IPV6: 0x86dd,
  QINQ: 0x88a8,
} as const;
export const IP_HLEN = 20;
export const IP6_HLEN = 40;
export const UDP_HLEN = 8;
export const TCP_HLEN = 20;
export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;
const IP_DF = 0x40;
const TTL = 64;

/** Sum of 16-bit words, not yet folded; an odd last byte counts as the upper half. */
export function sum16(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let n = 0; n + 1 < bytes.length; n += 2) sum += ((bytes[n] as number) << 8) | (bytes[n + 1] as number);
  if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] as number) << 8;
  return sum;
}
export function fold16(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}
export const put16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = (value >> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
};
export const put32 = (bytes: Uint8Array, at: number, value: number): void => {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
};
export const get16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Two ends of a flow: addresses as bytes, ports as numbers. */
export interface Flow {
  readonly saddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly sport: number;
  readonly dport: number;
}

/** `id` 0..65535, `tos` a byte */
export function ipHeader(flow: Flow, protocol: number, payload: number, id: number, df = true, tos = 0): Uint8Array {
  const h = new Uint8Array(IP_HLEN);
  h[0] = 0x45;
  h[1] = tos;
  put16(h, 2, IP_HLEN + payload);
  put16(h, 4, id);
  h[6] = df ? IP_DF : 0;
  h[8] = TTL;
  h[9] = protocol;
  h.set(flow.saddr, 12);
  h.set(flow.daddr, 16);
  put16(h, 10, ~fold16(sum16(h)) & 0xffff);
  return h;
}
/** `payload`: bytes behind the header */
export function ip6Header(flow: Flow, next: number, payload: number): Uint8Array {
  const h = new Uint8Array(IP6_HLEN);
  h[0] = 0x60;
  put16(h, 4, payload);
  h[6] = next;
  h[7] = TTL;
  h.set(flow.saddr, 8);
  h.set(flow.daddr, 24);
  return h;
}
/** Whether a flow's addresses are those of IPv6. */
export const isV6 = ({ daddr }: Pick<Flow, 'daddr'>): boolean => daddr.length === 16;
export const etherType = (flow: Flow): number => (isV6(flow) ? ETH_P.IPV6 : ETH_P.IP);
/** The header of the version that a flow's addresses have; `id` and what follows are IPv4's. */
export const networkHeader = (
  flow: Flow,
  protocol: number,
  payload: number,
  id = 0,
  df?: boolean,
  tos?: number,
): Uint8Array => (isV6(flow) ? ip6Header(flow, protocol, payload) : ipHeader(flow, protocol, payload, id, df, tos));
/** What goes the other way. */
export const reversed = ({ saddr, daddr, sport, dport }: Flow): Flow => ({
  saddr: daddr,
  daddr: saddr,
  sport: dport,
  dport: sport,
});
/** Sum of the pseudo header: what a device that computes checksums itself finds in their place. */
export const pseudoSum = (flow: Flow, protocol: number, length: number): number =>
  fold16(sum16(flow.daddr, sum16(flow.saddr, protocol + length)));

export function udpHeader(flow: Flow, payload: number): Uint8Array {
  const h = new Uint8Array(UDP_HLEN);
  put16(h, 0, flow.sport);
  put16(h, 2, flow.dport);
  put16(h, 4, UDP_HLEN + payload);
  put16(h, 6, pseudoSum(flow, IPPROTO.UDP, UDP_HLEN + payload));
  return h;
}
/** ICMP destination unreachable: the offending datagram's header and first bytes behind it. */
export function icmpUnreachable(code: number, datagram: Uint8Array): Uint8Array {
  // RFC 1812 4.3.2.3: as much as fits into 576 bytes
  const quoted = datagram.subarray(0, 576 - IP_HLEN - 8);
  const out = new Uint8Array(8 + quoted.length);
  out[0] = 3;
  out[1] = code;
  out.set(quoted, 8);
  put16(out, 2, ~fold16(sum16(out)) & 0xffff);
  return out;
}

/** What a packet says of its flow; undefined where it is neither IPv4 nor IPv6, or is cut off. */
export function parseIp(packet: Uint8Array): Packet | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= IP_HLEN)
    return parsed(packet, packet[9] as number, ((packet[0] as number) & 15) * 4, 12, 4);
  if (version === 6 && packet.length >= IP6_HLEN) return parsed(packet, packet[6] as number, IP6_HLEN, 8, 16);
  return undefined;
}
export interface Packet {
  readonly protocol: number;
  /** of the IP header, bytes */
  readonly header: number;
  readonly flow: Flow;
}
function parsed(packet: Uint8Array, protocol: number, header: number, addresses: number, size: number): Packet {
  const ports = protocol === IPPROTO.UDP || protocol === IPPROTO.TCP;
  return {
    protocol,
    header,
    flow: {
      saddr: packet.slice(addresses, addresses + size),
      daddr: packet.slice(addresses + size, addresses + 2 * size),
      sport: ports ? get16(packet, header) : 0,
      dport: ports ? get16(packet, header + 2) : 0,
    },
  };
}
