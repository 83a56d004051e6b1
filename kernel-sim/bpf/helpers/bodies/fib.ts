/** Where a packet could go: bpf-helpers(7), bpf_fib_lookup and bpf_check_mtu. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { AF } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

/** sizeof(struct bpf_fib_lookup), and of its members */
const PARAMS = { size: 64, family: 0, ifindex: 8, src: 16, dst: 32 } as const;
/** BPF_FIB_LOOKUP_DIRECT to _MARK */
const FLAGS = 0x3f;
/** BPF_FIB_LKUP_RET_NOT_FWDED, _FWD_DISABLED: net.ipv4.ip_forward and its kin are 0 at boot */
const [NOT_FWDED, FWD_DISABLED] = [4, 5];

/** `rt6_need_strict`: the loopback address, link-local and multicast ones */
function isStrict(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  const isLoopback = address.subarray(0, 15).every((b) => b === 0) && address[15] === 1;
  return isLoopback || first === 0xff || (first === 0xfe && (second & 0xc0) === 0x80);
}
const lookup: HelperBody = ({ args, kernel }) => {
  const { memory, net } = kernel;
  const params = args.addr(1);
  if (args.u32(2) < PARAMS.size || args.u32(3) & ~FLAGS) return args.retInt(-ERRNO.EINVAL);
  const family = memory.readU8(params + PARAMS.family);
  if (family !== AF.INET && family !== AF.INET6) return args.retInt(-ERRNO.EAFNOSUPPORT);
  const address = (at: number): Uint8Array => memory.readBytes(params + at, 16);
  if (family === AF.INET6 && (isStrict(address(PARAMS.src)) || isStrict(address(PARAMS.dst))))
    return args.retInt(NOT_FWDED);
  const device = net.devices.byIndex(memory.readU32(params + PARAMS.ifindex));
  args.retInt(device === undefined ? -ERRNO.ENODEV : FWD_DISABLED);
};

/** BPF_MTU_CHK_SEGS: each segment of a large packet; what its length is told to be does not go with it */
const CHECK_SEGMENTS = 1;
interface Measured {
  readonly length: number;
  readonly dev: Addr;
}
const checkMtu =
  (flags: number, measure: (call: HelperCall) => Measured): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const [ifindex, at, difference] = [args.u32(1), args.addr(2), args.lo(3)];
    const given = kernel.memory.readU32(at);
    if (args.hi(4) !== 0 || args.u32(4) & ~flags) return args.retInt(-ERRNO.EINVAL);
    if (args.u32(4) & CHECK_SEGMENTS && (difference !== 0 || given !== 0)) return args.retInt(-ERRNO.EINVAL);
    const { length, dev } = measure(call);
    const device = ifindex === 0 ? dev : (kernel.net.devices.byIndex(ifindex)?.at ?? 0);
    if (device === 0) return args.retInt(-ERRNO.ENODEV);
    const { mtu, header } = sizes(call, device);
    const size = (given !== 0 ? given + header : length) + difference;
    kernel.memory.writeU32(at, mtu);
    args.retInt(size > mtu + header ? 1 : 0);
  };
function sizes({ kernel }: HelperCall, at: Addr): { readonly mtu: number; readonly header: number } {
  const device = new GuestStruct(kernel, 'net_device', at);
  return { mtu: device.get('mtu'), header: device.get('hard_header_len') };
}

export const FIB: HelperBodies = {
  bpf_skb_fib_lookup: lookup,
  bpf_xdp_fib_lookup: lookup,
  bpf_skb_check_mtu: checkMtu(CHECK_SEGMENTS, (call) => {
    const skb = new GuestStruct(call.kernel, 'sk_buff', call.args.addr(0));
    return { length: skb.get('len'), dev: skb.get('dev') };
  }),
  bpf_xdp_check_mtu: checkMtu(0, (call) => {
    const xdp = new GuestStruct(call.kernel, 'xdp_buff', call.args.addr(0));
    const dev = new GuestStruct(call.kernel, 'xdp_rxq_info', xdp.get('rxq')).get('dev');
    return { length: xdp.get('data_end') - xdp.get('data'), dev };
  }),
};
