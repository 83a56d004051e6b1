/** What programs of cgroups are given: `struct bpf_sock_addr_kern`, `bpf_sock_ops_kern`, `bpf_cgroup_dev_ctx` (include/linux/filter.h, Linux 6.12). */

import { AF, SOCK } from '../../src/uapi/socket.ts';
import { S_IF, S_IFMT } from '../core/file-mode.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { cgroupAttachType } from '../data/cgroup-attach-types.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { On } from './run.ts';

/** getname's `peer` */
const SOCKNAME = 0;
/** DEVCG_ACC_*, and MAY_* of inode_permission */
const ACCESS = { READ: 2, WRITE: 4 } as const;
const MAY = { WRITE: 2, READ: 4 } as const;
/** DEVCG_DEV_BLOCK and DEVCG_DEV_CHAR */
const [DEV_BLOCK, DEV_CHAR] = [1, 2];
/** MINORBITS of the kernel's dev_t */
const MINOR_BITS = 20;

export function registerContexts(kernel: ObjectFloor, on: On): void {
  const { args, memory, structs, slab, text } = kernel;
  const sock = structs.of('sock');
  const six = (sk: number): boolean => memory.readU16(sk + sock.offset('__sk_common.skc_family')) === AF.INET6;
  const connects = ['tcp_v4_pre_connect', 'tcp_v6_pre_connect', 'udp_pre_connect', 'udpv6_pre_connect'] as const;
  text.maker.mayCall(connects);

  // struct proto's pre_connect
  on('pre_connect', () => {
    const sk = args.addr(0);
    const dgram = memory.readU16(sk + sock.offset('sk_type')) === SOCK.DGRAM;
    args.retAddr(text.place(connects[(dgram ? 2 : 0) + (six(sk) ? 1 : 0)] as string));
  });
  // an attach type of IPv4, or its neighbour of IPv6
  on('of_family', () => args.retU32(args.lo(1) + (six(args.addr(0)) ? 1 : 0)));
  on('getname_type', () =>
    args.retU32(
      cgroupAttachType(args.lo(1) === SOCKNAME ? 'cgroup_inet4_getsockname' : 'cgroup_inet4_getpeername') +
        (six(args.addr(0)) ? 1 : 0),
    ),
  );
  on('sock_addr_context', () => {
    const at = args.addr(0);
    const addr = structs.of('bpf_sock_addr_kern');
    memory.writeBytes(at, new Uint8Array(addr.size));
    memory.writeAddr(at + addr.offset('sk'), args.addr(1));
    memory.writeAddr(at + addr.offset('uaddr'), args.addr(2));
    memory.writeAddr(at + addr.offset('t_ctx'), args.addr(4));
    memory.writeU32(at + addr.offset('uaddrlen'), args.addr(3) === 0 ? 0 : memory.readU32(args.addr(3)));
  });
  // tcp_call_bpf: the socket, what happens to it, and two arguments; freed when the programs have run
  on('sock_ops_context', () => {
    const { size } = structs.of('bpf_sock_ops_kern');
    const at = slab.kmalloc(size);
    memory.writeBytes(at, new Uint8Array(size));
    const ctx = new GuestStruct(kernel, 'bpf_sock_ops_kern', at);
    ctx.set('sk', args.addr(0)).set('op', args.lo(1)).set('is_fullsock', 1);
    memory.writeU32(ctx.addressOf('args'), args.lo(2));
    memory.writeU32(ctx.addressOf('args') + 4, args.lo(3));
    args.retAddr(at);
  });
  // what a program has put into `reply`; -1 where one said no, or none runs
  on('sock_ops_reply', () => {
    const at = args.addr(0);
    const refused = args.lo(1) !== 0;
    args.retInt(at === 0 || refused ? -1 : memory.readS32(at + structs.of('bpf_sock_ops_kern').offset('reply')));
    if (at !== 0) slab.kfree(at);
  });
  on('sock_ops_flag', () => {
    const flags = memory.readU8(args.addr(0) + structs.of('tcp_sock').offset('bpf_sock_ops_cb_flags'));
    args.retU32(flags & args.lo(1));
  });

  // devices: what struct inode's mode and number say
  const inode = structs.offsets('inode', ['i_mode', 'i_rdev'] as const);
  const rdev = (): number => memory.readU32(args.addr(0) + inode.i_rdev);
  on('device_type', () => {
    const at = args.addr(0);
    const type = at === 0 ? 0 : memory.readU16(at + inode.i_mode) & S_IFMT;
    args.retU32(type === S_IF.BLK ? DEV_BLOCK : type === S_IF.CHR ? DEV_CHAR : 0);
  });
  on('device_major', () => args.retU32(args.addr(0) === 0 ? 0 : rdev() >>> MINOR_BITS));
  on('device_minor', () => args.retU32(args.addr(0) === 0 ? 0 : rdev() & (2 ** MINOR_BITS - 1)));
  on('device_access', () =>
    args.retU32((args.lo(0) & MAY.READ ? ACCESS.READ : 0) | (args.lo(0) & MAY.WRITE ? ACCESS.WRITE : 0)),
  );
  on('device_context', () => {
    new GuestStruct(kernel, 'bpf_cgroup_dev_ctx', args.addr(0))
      .set('access_type', (args.lo(4) << 16) | args.lo(1))
      .set('major', args.lo(2))
      .set('minor', args.lo(3));
  });
}
