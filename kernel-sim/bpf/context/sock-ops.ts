/** `struct bpf_sock_ops`: sock_ops_is_valid_access and sock_ops_convert_ctx_access of net/core/filter.c, Linux 6.12. */

import { alu32Imm, aluReg, ja, jumpImm, ldx, movImm, storeAs, stx } from '../../../src/isa/build.ts';
import { BPF_ADD, BPF_JEQ, BPF_LSH, BPF_REG_AX, type Insn } from '../../../src/isa/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Conversion, type Field, place, tableModel } from './fields.ts';
import { loadPath, resolvePath } from './path.ts';
import { freeRegister } from './scratch.ts';
import { TCP_FIELDS } from './sock.ts';

const KERN = 'bpf_sock_ops_kern';
const at = ({ layout }: Conversion, member: string): number => layout.field(KERN, member).offset;

/**
 * A member of a full socket (0 of another): ctx->is_fullsock is asked first. Where the result
 * replaces the context pointer, a borrowed register asks, kept in ctx->temp.
 */
function ofFullSock(path: string | undefined) {
  return (_: Insn, c: Conversion): Insn[] => {
    const { layout, dst, src } = c;
    const load: Insn[] = [];
    if (path !== undefined) {
      const f = resolvePath(layout, path).at(-1);
      if (f) load.push(ldx(f.size, dst, dst, f.offset));
    }
    const sk = ldx(8, dst, src, at(c, 'sk'));
    if (dst !== src)
      return [ldx(1, dst, src, at(c, 'is_fullsock')), jumpImm(BPF_JEQ, dst, 0, load.length + 1), sk, ...load];
    const reg = freeRegister({ dst, src });
    const back = ldx(8, reg, src, at(c, 'temp'));
    return [
      stx(8, src, reg, at(c, 'temp')),
      ldx(1, reg, src, at(c, 'is_fullsock')),
      jumpImm(BPF_JEQ, reg, 0, load.length + 3),
      back,
      sk,
      ...load,
      ja(2),
      back,
      movImm(dst, 0),
    ];
  };
}

/** A store into the full socket; nothing happens where there is none. */
const intoFullSock =
  (struct: string, member: string) =>
  (i: Insn, c: Conversion): Insn[] => {
    const reg = freeRegister(i);
    const f = c.layout.field(struct, member);
    return [
      stx(8, i.dst, reg, at(c, 'temp')),
      ldx(1, reg, i.dst, at(c, 'is_fullsock')),
      jumpImm(BPF_JEQ, reg, 0, 2),
      ldx(8, reg, i.dst, at(c, 'sk')),
      storeAs(i, f.size, reg, f.offset),
      ldx(8, reg, i.dst, at(c, 'temp')),
    ];
  };

const own = (name: string, member = name): Field => ({ name, size: 4, read: 'full', path: `${KERN}.${member}` });
const common = (name: string, member: string, more: Partial<Field> = {}): Field => ({
  name,
  size: 4,
  read: 'full',
  path: `${KERN}.sk->sock_common.${member}`,
  ...more,
});
const common6 = (name: string, member: string): Field => ({
  name,
  size: 16,
  read: 'full',
  ctxFieldSize: 4,
  load: (_, { layout, dst, src, delta }) => loadPath(layout, `${KERN}.sk->sock_common.${member}`, dst, src, 4, delta),
});
const tcp = (name: string, size = 4): Field => ({
  name,
  size,
  read: 'full',
  load: ofFullSock(TCP_FIELDS[name] ?? `tcp_sock.${name}`),
});

/** skb_shinfo(skb)->hwtstamps, where there is a packet. */
function hwtstamp(_: Insn, c: Conversion): Insn[] {
  const { layout, dst, src } = c;
  const member = (name: string): number => layout.field('sk_buff', name).offset;
  c.target.size = 8;
  return [
    ldx(8, dst, src, at(c, 'skb')),
    jumpImm(BPF_JEQ, dst, 0, 4),
    ldx(4, BPF_REG_AX, dst, member('end')),
    ldx(8, dst, dst, member('head')),
    aluReg(BPF_ADD, dst, BPF_REG_AX),
    ldx(8, dst, dst, layout.field('skb_shared_info', 'hwtstamps').offset),
  ];
}

const FIELDS = place([
  own('op'),
  {
    name: 'args',
    size: 16,
    read: 'full',
    ctxFieldSize: 4,
    load: (_, { layout, dst, src, delta }) => [ldx(4, dst, src, layout.field(KERN, 'args').offset + delta)],
    store: (i, { layout, dst, delta }) => [storeAs(i, 4, dst, layout.field(KERN, 'args').offset + delta)],
  },
  common('family', 'skc_family'),
  common('remote_ip4', 'skc_daddr'),
  common('local_ip4', 'skc_rcv_saddr'),
  common6('remote_ip6', 'skc_v6_daddr'),
  common6('local_ip6', 'skc_v6_rcv_saddr'),
  common('remote_port', 'skc_dport', { after: (dst) => [alu32Imm(BPF_LSH, dst, 16)] }),
  common('local_port', 'skc_num'),
  own('is_fullsock'),
  tcp('snd_cwnd'),
  tcp('srtt_us'),
  tcp('bpf_sock_ops_cb_flags'),
  common('state', 'skc_state'),
  ...[
    'rtt_min',
    'snd_ssthresh',
    'rcv_nxt',
    'snd_nxt',
    'snd_una',
    'mss_cache',
    'ecn_flags',
    'rate_delivered',
    'rate_interval_us',
  ].map((n) => tcp(n)),
  ...[
    'packets_out',
    'retrans_out',
    'total_retrans',
    'segs_in',
    'data_segs_in',
    'segs_out',
    'data_segs_out',
    'lost_out',
    'sacked_out',
  ].map((n) => tcp(n)),
  {
    name: 'sk_txhash',
    size: 4,
    read: 'full',
    write: true,
    load: ofFullSock('sock.sk_txhash'),
    store: intoFullSock('sock', 'sk_txhash'),
  },
  tcp('bytes_received', 8),
  tcp('bytes_acked', 8),
  {
    name: 'sk',
    size: 8,
    read: 'full',
    regType: 'PTR_TO_SOCKET',
    regFlags: ['PTR_MAYBE_NULL'],
    load: ofFullSock(undefined),
  },
  { name: 'skb_data', size: 8, read: 'full', regType: 'PTR_TO_PACKET', path: `${KERN}.skb?->sk_buff.data` },
  { name: 'skb_data_end', size: 8, read: 'full', regType: 'PTR_TO_PACKET_END', path: `${KERN}.skb_data_end` },
  { name: 'skb_len', size: 4, read: 'full', path: `${KERN}.skb?->sk_buff.len` },
  {
    name: 'skb_tcp_flags',
    size: 4,
    read: 'start',
    load: (_, c) => {
      const { layout, dst, src } = c;
      c.target.size = 1;
      return [
        ldx(8, dst, src, at(c, 'skb')),
        jumpImm(BPF_JEQ, dst, 0, 1),
        ldx(1, dst, dst, layout.field('sk_buff', 'cb').offset + layout.field('tcp_skb_cb', 'tcp_flags').offset),
      ];
    },
  },
  { name: 'skb_hwtstamp', size: 8, read: 'full', load: hwtstamp },
]);

const REPLY_AT = 4;
const TXHASH_AT = 164;

export function sockOpsContext(env: ContextEnv): ContextModel {
  const model = tableModel(env.layout, 'bpf_sock_ops', FIELDS);
  return {
    ...model,
    access: (off, size, write, attach) =>
      write
        ? size === 4 && (off === REPLY_AT || off === TXHASH_AT)
          ? { regType: 'SCALAR_VALUE' }
          : undefined
        : model.access(off, size, write, attach),
  };
}
