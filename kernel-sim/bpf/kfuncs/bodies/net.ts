/** Packets' metadata, IPsec states and sockets: bpf_xdp_metadata_rx_timestamp and its kin (Linux 6.12 Documentation/networking/xdp-rx-metadata.rst). */
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies, HelperBody } from '../../helpers/bodies/call.ts';

const none: HelperBody = ({ args }) => args.ret(0, 0);
/** Devices of the model have no hardware that would tell: their drivers answer as the kernel's default does. */
const notOffloaded: HelperBody = ({ args }) => args.retInt(-ERRNO.EOPNOTSUPP);
const UNIX_PATH_MAX = 108;

export const NET_KFUNCS: HelperBodies = {
  bpf_xdp_metadata_rx_hash: notOffloaded,
  bpf_xdp_metadata_rx_timestamp: notOffloaded,
  bpf_xdp_metadata_rx_vlan_tag: notOffloaded,
  bpf_xdp_get_xfrm_state: none,
  bpf_xdp_xfrm_state_release: none,
  /** A request of a SYN cookie: packets that carry one reach no listener of the model by this way. */
  bpf_sk_assign_tcp_reqsk: ({ args }) => args.retInt(-ERRNO.EINVAL),
  /** The path that a local socket's address gets (`struct bpf_sock_addr_kern`). */
  bpf_sock_addr_set_sun_path: ({ args, kernel }) => {
    const { memory, structs } = kernel;
    const [sa, path, size] = [args.addr(0), args.addr(1), args.u32(2)];
    const uaddr = memory.readAddr(sa + structs.of('bpf_sock_addr_kern').offset('uaddr'));
    if (memory.readU16(uaddr) !== 1 || size === 0 || size > UNIX_PATH_MAX) return args.retInt(-ERRNO.EINVAL);
    memory.writeBytes(uaddr + 2, memory.readBytes(path, size));
    memory.writeU32(sa + structs.of('bpf_sock_addr_kern').offset('uaddrlen'), 2 + size);
    args.retInt(0);
  },
  bpf_sock_destroy: ({ args, kernel }) => {
    if (!kernel.net.ports.has(args.addr(0))) return args.retInt(-ERRNO.EOPNOTSUPP);
    kernel.net.ports.remove(args.addr(0));
    args.retInt(0);
  },
  bpf_kfunc_call_memb_release: none,
  bpf_kfunc_call_test_release: none,
};
