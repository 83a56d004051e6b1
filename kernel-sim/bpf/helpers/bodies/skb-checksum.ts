/** Checksums of packets: bpf-helpers(7), bpf_l3_csum_replace and its kin, and what congestion marks (RFC 3168) do to them. */

import {
  BPF_F_HDR_FIELD_MASK,
  BPF_F_IPV6,
  BPF_F_MARK_ENFORCE,
  BPF_F_MARK_MANGLED_0,
  BPF_F_PSEUDO_HDR,
} from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies, HelperCall } from './call.ts';
import { csumAdd, csumFold, csumPartial, csumReplace2, csumReplace4 } from './checksum.ts';
import { INT_MAX, inPacket, skbArg } from './skb.ts';

/** Checksum in the packet at an offset, replaced by `change`; -EFAULT beyond the packet. */
function replaceChecksum(call: HelperCall, change: (sum: number) => number | undefined): void {
  const { args, kernel } = call;
  const offset = args.u32(1);
  const at = offset & 1 || offset > INT_MAX ? 0 : inPacket(skbArg(call, 0), offset, 2);
  if (at === 0) {
    args.retInt(-ERRNO.EFAULT);
    return;
  }
  const sum = change(kernel.memory.readU16(at));
  if (sum === undefined) {
    args.retInt(-ERRNO.EINVAL);
    return;
  }
  kernel.memory.writeU16(at, sum);
  args.retInt(0);
}

function replaced(call: HelperCall, sum: number, size: number, whole: boolean): number | undefined {
  const { args } = call;
  if (size === 0)
    return whole && args.lo(2) === 0 && args.hi(2) === 0 ? csumFold(csumAdd(~sum & 0xffff, args.u32(3))) : undefined;
  if (size === 2) return csumReplace2(sum, args.u32(2) & 0xffff, args.u32(3) & 0xffff);
  return size === 4 ? csumReplace4(sum, args.u32(2), args.u32(3)) : undefined;
}

export const SKB_CHECKSUM: HelperBodies = {
  bpf_csum_update: (call) => {
    const skb = skbArg(call, 0);
    // only packets whose checksum is complete (ip_summed 2) have one to update
    if (skb.get('ip_summed') !== 2) call.args.retInt(-ERRNO.ENOTSUPP);
    else {
      skb.set('csum', csumAdd(skb.get('csum'), call.args.u32(1)));
      call.args.retU32(skb.get('csum'));
    }
  },
  bpf_csum_level: ({ args }) =>
    args.retInt(args.u32(1) > 3 || args.hi(1) !== 0 ? -ERRNO.EINVAL : args.u32(1) === 0 ? -ERRNO.EACCES : 0),
  bpf_csum_diff: ({ args, kernel }) => {
    const [fromSize, toSize] = [args.u32(1), args.u32(3)];
    if (fromSize % 4 !== 0 || toSize % 4 !== 0) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const from = fromSize > 0 ? csumPartial(kernel.memory.readBytes(args.addr(0), fromSize), 0) : 0;
    const seed = fromSize > 0 ? csumAdd(args.u32(4), ~from >>> 0) : args.u32(4);
    const sum = toSize > 0 ? csumPartial(kernel.memory.readBytes(args.addr(2), toSize), seed) : seed;
    args.retU32(sum);
  },
  bpf_l3_csum_replace: (call) => {
    const { args } = call;
    const flags = args.u32(4);
    if (flags & ~BPF_F_HDR_FIELD_MASK) args.retInt(-ERRNO.EINVAL);
    else replaceChecksum(call, (sum) => replaced(call, sum, flags & BPF_F_HDR_FIELD_MASK, true));
  },
  bpf_l4_csum_replace: (call) => {
    const { args } = call;
    const flags = args.u32(4);
    if (flags & ~(BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6)) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    replaceChecksum(call, (sum) => {
      if (flags & BPF_F_MARK_MANGLED_0 && !(flags & BPF_F_MARK_ENFORCE) && sum === 0) return 0;
      const next = replaced(call, sum, flags & BPF_F_HDR_FIELD_MASK, true);
      return next === 0 && flags & BPF_F_MARK_MANGLED_0 ? 0xffff : next;
    });
  },
};
