/**
 * Fields of `struct __sk_buff` and what loads and stores of them become: bpf_convert_ctx_access() of
 * net/core/filter.c, Linux 6.12.
 */

import { alu32Imm, aluReg, ja, jumpImm, ldx, mov32Imm, movImm, movReg, storeAs, stx } from '../../../src/isa/build.ts';
import {
  BPF_ADD,
  BPF_AND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JMP32,
  BPF_JSET,
  BPF_K,
  BPF_LSH,
  BPF_MEM,
  BPF_REG_AX,
  BPF_ST,
  BPF_SUB,
  bpfClass,
  bpfSize,
  type Insn,
  insn,
} from '../../../src/isa/index.ts';
import type { StructLayout } from '../../core/field-layout.ts';
import { type Conversion, type Field, place } from './fields.ts';
import { loadPath } from './path.ts';
import { freeRegister } from './scratch.ts';

const NO_QUEUE_MAPPING = 0xffff;
/** MIN_NAPI_ID: NR_CPUS + 1 of Debian's configuration; smaller numbers are CPUs. */
const MIN_NAPI_ID = 8193;

const jumpIf32 = (op: number, dst: number, imm: number, off: number): Insn =>
  insn(BPF_JMP32 | op | BPF_K, dst, 0, off, imm);

/** A store into a member of struct sk_buff, of the member's width. */
const storeInto =
  (member: string) =>
  (i: Insn, { layout }: Conversion): Insn[] => {
    const f = layout.field('sk_buff', member);
    return [storeAs(i, f.size, i.dst, f.offset)];
  };

/** Port numbers are a u16 in the upper half of a u32. */
const upperHalf = (dst: number): Insn[] => [alu32Imm(BPF_LSH, dst, 16)];

/** `skb_shinfo(skb)->member`: skb->head + skb->end (BPF_REG_AX is scratch). */
const sharedInfo =
  (member: string) =>
  (_: Insn, c: Conversion): Insn[] => {
    const { layout, dst, src } = c;
    const f = layout.field('skb_shared_info', member);
    c.target.size = f.size;
    return [
      ldx(4, BPF_REG_AX, src, layout.field('sk_buff', 'end').offset),
      ldx(8, dst, src, layout.field('sk_buff', 'head').offset),
      aluReg(BPF_ADD, dst, BPF_REG_AX),
      ldx(f.size, dst, dst, f.offset),
    ];
  };

/** `((struct bpf_skb_data_end *)skb->cb)->member`. */
const inDataEnd =
  (member: string) =>
  (_: Insn, { layout, dst, src }: Conversion): Insn[] => [
    ldx(8, dst, src, layout.field('sk_buff', 'cb').offset + layout.field('bpf_skb_data_end', member).offset),
  ];

/** skb->tstamp is a delivery time unless tc at ingress has set tstamp_type: BPF_REG_AX tests that. */
const tstampByte = (layout: StructLayout): number => layout.field('sk_buff', 'tstamp_type').offset;
const TC_AT_INGRESS = 1 << 2;
const TSTAMP_TYPE = 3;

function readTstamp(_: Insn, { layout, dst, src }: Conversion): Insn[] {
  return [
    ldx(1, BPF_REG_AX, src, tstampByte(layout)),
    jumpIf32(BPF_JSET, BPF_REG_AX, TC_AT_INGRESS, 1),
    ja(4),
    jumpIf32(BPF_JSET, BPF_REG_AX, TSTAMP_TYPE, 1),
    ja(2),
    movImm(dst, 0),
    ja(1),
    ldx(8, dst, src, layout.field('sk_buff', 'tstamp').offset),
  ];
}
function writeTstamp(i: Insn, { layout, dst }: Conversion): Insn[] {
  const at = tstampByte(layout);
  return [
    ldx(1, BPF_REG_AX, dst, at),
    jumpIf32(BPF_JSET, BPF_REG_AX, TC_AT_INGRESS, 1),
    ja(2),
    alu32Imm(BPF_AND, BPF_REG_AX, ~TSTAMP_TYPE),
    stx(1, dst, BPF_REG_AX, at),
    storeAs(i, 8, dst, layout.field('sk_buff', 'tstamp').offset),
  ];
}

function writeQueueMapping(i: Insn, { layout, dst }: Conversion): Insn[] {
  const store = storeAs(i, 2, dst, layout.field('sk_buff', 'queue_mapping').offset);
  if ((i.code & 7) === BPF_ST) return i.imm >>> 0 >= NO_QUEUE_MAPPING ? [ja(0)] : [store];
  return [jumpImm(BPF_JGE, i.src, NO_QUEUE_MAPPING, 1), store];
}

/** cb[] stays a byte array: only its place differs. A load that extends the sign is followed by the extension, as any is. */
export const controlBlock =
  (struct: 'qdisc_skb_cb' | 'sk_skb_cb') =>
  (i: Insn, { layout, delta }: Conversion): Insn[] => [
    {
      ...i,
      code: bpfClass(i.code) | BPF_MEM | bpfSize(i.code),
      off: layout.field('sk_buff', 'cb').offset + layout.field(struct, 'data').offset + delta,
    },
  ];

const sock = (member: string): string => `sk_buff.sk->sock_common.${member}`;
export const word = (name: string, path: string, more: Partial<Field> = {}): Field => ({
  name,
  size: 4,
  read: 'narrow',
  path,
  ...more,
});
const address6 = (name: string, member: string): Field => ({
  name,
  size: 16,
  read: 'full',
  ctxFieldSize: 4,
  load: (_, { layout, dst, src, delta }) => loadPath(layout, sock(member), dst, src, 4, delta),
});

/** Every field of `struct __sk_buff`, as the most permitted program sees it. */
export const SKB_FIELDS: readonly Field[] = [
  word('len', 'sk_buff.len'),
  word('pkt_type', 'sk_buff.pkt_type'),
  word('mark', 'sk_buff.mark', { write: true, store: storeInto('mark') }),
  word('queue_mapping', 'sk_buff.queue_mapping', { write: true, store: writeQueueMapping }),
  word('protocol', 'sk_buff.protocol'),
  word('vlan_present', 'sk_buff.vlan_all', { after: (dst) => [jumpImm(BPF_JEQ, dst, 0, 1), mov32Imm(dst, 1)] }),
  word('vlan_tci', 'sk_buff.vlan_tci'),
  word('vlan_proto', 'sk_buff.vlan_proto'),
  word('priority', 'sk_buff.priority', { write: true, store: storeInto('priority') }),
  word('ingress_ifindex', 'sk_buff.skb_iif'),
  word('ifindex', 'sk_buff.dev?->net_device.ifindex'),
  word('tc_index', 'sk_buff.tc_index', { write: true, store: storeInto('tc_index') }),
  {
    name: 'cb',
    size: 20,
    read: 'any',
    write: true,
    load: controlBlock('qdisc_skb_cb'),
    store: controlBlock('qdisc_skb_cb'),
  },
  word('hash', 'sk_buff.hash'),
  {
    name: 'tc_classid',
    size: 4,
    read: 'narrow',
    write: true,
    load: (_, c) => {
      c.target.size = 2;
      return [
        ldx(
          2,
          c.dst,
          c.src,
          c.layout.field('sk_buff', 'cb').offset + c.layout.field('qdisc_skb_cb', 'tc_classid').offset,
        ),
      ];
    },
    store: (i, { layout, dst }) => [
      storeAs(i, 2, dst, layout.field('sk_buff', 'cb').offset + layout.field('qdisc_skb_cb', 'tc_classid').offset),
    ],
  },
  { name: 'data', size: 4, read: 'full', regType: 'PTR_TO_PACKET', path: 'sk_buff.data' },
  { name: 'data_end', size: 4, read: 'full', regType: 'PTR_TO_PACKET_END', load: inDataEnd('data_end') },
  word('napi_id', 'sk_buff.napi_id', { after: (dst) => [jumpImm(BPF_JGE, dst, MIN_NAPI_ID, 1), movImm(dst, 0)] }),
  word('family', sock('skc_family')),
  { name: 'remote_ip4', size: 4, read: 'full', path: sock('skc_daddr') },
  { name: 'local_ip4', size: 4, read: 'full', path: sock('skc_rcv_saddr') },
  address6('remote_ip6', 'skc_v6_daddr'),
  address6('local_ip6', 'skc_v6_rcv_saddr'),
  word('remote_port', sock('skc_dport'), { after: upperHalf }),
  word('local_port', sock('skc_num')),
  { name: 'data_meta', size: 4, read: 'full', regType: 'PTR_TO_PACKET_META', load: inDataEnd('data_meta') },
  { name: 'flow_keys', size: 8, read: 'none' },
  { name: 'tstamp', size: 8, read: 'full', write: true, load: readTstamp, store: writeTstamp },
  {
    name: 'wire_len',
    size: 4,
    read: 'narrow',
    load: (_, c) => {
      c.target.size = 4;
      return [
        ldx(4, c.dst, c.src, c.layout.field('sk_buff', 'cb').offset + c.layout.field('qdisc_skb_cb', 'pkt_len').offset),
      ];
    },
  },
  { name: 'gso_segs', size: 4, read: 'narrow', load: sharedInfo('gso_segs') },
  {
    name: 'sk',
    size: 8,
    read: 'full',
    regType: 'PTR_TO_SOCK_COMMON',
    regFlags: ['PTR_MAYBE_NULL'],
    path: 'sk_buff.sk',
  },
  { name: 'gso_size', size: 4, read: 'narrow', load: sharedInfo('gso_size') },
  { name: 'tstamp_type', size: 1, read: 'full', path: 'sk_buff.tstamp_type' },
  { name: 'padding', size: 3, read: 'none' },
  { name: 'hwtstamp', size: 8, read: 'full', load: sharedInfo('hwtstamps') },
];

/** data_end of a socket's queue: data + len - data_len, kept out of R11's and the program's way. */
export function skSkbDataEnd(_: Insn, { layout, dst, src }: Conversion): Insn[] {
  const member = (name: string): number => layout.field('sk_buff', name).offset;
  const temp = member('cb') + layout.field('sk_skb_cb', 'temp_reg').offset;
  const sum = (to: number, from: number): Insn[] => [
    ldx(8, to, from, member('data')),
    ldx(4, BPF_REG_AX, from, member('len')),
    aluReg(BPF_ADD, to, BPF_REG_AX),
    ldx(4, BPF_REG_AX, from, member('data_len')),
    aluReg(BPF_SUB, to, BPF_REG_AX),
  ];
  if (dst !== src) return sum(dst, src);
  const reg = freeRegister({ dst, src });
  return [
    stx(8, src, reg, temp),
    ...sum(reg, src),
    movReg(BPF_REG_AX, src),
    movReg(dst, reg),
    ldx(8, reg, BPF_REG_AX, temp),
  ];
}

const OFFSETS = new Map(place(SKB_FIELDS).map((f) => [f.name, f.offset]));
/** Offset of a field in the context. */
export const offsetOf = (name: string): number => OFFSETS.get(name) ?? -1;
