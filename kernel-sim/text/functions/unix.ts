/** Sockets of AF_UNIX: what bind, connect, send, receive and getname call (net/unix/af_unix.c, Linux 6.12). */
import { type CgroupAttachType, cgroupAttachType as typeOf } from '../../data/cgroup-attach-types.ts';

/** BPF_CGROUP_RUN_SA_PROG_LOCK; `%len` has the address's length */
const program = (name: CgroupAttachType, uaddr: string, when = ''): string =>
  `c = @cgroup_bpf_enabled(${typeOf(name)})${when}; lock_sock_nested(sock->sk, 0) if c; e = __cgroup_bpf_run_filter_sock_addr(sock->sk, ${uaddr}, %len, ${typeOf(name)}, 0, %flags) if c; release_sock(sock->sk) if c; r = @cgroup_refused(c, e, ${typeOf(name)}); go = @unless(r, sock)`;
const connect = `%len+0 = addr_len; ${program('cgroup_unix_connect', 'uaddr')}`;
const received = `n = @recv_name(msg, 0); @sockaddr_len(%len, n); ${program('cgroup_unix_recvmsg', 'n', ' if n')}`;

export const unix: Readonly<Record<string, string>> = {
  'unix_create(net, sock:socket, protocol, kern): int':
    'sk_alloc(net, 10, 3264, 0, kern); sock_init_data(sock, 0); @cgroup_sk_alloc(sock->sk); return 0',
  'unix_accept(sock, newsock, arg): int':
    'k = @sock_accepted(sock, newsock)?; security_sock_graft(k, newsock)?; return result',
  'unix_bind(sock:socket, uaddr, addr_len): int':
    'q:filename = @unix_name(uaddr); filename_create(-100, q, %path, 0)? if q; d = @new_dentry(q)? if q; m = @umasked(0xc1ff)?; security_path_mknod(%path, d, m, 0)? if q; vfs_mknod(0, 0, d, m, 0)? if q; putname(q) if q; @unix_bound(sock, uaddr)?; return result',
  'unix_listen(sock:socket, backlog): int': '@sk_state(sock->sk, 10)?; return result',
  'unix_stream_connect(sock:socket, uaddr, addr_len, flags): int': `${connect}; unix_find_other(0, uaddr, addr_len, 1) if go; o = @unix_other(sock, uaddr); security_unix_stream_connect(sock->sk, o, sock->sk)? if go; return result`,
  'unix_dgram_connect(sock:socket, uaddr, addr_len, flags): int': `${connect}; unix_find_other(0, uaddr, addr_len, 2) if go; o = @unix_other(sock, uaddr); security_unix_may_send(sock, o)? if go; return result`,
  'unix_find_other(net, sunaddr, addr_len, type)':
    'q = @unix_name(sunaddr); filename_lookup(-100, q, 1, %path, 0) if q; i = @path_inode(%path)? if q; inode_permission(0, i, 2)? if q; putname(q) if q; return 0',
  'unix_getname(sock:socket, uaddr, peer): int':
    'n = @unix_getname(sock, uaddr, peer, %len); t = @unix_getname_type(peer); c = @cgroup_bpf_enabled(t) if n; e = __cgroup_bpf_run_filter_sock_addr(sock->sk, uaddr, %len, t, 0, 0) if c; @cgroup_refused(c, e, t); return result',
  'unix_dgram_sendmsg(sock:socket, msg:msghdr, size): int': `n = @load(msg); @sockaddr_len(%len, n); ${program('cgroup_unix_sendmsg', 'n', ' if n')}; o = @unix_peer(sock); security_unix_may_send(sock, o)? if o; return result`,
  'unix_dgram_recvmsg(sock:socket, msg, size, flags): int':
    '__unix_dgram_recvmsg(sock->sk, msg, size, flags); return result',
  '__unix_dgram_recvmsg(sk:sock, msg, size, flags): int': `block; __skb_try_recv_datagram(sk, 0, flags, 0, 0, 0); ${received.replaceAll('sock->sk', 'sk').replace('@unless(r, sock)', '@unless(r, sk)')}; return result`,
};
