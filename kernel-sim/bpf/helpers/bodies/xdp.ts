/** Packets in XDP buffers: bpf-helpers(7), bpf_xdp_adjust_head and its kin. */
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { ETH_HLEN, SHARED_INFO } from '../../../net/packet.ts';
import type { HelperBodies, HelperCall } from './call.ts';

/** sizeof(struct xdp_frame): metadata and packet start behind it */
const XDP_FRAME = 40;

const xdpArg = (call: HelperCall, n: number): GuestStruct =>
  new GuestStruct(call.kernel, 'xdp_buff', call.args.addr(n));
const hasMeta = (xdp: GuestStruct): boolean => xdp.get('data_meta') <= xdp.get('data');

/** `bpf_xdp_pointer`: where the bytes are, or an error number. */
function bytesAt(call: HelperCall): { at: number } | number {
  const { args } = call;
  const xdp = xdpArg(call, 0);
  const [offset, size] = [args.u32(1), args.u32(3)];
  const length = xdp.get('data_end') - xdp.get('data');
  if (offset > 0xffff || size > 0xffff) return -ERRNO.EFAULT;
  return offset + size > length ? -ERRNO.EINVAL : { at: xdp.get('data') + offset };
}

export const XDP: HelperBodies = {
  bpf_xdp_adjust_head: (call) => {
    const { args, kernel } = call;
    const xdp = xdpArg(call, 0);
    const meta = hasMeta(xdp) ? xdp.get('data') - xdp.get('data_meta') : 0;
    const data = xdp.get('data') + args.lo(1);
    if (data < xdp.get('data_hard_start') + XDP_FRAME + meta || data > xdp.get('data_end') - ETH_HLEN) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    if (meta > 0) kernel.memory.writeBytes(data - meta, kernel.memory.readBytes(xdp.get('data_meta'), meta));
    if (hasMeta(xdp)) xdp.set('data_meta', data - meta);
    xdp.set('data', data);
    args.retInt(0);
  },
  bpf_xdp_adjust_tail: (call) => {
    const { args, kernel } = call;
    const xdp = xdpArg(call, 0);
    const delta = args.lo(1);
    const end = xdp.get('data_end') + delta;
    const limit = xdp.get('data_hard_start') + xdp.get('frame_sz') - SHARED_INFO;
    if (end > limit || end < xdp.get('data') + ETH_HLEN) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    if (delta > 0) kernel.memory.fillBytes(xdp.get('data_end'), 0, delta);
    xdp.set('data_end', end);
    args.retInt(0);
  },
  bpf_xdp_adjust_meta: (call) => {
    const { args } = call;
    const xdp = xdpArg(call, 0);
    const meta = xdp.get('data_meta') + args.lo(1);
    const size = xdp.get('data') - meta;
    if (!hasMeta(xdp)) args.retInt(-ERRNO.ENOTSUPP);
    else if (meta < xdp.get('data_hard_start') + XDP_FRAME || meta > xdp.get('data')) args.retInt(-ERRNO.EINVAL);
    else if (size % 4 !== 0 || size > 255) args.retInt(-ERRNO.EACCES);
    else {
      xdp.set('data_meta', meta);
      args.retInt(0);
    }
  },
  bpf_xdp_get_buff_len: (call) => {
    const xdp = xdpArg(call, 0);
    call.args.retU32(xdp.get('data_end') - xdp.get('data'));
  },
  bpf_xdp_load_bytes: (call) => {
    const { args, kernel } = call;
    const found = bytesAt(call);
    if (typeof found !== 'number')
      kernel.memory.writeBytes(args.addr(2), kernel.memory.readBytes(found.at, args.u32(3)));
    args.retInt(typeof found === 'number' ? found : 0);
  },
  bpf_xdp_store_bytes: (call) => {
    const { args, kernel } = call;
    const found = bytesAt(call);
    if (typeof found !== 'number')
      kernel.memory.writeBytes(found.at, kernel.memory.readBytes(args.addr(2), args.u32(3)));
    args.retInt(typeof found === 'number' ? found : 0);
  },
  /** XDP_REDIRECT, or XDP_ABORTED where flags are set. */
  bpf_xdp_redirect: ({ args, kernel }) => {
    const refused = args.lo(1) !== 0 || args.hi(1) !== 0;
    if (!refused) kernel.net.redirect.set({ kind: 'device', index: args.u32(0), flags: 0 });
    args.retU32(refused ? 0 : 4);
  },
};
