/** Loads at SKF_AD_OFF: fields of the socket buffer and its device, and calls. */
import { BPF_AND, BPF_B, BPF_DW, BPF_H, BPF_JEQ, BPF_JNE, BPF_W, BPF_XOR, type Insn } from '../../../src/isa/index.ts';
import { alu32, alu32Imm, call, exit, fromBe, jumpImm, load, mov64, mov64Imm } from './build.ts';
import type { SockFilter } from './filter.ts';
import { SKF_AD, SKF_AD_OFF } from './opcodes.ts';
import { A, ARG1, ARG2, ARG3, type ClassicKernel, CTX, TMP, X } from './registers.ts';

/** pkt_type is the low three bits of its byte */
const PKT_TYPE_MAX = 7;

/** Functions called with (skb, A, X). */
const CALLS: ReadonlyMap<number, string> = new Map([
  [SKF_AD.PAY_OFFSET, 'bpf_skb_get_pay_offset'],
  [SKF_AD.NLATTR, 'bpf_skb_get_nlattr'],
  [SKF_AD.NLATTR_NEST, 'bpf_skb_get_nlattr_nest'],
  [SKF_AD.CPU, 'bpf_get_raw_cpu_id'],
  [SKF_AD.RANDOM, 'bpf_user_rnd_u32'],
]);

/** What an absolute load of ancillary data becomes; undefined where it is a packet load. */
export function ancillaryLoad(f: SockFilter, kernel: ClassicKernel): Insn[] | undefined {
  if (f.k < SKF_AD_OFF) return undefined;
  const which = f.k - SKF_AD_OFF;
  const skb = (size: number, field: string): Insn => load(size, A, CTX, kernel.offset('sk_buff', field));
  const name = CALLS.get(which);
  if (name) return [mov64(ARG1, CTX), mov64(ARG2, A), mov64(ARG3, X), call(kernel.call(name))];
  switch (which) {
    case SKF_AD.PROTOCOL:
      return [skb(BPF_H, 'protocol'), fromBe(A, 16)];
    case SKF_AD.PKTTYPE:
      return [skb(BPF_B, '__pkt_type_offset'), alu32Imm(BPF_AND, A, PKT_TYPE_MAX)];
    case SKF_AD.IFINDEX:
    case SKF_AD.HATYPE: {
      const field =
        which === SKF_AD.IFINDEX
          ? load(BPF_W, A, TMP, kernel.offset('net_device', 'ifindex'))
          : load(BPF_H, A, TMP, kernel.offset('net_device', 'type'));
      return [load(BPF_DW, TMP, CTX, kernel.offset('sk_buff', 'dev')), jumpImm(BPF_JNE, TMP, 0, 1), exit(), field];
    }
    case SKF_AD.MARK:
      return [skb(BPF_W, 'mark')];
    case SKF_AD.RXHASH:
      return [skb(BPF_W, 'hash')];
    case SKF_AD.QUEUE:
      return [skb(BPF_H, 'queue_mapping')];
    case SKF_AD.VLAN_TAG:
      return [skb(BPF_H, 'vlan_tci')];
    case SKF_AD.VLAN_TAG_PRESENT:
      return [skb(BPF_W, 'vlan_all'), jumpImm(BPF_JEQ, A, 0, 1), mov64Imm(A, 1)];
    case SKF_AD.VLAN_TPID:
      return [skb(BPF_H, 'vlan_proto'), fromBe(A, 16)];
    case SKF_AD.ALU_XOR_X:
      return [alu32(BPF_XOR, A, X)];
    default:
      return undefined;
  }
}
