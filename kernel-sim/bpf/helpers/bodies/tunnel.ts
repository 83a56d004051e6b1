/**
 * Metadata of tunnels that have no state of their own: bpf-helpers(7), bpf_skb_set_tunnel_key and its kin. They hang on the
 * packet as a route of a special kind, `struct metadata_dst` with `struct ip_tunnel_info` and its options behind it.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';
import { skbArg } from './skb.ts';

/** IP_TUNNEL_OPTS_MAX */
const OPTIONS_MAX = 255;
/** DST_METADATA of include/net/dst.h */
const DST_METADATA = 0x80;
/** IP_TUNNEL_INFO_TX, IP_TUNNEL_INFO_IPV6 */
const [INFO_TX, INFO_IPV6] = [1, 2];
/** IP_TUNNEL_*_BIT as masks: as they lie in the packet's 16 bits too */
const TUNNEL = { CSUM: 1, KEY: 4, SEQ: 8, DONT_FRAGMENT: 0x100, NOCACHE: 0x2000 } as const;
/** of Geneve, VXLAN, ERSPAN and GTP */
const OPTIONS_PRESENT = 0x0800 | 0x1000 | 0x4000 | 0x8000;
/** BPF_F_*, include/uapi/linux/bpf.h */
const F = {
  IPV6: 1,
  ZERO_CSUM_TX: 2,
  DONT_FRAGMENT: 4,
  SEQ_NUMBER: 8,
  NO_TUNNEL_KEY: 0x10,
  TUNINFO_FLAGS: 0x10,
} as const;
const SET_FLAGS = F.IPV6 | F.ZERO_CSUM_TX | F.DONT_FRAGMENT | F.SEQ_NUMBER | F.NO_TUNNEL_KEY;
const FLOWLABEL_MASK = 0x000f_ffff;

/** struct bpf_tunnel_key, and the sizes that it once had */
const KEY = { id: 0, remote: 4, tos: 20, ttl: 21, ext: 22, label: 24, local: 28, size: 44 } as const;
const SIZES: readonly number[] = [8, KEY.ext, KEY.label, KEY.local, KEY.size];

const swapped = (view: DataView, at: number): number => view.getUint32(at, false);
const infoOf = (call: HelperCall, dst: Addr): GuestStruct =>
  new GuestStruct(call.kernel, 'ip_tunnel_info', dst + call.kernel.structs.of('metadata_dst').offset('u.tun_info'));
/** `skb_tunnel_info` */
function tunnelInfo(call: HelperCall, skb: GuestStruct): GuestStruct | undefined {
  const { memory, structs } = call.kernel;
  const held = skb.get('_skb_refdst');
  const dst = held - (held & 1);
  if (dst === 0 || (memory.readU16(dst + structs.of('dst_entry').offset('flags')) & DST_METADATA) === 0)
    return undefined;
  return infoOf(call, dst);
}
/** The metadata of this CPU's programs: there is one, which each packet that is given a key gets. */
function metadata(call: HelperCall): Addr {
  if (call.tunnelMetadata === 0) {
    const { structs, memory, slab } = call.kernel;
    const at = slab.kmalloc(structs.of('metadata_dst').size + OPTIONS_MAX);
    memory.writeU16(at + structs.of('dst_entry').offset('flags'), DST_METADATA);
    call.tunnelMetadata = at;
  }
  return call.tunnelMetadata;
}
const flagsAt = (info: GuestStruct): Addr => info.addressOf('key.tun_flags');

const setKey: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory, structs } = kernel;
  const [size, flags] = [args.u32(2), args.u32(3)];
  if (args.hi(3) !== 0 || flags & ~SET_FLAGS || !SIZES.includes(size)) return args.retInt(-ERRNO.EINVAL);
  const key = new Uint8Array(KEY.size);
  key.set(memory.readBytes(args.addr(1), size));
  const view = new DataView(key.buffer);
  const six = (flags & F.IPV6) !== 0;
  const label = view.getUint32(KEY.label, true);
  if ((!six && label !== 0) || view.getUint16(KEY.ext, true) !== 0) return args.retInt(-ERRNO.EINVAL);
  const dst = metadata(call);
  skbArg(call, 0).set('_skb_refdst', dst);
  const info = infoOf(call, dst);
  memory.fillBytes(info.at, 0, structs.of('ip_tunnel_info').size);
  let bits = TUNNEL.KEY | TUNNEL.CSUM | TUNNEL.NOCACHE;
  if (flags & F.DONT_FRAGMENT) bits |= TUNNEL.DONT_FRAGMENT;
  if (flags & F.ZERO_CSUM_TX) bits &= ~TUNNEL.CSUM;
  if (flags & F.SEQ_NUMBER) bits |= TUNNEL.SEQ;
  if (flags & F.NO_TUNNEL_KEY) bits &= ~TUNNEL.KEY;
  memory.writeU32(flagsAt(info), bits);
  // cpu_to_be64(tunnel_id)
  memory.writeU32(info.addressOf('key.tun_id') + 4, swapped(view, KEY.id));
  info.set('key.tos', key[KEY.tos] as number).set('key.ttl', key[KEY.ttl] as number);
  info.set('mode', INFO_TX | (six ? INFO_IPV6 : 0));
  if (six) {
    memory.writeBytes(info.addressOf('key.u.ipv6.dst'), key.subarray(KEY.remote, KEY.remote + 16));
    memory.writeBytes(info.addressOf('key.u.ipv6.src'), key.subarray(KEY.local, KEY.local + 16));
    view.setUint32(KEY.label, label & FLOWLABEL_MASK, true);
    info.set('key.label', swapped(view, KEY.label));
  } else {
    info.set('key.u.ipv4.dst', swapped(view, KEY.remote)).set('key.u.ipv4.src', swapped(view, KEY.local));
  }
  args.retInt(0);
};

/** Where the packet has no key, or one of the other family, its place is zeroed. */
const getKey: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory } = kernel;
  const [to, size, flags] = [args.addr(1), args.u32(2), args.u32(3)];
  const info = tunnelInfo(call, skbArg(call, 0));
  const six = (flags & F.IPV6) !== 0;
  const refuse = (error: number): void => {
    memory.fillBytes(to, 0, size);
    args.retInt(-error);
  };
  if (info === undefined || args.hi(3) !== 0 || flags & ~(F.IPV6 | F.TUNINFO_FLAGS)) return refuse(ERRNO.EINVAL);
  if (((info.get('mode') & INFO_IPV6) !== 0) !== six) return refuse(ERRNO.EPROTO);
  if (!SIZES.includes(size) || (size === 8 && six)) return refuse(ERRNO.EINVAL);
  const key = new Uint8Array(KEY.size);
  const view = new DataView(key.buffer);
  view.setUint32(KEY.id, memory.readU32(info.addressOf('key.tun_id') + 4), false);
  key[KEY.tos] = info.get('key.tos');
  key[KEY.ttl] = info.get('key.ttl');
  if (flags & F.TUNINFO_FLAGS) view.setUint16(KEY.ext, memory.readU32(flagsAt(info)) & 0xffff, false);
  if (six) {
    key.set(memory.readBytes(info.addressOf('key.u.ipv6.src'), 16), KEY.remote);
    key.set(memory.readBytes(info.addressOf('key.u.ipv6.dst'), 16), KEY.local);
    view.setUint32(KEY.label, info.get('key.label'), false);
  } else {
    view.setUint32(KEY.remote, info.get('key.u.ipv4.src'), false);
    view.setUint32(KEY.local, info.get('key.u.ipv4.dst'), false);
  }
  memory.writeBytes(to, key.subarray(0, size));
  args.retInt(0);
};

const optionsAt = (call: HelperCall, info: GuestStruct): Addr =>
  info.at + call.kernel.structs.of('ip_tunnel_info').size;

const setOptions: HelperBody = (call) => {
  const { args, kernel } = call;
  const size = args.u32(2);
  const info = tunnelInfo(call, skbArg(call, 0));
  if (info === undefined || size % 4 !== 0) return args.retInt(-ERRNO.EINVAL);
  if (size > OPTIONS_MAX) return args.retInt(-ERRNO.ENOMEM);
  kernel.memory.writeBytes(optionsAt(call, info), kernel.memory.readBytes(args.addr(1), size));
  info.set('options_len', size);
  kernel.memory.writeU32(flagsAt(info), kernel.memory.readU32(flagsAt(info)) | OPTIONS_PRESENT);
  args.retInt(0);
};
/** Answers with their length. */
const getOptions: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory } = kernel;
  const [to, size] = [args.addr(1), args.u32(2)];
  const info = tunnelInfo(call, skbArg(call, 0));
  const isThere = info !== undefined && (memory.readU32(flagsAt(info)) & OPTIONS_PRESENT) !== 0;
  const length = isThere ? info.get('options_len') : 0;
  memory.fillBytes(to, 0, size);
  if (!isThere || size < length) return args.retInt(isThere ? -ERRNO.ENOMEM : -ERRNO.ENOENT);
  memory.writeBytes(to, memory.readBytes(optionsAt(call, info), length));
  args.retInt(length);
};

export const TUNNEL_KEYS: HelperBodies = {
  bpf_skb_set_tunnel_key: setKey,
  bpf_skb_get_tunnel_key: getKey,
  bpf_skb_set_tunnel_opt: setOptions,
  bpf_skb_get_tunnel_opt: getOptions,
  /** A packet that came through no IPsec transformation has no state: there are none in the model's configuration. */
  bpf_skb_get_xfrm_state: ({ args, kernel }) => {
    kernel.memory.fillBytes(args.addr(2), 0, args.u32(3));
    args.retInt(-ERRNO.EINVAL);
  },
};
