/** What test packets are made of besides their bytes. */

import { BpfError } from '../bpf/errors.ts';
import type { BpfState } from '../bpf/objects/state.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { ETH_HLEN } from '../net/packet.ts';

export const structSize = (state: BpfState, name: string): number => {
  const { btf } = state.kernel;
  const id = btf.findByName(name, 'struct');
  if (id <= 0) throw new BpfError('BPF_PROG_TEST_RUN', 'EOPNOTSUPP', `the active BTF has no struct ${name}`);
  return btf.sizeOf(id);
};

/** The device that test packets come from. */
export function loopback(state: BpfState, ifindex = 1, type = 772): GuestStruct {
  const at = state.host.kmalloc(structSize(state, 'net_device'));
  const dev = new GuestStruct(state.kernel, 'net_device', at);
  dev.set('ifindex', ifindex).set('type', type);
  if (dev.has('mtu')) dev.set('mtu', 65536);
  if (dev.has('hard_header_len')) dev.set('hard_header_len', ETH_HLEN);
  return dev;
}
