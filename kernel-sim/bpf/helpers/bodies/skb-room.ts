/**
 * Helpers that give packets another size or shape: bpf-helpers(7), bpf_skb_adjust_room, bpf_skb_change_proto, bpf_skb_vlan_push
 * and their kin.
 */
import { ERRNO } from '../../../core/errno.ts';
import type { GuestStruct } from '../../../core/guest-struct.ts';
import { ETH_P } from '../../../net/inet.ts';
import { ETH_HLEN, swap16, VLAN_HLEN } from '../../../net/packet.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';
import { skbArg } from './skb.ts';

/** BPF_SKB_MAX_LEN: what four pages hold besides struct skb_shared_info */
const MAX_LENGTH = 16_064;
const NO_HEADER = 0xffff;
const [IPV4_HLEN, IPV6_HLEN] = [20, 40];
/** headers as the packet has them: network byte order */
const [IP, IPV6] = [swap16(ETH_P.IP), swap16(ETH_P.IPV6)];
const [VLAN, QINQ] = [swap16(ETH_P.VLAN), swap16(ETH_P.QINQ)];
const isVlan = (protocol: number): boolean => protocol === VLAN || protocol === QINQ;
/** bytes of two Ethernet addresses */
const ADDRESSES = 12;

/** A body that answers with an error number or 0; direct packet access sees what it did. */
const changing =
  (change: (skb: GuestStruct, call: HelperCall) => number): HelperBody =>
  (call) => {
    const skb = skbArg(call, 0);
    call.args.retInt(change(skb, call));
    call.kernel.net.skbs.setDataPointers(skb.at);
  };
const hasFlags = ({ args }: HelperCall, n: number): boolean => (args.lo(n) | args.hi(n)) !== 0;

const networkOffset = (skb: GuestStruct): number => skb.get('network_header') - (skb.get('data') - skb.get('head'));
const macLength = (skb: GuestStruct): number => skb.get('network_header') - skb.get('mac_header');
/** `bpf_skb_net_base_len`: 0 where it is not IP */
const baseLength = (protocol: number): number => (protocol === IP ? IPV4_HLEN : protocol === IPV6 ? IPV6_HLEN : 0);

/** `bpf_skb_generic_push`: `bytes` zeroes behind the first `offset` bytes, which move to the front. */
function insert(call: HelperCall, skb: GuestStruct, offset: number, bytes: number): void {
  const { memory, net } = call.kernel;
  const headroom = skb.get('data') - skb.get('head');
  if (headroom < bytes) net.skbs.expand(skb.at, bytes - headroom);
  const data = net.skbs.push(skb.at, bytes);
  memory.writeBytes(data, memory.readBytes(data + bytes, offset));
  memory.fillBytes(data + offset, 0, bytes);
}
/** `bpf_skb_generic_pop`: the other way round; false where they are not there. */
function remove(call: HelperCall, skb: GuestStruct, offset: number, bytes: number): boolean {
  const { memory, net } = call.kernel;
  if (offset + bytes > skb.get('len')) return false;
  const data = skb.get('data');
  memory.writeBytes(data + bytes, memory.readBytes(data, offset));
  net.skbs.push(skb.at, -bytes);
  return true;
}
/** `bpf_skb_net_hdr_push` and `_pop`: link and network header move along, a transport header only where it is the network's. */
function moveHeaders(skb: GuestStruct, by: number): void {
  const same = skb.get('transport_header') === skb.get('network_header');
  skb.set('mac_header', skb.get('mac_header') + by).set('network_header', skb.get('network_header') + by);
  if (same) skb.set('transport_header', skb.get('network_header'));
}
function insertHeader(call: HelperCall, skb: GuestStruct, offset: number, bytes: number): void {
  insert(call, skb, offset, bytes);
  moveHeaders(skb, -bytes);
}
function removeHeader(call: HelperCall, skb: GuestStruct, offset: number, bytes: number): number {
  if (!remove(call, skb, offset, bytes)) return -ERRNO.ENOMEM;
  moveHeaders(skb, bytes);
  return 0;
}

/** `bpf_skb_proto_xlat`: between IPv4 and IPv6 only, and the headers' contents are the program's. */
const changeProto = changing((skb, call) => {
  if (hasFlags(call, 2)) return -ERRNO.EINVAL;
  const [from, to] = [skb.get('protocol'), call.args.u32(1) & 0xffff];
  const difference = IPV6_HLEN - IPV4_HLEN;
  if (from === IP && to === IPV6) insertHeader(call, skb, macLength(skb), difference);
  else if (from === IPV6 && to === IP) {
    const failed = removeHeader(call, skb, macLength(skb), difference);
    if (failed !== 0) return failed;
  } else return -ERRNO.ENOTSUPP;
  skb.set('protocol', to).set('hash', 0);
  return 0;
});

/** BPF_F_ADJ_ROOM_*, include/uapi/linux/bpf.h */
const F = {
  FIXED_GSO: 1,
  ENCAP_L3_IPV4: 2,
  ENCAP_L3_IPV6: 4,
  ENCAP_L4_GRE: 8,
  ENCAP_L4_UDP: 0x10,
  NO_CSUM_RESET: 0x20,
  ENCAP_L2_ETH: 0x40,
  DECAP_L3_IPV4: 0x80,
  DECAP_L3_IPV6: 0x100,
} as const;
const ENCAP_L3 = F.ENCAP_L3_IPV4 | F.ENCAP_L3_IPV6;
const ENCAP = ENCAP_L3 | F.ENCAP_L4_GRE | F.ENCAP_L4_UDP | F.ENCAP_L2_ETH;
const DECAP_L3 = F.DECAP_L3_IPV4 | F.DECAP_L3_IPV6;
const ROOM_FLAGS = F.FIXED_GSO | F.NO_CSUM_RESET | ENCAP | DECAP_L3;
const MAX_ROOM = 0xfff;
/** BPF_ADJ_ROOM_NET, BPF_ADJ_ROOM_MAC: behind the network header, or behind the link's */
const [ROOM_NET, ROOM_MAC] = [0, 1];

const adjustRoom = changing((skb, call) => {
  const { args } = call;
  const [delta, mode, flags] = [args.lo(1), args.u32(2), args.u32(3)];
  // the highest byte is the length of an inner link header
  if (flags & ~ROOM_FLAGS || args.hi(3) & 0xff_ffff) return -ERRNO.EINVAL;
  const bytes = Math.abs(delta);
  if (bytes > MAX_ROOM) return -ERRNO.EFAULT;
  const base = baseLength(skb.get('protocol'));
  if (base === 0 || (mode !== ROOM_NET && mode !== ROOM_MAC)) return -ERRNO.ENOTSUPP;
  const offset = macLength(skb) + (mode === ROOM_NET ? base : 0);
  let least = base;
  if (flags & DECAP_L3) {
    if (delta >= 0 || (flags & DECAP_L3) === DECAP_L3) return -ERRNO.EINVAL;
    least = flags & F.DECAP_L3_IPV4 ? IPV4_HLEN : IPV6_HLEN;
  }
  if (delta < 0 && skb.get('len') - networkOffset(skb) - bytes < least) return -ERRNO.ENOTSUPP;
  if (delta >= 0 && skb.get('len') + bytes > MAX_LENGTH) return -ERRNO.ENOTSUPP;
  return delta < 0
    ? shrinkRoom(call, skb, offset, bytes, flags)
    : growRoom(call, skb, offset, bytes, flags, args.hi(3) >>> 24);
});

function growRoom(
  call: HelperCall,
  skb: GuestStruct,
  offset: number,
  bytes: number,
  flags: number,
  inner: number,
): number {
  const encapsulates = (flags & ENCAP_L3) !== 0;
  if (encapsulates) {
    if ((flags & ENCAP_L3) === ENCAP_L3) return -ERRNO.EINVAL;
    if (flags & F.ENCAP_L4_GRE && flags & F.ENCAP_L4_UDP) return -ERRNO.EINVAL;
    if (flags & F.ENCAP_L2_ETH && inner < ETH_HLEN) return -ERRNO.EINVAL;
    if (skb.get('encapsulation') !== 0) return -ERRNO.EALREADY;
    if (inner > bytes) return -ERRNO.EINVAL;
  }
  const mac = macLength(skb);
  const headroom = skb.get('data') - skb.get('head');
  if (headroom < bytes) call.kernel.net.skbs.expand(skb.at, bytes - headroom);
  const [network, transport] = [skb.get('network_header'), skb.get('transport_header')];
  insertHeader(call, skb, offset, bytes);
  if (!encapsulates) return 0;
  const protocol = skb.get('protocol');
  skb
    .set('inner_mac_header', network - inner)
    .set('inner_network_header', network)
    .set('inner_transport_header', transport)
    .set('inner_protocol', flags & F.ENCAP_L2_ETH ? swap16(ETH_P.TEB) : protocol)
    .set('encapsulation', 1)
    .set('network_header', skb.get('data') - skb.get('head') + mac);
  skb.set('protocol', flags & F.ENCAP_L3_IPV6 ? IPV6 : IP);
  return 0;
}
function shrinkRoom(call: HelperCall, skb: GuestStruct, offset: number, bytes: number, flags: number): number {
  if (flags & ENCAP) return -ERRNO.EINVAL;
  const failed = removeHeader(call, skb, offset, bytes);
  if (failed === 0 && flags & DECAP_L3) skb.set('protocol', flags & F.DECAP_L3_IPV6 ? IPV6 : IP);
  return failed;
}

/** `__bpf_skb_min_len`: headers that were found are kept */
function leastLength(skb: GuestStruct): number {
  const transport = skb.get('transport_header');
  const network = networkOffset(skb);
  const behind = transport - (skb.get('data') - skb.get('head'));
  return transport !== NO_HEADER && behind > 0 ? behind : Math.max(0, network);
}
function resize(call: HelperCall, skb: GuestStruct, length: number): number {
  const { memory, net } = call.kernel;
  const now = skb.get('len');
  if (length > now) {
    const room = skb.get('end') - skb.get('tail');
    if (room < length - now) net.skbs.expand(skb.at, 0, length - now - room);
    memory.fillBytes(skb.get('data') + now, 0, length - now);
  }
  net.skbs.trim(skb.at, length);
  return 0;
}
const changeTail = changing((skb, call) => {
  const length = call.args.u32(1);
  return hasFlags(call, 2) || length > MAX_LENGTH || length < leastLength(skb)
    ? -ERRNO.EINVAL
    : resize(call, skb, length);
});
const changeHead = changing((skb, call) => {
  const bytes = call.args.u32(1);
  if (hasFlags(call, 2) || skb.get('len') + bytes > MAX_LENGTH) return -ERRNO.EINVAL;
  insert(call, skb, 0, bytes);
  call.kernel.net.skbs.resetHeader(skb.at, 'mac_header');
  skb.set('mac_len', macLength(skb));
  return 0;
});
/** Data of the model's buffers lie in one piece. */
const pullData = changing((skb, { args }) => (args.u32(1) > skb.get('len') ? -ERRNO.ENOMEM : 0));

const setTag = (skb: GuestStruct, protocol: number, tci: number): void =>
  void skb.set('vlan_proto', protocol).set('vlan_tci', tci);
const hasTag = (skb: GuestStruct): boolean => skb.get('vlan_proto') !== 0 || skb.get('vlan_tci') !== 0;

/** `skb_vlan_push`: the tag goes beside the packet; one that is there already goes into it. */
const vlanPush = changing((skb, call) => {
  const { memory, net } = call.kernel;
  const given = call.args.u32(1) & 0xffff;
  if (hasTag(skb)) {
    const protocol = skb.get('vlan_proto');
    insert(call, skb, ADDRESSES, VLAN_HLEN);
    const at = net.skbs.data(skb.at) + ADDRESSES;
    memory.writeU16(at, protocol);
    memory.writeU16(at + 2, swap16(skb.get('vlan_tci')));
    skb
      .set('mac_header', skb.get('mac_header') - VLAN_HLEN)
      .set('protocol', protocol)
      .set('mac_len', skb.get('mac_len') + VLAN_HLEN);
  }
  setTag(skb, isVlan(given) ? given : VLAN, call.args.u32(2) & 0xffff);
  return 0;
});
/** `__skb_vlan_pop`: takes a tag out of the packet; its number, below zero where it cannot. */
function takeTag(call: HelperCall, skb: GuestStruct): number {
  const { memory, net } = call.kernel;
  if (skb.get('len') < ETH_HLEN + VLAN_HLEN) return -ERRNO.ENOMEM;
  const data = net.skbs.data(skb.at);
  const tci = swap16(memory.readU16(data + ETH_HLEN));
  const inner = memory.readU16(data + ETH_HLEN + 2);
  remove(call, skb, ADDRESSES, VLAN_HLEN);
  // vlan_set_encap_proto: below 1536 it is a length
  skb.set('protocol', swap16(inner) >= 1536 ? inner : swap16(ETH_P['802_2']));
  skb.set('mac_header', skb.get('mac_header') + VLAN_HLEN);
  if (networkOffset(skb) < ETH_HLEN) net.skbs.resetHeader(skb.at, 'network_header', ETH_HLEN);
  skb.set('mac_len', macLength(skb));
  return tci;
}
/** `skb_vlan_pop`: the next tag in the packet comes to its side. */
const vlanPop = changing((skb, call) => {
  if (hasTag(skb)) setTag(skb, 0, 0);
  else {
    if (!isVlan(skb.get('protocol'))) return 0;
    const taken = takeTag(call, skb);
    if (taken < 0) return taken;
  }
  const protocol = skb.get('protocol');
  if (!isVlan(protocol)) return 0;
  const tci = takeTag(call, skb);
  if (tci < 0) return tci;
  setTag(skb, protocol, tci);
  return 0;
});

/** Of a parser's or verdict's packet, which has no link header: bytes in front of it come and go. */
const adjustFront = changing((skb, call) => {
  const { args } = call;
  const delta = args.lo(1);
  if (args.u32(2) !== 0 || hasFlags(call, 3)) return -ERRNO.EINVAL;
  if (Math.abs(delta) > MAX_ROOM) return -ERRNO.EFAULT;
  if (delta >= 0) insert(call, skb, 0, delta);
  else if (!remove(call, skb, 0, -delta)) return -ERRNO.ENOMEM;
  return 0;
});

export const SKB_ROOM: HelperBodies = {
  bpf_skb_change_proto: changeProto,
  bpf_skb_adjust_room: adjustRoom,
  bpf_skb_change_tail: changeTail,
  bpf_skb_change_head: changeHead,
  bpf_skb_pull_data: pullData,
  bpf_skb_vlan_push: vlanPush,
  bpf_skb_vlan_pop: vlanPop,
  sk_skb_pull_data: pullData,
  sk_skb_change_tail: changeTail,
  sk_skb_change_head: changeHead,
  sk_skb_adjust_room: adjustFront,
};
