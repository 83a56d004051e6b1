/** Packets in socket buffers: bpf-helpers(7), bpf_skb_load_bytes and its kin, and the functions that legacy loads call. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { BPF_F_INVALIDATE_HASH, BPF_F_RECOMPUTE_CSUM } from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { type HelperBodies, type HelperBody, type HelperCall, pair } from './call.ts';

export const INT_MAX = 0x7fff_ffff;
/** SKF_AD_OFF, SKF_NET_OFF and SKF_LL_OFF of include/uapi/linux/filter.h: negative offsets of classic filters. */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;

/** The buffer that argument n points to. */
export const skbArg = (call: HelperCall, n: number): GuestStruct =>
  new GuestStruct(call.kernel, 'sk_buff', call.args.addr(n));

/** Address of `size` bytes at an offset in the packet, 0 where they are not there. */
export function inPacket(skb: GuestStruct, offset: number, size: number): Addr {
  return offset >= 0 && offset + size <= skb.get('len') ? skb.get('data') + offset : 0;
}

/** bpf_internal_load_pointer_neg_helper: offsets below zero name a header. */
function negative(skb: GuestStruct, offset: number, size: number): Addr {
  const tail = skb.get('head') + skb.get('tail');
  const from =
    offset >= SKF_NET_OFF
      ? skb.get('head') + skb.get('network_header') + (offset - SKF_NET_OFF)
      : offset >= SKF_LL_OFF
        ? skb.get('head') + skb.get('mac_header') + (offset - SKF_LL_OFF)
        : 0;
  return from !== 0 && from >= skb.get('head') && from + size <= tail ? from : 0;
}

/** Big-endian load; -EFAULT beyond the packet. `cached`: arguments are (skb, data, headlen, offset) instead of (skb, offset). */
const loadHelper =
  (size: 1 | 2 | 4, cached: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const offset = args.lo(cached ? 3 : 1);
    const skb = skbArg(call, 0);
    const at = offset >= 0 ? inPacket(skb, offset, size) : negative(skb, offset, size);
    if (at === 0) {
      args.retInt(-ERRNO.EFAULT);
      return;
    }
    const b = kernel.memory.readBytes(at, size);
    let value = 0;
    for (const byte of b) value = (value << 8) | byte;
    // zero-extended, so that only errors are negative
    args.retU32(value);
  };

/** The buffer that a context leads to; 0 where it has none. */
type Buffer = (call: HelperCall) => Addr;
const itself: Buffer = (call) => call.args.addr(0);
const ofReuseport: Buffer = (call) => new GuestStruct(call.kernel, 'sk_reuseport_kern', call.args.addr(0)).get('skb');
const ofDissector: Buffer = (call) => new GuestStruct(call.kernel, 'bpf_flow_dissector', call.args.addr(0)).get('skb');

/** What is not there is zeroed. */
function copyOut(call: HelperCall, from: Addr): void {
  const { args, kernel } = call;
  const [to, size] = [args.addr(2), args.u32(3)];
  if (from === 0) kernel.memory.fillBytes(to, 0, size);
  else kernel.memory.writeBytes(to, kernel.memory.readBytes(from, size));
  args.retInt(from === 0 ? -ERRNO.EFAULT : 0);
}
const loadBytes =
  (buffer: Buffer): HelperBody =>
  (call) => {
    const [offset, at] = [call.args.u32(1), buffer(call)];
    const isThere = at !== 0 && offset <= INT_MAX;
    copyOut(call, isThere ? inPacket(new GuestStruct(call.kernel, 'sk_buff', at), offset, call.args.u32(3)) : 0);
  };
/** BPF_HDR_START_MAC, BPF_HDR_START_NET */
const HEADERS = ['mac_header', 'network_header'] as const;
const NO_HEADER = 0xffff;
const loadRelative =
  (buffer: Buffer): HelperBody =>
  (call) => {
    const { args } = call;
    const skb = new GuestStruct(call.kernel, 'sk_buff', buffer(call));
    const header = HEADERS[args.u32(4)];
    const base = header === undefined ? NO_HEADER : skb.get(header);
    const from = skb.get('head') + base + args.u32(1);
    const isThere =
      base !== NO_HEADER && args.u32(1) <= 0xffff && from + args.u32(3) <= skb.get('data') + skb.get('len');
    copyOut(call, isThere ? from : 0);
  };

const redirect: HelperBody = ({ args, kernel }) => {
  const refused = (args.lo(1) & ~1) !== 0 || args.hi(1) !== 0;
  if (!refused) kernel.net.redirect.set({ kind: 'device', index: args.u32(0), flags: args.u32(1) });
  args.retU32(refused ? 2 : 7);
};

export const SKB: HelperBodies = {
  bpf_skb_load_helper_8: loadHelper(1, true),
  bpf_skb_load_helper_16: loadHelper(2, true),
  bpf_skb_load_helper_32: loadHelper(4, true),
  bpf_skb_load_helper_8_no_cache: loadHelper(1, false),
  bpf_skb_load_helper_16_no_cache: loadHelper(2, false),
  bpf_skb_load_helper_32_no_cache: loadHelper(4, false),
  /** Offset of the payload behind the transport header, as the flow dissector finds it. */
  bpf_skb_get_pay_offset: (call) => call.args.retU32(payloadOffset(call)),
  bpf_skb_get_nlattr: (call) => call.args.retU32(netlinkAttribute(call, false)),
  bpf_skb_get_nlattr_nest: (call) => call.args.retU32(netlinkAttribute(call, true)),

  bpf_skb_load_bytes: loadBytes(itself),
  bpf_flow_dissector_load_bytes: loadBytes(ofDissector),
  sk_reuseport_load_bytes: loadBytes(ofReuseport),
  bpf_skb_load_bytes_relative: loadRelative(itself),
  sk_reuseport_load_bytes_relative: loadRelative(ofReuseport),
  bpf_skb_store_bytes: (call) => {
    const { args, kernel } = call;
    const flags = args.u32(4);
    const [offset, size] = [args.u32(1), args.u32(3)];
    const at = offset > INT_MAX ? 0 : inPacket(skbArg(call, 0), offset, size);
    if (flags & ~(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH)) args.retInt(-ERRNO.EINVAL);
    else if (at === 0) args.retInt(-ERRNO.EFAULT);
    else {
      kernel.memory.writeBytes(at, kernel.memory.readBytes(args.addr(2), size));
      if (flags & BPF_F_INVALIDATE_HASH) skbArg(call, 0).set('hash', 0);
      args.retInt(0);
    }
  },
  bpf_skb_change_type: (call) => {
    const skb = skbArg(call, 0);
    const type = call.args.u32(1);
    const fine = skb.get('pkt_type') <= 3 && type <= 3;
    if (fine) skb.set('pkt_type', type);
    call.args.retInt(fine ? 0 : -ERRNO.EINVAL);
  },
  bpf_set_hash: (call) => {
    skbArg(call, 0).set('hash', call.args.u32(1));
    call.args.retInt(0);
  },
  bpf_set_hash_invalid: (call) => {
    skbArg(call, 0).set('hash', 0);
    call.args.retInt(0);
  },
  bpf_get_hash_recalc: (call) => {
    const skb = skbArg(call, 0);
    // skb_get_hash: the flow is dissected where nobody has hashed it yet
    if (skb.get('hash') === 0 && skb.get('dev') !== 0)
      call.callback(call.kernel.text.place('__skb_get_hash_net'), [[0, 0], pair(call.args.addr(0))]);
    call.args.retU32(skb.get('hash'));
  },
  bpf_get_cgroup_classid: ({ args }) => args.retU32(0),
  bpf_skb_cgroup_classid: ({ args }) => args.retU32(0),
  bpf_get_route_realm: ({ args }) => args.retU32(0),
  bpf_skb_cgroup_id: ({ args }) => args.retU32(1),
  bpf_redirect: redirect,
};

/** Bytes of a transport header by IP protocol: ICMP, IGMP, UDP, DCCP, ICMPv6, SCTP, UDP-Lite. */
const HEADER_SIZES: Readonly<Record<number, number>> = { 1: 8, 2: 8, 17: 8, 33: 12, 58: 8, 132: 12, 136: 8 };

/** bpf_skb_get_pay_offset for IPv4 and IPv6 with TCP, UDP or ICMP; 0 where there is no transport header. */
function payloadOffset(call: HelperCall): number {
  const skb = skbArg(call, 0);
  const { memory } = call.kernel;
  const net = skb.get('head') + skb.get('network_header');
  const data = skb.get('data');
  const end = data + skb.get('len');
  if (net + 20 > end) return 0;
  const version = memory.readU8(net) >> 4;
  const [header, protocol] =
    version === 4
      ? [(memory.readU8(net) & 15) * 4, memory.readU8(net + 9)]
      : version === 6
        ? [40, memory.readU8(net + 6)]
        : [0, 0];
  const transport = net + header;
  if (header === 0 || transport > end) return 0;
  // a TCP header says how long it is
  if (protocol === 6 && transport + 13 <= end)
    return transport - data + Math.max(20, (memory.readU8(transport + 12) & 0xf0) >> 2);
  return transport - data + (HEADER_SIZES[protocol] ?? 0);
}

/** SKF_AD_NLATTR: offset of a netlink attribute, from the offset in the second argument, of the type in the third. */
function netlinkAttribute(call: HelperCall, nested: boolean): number {
  const { args, kernel } = call;
  const skb = skbArg(call, 0);
  const length = skb.get('len');
  const [start, type] = [args.u32(1), args.u32(2)];
  const data = skb.get('data');
  if (length < 4 || start > length - 4) return 0;
  let at = start;
  let end = length;
  if (nested) {
    const size = kernel.memory.readU16(data + at);
    if (size > length - at) return 0;
    end = at + size;
    at += 4;
  }
  while (at + 4 <= end) {
    const size = kernel.memory.readU16(data + at);
    if (size < 4 || at + size > end) return 0;
    if ((kernel.memory.readU16(data + at + 2) & 0x3fff) === type) return at;
    at += (size + 3) & ~3;
  }
  return 0;
}
