/**
 * Socket options from programs: bpf-helpers(7), bpf_setsockopt and bpf_getsockopt. A row for each option that programs may name:
 * where `struct sock` and its kin keep it, and what may be written there.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { AF, IPPROTO, SOL, TCP_CONGESTION } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const INT = 4;
/** net.core.rmem_max and wmem_max; SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF */
const [BUFFER_MAX, SNDBUF_MIN, RCVBUF_MIN] = [212_992, 4608, 2304];

interface Option {
  readonly struct: string;
  readonly field: string;
  /** what is stored of a value; undefined where it is refused */
  readonly store?: (value: number) => number | undefined;
  /** what is told of what is stored */
  readonly load?: (stored: number) => number;
}
const sock = (field: string, more: Partial<Option> = {}): Option => ({ struct: 'sock', field, ...more });
const tcp = (field: string, more: Partial<Option> = {}): Option => ({ struct: 'tcp_sock', field, ...more });
const between = (least: number, most: number) => (value: number) =>
  value >= least && value <= most ? value : undefined;
const flag = (value: number): number => (value !== 0 ? 1 : 0);
/** HZ is 250 */
const seconds = { store: (s: number) => (s >= 1 && s <= 32_767 ? s * 250 : undefined), load: (j: number) => j / 250 };

/** Options by level and number, include/uapi/asm-generic/socket.h, linux/in.h, linux/in6.h, linux/tcp.h. */
const OPTIONS: Readonly<Record<number, Readonly<Record<number, Option>>>> = {
  [SOL.SOCKET]: {
    2: sock('__sk_common.skc_reuse', { store: flag }),
    7: sock('sk_sndbuf', { store: (v) => Math.max(Math.min(v >>> 0, BUFFER_MAX) * 2, SNDBUF_MIN) }),
    8: sock('sk_rcvbuf', { store: (v) => Math.max(Math.min(v >>> 0, BUFFER_MAX) * 2, RCVBUF_MIN) }),
    12: sock('sk_priority', {}),
    15: sock('__sk_common.skc_reuseport', { store: flag }),
    18: sock('sk_rcvlowat', { store: (v) => (v < 0 ? 0x7fff_ffff : v || 1) }),
    25: sock('__sk_common.skc_bound_dev_if', {}),
    36: sock('sk_mark', {}),
    47: sock('sk_max_pacing_rate', {}),
    62: sock('__sk_common.skc_bound_dev_if', {}),
    74: sock('sk_txrehash', { store: (v) => (v === -1 ? 1 : between(0, 1)(v)) }),
  },
  [SOL.IP]: {
    1: { struct: 'inet_sock', field: 'tos', store: (v) => v & 0xff },
  },
  [SOL.IPV6]: {
    67: { struct: 'ipv6_pinfo', field: 'tclass', store: (v) => (v === -1 ? 0 : between(0, 255)(v)) },
  },
  [SOL.TCP]: {
    1: tcp('nonagle', { store: flag, load: (v) => v & 1 }),
    2: tcp('rx_opt.user_mss', { store: (v) => (v === 0 ? 0 : between(88, 32_767)(v)) }),
    4: tcp('keepalive_time', seconds),
    5: tcp('keepalive_intvl', seconds),
    6: tcp('keepalive_probes', { store: between(1, 127) }),
    7: { struct: 'inet_connection_sock', field: 'icsk_syn_retries', store: between(1, 127) },
    10: tcp('window_clamp', {}),
    18: { struct: 'inet_connection_sock', field: 'icsk_user_timeout', store: (v) => (v < 0 ? undefined : v) },
    25: tcp('notsent_lowat', {}),
    1001: tcp('snd_cwnd', { store: (v) => (v <= 0 ? undefined : v) }),
    1002: tcp('snd_cwnd_clamp', { store: (v) => (v <= 0 ? undefined : v) }),
    1008: tcp('bpf_sock_ops_cb_flags', { store: between(0, 0x7f) }),
  },
};
const CONGESTION_NAME = 16;

/** The row of an option where the socket may have it, else why not. */
function optionOf(sk: GuestStruct, level: number, name: number): Option | number {
  const family = sk.get('__sk_common.skc_family');
  if (level === SOL.IP && family !== AF.INET) return -ERRNO.EINVAL;
  if (level === SOL.IPV6 && family !== AF.INET6) return -ERRNO.EINVAL;
  if (level === SOL.TCP && sk.get('sk_protocol') !== IPPROTO.TCP) return -ERRNO.EINVAL;
  return OPTIONS[level]?.[name] ?? -ERRNO.EINVAL;
}
/** The structure around a `struct sock` that holds the option; IPv6's lies behind a pointer. */
function holder(call: HelperCall, sk: GuestStruct, option: Option): GuestStruct | undefined {
  if (option.struct !== 'ipv6_pinfo') return new GuestStruct(call.kernel, option.struct, sk.at);
  const at = new GuestStruct(call.kernel, 'inet_sock', sk.at).get('pinet6');
  return at === 0 ? undefined : new GuestStruct(call.kernel, option.struct, at);
}
function set(call: HelperCall, sk: GuestStruct, level: number, name: number, value: Addr, size: number): number {
  const { memory } = call.kernel;
  if (level === SOL.TCP && name === TCP_CONGESTION) return congestion(call, sk, value, size);
  const option = optionOf(sk, level, name);
  if (typeof option === 'number') return option;
  if (size < INT) return -ERRNO.EINVAL;
  const stored = option.store ? option.store(memory.readS32(value)) : memory.readS32(value);
  if (stored === undefined) return -ERRNO.EINVAL;
  holder(call, sk, option)?.set(option.field, stored);
  return 0;
}
function get(call: HelperCall, sk: GuestStruct, level: number, name: number, value: Addr, size: number): number {
  const { memory } = call.kernel;
  if (level === SOL.TCP && name === TCP_CONGESTION) {
    const algorithm = call.state.kernel.net.congestion.name(sk.at);
    memory.writeBytes(
      value,
      new Uint8Array(size).map((_, n) => algorithm.charCodeAt(n) || 0),
    );
    return 0;
  }
  const option = optionOf(sk, level, name);
  if (typeof option === 'number' || size < INT) return typeof option === 'number' ? option : -ERRNO.EINVAL;
  const stored = holder(call, sk, option)?.get(option.field) ?? 0;
  memory.writeU32(value, option.load ? option.load(stored) : stored);
  return 0;
}
/** An algorithm by its name: what the kernel has, and what programs are. */
function congestion(call: HelperCall, sk: GuestStruct, value: Addr, size: number): number {
  if (sk.get('sk_protocol') !== IPPROTO.TCP || size < 2) return -ERRNO.EINVAL;
  const bytes = call.kernel.memory.readBytes(value, Math.min(size, CONGESTION_NAME - 1));
  const end = bytes.indexOf(0);
  const name = String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  if (name === 'reno') return 0;
  const { congestion: algorithms } = call.state.kernel.net;
  const ops = algorithms.find(name);
  if (ops === 0) return -ERRNO.ENOENT;
  algorithms.assign(sk.at, ops);
  return 0;
}

type Access = typeof set;
/** Arguments are the socket, or a context that leads to it. */
const of =
  (access: Access, socket: (call: HelperCall) => Addr): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const at = socket(call);
    const [level, name, value, size] = [args.lo(1), args.lo(2), args.addr(3), args.u32(4)];
    const result =
      at === 0 ? -ERRNO.EINVAL : access(call, new GuestStruct(kernel, 'sock', at), level, name, value, size);
    if (result < 0 && access === get) kernel.memory.fillBytes(value, 0, size);
    args.retInt(result);
  };
const itself = ({ args }: HelperCall): Addr => args.addr(0);
const ofAddress = (call: HelperCall): Addr =>
  new GuestStruct(call.kernel, 'bpf_sock_addr_kern', call.args.addr(0)).get('sk');
/** only a full socket has options */
const ofSockOps = (call: HelperCall): Addr => {
  const ops = new GuestStruct(call.kernel, 'bpf_sock_ops_kern', call.args.addr(0));
  return ops.get('is_fullsock') === 0 ? 0 : ops.get('sk');
};

export const SOCKOPT: HelperBodies = {
  bpf_sk_setsockopt: of(set, itself),
  bpf_sk_getsockopt: of(get, itself),
  bpf_unlocked_sk_setsockopt: of(set, itself),
  bpf_unlocked_sk_getsockopt: of(get, itself),
  bpf_sock_addr_setsockopt: of(set, ofAddress),
  bpf_sock_addr_getsockopt: of(get, ofAddress),
  bpf_sock_ops_setsockopt: of(set, ofSockOps),
  bpf_sock_ops_getsockopt: of(get, ofSockOps),
};
