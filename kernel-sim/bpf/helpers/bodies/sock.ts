/**
 * Sockets from programs: bpf-helpers(7), bpf_sk_lookup_tcp and its kin. A lookup finds what
 * recorded calls have bound or connected; what is asked of a socket that a context names is answered from its structure.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { AF, IPPROTO, SOCK, TCP } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { ETH_P } from '../../../net/inet.ts';
import { swap16 } from '../../../net/packet.ts';
import { F_INGRESS } from '../../../net/redirect.ts';
import { type HelperBodies, type HelperBody, type HelperCall, pair } from './call.ts';
import { underSlot } from './cgroup.ts';

/** addresses and ports of `struct bpf_sock_tuple.ipv4` */
const IPV4_TUPLE = 12;

const none: HelperBody = ({ args }) => args.ret(0, 0);
const sockArg = (call: HelperCall): GuestStruct | undefined => {
  const at = call.args.addr(0);
  return at === 0 ? undefined : new GuestStruct(call.kernel, 'sock', at);
};
const state = (sk: GuestStruct): number => sk.get('__sk_common.skc_state');
const isFull = (sk: GuestStruct): boolean => state(sk) !== TCP.TIME_WAIT && state(sk) !== TCP.NEW_SYN_RECV;
const isTcp = (sk: GuestStruct): boolean =>
  isFull(sk) && sk.get('sk_type') === SOCK.STREAM && sk.get('sk_protocol') === IPPROTO.TCP;

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
const [lookupTcp, lookupUdp] = [lookup(IPPROTO.TCP), lookup(IPPROTO.UDP)];

/** BPF_SKB_CLOCK_TAI */
const CLOCK_TAI = 2;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
/** sizeof(struct bpf_redir_neigh) */
const REDIR_NEIGH = 20;
const redirectNeigh: HelperBody = ({ args, kernel }) => {
  const size = args.u32(2);
  const refused = args.lo(3) !== 0 || args.hi(3) !== 0 || (size > 0 && size < REDIR_NEIGH);
  if (!refused) kernel.net.redirect.set({ kind: 'device', index: args.u32(0), flags: 0 });
  args.retU32(refused ? TC_ACT_SHOT : TC_ACT_REDIRECT);
};

const OVERFLOW_UID = 65_534;
const cookieOf =
  (sk: (call: HelperCall) => Addr): HelperBody =>
  (call) =>
    call.args.retAddr(call.kernel.net.cookies.of(sk(call)));

const SOCKADDR_IN = 16;
/** The socket's own address before it connects; port 0 leaves the choice to connect(2). */
const bind: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory } = kernel;
  const sk = new GuestStruct(kernel, 'bpf_sock_addr_kern', args.addr(0)).get('sk');
  const [at, size] = [args.addr(1), args.u32(2)];
  if (size < 2) return args.retInt(-ERRNO.EINVAL);
  if (memory.readU16(at) !== AF.INET) return args.retInt(-ERRNO.EAFNOSUPPORT);
  if (size < SOCKADDR_IN) return args.retInt(-ERRNO.EINVAL);
  const port = swap16(memory.readU16(at + 2));
  const address = memory.readBytes(at + 4, 4);
  if (port === 0) memory.writeBytes(sk + kernel.structs.of('sock').offset('__sk_common.skc_rcv_saddr'), address);
  else kernel.net.ports.bind(sk, address, port);
  args.retInt(0);
};

/** `net_cookie` of the namespace of the socket that a context is of; without a context init_net's. */
const netCookie =
  (context?: 'bpf_sock_ops_kern' | 'bpf_sock_addr_kern' | 'bpf_sockopt_kern' | 'sk_msg'): HelperBody =>
  ({ args, kernel }) => {
    const ctx = args.addr(0);
    const sk = ctx === 0 || context === undefined ? ctx : new GuestStruct(kernel, context, ctx).get('sk');
    const net = sk === 0 ? 0 : new GuestStruct(kernel, 'sock', sk).get('__sk_common.skc_net');
    const of = new GuestStruct(kernel, 'net', net || kernel.objects.namespaces.first('net'));
    args.ret(of.get('net_cookie'), 0);
  };

export const SOCKETS: HelperBodies = {
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
  bpf_get_listener_sock: cast((sk) => state(sk) === TCP.LISTEN),
  bpf_skc_to_tcp_sock: cast(isTcp),
  bpf_skc_to_tcp6_sock: cast((sk) => isTcp(sk) && sk.get('__sk_common.skc_family') === AF.INET6),
  bpf_skc_to_tcp_timewait_sock: cast((sk) => state(sk) === TCP.TIME_WAIT),
  bpf_skc_to_tcp_request_sock: cast((sk) => state(sk) === TCP.NEW_SYN_RECV),
  bpf_skc_to_udp6_sock: cast(
    (sk) =>
      isFull(sk) &&
      sk.get('sk_protocol') === IPPROTO.UDP &&
      sk.get('sk_type') === SOCK.DGRAM &&
      sk.get('__sk_common.skc_family') === AF.INET6,
  ),
  bpf_skc_to_unix_sock: cast((sk) => isFull(sk) && sk.get('__sk_common.skc_family') === AF.UNIX),
  bpf_skc_to_mptcp_sock: none,
  bpf_skb_ancestor_cgroup_id: ({ args }) => args.retU32(args.lo(1) === 0 ? 1 : 0),
  bpf_get_socket_cookie: cookieOf((call) => new GuestStruct(call.kernel, 'sk_buff', call.args.addr(0)).get('sk')),
  bpf_get_socket_cookie_sock: cookieOf((call) => call.args.addr(0)),
  bpf_get_socket_cookie_sock_ops: cookieOf((call) =>
    new GuestStruct(call.kernel, 'bpf_sock_ops_kern', call.args.addr(0)).get('sk'),
  ),
  bpf_get_socket_cookie_sock_addr: cookieOf((call) =>
    new GuestStruct(call.kernel, 'bpf_sock_addr_kern', call.args.addr(0)).get('sk'),
  ),
  bpf_get_socket_ptr_cookie: cookieOf((call) => call.args.addr(0)),
  /** 65534 where it is nobody's */
  bpf_get_socket_uid: (call) => {
    const { args, kernel } = call;
    const sk = new GuestStruct(kernel, 'sk_buff', args.addr(0)).get('sk');
    args.retU32(sk === 0 ? OVERFLOW_UID : new GuestStruct(kernel, 'sock', sk).get('sk_uid.val'));
  },
  bpf_bind: bind,
  bpf_get_cgroup_classid_curr: none,
  bpf_get_netns_cookie_sock: netCookie(),
  bpf_get_netns_cookie_sock_ops: netCookie('bpf_sock_ops_kern'),
  bpf_get_netns_cookie_sk_msg: netCookie('sk_msg'),
  bpf_get_netns_cookie_sock_addr: netCookie('bpf_sock_addr_kern'),
  bpf_get_netns_cookie_sockopt: netCookie('bpf_sockopt_kern'),
  bpf_redirect_neigh: redirectNeigh,
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
  bpf_skb_under_cgroup: (call) => {
    const sk = new GuestStruct(call.kernel, 'sk_buff', call.args.addr(0)).get('sk');
    const whole = sk !== 0 && isFull(new GuestStruct(call.kernel, 'sock', sk));
    call.args.retInt(whole ? underSlot(call, 1, call.kernel.cgroups.ofSock(sk)) : -ERRNO.ENOENT);
  },
  bpf_skb_set_tstamp: (call) => {
    const { args } = call;
    const skb = new GuestStruct(call.kernel, 'sk_buff', args.addr(0));
    const type = args.u32(2);
    const protocol = swap16(skb.get('protocol'));
    if (protocol !== ETH_P.IP && protocol !== ETH_P.IPV6) return args.retInt(-ERRNO.EOPNOTSUPP);
    // only a clock that is not the real time may not stand at 0
    if (type > CLOCK_TAI || (type !== 0 && (args.lo(1) | args.hi(1)) === 0)) return args.retInt(-ERRNO.EINVAL);
    skb.set('tstamp_type', type);
    skb.setBig('tstamp', args.big(1));
    args.retInt(0);
  },
  bpf_get_branch_snapshot: ({ args }) => args.retInt((args.lo(2) | args.hi(2)) !== 0 ? -ERRNO.EINVAL : -ERRNO.ENOENT),
  /** perf_snapshot_branch_stack() where no PMU has one */
  __static_call_return0: none,
  bpf_read_branch_records: ({ args }) => args.retInt(-ERRNO.ENOENT),
};
