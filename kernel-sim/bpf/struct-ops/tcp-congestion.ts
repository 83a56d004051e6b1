/** `struct tcp_congestion_ops` of programs: an algorithm that sockets ask for by its name (net/ipv4/bpf_tcp_ca.c, Linux 6.12). */
import type { StructOpsRow } from './row.ts';

/** TCP_CONG_MASK: TCP_CONG_NON_RESTRICTED | TCP_CONG_NEEDS_ECN */
const FLAGS = 3;

/** bpf_obj_name_cpy(), of a name that may not be empty */
function name(given: Uint8Array): Uint8Array | undefined {
  const end = given.indexOf(0);
  const isName = end > 0 && /^[A-Za-z0-9_.]+$/.test(String.fromCharCode(...given.subarray(0, end)));
  return isName ? given.map((byte, n) => (n < end ? byte : 0)) : undefined;
}
const flags = (given: Uint8Array): Uint8Array | undefined =>
  new DataView(given.buffer, given.byteOffset).getUint32(0, true) & ~FLAGS ? undefined : given;

export const tcpCongestionOps: StructOpsRow = {
  unsupported: ['get_info'],
  values: { name, flags },
  registry: (kernel) => kernel.net.congestion,
};
