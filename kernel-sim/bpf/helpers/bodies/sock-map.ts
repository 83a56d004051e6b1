/**
 * Sockets in maps, and the choice of one: bpf-helpers(7), bpf_sock_map_update, bpf_sk_redirect_map, bpf_sk_select_reuseport,
 * bpf_sk_assign and their kin (Linux 6.12 Documentation/bpf/map_sockmap.rst).
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { BPF_MAP_TYPE } from '../../../../src/uapi/index.ts';
import { AF, IPPROTO, TCP } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { F_INGRESS } from '../../../net/redirect.ts';
import { SockMap } from '../../maps/index.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const [SK_DROP, SK_PASS] = [0, 1];
/** BPF_SOCK_OPS_TCP_CONNECT_CB, _ACTIVE_ESTABLISHED_CB, _PASSIVE_ESTABLISHED_CB, _TCP_LISTEN_CB: when a socket may enter a map */
const MAY_ENTER: ReadonlySet<number> = new Set([4, 5, 11]);
/** BPF_SK_LOOKUP_F_REPLACE, _NO_REUSEPORT */
const [REPLACE, NO_REUSEPORT] = [1, 2];

const sock = (call: HelperCall, at: Addr): GuestStruct => new GuestStruct(call.kernel, 'sock', at);
const isTcp = (sk: GuestStruct): boolean => sk.get('sk_protocol') === IPPROTO.TCP;
const mayTake = (sk: GuestStruct): boolean => !isTcp(sk) || sk.get('__sk_common.skc_state') !== TCP.LISTEN;

/** The socket that map and key (a pointer, or an index by value) name; 0 where there is none. */
function find(call: HelperCall, byValue: boolean): Addr {
  const map = call.map(1);
  if (!(map instanceof SockMap)) return 0;
  return byValue ? map.socketOf(call.args.u32(2)) : map.socket(call.args.addr(2));
}
/** The context's socket goes into the map. */
const update: HelperBody = (call) => {
  const { args, kernel } = call;
  const ops = new GuestStruct(kernel, 'bpf_sock_ops_kern', args.addr(0));
  const map = call.map(1);
  if (!MAY_ENTER.has(ops.get('op')) || !(map instanceof SockMap)) return args.retInt(-ERRNO.EOPNOTSUPP);
  args.retInt(args.hi(3) === 0 ? map.store(args.addr(2), ops.get('sk'), args.u32(3)) : -ERRNO.EINVAL);
};
/** A packet that a parser or a verdict looked at goes to that socket. */
const redirectSkb =
  (byValue: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    if (args.hi(3) !== 0 || args.u32(3) & ~F_INGRESS) return args.retU32(SK_DROP);
    const sk = find(call, byValue);
    if (sk === 0 || !mayTake(sock(call, sk))) return args.retU32(SK_DROP);
    new GuestStruct(kernel, 'sk_buff', args.addr(0)).set('_sk_redir', sk + (args.u32(3) & F_INGRESS));
    args.retU32(SK_PASS);
  };
/** What a socket sends goes to that socket's reader, or out of it. */
const redirectMsg =
  (byValue: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const flags = args.u32(3);
    if (args.hi(3) !== 0 || flags & ~F_INGRESS) return args.retU32(SK_DROP);
    const sk = find(call, byValue);
    if (sk === 0 || !mayTake(sock(call, sk)) || (!flags && !isTcp(sock(call, sk)))) return args.retU32(SK_DROP);
    new GuestStruct(kernel, 'sk_msg', args.addr(0)).set('flags', flags).set('sk_redir', sk);
    args.retU32(SK_PASS);
  };
/** The socket must be one that could have got the packet. */
const selectReuseport: HelperBody = (call) => {
  const { args, kernel } = call;
  const reuse = new GuestStruct(kernel, 'sk_reuseport_kern', args.addr(0));
  const map = call.map(1);
  if ((args.lo(3) | args.hi(3)) !== 0) return args.retInt(-ERRNO.EINVAL);
  const at = map instanceof SockMap ? map.socket(args.addr(2)) : 0;
  if (at === 0) return args.retInt(-ERRNO.ENOENT);
  const [chosen, given] = [sock(call, at), sock(call, reuse.get('sk'))];
  const isGroup = chosen.get('sk_reuseport_cb') !== 0 && chosen.get('sk_reuseport_cb') === given.get('sk_reuseport_cb');
  if (chosen.get('sk_reuseport_cb') === 0)
    return args.retInt(map.type === BPF_MAP_TYPE.REUSEPORT_SOCKARRAY ? -ERRNO.ENOENT : -ERRNO.EINVAL);
  if (!isGroup) {
    if (chosen.get('sk_protocol') !== given.get('sk_protocol')) return args.retInt(-ERRNO.EPROTOTYPE);
    if (chosen.get('__sk_common.skc_family') !== given.get('__sk_common.skc_family'))
      return args.retInt(-ERRNO.EAFNOSUPPORT);
    return args.retInt(-ERRNO.EBADFD);
  }
  reuse.set('selected_sk', at);
  args.retInt(0);
};
/** On its way in, a packet is this socket's, whatever its ports say. */
const assignSkb: HelperBody = (call) => {
  const { args, kernel } = call;
  const skb = new GuestStruct(kernel, 'sk_buff', args.addr(0));
  const sk = args.addr(1);
  if (sk === 0 || (args.lo(2) | args.hi(2)) !== 0) return args.retInt(-ERRNO.EINVAL);
  if (skb.get('tc_at_ingress') === 0 || !kernel.net.ports.has(sk)) return args.retInt(-ERRNO.EOPNOTSUPP);
  skb.set('sk', sk);
  args.retInt(0);
};
const assignLookup: HelperBody = (call) => {
  const { args, kernel } = call;
  const ctx = new GuestStruct(kernel, 'bpf_sk_lookup_kern', args.addr(0));
  const at = args.addr(1);
  const flags = args.u32(2);
  if (args.hi(2) !== 0 || flags & ~(REPLACE | NO_REUSEPORT)) return args.retInt(-ERRNO.EINVAL);
  if (at !== 0) {
    const sk = sock(call, at);
    const state = sk.get('__sk_common.skc_state');
    // of TCP only listeners are found without a reference of their own
    if (isTcp(sk) && state !== TCP.LISTEN && state !== 7) return args.retInt(-ERRNO.ESOCKTNOSUPPORT);
    if (sk.get('sk_protocol') !== ctx.get('protocol')) return args.retInt(-ERRNO.EPROTOTYPE);
    const family = sk.get('__sk_common.skc_family');
    if (family !== ctx.get('family') && family === AF.INET) return args.retInt(-ERRNO.EAFNOSUPPORT);
  }
  if (ctx.get('selected_sk') !== 0 && !(flags & REPLACE)) return args.retInt(-ERRNO.EEXIST);
  ctx.set('selected_sk', at).set('no_reuseport', flags & NO_REUSEPORT ? 1 : 0);
  args.retInt(0);
};

export const SOCK_MAP: HelperBodies = {
  bpf_sock_map_update: update,
  bpf_sock_hash_update: update,
  bpf_sk_redirect_map: redirectSkb(true),
  bpf_sk_redirect_hash: redirectSkb(false),
  bpf_msg_redirect_map: redirectMsg(true),
  bpf_msg_redirect_hash: redirectMsg(false),
  sk_select_reuseport: selectReuseport,
  bpf_sk_assign: assignSkb,
  bpf_sk_lookup_assign: assignLookup,
};
