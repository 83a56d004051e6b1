/**
 * Programs that choose a socket: `struct sk_reuseport_md` and `struct bpf_sk_lookup`.
 * sk_reuseport_is_valid_access, sk_lookup_is_valid_access and their conversions of net/core/filter.c, Linux 6.12.
 */

import { mov32Imm } from '../../../src/isa/build.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Field, place, tableAccess, tableModel } from './fields.ts';
import { loadPath } from './path.ts';

const REUSEPORT = 'sk_reuseport_kern';
const REUSEPORT_FIELDS = place([
  { name: 'data', size: 8, read: 'full', regType: 'PTR_TO_PACKET', path: `${REUSEPORT}.skb->sk_buff.data` },
  { name: 'data_end', size: 8, read: 'full', regType: 'PTR_TO_PACKET_END', path: `${REUSEPORT}.data_end` },
  { name: 'len', size: 4, read: 'narrow', path: `${REUSEPORT}.skb->sk_buff.len` },
  { name: 'eth_protocol', size: 4, read: 'narrow', path: `${REUSEPORT}.skb->sk_buff.protocol` },
  { name: 'ip_protocol', size: 4, read: 'narrow', path: `${REUSEPORT}.sk->sock.sk_protocol` },
  { name: 'bind_inany', size: 4, read: 'narrow', path: `${REUSEPORT}.bind_inany` },
  { name: 'hash', size: 4, read: 'full', path: `${REUSEPORT}.hash` },
  { name: 'sk', size: 8, read: 'full', regType: 'PTR_TO_SOCKET', path: `${REUSEPORT}.sk` },
  {
    name: 'migrating_sk',
    size: 8,
    read: 'full',
    regType: 'PTR_TO_SOCK_COMMON',
    regFlags: ['PTR_MAYBE_NULL'],
    path: `${REUSEPORT}.migrating_sk`,
  },
]);
const ETH_PROTOCOL_AT = 20;

/** eth_protocol is a u16 that was given four bytes: no smaller read than two. */
export function skReuseportContext(env: ContextEnv): ContextModel {
  const model = tableModel(env.layout, 'sk_reuseport_md', REUSEPORT_FIELDS);
  return {
    ...model,
    access: (off, size, write, attach) =>
      size < 2 && off >= ETH_PROTOCOL_AT && off < ETH_PROTOCOL_AT + 4
        ? undefined
        : model.access(off, size, write, attach),
  };
}

const LOOKUP = 'bpf_sk_lookup_kern';
const word = (name: string, path: string): Field => ({ name, size: 4, read: 'narrow', path });
const address6 = (name: string, pointer: string): Field => ({
  name,
  size: 16,
  read: 'narrow',
  load: (_, c) => {
    c.target.size = 4;
    return loadPath(c.layout, `${LOOKUP}.${pointer}?->in6_addr.in6_u`, c.dst, c.src, 4, c.delta);
  },
});
const REMOTE_PORT_AT = 36;
const LOOKUP_FIELDS = place([
  {
    name: 'sk',
    size: 8,
    read: 'full',
    regType: 'PTR_TO_SOCKET',
    regFlags: ['PTR_MAYBE_NULL'],
    path: `${LOOKUP}.selected_sk`,
  },
  word('family', `${LOOKUP}.family`),
  word('protocol', `${LOOKUP}.protocol`),
  word('remote_ip4', `${LOOKUP}.v4.saddr`),
  address6('remote_ip6', 'v6.saddr'),
  { name: 'remote_port', size: 2, read: 'narrow', path: `${LOOKUP}.sport` },
  {
    name: 'padding',
    size: 2,
    read: 'narrow',
    load: (_, c) => {
      c.target.size = 2;
      return [mov32Imm(c.dst, 0)];
    },
  },
  word('local_ip4', `${LOOKUP}.v4.daddr`),
  address6('local_ip6', 'v6.daddr'),
  word('local_port', `${LOOKUP}.dport`),
  word('ingress_ifindex', `${LOOKUP}.ingress_ifindex`),
]);

/** remote_port was four bytes once: a read of all four is still allowed. */
export function skLookupContext(env: ContextEnv): ContextModel {
  return tableModel(env.layout, 'bpf_sk_lookup', LOOKUP_FIELDS, {
    access: (off, size, write, attach) =>
      off === REMOTE_PORT_AT && size === 4 && !write
        ? { regType: 'SCALAR_VALUE' }
        : tableAccess(LOOKUP_FIELDS, off, size, write, attach),
  });
}
