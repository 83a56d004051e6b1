/** Lightweight tunnels: bpf-helpers(7), bpf_lwt_push_encap and the helpers of IPv6 segment routing (RFC 8754). */
import type { Addr } from '../../../../src/machine/addr.ts';
import { IPPROTO } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { GuestStruct } from '../../../core/guest-struct.ts';
import { ETH_P } from '../../../net/inet.ts';
import { swap16 } from '../../../net/packet.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';
import { csumFold, csumPartial } from './checksum.ts';
import { skbArg } from './skb.ts';

/** BPF_LWT_ENCAP_* */
const [ENCAP_SEG6, ENCAP_SEG6_INLINE, ENCAP_IP] = [0, 1, 2];
/** LWT_BPF_MAX_HEADROOM */
const MAX_HEADROOM = 256;
const [IPV4_HLEN, IPV6_HLEN] = [20, 40];
/** IPV6_SRCRT_TYPE_4: the routing header is one of segments */
const SEGMENTS = 4;

/** Room in front, filled; the headers in it are the packet's network header from now on. */
function pushHeaders(call: HelperCall, skb: GuestStruct, bytes: Uint8Array): void {
  const { memory, net } = call.kernel;
  const headroom = skb.get('data') - skb.get('head');
  if (headroom < bytes.length) net.skbs.expand(skb.at, bytes.length - headroom);
  const inner = skb.get('data') - skb.get('head');
  skb
    .set('inner_network_header', skb.get('network_header'))
    .set('inner_transport_header', skb.get('transport_header'))
    .set('inner_mac_header', inner)
    .set('inner_protocol', skb.get('protocol'))
    .set('encapsulation', 1)
    .set('hash', 0);
  memory.writeBytes(net.skbs.push(skb.at, bytes.length), bytes);
  net.skbs.resetHeader(skb.at, 'network_header');
  net.skbs.setDataPointers(skb.at);
}

/** `bpf_lwt_push_ip_encap` */
function pushIp(call: HelperCall, skb: GuestStruct, header: Uint8Array): number {
  if (header.length < IPV4_HLEN || header.length > MAX_HEADROOM) return -ERRNO.EINVAL;
  const first = header[0] as number;
  const version = first >> 4;
  const words = first & 0xf;
  if (version === 4 ? header.length < 4 * words : version !== 6 || header.length < IPV6_HLEN) return -ERRNO.EINVAL;
  pushHeaders(call, skb, header);
  skb.set('protocol', swap16(version === 4 ? ETH_P.IP : ETH_P.IPV6));
  const at = skb.get('data');
  const { memory } = call.kernel;
  if (version === 4 && memory.readU16(at + 10) === 0)
    memory.writeU16(at + 10, csumFold(csumPartial(memory.readBytes(at, 4 * words), 0)));
  return 0;
}

/** `seg6_validate_srh`: a routing header of segments whose options fit; `reduced` may leave out the first segment. */
function isSegmentHeader(header: Uint8Array): boolean {
  const [, length = 0, type, left = 0, last = 0] = header;
  const bytes = (length + 1) << 3;
  if (header.length < 8 || type !== SEGMENTS || bytes !== header.length || left > last) return false;
  let at = 8 + 16 * (last + 1);
  if (at > bytes) return false;
  while (at < bytes) {
    // Pad1 is one byte, other options have a length
    if (header[at] === 0) at++;
    else if (at + 2 > bytes) return false;
    else at += 2 + (header[at + 1] as number);
  }
  return at === bytes;
}

/** `bpf_push_seg6_encap`: where the packet goes then is looked up, and nothing here has a route for IPv6. */
function pushSegments(call: HelperCall, skb: GuestStruct, type: number, header: Uint8Array): number {
  if (!isSegmentHeader(header)) return -ERRNO.EINVAL;
  const { memory } = call.kernel;
  const isInline = type === ENCAP_SEG6_INLINE;
  if (isInline && skb.get('protocol') !== swap16(ETH_P.IPV6)) return -ERRNO.EBADMSG;
  const outer = new Uint8Array(IPV6_HLEN + header.length);
  const segments = header.slice();
  if (isInline) {
    const old = memory.readBytes(skb.get('data'), IPV6_HLEN);
    outer.set(old);
    segments[0] = old[6] as number;
    // the last segment is where the packet went
    segments.set(old.subarray(24, 40), 8);
    call.kernel.net.skbs.push(skb.at, -IPV6_HLEN);
  } else {
    outer[0] = 0x60;
    outer[7] = 64;
    segments[0] = skb.get('protocol') === swap16(ETH_P.IP) ? 4 : 41;
  }
  outer[6] = IPPROTO.ROUTING;
  const first = segments[3] as number;
  outer.set(segments.subarray(8 + 16 * first, 24 + 16 * first), 24);
  outer.set(segments, IPV6_HLEN);
  const payload = skb.get('len') + segments.length;
  outer[4] = payload >> 8;
  outer[5] = payload & 0xff;
  pushHeaders(call, skb, outer);
  skb.set('protocol', swap16(ETH_P.IPV6));
  skb.set('transport_header', skb.get('network_header') + IPV6_HLEN);
  return 0;
}

const pushEncap =
  (takesSegments: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const type = args.u32(1);
    const header = kernel.memory.readBytes(args.addr(2), args.u32(3));
    const skb = skbArg(call, 0);
    const isSegments = type === ENCAP_SEG6 || type === ENCAP_SEG6_INLINE;
    if (type === ENCAP_IP) args.retInt(pushIp(call, skb, header));
    else args.retInt(isSegments && takesSegments ? pushSegments(call, skb, type, header) : -ERRNO.EINVAL);
  };

/** `get_srh`: the packet's header of segments, and where its options begin and end; 0 where there is none. */
function segmentHeader(call: HelperCall, skb: GuestStruct): { at: Addr; options: Addr; end: Addr } | undefined {
  const { memory } = call.kernel;
  const network = skb.get('head') + skb.get('network_header');
  const last = skb.get('data') + skb.get('len');
  if (network + IPV6_HLEN + 8 > last || memory.readU8(network + 6) !== IPPROTO.ROUTING) return undefined;
  const at = network + IPV6_HLEN;
  const end = at + ((memory.readU8(at + 1) + 1) << 3);
  if (end > last || memory.readU8(at + 2) !== SEGMENTS) return undefined;
  return { at, options: at + 8 + 16 * (memory.readU8(at + 4) + 1), end };
}

/** Flags, tag and options may be written, the segments may not. */
const storeBytes: HelperBody = (call) => {
  const { args, kernel } = call;
  const skb = skbArg(call, 0);
  const header = segmentHeader(call, skb);
  const [offset, size] = [args.u32(1), args.u32(3)];
  if (header === undefined) return args.retInt(-ERRNO.EINVAL);
  const from = skb.get('data') + offset;
  const inOptions = from >= header.options && from + size <= header.end;
  const inFlags = from >= header.at + 5 && from + size <= header.at + 8;
  if (!inOptions && !inFlags) return args.retInt(-ERRNO.EFAULT);
  kernel.memory.writeBytes(from, kernel.memory.readBytes(args.addr(2), size));
  args.retInt(0);
};
/** Options grow or shrink by a multiple of eight bytes. */
const adjustHeader: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory, net } = kernel;
  const skb = skbArg(call, 0);
  const header = segmentHeader(call, skb);
  const [offset, delta] = [args.u32(1), args.lo(2)];
  if (header === undefined) return args.retInt(-ERRNO.EINVAL);
  const at = skb.get('data') + offset;
  if (at < header.options || at > header.end || (delta < 0 && at - delta > header.end))
    return args.retInt(-ERRNO.EFAULT);
  if (delta % 8 !== 0) return args.retInt(-ERRNO.EINVAL);
  const headroom = skb.get('data') - skb.get('head');
  if (headroom < delta) net.skbs.expand(skb.at, delta - headroom);
  const before = memory.readBytes(skb.get('data'), offset);
  const data = net.skbs.push(skb.at, delta);
  memory.writeBytes(data, before);
  if (delta > 0) memory.fillBytes(data + offset, 0, delta);
  skb.set('mac_header', skb.get('mac_header') - delta).set('network_header', skb.get('network_header') - delta);
  const network = skb.get('head') + skb.get('network_header');
  memory.writeU16(network + 4, swap16(swap16(memory.readU16(network + 4)) + delta));
  memory.writeU8(network + IPV6_HLEN + 1, memory.readU8(network + IPV6_HLEN + 1) + delta / 8);
  net.skbs.setDataPointers(skb.at);
  args.retInt(0);
};

export const LWT: HelperBodies = {
  bpf_lwt_in_push_encap: pushEncap(true),
  bpf_lwt_xmit_push_encap: pushEncap(false),
  bpf_lwt_seg6_store_bytes: storeBytes,
  bpf_lwt_seg6_adjust_srh: adjustHeader,
  /** End.X, End.T, End.B6 and their kin ask the routes of IPv6, of which there are none. */
  bpf_lwt_seg6_action: (call) => {
    const [action, length] = [call.args.u32(1), call.args.u32(3)];
    const sizes: Readonly<Record<number, number>> = { 2: 16, 3: 4, 7: 4, 9: length, 10: length };
    const isKnown = segmentHeader(call, skbArg(call, 0)) !== undefined && sizes[action] === length && length > 0;
    call.args.retInt(isKnown ? -ERRNO.ENETUNREACH : -ERRNO.EINVAL);
  },
};
