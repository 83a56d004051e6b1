/**
 * Fields of the socket views that programs read through typed pointers: `struct bpf_sock`,
 * `bpf_tcp_sock`, `bpf_xdp_sock` (include/uapi/linux/bpf.h; bpf_sock_is_valid_access() and its kin).
 */
import * as R from '../state/regtype.ts';

const SOCK_SIZE = 80;
const TCP_SOCK_SIZE = 112;
const XDP_SOCK_SIZE = 4;
const FLOW_KEYS_SIZE = 56;

interface View {
  /** the field's own size, for narrow loads; undefined where the access is not valid */
  field(off: number, size: number): number | undefined;
}

const isPow2 = (size: number): boolean => (size & (size - 1)) === 0;
const narrow = (size: number, field: number): number | undefined => (size <= field && isPow2(size) ? field : undefined);

/** offsets in struct bpf_sock */
const FAMILY = 4;
const TYPE = 8;
const PROTOCOL = 12;
const MARK = 16;
const SRC_IP4 = 24;
const SRC_PORT = 44;
const DST_PORT = 48;
const DST_IP4 = 52;
const STATE = 72;
const RX_QUEUE = 76;

const sock: View = {
  field(off, size) {
    if (off < 0 || off >= SOCK_SIZE || off % size !== 0) return undefined;
    if ([FAMILY, TYPE, PROTOCOL, SRC_PORT, STATE, RX_QUEUE].includes(off)) return narrow(size, 4);
    if ((off >= SRC_IP4 && off < SRC_PORT) || (off >= DST_IP4 && off < STATE)) return narrow(size, 4);
    if (off === DST_PORT || off === DST_PORT + 1) return narrow(size, size === 4 ? 4 : 2);
    if (off >= DST_PORT + 2 && off < DST_IP4) return undefined;
    return size === 4 ? 0 : undefined;
  },
};
const sockCommon: View = {
  field: (off, size) => (off >= TYPE && off < MARK + 8 ? undefined : sock.field(off, size)),
};
const tcpSock: View = {
  field(off, size) {
    if (off < 0 || off >= TCP_SOCK_SIZE || off % size !== 0) return undefined;
    return size === (off === 80 || off === 88 ? 8 : 4) ? 0 : undefined;
  },
};
const xdpSock: View = {
  field: (off, size) => (off >= 0 && off < XDP_SOCK_SIZE && off % size === 0 && size === 4 ? 0 : undefined),
};

const views: Readonly<Record<number, View>> = {
  [R.PTR_TO_SOCKET]: sock,
  [R.PTR_TO_SOCK_COMMON]: sockCommon,
  [R.PTR_TO_TCP_SOCK]: tcpSock,
  [R.PTR_TO_XDP_SOCK]: xdpSock,
};

/** Size of the field read (0: not narrowed); undefined where the view has nothing there. */
export const sockField = (type: number, off: number, size: number): number | undefined => views[type]?.field(off, size);

export const flowKeysOk = (off: number, size: number): boolean => off >= 0 && size >= 0 && off + size <= FLOW_KEYS_SIZE;
