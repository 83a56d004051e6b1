/** `struct bpf_sock_addr`, the context of cgroup_sock_addr programs: sock_addr_is_valid_access and sock_addr_convert_ctx_access of net/core/filter.c, Linux 6.12. */

import { ldx, storeAs, stx } from '../../../src/isa/build.ts';
import type { Insn } from '../../../src/isa/index.ts';
import { ATTACH_TYPES } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import type { ContextEnv } from './env.ts';
import { type Conversion, type Field, place, tableModel } from './fields.ts';
import { freeRegister } from './scratch.ts';

const KERN = 'bpf_sock_addr_kern';
const attachesLike = (pattern: RegExp): ReadonlySet<number> =>
  new Set(ATTACH_TYPES.flatMap((name, n) => (pattern.test(name) ? [n] : [])));
const INET4 = attachesLike(/^cgroup_(inet4_(bind|connect|getpeername|getsockname)|udp4_)/);
const INET6 = attachesLike(/^cgroup_(inet6_(bind|connect|getpeername|getsockname)|udp6_)/);
const SENDMSG4 = attachesLike(/^cgroup_udp4_sendmsg/);
const SENDMSG6 = attachesLike(/^cgroup_udp6_sendmsg/);

/** Reaches a member of what ctx->pointer points to; a store borrows a register, kept in ctx->tmp_reg. */
function nested(pointer: string, struct: string, member: string): Pick<Field, 'load' | 'store'> {
  const width = (c: Conversion, size: number): number =>
    c.size === 8 && size > 8 ? 8 : Math.min(size, size > 8 ? 4 : size);
  return {
    load: (_, c) => {
      const f = c.layout.field(struct, member);
      c.target.size = Math.min(f.size, 4);
      return [
        ldx(8, c.dst, c.src, c.layout.field(KERN, pointer).offset),
        ldx(width(c, f.size), c.dst, c.dst, f.offset + c.delta),
      ];
    },
    store: (i: Insn, c) => {
      const f = c.layout.field(struct, member);
      const tmp = freeRegister(i);
      const keep = c.layout.field(KERN, 'tmp_reg').offset;
      return [
        stx(8, i.dst, tmp, keep),
        ldx(8, tmp, i.dst, c.layout.field(KERN, pointer).offset),
        storeAs(i, width(c, f.size), tmp, f.offset + c.delta),
        ldx(8, tmp, i.dst, keep),
      ];
    },
  };
}

const FIELDS = place([
  { name: 'user_family', size: 4, read: 'full', ...nested('uaddr', 'sockaddr', 'sa_family') },
  {
    name: 'user_ip4',
    size: 4,
    read: 'narrow',
    write: true,
    only: INET4,
    ...nested('uaddr', 'sockaddr_in', 'sin_addr'),
  },
  {
    name: 'user_ip6',
    size: 16,
    read: 'wide',
    write: true,
    only: INET6,
    ...nested('uaddr', 'sockaddr_in6', 'sin6_addr'),
  },
  { name: 'user_port', size: 4, read: 'narrow', write: true, ...nested('uaddr', 'sockaddr_in6', 'sin6_port') },
  { name: 'family', size: 4, read: 'full', ...nested('sk', 'sock_common', 'skc_family') },
  { name: 'type', size: 4, read: 'full', ...nested('sk', 'sock', 'sk_type') },
  { name: 'protocol', size: 4, read: 'full', ...nested('sk', 'sock', 'sk_protocol') },
  {
    name: 'msg_src_ip4',
    size: 4,
    read: 'narrow',
    write: true,
    only: SENDMSG4,
    ...nested('t_ctx', 'in_addr', 's_addr'),
  },
  { name: 'msg_src_ip6', size: 16, read: 'wide', write: true, only: SENDMSG6, ...nested('t_ctx', 'in6_addr', 'in6_u') },
  { name: 'sk', size: 8, read: 'full', regType: 'PTR_TO_SOCKET', path: `${KERN}.sk` },
]);

export const sockAddrContext = (env: ContextEnv): ContextModel => tableModel(env.layout, 'bpf_sock_addr', FIELDS);
