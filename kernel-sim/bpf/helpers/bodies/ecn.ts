/** bpf_skb_ecn_set_ce: "congestion experienced" in the IP header of packets whose ends understand it (RFC 3168). */
import type { Addr } from '../../../../src/machine/addr.ts';
import type { GuestStruct } from '../../../core/guest-struct.ts';
import { ETH_P } from '../../../net/inet.ts';
import { ETH_HLEN, swap16, VLAN_HLEN } from '../../../net/packet.ts';
import type { HelperBodies, HelperCall } from './call.ts';
import { skbArg } from './skb.ts';

const MASK = 3;
const CE = 3;

/** `skb_protocol(skb, true)`: of what is behind VLAN tags; the first one is looked for where the link header's length says. */
function innerProtocol(call: HelperCall, skb: GuestStruct): number {
  const { memory } = call.kernel;
  let protocol = swap16(skb.get('protocol'));
  let at = skb.get('mac_len') === 0 ? ETH_HLEN : skb.get('mac_len') - VLAN_HLEN;
  while (protocol === ETH_P.VLAN || protocol === ETH_P.QINQ) {
    if (at + VLAN_HLEN > skb.get('len')) return 0;
    protocol = swap16(memory.readU16(skb.get('data') + at + 2));
    at += VLAN_HLEN;
  }
  return protocol;
}
/** `IP_ECN_set_ce`: the checksum follows (RFC 1624). */
function markIpv4({ kernel: { memory } }: HelperCall, header: Addr): boolean {
  const tos = memory.readU8(header + 1);
  const next = (tos + 1) & MASK;
  // neither end speaks it, or it is marked already
  if ((next & 2) === 0) return next === 0;
  const sum = swap16(memory.readU16(header + 10)) + 0xfffb + next;
  memory.writeU16(header + 10, swap16((sum & 0xffff) + (sum >>> 16)));
  memory.writeU8(header + 1, tos | CE);
  return true;
}
function markIpv6({ kernel: { memory } }: HelperCall, header: Addr): boolean {
  const second = memory.readU8(header + 1);
  if (((second >> 4) & MASK) === 0) return false;
  memory.writeU8(header + 1, second | (CE << 4));
  return true;
}
function mark(call: HelperCall): boolean {
  const skb = skbArg(call, 0);
  const protocol = innerProtocol(call, skb);
  const size = protocol === ETH_P.IP ? 20 : protocol === ETH_P.IPV6 ? 40 : 0;
  const header = skb.get('head') + skb.get('network_header');
  const end = skb.get('data') + skb.get('len');
  if (size === 0 || skb.get('len') < size || header + size > end) return false;
  return protocol === ETH_P.IP ? markIpv4(call, header) : markIpv6(call, header);
}

export const ECN: HelperBodies = {
  bpf_skb_ecn_set_ce: (call) => call.args.retU32(mark(call) ? 1 : 0),
};
