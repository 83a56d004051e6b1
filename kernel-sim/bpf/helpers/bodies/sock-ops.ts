/** Programs that follow TCP connections: bpf-helpers(7), bpf_sock_ops_cb_flags_set, bpf_load_hdr_opt and its kin. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { IPPROTO } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

/** BPF_SOCK_OPS_ALL_CB_FLAGS */
const CB_FLAGS = 0x7f;
/** BPF_SOCK_OPS_HDR_OPT_LEN_CB, _WRITE_HDR_OPT_CB */
const [HDR_OPT_LEN, WRITE_HDR_OPT] = [14, 15];
/** BPF_LOAD_HDR_OPT_TCP_SYN: of the SYN that began the connection */
const LOAD_SYN = 1;
const TCPOPT = { EOL: 0, NOP: 1, MSS: 2, WINDOW: 3, SACK_PERM: 4, SACK: 5, TIMESTAMP: 8, EXP: 254 } as const;
const TCP_HLEN = 20;
const contextOf = (call: HelperCall): GuestStruct =>
  new GuestStruct(call.kernel, 'bpf_sock_ops_kern', call.args.addr(0));

/** Answers with the flags that there are none of. */
const setFlags: HelperBody = (call) => {
  const { args, kernel } = call;
  const ops = contextOf(call);
  const flags = args.lo(1);
  const sk = new GuestStruct(kernel, 'sock', ops.get('sk'));
  if (ops.get('is_fullsock') === 0 || sk.get('sk_protocol') !== IPPROTO.TCP) return args.retInt(-ERRNO.EINVAL);
  new GuestStruct(kernel, 'tcp_sock', sk.at).set('bpf_sock_ops_cb_flags', flags & CB_FLAGS);
  args.retInt(flags & ~CB_FLAGS);
};

/** `bpf_search_tcp_opt`: the option's address; 0 where there is none, or -errno where they are no options. */
function search(call: HelperCall, from: Addr, end: Addr, kind: number, magic: Uint8Array): Addr | undefined {
  const { memory } = call.kernel;
  let at = from;
  while (at < end) {
    const found = memory.readU8(at);
    if (found === TCPOPT.EOL) return 0;
    if (found === TCPOPT.NOP) {
      at++;
      continue;
    }
    const size = at + 1 < end ? memory.readU8(at + 1) : 0;
    if (size < 2 || at + size > end) return undefined;
    const matches = magic.every((byte, n) => 2 + n < size && memory.readU8(at + 2 + n) === byte);
    if (found === kind && matches) return at;
    at += size;
  }
  return 0;
}
const loadOption: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory } = kernel;
  const ops = contextOf(call);
  const [result, length, flags] = [args.addr(1), args.u32(2), args.u32(3)];
  if (flags & ~LOAD_SYN || args.hi(3) !== 0 || length < 2) return args.retInt(-ERRNO.EINVAL);
  const [kind, size] = [memory.readU8(result), memory.readU8(result + 1)];
  // only experimental options have a magic number behind kind and length
  const magicSize = kind === TCPOPT.EXP ? size - 2 : 0;
  const isFine = kind === TCPOPT.EXP ? size === 4 || size === 6 : size === 0;
  if (kind <= TCPOPT.NOP || !isFine || length < 2 + magicSize) return args.retInt(-ERRNO.EINVAL);
  const skb = ops.get('skb');
  if (flags & LOAD_SYN || skb === 0) return args.retInt(-ERRNO.ENOENT);
  const header = new GuestStruct(kernel, 'sk_buff', skb).get('data');
  const end = ops.get('skb_data_end');
  const at = search(call, header + TCP_HLEN, end, kind, memory.readBytes(result + 2, magicSize));
  if (at === undefined) return args.retInt(-ERRNO.EFAULT);
  if (at === 0) return args.retInt(-ERRNO.ENOMSG);
  const whole = memory.readU8(at + 1);
  memory.writeBytes(result, memory.readBytes(at, Math.min(whole, length)));
  args.retInt(whole > length ? -ERRNO.ENOSPC : whole);
};

/** Options that the kernel writes itself. */
const isKernels = (kind: number): boolean => kind <= TCPOPT.SACK || kind === TCPOPT.TIMESTAMP;
const storeOption: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory } = kernel;
  const ops = contextOf(call);
  const [from, length] = [args.addr(1), args.u32(2)];
  if (ops.get('op') !== WRITE_HDR_OPT) return args.retInt(-ERRNO.EPERM);
  if (length < 2 || (args.lo(3) | args.hi(3)) !== 0) return args.retInt(-ERRNO.EINVAL);
  const [kind, size] = [memory.readU8(from), memory.readU8(from + 1)];
  if (size > length) return args.retInt(-ERRNO.EINVAL);
  if (isKernels(kind)) return args.retInt(-ERRNO.EINVAL);
  const room = ops.get('remaining_opt_len');
  if (size > room) return args.retInt(-ERRNO.ENOSPC);
  const magicSize = kind === TCPOPT.EXP ? Math.min(4, size - 2) : 0;
  const header = new GuestStruct(kernel, 'sk_buff', ops.get('skb')).get('data');
  const end = ops.get('skb_data_end');
  const at = search(call, header + TCP_HLEN, end, kind, memory.readBytes(from + 2, magicSize));
  if (at !== 0) return args.retInt(at === undefined ? -ERRNO.EFAULT : -ERRNO.EEXIST);
  memory.writeBytes(end, memory.readBytes(from, size));
  ops.set('skb_data_end', end + size).set('remaining_opt_len', room - size);
  args.retInt(0);
};
const reserve: HelperBody = (call) => {
  const { args } = call;
  const ops = contextOf(call);
  const length = args.u32(1);
  if (ops.get('op') !== HDR_OPT_LEN) return args.retInt(-ERRNO.EPERM);
  if (length < 2 || (args.lo(2) | args.hi(2)) !== 0) return args.retInt(-ERRNO.EINVAL);
  const room = ops.get('remaining_opt_len');
  if (length > room) return args.retInt(-ERRNO.ENOSPC);
  ops.set('remaining_opt_len', room - length);
  args.retInt(0);
};

export const SOCK_OPS: HelperBodies = {
  bpf_sock_ops_cb_flags_set: setFlags,
  bpf_sock_ops_load_hdr_opt: loadOption,
  bpf_sock_ops_store_hdr_opt: storeOption,
  bpf_sock_ops_reserve_hdr_opt: reserve,
  /** An acknowledgement of its own, from a congestion algorithm. */
  bpf_tcp_send_ack: (call) => {
    const { args, kernel } = call;
    call.callback(kernel.text.place('tcp_send_ack'), [[args.lo(0), args.hi(0)]]);
    args.ret(0, 0);
  },
};
