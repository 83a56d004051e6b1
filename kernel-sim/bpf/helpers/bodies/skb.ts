/** Packets in socket buffers: bpf-helpers(7), bpf_skb_load_bytes and its kin, and the functions that legacy loads call. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { SHARED_INFO } from '../../../net/packet.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';
import { csumAdd, csumFold, csumPartial, csumReplace2, csumReplace4 } from './checksum.ts';

const INT_MAX = 0x7fff_ffff;
/** SKF_AD_OFF, SKF_NET_OFF and SKF_LL_OFF of include/uapi/linux/filter.h: negative offsets of classic filters. */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;
const BPF_F_RECOMPUTE_CSUM = 1;
const BPF_F_INVALIDATE_HASH = 2;

/** The buffer that argument n points to. */
export const skbArg = (call: HelperCall, n: number): GuestStruct =>
  new GuestStruct(call.kernel, 'sk_buff', call.args.addr(n));

/** Address of `size` bytes at an offset in the packet, 0 where they are not there. */
function inPacket(skb: GuestStruct, offset: number, size: number): Addr {
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

const loadBytes: HelperBody = (call) => {
  const { args, kernel } = call;
  const [offset, to, size] = [args.u32(1), args.addr(2), args.u32(3)];
  const at = offset > INT_MAX ? 0 : inPacket(skbArg(call, 0), offset, size);
  if (at === 0) {
    kernel.memory.fillBytes(to, 0, size);
    args.retInt(-ERRNO.EFAULT);
    return;
  }
  kernel.memory.writeBytes(to, kernel.memory.readBytes(at, size));
  args.retInt(0);
};

function updateDataEnd(call: HelperCall, skb: GuestStruct): void {
  const end = new GuestStruct(call.kernel, 'bpf_skb_data_end', skb.addressOf('cb'));
  const data = skb.get('data');
  end.set('data_meta', data).set('data_end', data + skb.get('len') - skb.get('data_len'));
}

/** Gives the packet a new buffer with more room; header offsets move with the head. */
function grow(call: HelperCall, skb: GuestStruct, front: number, back: number): void {
  const { host } = call.state;
  const { memory } = host;
  const [head, end] = [skb.get('head'), skb.get('end')];
  const used = Math.ceil((front + end + back) / 64) * 64;
  const fresh = host.kmalloc(used + SHARED_INFO);
  memory.writeBytes(fresh + front, memory.readBytes(head, end));
  memory.writeBytes(fresh + used, memory.readBytes(head + end, SHARED_INFO));
  skb
    .set('data', fresh + front + (skb.get('data') - head))
    .set('head', fresh)
    .set('end', used);
  for (const f of ['tail', 'network_header', 'mac_header', 'transport_header']) {
    const v = skb.get(f);
    if (f === 'tail' || v !== 0xffff) skb.set(f, v + front);
  }
  host.kfree(head);
}

function changeTail(call: HelperCall, length: number): number {
  const skb = skbArg(call, 0);
  const now = skb.get('len');
  if (length > now) {
    const room = skb.get('end') - skb.get('tail');
    if (room < length - now) grow(call, skb, 0, length - now - room);
    call.kernel.memory.fillBytes(skb.get('data') + now, 0, length - now);
  }
  skb.set('len', length).set('tail', skb.get('data') - skb.get('head') + length);
  updateDataEnd(call, skb);
  return 0;
}

/** Room for `bytes` at the front, zeroed. */
function pushHead(call: HelperCall, skb: GuestStruct, bytes: number): void {
  const headroom = skb.get('data') - skb.get('head');
  if (headroom < bytes) grow(call, skb, Math.ceil((bytes - headroom) / 64) * 64, 0);
  const data = skb.get('data') - bytes;
  call.kernel.memory.fillBytes(data, 0, bytes);
  skb
    .set('data', data)
    .set('len', skb.get('len') + bytes)
    .set('mac_header', data - skb.get('head'));
}

/** Moves `length` bytes at the packet's start by `delta` (towards the front where negative). */
function shiftFront(call: HelperCall, skb: GuestStruct, length: number, delta: number): void {
  const { memory } = call.kernel;
  const data = skb.get('data');
  memory.writeBytes(data + delta, memory.readBytes(data, length));
}

const redirect: HelperBody = ({ args, kernel }) => {
  const refused = (args.lo(1) & ~1) !== 0 || args.hi(1) !== 0;
  if (!refused) kernel.net.redirect.set({ kind: 'device', index: args.u32(0), flags: args.u32(1) });
  args.retU32(refused ? 2 : 7);
};

/** Checksum in the packet at an offset, replaced by `change`; -EFAULT beyond the packet. */
function replaceChecksum(call: HelperCall, change: (sum: number) => number | undefined): void {
  const { args, kernel } = call;
  const offset = args.u32(1);
  const at = offset & 1 || offset > INT_MAX ? 0 : inPacket(skbArg(call, 0), offset, 2);
  if (at === 0) {
    args.retInt(-ERRNO.EFAULT);
    return;
  }
  const sum = change(kernel.memory.readU16(at));
  if (sum === undefined) {
    args.retInt(-ERRNO.EINVAL);
    return;
  }
  kernel.memory.writeU16(at, sum);
  args.retInt(0);
}

const BPF_F_HDR_FIELD_MASK = 0xf;
const BPF_F_PSEUDO_HDR = 0x10;
const BPF_F_MARK_MANGLED_0 = 0x20;
const BPF_F_MARK_ENFORCE = 0x40;
const BPF_F_IPV6 = 0x80;

function replaced(call: HelperCall, sum: number, size: number, whole: boolean): number | undefined {
  const { args } = call;
  if (size === 0)
    return whole && args.lo(2) === 0 && args.hi(2) === 0 ? csumFold(csumAdd(~sum & 0xffff, args.u32(3))) : undefined;
  if (size === 2) return csumReplace2(sum, args.u32(2) & 0xffff, args.u32(3) & 0xffff);
  return size === 4 ? csumReplace4(sum, args.u32(2), args.u32(3)) : undefined;
}

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

  bpf_skb_load_bytes: loadBytes,
  bpf_flow_dissector_load_bytes: loadBytes,
  sk_reuseport_load_bytes: loadBytes,
  bpf_skb_load_bytes_relative: (call) => {
    const { args, kernel } = call;
    const skb = skbArg(call, 0);
    const [offset, to, size, start] = [args.u32(1), args.addr(2), args.u32(3), args.u32(4)];
    const base = start === 0 ? skb.get('mac_header') : start === 1 ? skb.get('network_header') : -1;
    const from = skb.get('head') + base + offset;
    const end = skb.get('data') + skb.get('len');
    if (base < 0 || offset > 0xffff || base === 0xffff || from + size > end) {
      kernel.memory.fillBytes(to, 0, size);
      args.retInt(-ERRNO.EFAULT);
      return;
    }
    kernel.memory.writeBytes(to, kernel.memory.readBytes(from, size));
    args.retInt(0);
  },
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
  bpf_skb_pull_data: (call) => {
    const skb = skbArg(call, 0);
    const length = call.args.u32(1);
    call.args.retInt(length > skb.get('len') ? -ERRNO.ENOMEM : 0);
    updateDataEnd(call, skb);
  },
  sk_skb_pull_data: (call) => call.args.retInt(call.args.u32(1) > skbArg(call, 0).get('len') ? -ERRNO.ENOMEM : 0),
  bpf_skb_change_tail: (call) => {
    const { args } = call;
    const length = args.u32(1);
    const skb = skbArg(call, 0);
    const least = skb.get('network_header') - (skb.get('data') - skb.get('head'));
    args.retInt(args.lo(2) !== 0 || length > 0xffff || length < least ? -ERRNO.EINVAL : changeTail(call, length));
  },
  bpf_skb_change_head: (call) => {
    const { args } = call;
    const skb = skbArg(call, 0);
    const bytes = args.u32(1);
    if (args.lo(2) !== 0 || skb.get('len') + bytes > 0xffff) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    pushHead(call, skb, bytes);
    updateDataEnd(call, skb);
    args.retInt(0);
  },
  bpf_skb_adjust_room: (call) => {
    const { args } = call;
    const skb = skbArg(call, 0);
    const delta = args.lo(1);
    const mode = args.u32(2);
    const net = skb.get('network_header') - (skb.get('data') - skb.get('head'));
    const inner = mode === 1 ? net : net + 20;
    const bad =
      args.u32(3) & ~0x1ff ? ERRNO.EINVAL : Math.abs(delta) > 0xfff ? ERRNO.EFAULT : mode > 1 ? ERRNO.ENOTSUPP : 0;
    if (bad !== 0) {
      args.retInt(-bad);
      return;
    }
    if (delta > 0) {
      pushHead(call, skb, delta);
      const { memory } = call.kernel;
      const data = skb.get('data');
      memory.writeBytes(data, memory.readBytes(data + delta, inner));
      memory.fillBytes(data + inner, 0, delta);
      skb.set('network_header', data - skb.get('head') + net);
    } else if (delta < 0) {
      if (skb.get('len') + delta < inner) {
        args.retInt(-ERRNO.ENOTSUPP);
        return;
      }
      shiftFront(call, skb, inner, -delta);
      const data = skb.get('data') - delta;
      skb
        .set('data', data)
        .set('len', skb.get('len') + delta)
        .set('mac_header', data - skb.get('head'));
      skb.set('network_header', data - skb.get('head') + net);
    }
    updateDataEnd(call, skb);
    args.retInt(0);
  },
  bpf_skb_vlan_push: (call) => {
    const skb = skbArg(call, 0);
    const proto = call.args.u32(1) & 0xffff;
    skb
      .set('vlan_proto', proto === 0x0081 || proto === 0xa888 ? proto : 0x0081)
      .set('vlan_tci', call.args.u32(2) & 0xffff);
    call.args.retInt(0);
  },
  bpf_skb_vlan_pop: (call) => {
    skbArg(call, 0).set('vlan_proto', 0).set('vlan_tci', 0);
    call.args.retInt(0);
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
  bpf_get_hash_recalc: (call) => call.args.retU32(skbArg(call, 0).get('hash')),
  bpf_get_cgroup_classid: ({ args }) => args.retU32(0),
  bpf_skb_cgroup_classid: ({ args }) => args.retU32(0),
  bpf_get_route_realm: ({ args }) => args.retU32(0),
  bpf_get_socket_cookie: ({ args }) => args.retU32(0),
  bpf_get_socket_uid: ({ args }) => args.retU32(0xfffe),
  bpf_skb_cgroup_id: ({ args }) => args.retU32(1),
  bpf_redirect: redirect,
  bpf_csum_update: (call) => {
    const skb = skbArg(call, 0);
    // only packets whose checksum is complete (ip_summed 2) have one to update
    if (skb.get('ip_summed') !== 2) call.args.retInt(-ERRNO.ENOTSUPP);
    else {
      skb.set('csum', csumAdd(skb.get('csum'), call.args.u32(1)));
      call.args.retU32(skb.get('csum'));
    }
  },
  bpf_csum_level: ({ args }) =>
    args.retInt(args.u32(1) > 3 || args.hi(1) !== 0 ? -ERRNO.EINVAL : args.u32(1) === 0 ? -ERRNO.EACCES : 0),
  bpf_csum_diff: ({ args, kernel }) => {
    const [fromSize, toSize] = [args.u32(1), args.u32(3)];
    if (fromSize % 4 !== 0 || toSize % 4 !== 0) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const from = fromSize > 0 ? csumPartial(kernel.memory.readBytes(args.addr(0), fromSize), 0) : 0;
    const seed = fromSize > 0 ? csumAdd(args.u32(4), ~from >>> 0) : args.u32(4);
    const sum = toSize > 0 ? csumPartial(kernel.memory.readBytes(args.addr(2), toSize), seed) : seed;
    args.retU32(sum);
  },
  bpf_l3_csum_replace: (call) => {
    const { args } = call;
    const flags = args.u32(4);
    if (flags & ~BPF_F_HDR_FIELD_MASK) args.retInt(-ERRNO.EINVAL);
    else replaceChecksum(call, (sum) => replaced(call, sum, flags & BPF_F_HDR_FIELD_MASK, true));
  },
  bpf_l4_csum_replace: (call) => {
    const { args } = call;
    const flags = args.u32(4);
    if (flags & ~(BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6)) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    replaceChecksum(call, (sum) => {
      if (flags & BPF_F_MARK_MANGLED_0 && !(flags & BPF_F_MARK_ENFORCE) && sum === 0) return 0;
      const next = replaced(call, sum, flags & BPF_F_HDR_FIELD_MASK, true);
      return next === 0 && flags & BPF_F_MARK_MANGLED_0 ? 0xffff : next;
    });
  },
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
