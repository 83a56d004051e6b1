/** Where the kernel asks the programs of cgroups (include/linux/bpf-cgroup.h, kernel/bpf/cgroup.c, Linux 6.12). */
import { type CgroupAttachType, cgroupAttachType as typeOf } from '../../data/cgroup-attach-types.ts';

/** bpf_prog_run_array_cg: `sk` 0 stands for the running task's group; `result`: what the call returns so far */
const RUN = (ctx: string, sk = 'sk', type = 'atype', result = '0'): string =>
  `migrate_disable(); @cgroup_enter(%run, ${sk}, ${type}, ${result}); loop; p = @cgroup_next(%run); a = @bpf_prog_run(${ctx}, p) if p; m = @cgroup_verdict(%run, p, a); again if m; n = @cgroup_leave(%run); migrate_enable()`;
/** BPF_CGROUP_RUN_SA_PROG, and with the socket locked BPF_CGROUP_RUN_SA_PROG_LOCK */
const sockAddr = (name: CgroupAttachType): string =>
  `c = @cgroup_bpf_enabled(${typeOf(name)}); %len+0 = addr_len; e = __cgroup_bpf_run_filter_sock_addr(sk, uaddr, %len, ${typeOf(name)}, 0, 0) if c; return e`;
const sockAddrLocked = (name: CgroupAttachType, uaddr = 'uaddr', when = ''): string =>
  `c = @cgroup_bpf_enabled(${typeOf(name)})${when}; lock_sock_nested(sk, 0) if c; e = __cgroup_bpf_run_filter_sock_addr(sk, ${uaddr}, %len, ${typeOf(name)}, 0, %flags) if c; release_sock(sk) if c`;
const bind = (name: CgroupAttachType): string =>
  `%len+0 = addr_len; ${sockAddrLocked(name)}; @cgroup_refused(c, e, ${typeOf(name)}); __inet_bind(sk, uaddr, addr_len, 0)?; return result`;
/** inet_getname: what the socket says of an end, and what programs make of it */
const getname =
  '@inet_name(sock->sk, uaddr, peer); t = @getname_type(sock->sk, peer); c = @cgroup_bpf_enabled(t); lock_sock_nested(sock->sk, 0); @sockaddr_len(%len, uaddr); e = __cgroup_bpf_run_filter_sock_addr(sock->sk, uaddr, %len, t, 0, 0) if c; r = @cgroup_refused(c, e, t); release_sock(sock->sk); return result';
/** `enum` of include/uapi/linux/bpf.h, BPF_SOCK_OPS_* */
const SOCK_OPS = {
  TIMEOUT_INIT: 1,
  RWND_INIT: 2,
  TCP_CONNECT_CB: 3,
  ACTIVE_ESTABLISHED_CB: 4,
  PASSIVE_ESTABLISHED_CB: 5,
  NEEDS_ECN: 6,
  STATE_CB: 10,
  TCP_LISTEN_CB: 11,
  RTT_CB: 12,
} as const;
/** tcp_call_bpf(sk, op, ...), which is inlined (include/net/tcp.h); `op` may be a variable of the row */
export const tcpCallBpf = (op: keyof typeof SOCK_OPS | 'bpf_op', more = '0, 0', when = ''): string => {
  const type = typeOf('cgroup_sock_ops');
  const number = op === 'bpf_op' ? op : SOCK_OPS[op];
  return `c = @cgroup_bpf_enabled(${type})${when}; o = @sock_ops_context(sk, ${number}, ${more}) if c; e = __cgroup_bpf_run_filter_sock_ops(sk, o, ${type}) if c; @sock_ops_reply(o, e) if c`;
};

export const cgroup: Readonly<Record<string, string>> = {
  '__cgroup_bpf_run_filter_sk(sk, atype): int': `${RUN('sk')}; return n`,
  '__cgroup_bpf_run_filter_skb(sk, skb, atype): int': `@skb_of_cgroup(sk, skb, %saved); ${RUN('skb')}; @skb_as_before(skb, %saved); x = @cgroup_xmit(%run, n); return x`,
  '__cgroup_bpf_run_filter_sock_addr(sk, uaddr, uaddrlen, atype, t_ctx, flags): int': `@sock_addr_context(%ctx, sk, uaddr, uaddrlen, t_ctx); ${RUN('%ctx')}; return n`,
  '__cgroup_bpf_run_filter_sock_ops(sk, sock_ops, atype): int': `${RUN('sock_ops')}; return n`,
  '__cgroup_bpf_check_dev_permission(type, major, minor, access, atype): int': `@device_context(%ctx, type, major, minor, access); ${RUN('%ctx', '0')}; return n`,
  '__cgroup_bpf_run_filter_sysctl(head, write, buf, pcount, ppos, atype): int': `x = @sysctl_context(head, write, ppos); ${RUN('x', '0')}; r = @sysctl_done(x, n, buf); return r`,
  '__cgroup_bpf_run_filter_setsockopt(sk, level, optname, optval, kernel, optlen): int': `x = @setsockopt_context(sk, level, optname, optval, optlen); lock_sock_nested(sk, 0); ${RUN('x', 'sk', String(typeOf('cgroup_setsockopt')))}; release_sock(sk); r = @setsockopt_done(x, n, level, optname, optval, optlen); return r`,
  '__cgroup_bpf_run_filter_getsockopt(sk, level, optname, optval, optlen, max_optlen): int': `x = @getsockopt_context(sk, level, optname, optval); v = @recorded_result(); lock_sock_nested(sk, 0); ${RUN('x', 'sk', String(typeOf('cgroup_getsockopt')), 'v')}; release_sock(sk); r = @getsockopt_done(x, n, optval, optlen); return r`,

  '__cgroup_bpf_run_lsm_sock(ctx, insn): int': `sk = @load(ctx); t = @lsm_shim_type(insn); ${RUN('ctx', 'sk', 't')}; return n`,
  '__cgroup_bpf_run_lsm_socket(ctx, insn): int': `s:socket = @load(ctx); t = @lsm_shim_type(insn); ${RUN('ctx', 's->sk', 't')}; return n`,
  '__cgroup_bpf_run_lsm_current(ctx, insn): int': `t = @lsm_shim_type(insn); ${RUN('ctx', '0', 't')}; return n`,

  'tcp_v4_pre_connect(sk, uaddr, addr_len): int': sockAddr('cgroup_inet4_connect'),
  'tcp_v6_pre_connect(sk, uaddr, addr_len): int': sockAddr('cgroup_inet6_connect'),
  'udp_pre_connect(sk, uaddr, addr_len): int': `%len+0 = addr_len; ${sockAddrLocked('cgroup_inet4_connect')}; return e`,
  'udpv6_pre_connect(sk, uaddr, addr_len): int': `%len+0 = addr_len; ${sockAddrLocked('cgroup_inet6_connect')}; return e`,
  'inet_bind_sk(sk, uaddr, addr_len): int': bind('cgroup_inet4_bind'),
  'inet6_bind_sk(sk, uaddr, addr_len): int': bind('cgroup_inet6_bind'),
  '__inet_bind(sk, uaddr, addr_len, flags): int': `lock_sock_nested(sk, 0); @inet_bind(sk, uaddr); t = @of_family(sk, ${typeOf('cgroup_inet4_post_bind')}); c = @cgroup_bpf_enabled(t); e = __cgroup_bpf_run_filter_sk(sk, t) if c; r = @cgroup_refused(c, e, t); @inet_unbind(sk) if r; release_sock(sk); return e`,
  'inet_getname(sock:socket, uaddr, peer): int': getname,
  'inet6_getname(sock:socket, uaddr, peer): int': getname,
  'udp_sendmsg(sk, msg, len): int': `n = @load(msg); @sockaddr_len(%len, n); ${sockAddrLocked('cgroup_udp4_sendmsg', 'n', ' if n')}; r = @cgroup_refused(c, e, ${typeOf('cgroup_udp4_sendmsg')}); k = @unless(r, sk); sk_dst_check(k, 0) if k; security_sk_classify_flow(k, 0) if n; ip_route_output_flow(0, 0, k) if k; s = ip_make_skb(k, 0, 0, msg, len, 8) if k; x = udp_send_skb(s, 0, 0) if s; @xmit_failed(x); return result`,
  'udpv6_sendmsg(sk, msg, len): int': `n = @load(msg); @sockaddr_len(%len, n); ${sockAddrLocked('cgroup_udp6_sendmsg', 'n', ' if n')}; r = @cgroup_refused(c, e, ${typeOf('cgroup_udp6_sendmsg')}); k = @unless(r, sk); m = @v6_mapped(k, msg); *m(k, msg, len); x = @unless(m, k); security_sk_classify_flow(x, 0) if n; ip6_dst_lookup_flow(0, x, 0, 0) if x; s = ip6_make_skb(x, 0, msg, len, 8, 0) if x; y = udp_v6_send_skb(s, 0, 0) if s; @xmit_failed(y); return result`,
  'udp_recvmsg(sk, msg, len, flags, addr_len): int': `block; s = __skb_recv_udp(sk, flags, 0, 0); n = @recv_name(msg, s); @sockaddr_len(%len, n); ${sockAddrLocked('cgroup_udp4_recvmsg', 'n', ' if n')}; r = @cgroup_refused(c, e, ${typeOf('cgroup_udp4_recvmsg')}); skb_consume_udp(sk, s, len); return result`,
  'udpv6_recvmsg(sk, msg, len, flags, addr_len): int': `block; s = __skb_recv_udp(sk, flags, 0, 0); n = @recv_name(msg, s); @sockaddr_len(%len, n); ${sockAddrLocked('cgroup_udp6_recvmsg', 'n', ' if n')}; r = @cgroup_refused(c, e, ${typeOf('cgroup_udp6_recvmsg')}); skb_consume_udp(sk, s, len); return result`,

  'do_sock_setsockopt(sock:socket, compat, level, optname, optval, kernel): int': `security_socket_setsockopt(sock, level, optname); c = @cgroup_bpf_enabled(${typeOf('cgroup_setsockopt')}); %level+0 = level; %optname+0 = optname; @setsockopt_len(%optlen); e = __cgroup_bpf_run_filter_setsockopt(sock->sk, %level, %optname, optval, kernel, %optlen) if c; r = @cgroup_refused(c, e, ${typeOf('cgroup_setsockopt')}); f = @ops_setsockopt(sock, level); *f(sock->sk, level, optname, optval, kernel)?; return result`,
  'do_sock_getsockopt(sock:socket, compat, level, optname, optval, optlen): int': `security_socket_getsockopt(sock, level, optname); f = @ops_getsockopt(sock, level); *f(sock->sk, level, optname, optval, optlen)?; c = @cgroup_bpf_enabled(${typeOf('cgroup_getsockopt')}); e = __cgroup_bpf_run_filter_getsockopt(sock->sk, level, optname, optval, optlen, 0) if c; d = @getsockopt_departs(e) if c; @depart(e) if d; return result`,

  // kernel/cgroup/cgroup.c, by the files of cgroupfs
  'kernfs_fop_write_iter(iocb:kiocb, from)':
    'w = @is_cgroup_procs(iocb->ki_filp); cgroup_procs_write(iocb->ki_filp, 0, 0, 0) if w; return result',
  'cgroup_procs_write(of, buf, nbytes, off)': '@cgroup_procs_write(of)?; return nbytes',
  'kernfs_iop_mkdir(idmap, dir, dentry, mode): int': 'cgroup_mkdir(0, dentry, mode)?; return result',
  'cgroup_mkdir(parent_kn, dentry, mode): int': '@cgroup_mkdir(dentry); return 0',
  // security/device_cgroup.c
  'devcgroup_check_permission(type, major, minor, access): int': `c = @cgroup_bpf_enabled(${typeOf('cgroup_device')}); e = __cgroup_bpf_check_dev_permission(type, major, minor, access, ${typeOf('cgroup_device')}) if c; @cgroup_refused(c, e, ${typeOf('cgroup_device')}); return e`,
  // fs/proc/proc_sysctl.c
  'proc_sys_read(iocb, iter)': 'n = proc_sys_call_handler(iocb, iter, 0); return n',
  'proc_sys_write(iocb, iter)': 'n = proc_sys_call_handler(iocb, iter, 1); return n',
  'proc_sys_call_handler(iocb:kiocb, iter, write)': `c = @cgroup_bpf_enabled(${typeOf('cgroup_sysctl')}); b = @user_buffer(); e = __cgroup_bpf_run_filter_sysctl(iocb->ki_filp, write, b, 0, iocb->ki_pos, ${typeOf('cgroup_sysctl')}) if c; @cgroup_refused(c, e, ${typeOf('cgroup_sysctl')}); return result`,
};
