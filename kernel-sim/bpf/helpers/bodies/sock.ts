/**
 * Sockets from programs: bpf-helpers(7), bpf_sk_lookup_tcp and its kin. A lookup finds what
 * recorded calls have bound or connected; what is asked of a socket that a context names is answered from its structure.
 */
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { F_INGRESS } from '../../../net/redirect.ts';
import { type HelperBodies, type HelperBody, type HelperCall, pair } from './call.ts';

const TCP_TIME_WAIT = 6;
const TCP_LISTEN = 10;
const TCP_NEW_SYN_RECV = 12;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** addresses and ports of `struct bpf_sock_tuple.ipv4` */
const IPV4_TUPLE = 12;
const [AF_UNIX, AF_INET6] = [1, 10];
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

const none: HelperBody = ({ args }) => args.ret(0, 0);
const sockArg = (call: HelperCall): GuestStruct | undefined => {
  const at = call.args.addr(0);
  return at === 0 ? undefined : new GuestStruct(call.kernel, 'sock', at);
};
const state = (sk: GuestStruct): number => sk.get('__sk_common.skc_state');
const isFull = (sk: GuestStruct): boolean => state(sk) !== TCP_TIME_WAIT && state(sk) !== TCP_NEW_SYN_RECV;
const isTcp = (sk: GuestStruct): boolean =>
  isFull(sk) && sk.get('sk_type') === SOCK_STREAM && sk.get('sk_protocol') === IPPROTO_TCP;

/** The socket itself where it is what the caller takes it for, else NULL. */
const cast =
  (fits: (sk: GuestStruct) => boolean): HelperBody =>
  (call) => {
    const sk = sockArg(call);
    call.args.retAddr(sk !== undefined && fits(sk) ? sk.at : 0);
  };
/** The socket of a tuple, `struct bpf_sock_tuple`: of IPv4, in the network namespace that there is. */
const lookup =
  (protocol: number): HelperBody =>
  ({ args, kernel }) => {
    const [tuple, size] = [args.addr(1), args.u32(2)];
    if (size !== IPV4_TUPLE) {
      args.ret(0, 0);
      return;
    }
    const bytes = kernel.memory.readBytes(tuple, IPV4_TUPLE);
    const port = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const flow = { saddr: bytes.subarray(0, 4), daddr: bytes.subarray(4, 8), sport: port(8), dport: port(10) };
    args.retAddr(kernel.net.ports.lookup(protocol, flow));
  };
const [lookupTcp, lookupUdp] = [lookup(IPPROTO_TCP), lookup(IPPROTO_UDP)];

const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
const redirect: HelperBody = ({ args, kernel }) => {
  const refused = args.lo(3) !== 0 || args.hi(3) !== 0;
  if (!refused) kernel.net.redirect.set({ kind: 'device', index: args.u32(0), flags: 0 });
  args.retU32(refused ? TC_ACT_SHOT : TC_ACT_REDIRECT);
};

/** BPF_FIB_LKUP_RET_FWD_DISABLED: the loopback device forwards nothing. */
const FWD_DISABLED = 5;
const fibLookup: HelperBody = (call) => {
  const { args, kernel } = call;
  const params = args.addr(1);
  if (args.u32(2) < 64 || args.u32(3) & ~0x3f) {
    args.retInt(-ERRNO.EINVAL);
    return;
  }
  const family = kernel.memory.readU8(params);
  if (family !== 2 && family !== AF_INET6) args.retInt(-ERRNO.EAFNOSUPPORT);
  else args.retInt(kernel.memory.readU32(params + 8) === 1 ? FWD_DISABLED : -ERRNO.ENODEV);
};

/** MTU of the loopback device. */
const LOOPBACK_MTU = 65536;
const checkMtu =
  (length: (call: HelperCall) => number): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const ifindex = args.u32(1);
    const at = args.addr(2);
    if (args.lo(4) & ~1) args.retInt(-ERRNO.EINVAL);
    else if (ifindex > 1) args.retInt(-ERRNO.ENODEV);
    else {
      const given = kernel.memory.readU32(at);
      const size = (given !== 0 ? given + 14 : length(call)) + args.lo(3);
      kernel.memory.writeU32(at, LOOPBACK_MTU);
      args.retInt(size > LOOPBACK_MTU + 14 ? 1 : 0);
    }
  };

const cgroupIndex: HelperBody = (call) => {
  const { args } = call;
  const map = call.map(args.addr(0) !== 0 && call.state.mapAt(args.addr(0)) ? 0 : 1);
  const index = args.u32(call.state.mapAt(args.addr(0)) ? 1 : 2);
  args.retInt(index >= map.maxEntries ? -ERRNO.E2BIG : -ERRNO.EAGAIN);
};

/** init_net's cookie */
const netCookie: HelperBody = ({ args }) => args.retU32(1);

export const SOCK: HelperBodies = {
  bpf_sk_lookup_tcp: lookupTcp,
  bpf_sk_lookup_udp: lookupUdp,
  bpf_skc_lookup_tcp: lookupTcp,
  bpf_tc_sk_lookup_tcp: lookupTcp,
  bpf_tc_sk_lookup_udp: lookupUdp,
  bpf_tc_skc_lookup_tcp: lookupTcp,
  bpf_xdp_sk_lookup_tcp: lookupTcp,
  bpf_xdp_sk_lookup_udp: lookupUdp,
  bpf_xdp_skc_lookup_tcp: lookupTcp,
  bpf_sock_addr_sk_lookup_tcp: lookupTcp,
  bpf_sock_addr_sk_lookup_udp: lookupUdp,
  bpf_sock_addr_skc_lookup_tcp: lookupTcp,
  bpf_sk_release: none,
  bpf_sk_fullsock: cast(isFull),
  bpf_tcp_sock: cast(isTcp),
  bpf_get_listener_sock: cast((sk) => state(sk) === TCP_LISTEN),
  bpf_skc_to_tcp_sock: cast(isTcp),
  bpf_skc_to_tcp6_sock: cast((sk) => isTcp(sk) && sk.get('__sk_common.skc_family') === AF_INET6),
  bpf_skc_to_tcp_timewait_sock: cast((sk) => state(sk) === TCP_TIME_WAIT),
  bpf_skc_to_tcp_request_sock: cast((sk) => state(sk) === TCP_NEW_SYN_RECV),
  bpf_skc_to_udp6_sock: cast(
    (sk) =>
      isFull(sk) &&
      sk.get('sk_protocol') === IPPROTO_UDP &&
      sk.get('sk_type') === SOCK_DGRAM &&
      sk.get('__sk_common.skc_family') === AF_INET6,
  ),
  bpf_skc_to_unix_sock: cast((sk) => isFull(sk) && sk.get('__sk_common.skc_family') === AF_UNIX),
  bpf_skc_to_mptcp_sock: none,
  bpf_skb_ancestor_cgroup_id: ({ args }) => args.retU32(args.lo(1) === 0 ? 1 : 0),
  bpf_get_socket_cookie_sock: none,
  bpf_get_socket_cookie_sock_ops: none,
  bpf_get_socket_cookie_sock_addr: none,
  bpf_get_socket_ptr_cookie: none,
  bpf_get_cgroup_classid_curr: none,
  bpf_get_netns_cookie_sock: netCookie,
  bpf_get_netns_cookie_sock_ops: netCookie,
  bpf_get_netns_cookie_sk_msg: netCookie,
  bpf_get_netns_cookie_sock_addr: netCookie,
  bpf_get_netns_cookie_sockopt: netCookie,
  bpf_skb_fib_lookup: fibLookup,
  bpf_xdp_fib_lookup: fibLookup,
  bpf_skb_check_mtu: checkMtu((call) => new GuestStruct(call.kernel, 'sk_buff', call.args.addr(0)).get('len')),
  bpf_xdp_check_mtu: checkMtu((call) => {
    const xdp = new GuestStruct(call.kernel, 'xdp_buff', call.args.addr(0));
    return xdp.get('data_end') - xdp.get('data');
  }),
  bpf_redirect_neigh: redirect,
  bpf_redirect_peer: ({ args, kernel }) => {
    const refused = args.lo(1) !== 0 || args.hi(1) !== 0;
    const peer = kernel.net.devices.byIndex(args.u32(0))?.peer;
    if (!refused) kernel.net.redirect.set({ kind: 'device', index: peer?.index ?? 0, flags: F_INGRESS });
    args.retU32(refused ? TC_ACT_SHOT : TC_ACT_REDIRECT);
  },
  bpf_clone_redirect: (call) => {
    const { args, kernel } = call;
    const device = kernel.net.devices.byIndex(args.u32(1));
    if (args.lo(2) & ~F_INGRESS || device === undefined) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const flags = args.lo(2);
    const copy = kernel.net.skbs.copy(args.addr(0));
    kernel.net.skbs.setDev(copy, device.at);
    args.retInt(call.callback(kernel.text.place('__bpf_redirect'), [pair(copy), pair(device.at), [flags, 0]]));
  },
  bpf_skb_under_cgroup: cgroupIndex,
  bpf_current_task_under_cgroup: cgroupIndex,
  bpf_skb_set_tstamp: (call) => {
    const { args } = call;
    const skb = new GuestStruct(call.kernel, 'sk_buff', args.addr(0));
    const type = args.u32(2);
    if (
      type > 1 ||
      (type === 1 && args.lo(1) === 0 && args.hi(1) === 0) ||
      (type === 0 && (args.lo(1) | args.hi(1)) !== 0)
    ) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    skb.setBig('tstamp', args.big(1));
    args.retInt(0);
  },
  bpf_find_vma: ({ args }) => args.retInt(-ERRNO.ENOENT),
  bpf_get_branch_snapshot: ({ args }) => args.retInt(-ERRNO.ENOENT),
  bpf_read_branch_records: ({ args }) => args.retInt(-ERRNO.ENOENT),
};
