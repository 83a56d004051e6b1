/**
 * Sockets as programs see them: `struct bpf_sock`, `struct bpf_tcp_sock`, `struct bpf_xdp_sock`,
 * as contexts (cgroup_sock) and behind pointers. bpf_sock_convert_ctx_access and its kin of
 * net/core/filter.c, Linux 6.12.
 */

import { jumpImm, ldx, mov32Imm, storeAs } from '../../../src/isa/build.ts';
import { BPF_JNE, type Insn } from '../../../src/isa/index.ts';
import { attachType } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Conversion, type Field, place, tableAccess, tableConvert, tableModel } from './fields.ts';
import { loadPath } from './path.ts';

const common = (member: string): string => `sock_common.${member}`;
/** Fields that a request or timewait socket lacks. */
const FULL_ONLY = ['type', 'protocol', 'mark', 'priority'];

/** A load or store of the member's own width. */
const direct = (name: string, path: string, more: Partial<Field> = {}): Field => {
  const [struct = '', member = ''] = path.split('.');
  return {
    name,
    size: 4,
    read: 'full',
    write: true,
    path,
    store: (i: Insn, { layout, dst }: Conversion): Insn[] => [storeAs(i, 4, dst, layout.field(struct, member).offset)],
    ...more,
  };
};
const address6 = (name: string, member: string): Field => ({
  name,
  size: 16,
  read: 'narrow',
  load: (_, c) => {
    c.target.size = 4;
    return loadPath(c.layout, common(member), c.dst, c.src, 4, c.delta);
  },
});

const NO_QUEUE_MAPPING = 0xffff;

const ROWS: readonly Field[] = [
  direct('bound_dev_if', 'sock_common.skc_bound_dev_if'),
  { name: 'family', size: 4, read: 'start', path: common('skc_family') },
  { name: 'type', size: 4, read: 'start', path: 'sock.sk_type' },
  { name: 'protocol', size: 4, read: 'start', path: 'sock.sk_protocol' },
  direct('mark', 'sock.sk_mark'),
  direct('priority', 'sock.sk_priority'),
  { name: 'src_ip4', size: 4, read: 'narrow', path: common('skc_rcv_saddr') },
  address6('src_ip6', 'skc_v6_rcv_saddr'),
  { name: 'src_port', size: 4, read: 'start', path: common('skc_num') },
  { name: 'dst_port', size: 2, read: 'none', path: common('skc_dport') },
  { name: 'padding', size: 2, read: 'none' },
  { name: 'dst_ip4', size: 4, read: 'narrow', path: common('skc_daddr') },
  address6('dst_ip6', 'skc_v6_daddr'),
  { name: 'state', size: 4, read: 'start', path: common('skc_state') },
  {
    name: 'rx_queue_mapping',
    size: 4,
    read: 'start',
    path: common('skc_rx_queue_mapping'),
    after: (dst) => [jumpImm(BPF_JNE, dst, NO_QUEUE_MAPPING, 1), mov32Imm(dst, -1)],
    targetSize: 4,
  },
];
const SOCK = place(ROWS);
const SOCK_COMMON = place(
  ROWS.map((row) => (FULL_ONLY.includes(row.name) ? { ...row, read: 'none', write: false } : row)),
);
const DST_PORT_AT = 48;

/** dst_port was four bytes once: a 4-byte read of its two is still allowed, halves and bytes of it too. */
function sockAccess(fields: typeof SOCK, off: number, size: number, write: boolean, attach: number) {
  if (!write && off % size === 0 && off >= DST_PORT_AT && off < DST_PORT_AT + 4) {
    if (off === DST_PORT_AT && size === 4) return { regType: 'SCALAR_VALUE', ctxFieldSize: 4 };
    return size <= 2 && off + size <= DST_PORT_AT + 2 ? { regType: 'SCALAR_VALUE', ctxFieldSize: 2 } : undefined;
  }
  return tableAccess(fields, off, size, write, attach);
}

const pointer = (env: ContextEnv, fields: typeof SOCK): ContextModel => ({
  size: 80,
  userType: 'bpf_sock',
  access: (off, size, write) => (write ? undefined : sockAccess(fields, off, size, write, env.attach)),
  convert: (i, target) => tableConvert(env.layout, fields, i, target),
});

/** PTR_TO_SOCKET */
export const sockPointer = (env: ContextEnv): ContextModel => pointer(env, SOCK);
/** PTR_TO_SOCK_COMMON */
export const sockCommonPointer = (env: ContextEnv): ContextModel => pointer(env, SOCK_COMMON);

const POST_BIND4 = attachType('cgroup_inet4_post_bind');
const POST_BIND6 = attachType('cgroup_inet6_post_bind');
const CREATE_RELEASE = [attachType('cgroup_inet_sock_create'), attachType('cgroup_inet_sock_release')];
const attaches = (...types: number[]): { only: ReadonlySet<number> } => ({ only: new Set(types) });
const CGROUP_ONLY: Readonly<Record<string, { only: ReadonlySet<number> }>> = {
  bound_dev_if: attaches(...CREATE_RELEASE),
  mark: attaches(...CREATE_RELEASE),
  priority: attaches(...CREATE_RELEASE),
  src_ip4: attaches(POST_BIND4),
  src_ip6: attaches(POST_BIND6),
  src_port: attaches(POST_BIND4, POST_BIND6),
};
const CGROUP_SOCK = place(ROWS.map((row) => ({ ...row, ...CGROUP_ONLY[row.name] })));

/** The context of cgroup_sock programs (sock_filter_is_valid_access). */
export const cgroupSockContext = (env: ContextEnv): ContextModel => ({
  size: 80,
  userType: 'bpf_sock',
  access: (off, size, write) => sockAccess(CGROUP_SOCK, off, size, write, env.attach),
  convert: (i, target) => tableConvert(env.layout, CGROUP_SOCK, i, target),
});

/** Members of `struct tcp_sock` under the same names, as bpf_tcp_sock and bpf_sock_ops show them. */
export const TCP_FIELDS: Readonly<Record<string, string>> = {
  snd_cwnd: 'tcp_sock.snd_cwnd',
  srtt_us: 'tcp_sock.srtt_us',
  rtt_min: 'tcp_sock.rtt_min.s[0].v',
  snd_ssthresh: 'tcp_sock.snd_ssthresh',
  rcv_nxt: 'tcp_sock.rcv_nxt',
  snd_nxt: 'tcp_sock.snd_nxt',
  snd_una: 'tcp_sock.snd_una',
  mss_cache: 'tcp_sock.mss_cache',
  ecn_flags: 'tcp_sock.ecn_flags',
  rate_delivered: 'tcp_sock.rate_delivered',
  rate_interval_us: 'tcp_sock.rate_interval_us',
  packets_out: 'tcp_sock.packets_out',
  retrans_out: 'tcp_sock.retrans_out',
  total_retrans: 'tcp_sock.total_retrans',
  segs_in: 'tcp_sock.segs_in',
  data_segs_in: 'tcp_sock.data_segs_in',
  segs_out: 'tcp_sock.segs_out',
  data_segs_out: 'tcp_sock.data_segs_out',
  lost_out: 'tcp_sock.lost_out',
  sacked_out: 'tcp_sock.sacked_out',
  bytes_received: 'tcp_sock.bytes_received',
  bytes_acked: 'tcp_sock.bytes_acked',
  dsack_dups: 'tcp_sock.dsack_dups',
  delivered: 'tcp_sock.delivered',
  delivered_ce: 'tcp_sock.delivered_ce',
  icsk_retransmits: 'inet_connection_sock.icsk_retransmits',
};
const TCP_SOCK = place(
  Object.entries(TCP_FIELDS).map(
    ([name, path]): Field => ({ name, size: name.startsWith('bytes_') ? 8 : 4, read: 'full', path }),
  ),
);

const UPPER_HALVES = TCP_SOCK.filter((f) => f.size === 8).map((f) => f.offset + 4);

/** PTR_TO_TCP_SOCK. The check lets the upper halves of the two u64 pass; no conversion knows them. */
export const tcpSockPointer = (env: ContextEnv): ContextModel => {
  const model = tableModel(env.layout, 'bpf_tcp_sock', TCP_SOCK);
  return {
    ...model,
    access: (off, size, write, attach) =>
      !write && size === 4 && UPPER_HALVES.includes(off)
        ? { regType: 'SCALAR_VALUE' }
        : model.access(off, size, write, attach),
    convert: (i, target) => (UPPER_HALVES.includes(i.off) ? [] : model.convert?.(i, target)),
  };
};

/** PTR_TO_XDP_SOCK */
export const xdpSockPointer = (env: ContextEnv): ContextModel => ({
  size: 4,
  userType: 'bpf_xdp_sock',
  access: (off, size, write) => (!write && off === 0 && size === 4 ? { regType: 'SCALAR_VALUE' } : undefined),
  convert: (i) => {
    const f = env.layout.field('xdp_sock', 'queue_id');
    return [ldx(f.size, i.dst, i.src, f.offset)];
  },
});
