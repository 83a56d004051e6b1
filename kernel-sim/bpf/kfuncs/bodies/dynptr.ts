/** Dynamic pointers to packets, and what programs ask of any: bpf_dynptr_from_skb, bpf_dynptr_slice and their kin (Linux 6.12 Documentation/bpf/kfuncs.rst). */
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';
import {
  clear,
  type Dynptr,
  init,
  outside,
  READ_ONLY,
  readDynptr,
  SIZE_MASK,
  TYPE_SKB,
  TYPE_XDP,
} from '../../helpers/bodies/dynptr.ts';

const dynptr = (call: HelperCall, n: number): Dynptr => readDynptr(call, call.args.addr(n));

/** A dynamic pointer to a packet: flags must be 0. */
const fromPacket =
  (type: number, readOnly: boolean): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const [packet, to] = [args.addr(0), args.addr(2)];
    if (args.lo(1) !== 0 || args.hi(1) !== 0) {
      clear(call, to);
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const buffer = new GuestStruct(call.kernel, type === TYPE_SKB ? 'sk_buff' : 'xdp_buff', packet);
    const size = type === TYPE_SKB ? buffer.get('len') : buffer.get('data_end') - buffer.get('data');
    init(call, to, packet, size, type);
    if (readOnly) kernel.memory.writeU32(to + 8, (kernel.memory.readU32(to + 8) | READ_ONLY) >>> 0);
    args.retInt(0);
  };

/** Where `length` bytes of a dynamic pointer are, 0 outside it: data in memory needs no copy. */
function slice(call: HelperCall, write: boolean): void {
  const { args } = call;
  const d = dynptr(call, 0);
  const [offset, length] = [args.u32(1), args.u32(3)];
  const refused = d.data === 0 || outside(d.size, offset, length) || (write && d.readOnly);
  args.retAddr(refused ? 0 : d.start + offset);
}

export const DYNPTR_KFUNCS: HelperBodies = {
  bpf_dynptr_from_skb: fromPacket(TYPE_SKB, false),
  bpf_dynptr_from_skb_rdonly: fromPacket(TYPE_SKB, true),
  bpf_dynptr_from_xdp: fromPacket(TYPE_XDP, false),
  bpf_dynptr_is_null: (call) => call.args.retU32(dynptr(call, 0).data === 0 ? 1 : 0),
  bpf_dynptr_is_rdonly: (call) => {
    const d = dynptr(call, 0);
    call.args.retU32(d.data !== 0 && d.word & READ_ONLY ? 1 : 0);
  },
  bpf_dynptr_size: (call) => {
    const d = dynptr(call, 0);
    if (d.data === 0) call.args.retInt(-ERRNO.EINVAL);
    else call.args.retU32(d.size);
  },
  /** Moves the start and the end inwards. */
  bpf_dynptr_adjust: (call) => {
    const { args, kernel } = call;
    const d = dynptr(call, 0);
    const [start, end] = [args.u32(1), args.u32(2)];
    const bad = d.data === 0 || start > end ? -ERRNO.EINVAL : start > d.size || end > d.size ? -ERRNO.ERANGE : 0;
    if (bad === 0) {
      kernel.memory.writeU32(d.at + 12, d.offset + start);
      kernel.memory.writeU32(d.at + 8, (d.word & ~SIZE_MASK) | (end - start));
    }
    args.retInt(bad);
  },
  bpf_dynptr_clone: (call) => {
    const { args, kernel } = call;
    const d = dynptr(call, 0);
    const to = args.addr(1);
    if (d.data === 0) kernel.memory.fillBytes(to, 0, 16);
    else kernel.memory.writeBytes(to, kernel.memory.readBytes(d.at, 16));
    args.retInt(d.data === 0 ? -ERRNO.EINVAL : 0);
  },
  bpf_dynptr_slice: (call) => slice(call, false),
  bpf_dynptr_slice_rdwr: (call) => slice(call, true),
};
