/** Sockets: socket, bind, listen, accept, connect, send, receive, over IPv4/IPv6 TCP and UDP. */

export const net: Readonly<Record<string, string>> = {
  '__x64_sys_socket(regs:pt_regs)': 'n = __sys_socket(regs->di, regs->si, regs->dx); return n',
  '__sys_socket(family, type, protocol): int':
    't = @and(type, 15); update_socket_protocol(family, t, protocol); __sock_create(0, family, t, protocol, %res, 0); get_unused_fd_flags(0)?; s = @load(%res)?; f = sock_alloc_file(s, 0, 0)?; fd_install(result, f)?; return result',
  '__sock_create(net, family, type, protocol, res, kern): int':
    'security_socket_create(family, type, protocol, kern); s = @socket_alloc(family, type, protocol)?; i = @sock_inode(s)?; sock_alloc(i)?; c = @ops_create(family); *c(net, s, protocol, kern)?; security_socket_post_create(s, family, type, protocol, kern)?; @socket_created(res, s)?; n = @call_error(); return n',
  'inet_create(net, sock:socket, protocol, kern): int':
    'sk_alloc(net, 2, 3264, 0, kern); sock_init_data(sock, 0); @cgroup_sk_alloc(sock->sk); c = @cgroup_bpf_enabled(2); e = __cgroup_bpf_run_filter_sk(sock->sk, 2) if c; r = @cgroup_refused(c, e, 2); sk_common_release(sock->sk) if r; @socket_refused(sock) if r; return e',
  'sock_alloc_file(sock, flags, dname)':
    'f:file = @sock_alloc_file(sock); d = @path_dentry(f->f_path); security_d_instantiate(d, f->f_inode); security_file_alloc(f); return f',
  '__x64_sys_bind(regs:pt_regs)': 'n = __sys_bind(regs->di, regs->si, regs->dx); return n',
  '__sys_bind(fd, umyaddr, addrlen): int':
    's:socket = @socket(fd); fdget(fd); move_addr_to_kernel(umyaddr, addrlen, %address); @copy_sockaddr(%address, umyaddr, addrlen); security_socket_bind(s, %address, addrlen); f = @ops_bind(s); *f(s, %address, addrlen); return result',
  'inet_bind(sock:socket, uaddr, addr_len): int': 'inet_bind_sk(sock->sk, uaddr, addr_len); return result',
  '__x64_sys_listen(regs:pt_regs)': 'n = __sys_listen(regs->di, regs->si); return n',
  '__sys_listen(fd, backlog): int':
    's:socket = @socket(fd); fdget(fd); security_socket_listen(s, backlog); f = @ops_listen(s); *f(s, backlog); return result',
  'inet_listen(sock:socket, backlog): int':
    'lock_sock_nested(sock->sk, 0); __inet_listen_sk(sock->sk, backlog); release_sock(sock->sk); return result',
  '__x64_sys_accept(regs:pt_regs)': 'n = __sys_accept4(regs->di, regs->si, regs->dx, 0); return n',
  '__x64_sys_accept4(regs:pt_regs)': 'n = __sys_accept4(regs->di, regs->si, regs->dx, regs->r10); return n',
  '__sys_accept4(fd, upeer_sockaddr, upeer_addrlen, flags): int':
    'f = fdget(fd); get_unused_fd_flags(flags); n = do_accept(f, %arg, upeer_sockaddr, upeer_addrlen, flags); fd_install(result, n)?; return result',
  '__x64_sys_connect(regs:pt_regs)': 'n = __sys_connect(regs->di, regs->si, regs->dx); return n',
  '__sys_connect(fd, uservaddr, addrlen): int':
    'f = fdget(fd); move_addr_to_kernel(uservaddr, addrlen, %address); @copy_sockaddr(%address, uservaddr, addrlen); n = __sys_connect_file(f, %address, addrlen, 0); return n',
  '__sys_connect_file(file, address, addrlen, file_flags): int':
    's:socket = @socket_of(file); security_socket_connect(s, address, addrlen); t = @connect_family(s, address); *t(s, address, addrlen, file_flags); @connected(s)?; return result',
  'inet_stream_connect(sock:socket, uaddr, addr_len, flags): int':
    'lock_sock_nested(sock->sk, 0); __inet_stream_connect(sock, uaddr, addr_len, flags, 0); release_sock(sock->sk); return result',
  'inet_dgram_connect(sock:socket, uaddr, addr_len, flags): int':
    'p = @pre_connect(sock->sk); e = *p(sock->sk, uaddr, addr_len); y = @of_family(sock->sk, 7); r = @cgroup_refused(p, e, y); k = @unless(r, sock->sk); ip4_datagram_connect(k, uaddr, addr_len) if k; return result',
  'ip4_datagram_connect(sk, uaddr, addr_len): int':
    'lock_sock_nested(sk, 0); __ip4_datagram_connect(sk, uaddr, addr_len); release_sock(sk); return result',
  '__ip4_datagram_connect(sk, uaddr, addr_len): int':
    'security_sk_classify_flow(sk, 0); @sock_addresses(sk, uaddr)?; return result',
  'ip_queue_xmit(sk, skb, fl): int': '__ip_queue_xmit(sk, skb, fl, 0); return 0',
  '__x64_sys_sendto(regs:pt_regs)':
    'n = __sys_sendto(regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9); return n',
  '__sys_sendto(fd, buff, len, flags, addr, addr_len): int':
    'import_ubuf(1, buff, len, %iter); f = fdget(fd); s = @socket_of(f); move_addr_to_kernel(addr, addr_len, %address) if addr; @msg_name(%msg, %address, addr); security_socket_sendmsg(s, %msg, len); i = @ops_sendmsg(s); *i(s, %msg, len)?; r = @psock_refused(s); *r(s, %msg, len); return result',
  'sock_sendmsg(sock, msg): int':
    'n = @msg_bytes(); security_socket_sendmsg(sock, msg, n); i = @ops_sendmsg(sock); *i(sock, msg, n); return result',
  'inet_sendmsg(sock:socket, msg, size): int':
    'inet_send_prepare(sock->sk); t = @send_proto(sock->sk); u = @psock_sends(sock->sk, t); *u(sock->sk, msg, size); return result',
  '__x64_sys_sendmsg(regs:pt_regs)': 'n = __sys_sendmsg(regs->di, regs->si, regs->dx, 1); return n',
  '__sys_sendmsg(fd, msg, flags, forbid)':
    'f = fdget(fd); s = @socket_of(f); @msghdr(%sys, %address); ___sys_sendmsg(s, msg, %sys, flags, 0, 0); return result',
  '___sys_sendmsg(sock, msg, sys, flags, used, allowed): int':
    'copy_msghdr_from_user(sys, msg, 0, 0); ____sys_sendmsg(sock, sys, flags, used, allowed); return result',
  '____sys_sendmsg(sock, sys, flags, used, allowed): int':
    'n = @msg_bytes(); security_socket_sendmsg(sock, sys, n); i = @ops_sendmsg(sock); *i(sock, sys, n)?; return result',
  '__x64_sys_recvfrom(regs:pt_regs)':
    'n = __sys_recvfrom(regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9); return n',
  '__sys_recvfrom(fd, ubuf, size, flags, addr, addr_len): int':
    'import_ubuf(0, ubuf, size, %iter); f = fdget(fd); s = @socket_of(f); @recv_room(%msg, %address, addr); sock_recvmsg(s, %msg, flags); move_addr_to_user(%address, 16, addr, addr_len)?; @name_to_user(addr, addr_len, %address)?; return result',
  'sock_recvmsg(sock, msg, flags): int':
    'n = @msg_bytes(); security_socket_recvmsg(sock, msg, n, flags); i = @ops_recvmsg(sock); *i(sock, msg, n, flags); return result',
  'inet_recvmsg(sock:socket, msg, size, flags): int':
    't = @recv_proto(sock->sk); u = @psock_receives(sock->sk, t); *u(sock->sk, msg, size, flags); return result',
  '__x64_sys_recvmsg(regs:pt_regs)': 'n = __sys_recvmsg(regs->di, regs->si, regs->dx, 1); return n',
  '__sys_recvmsg(fd, msg, flags, forbid)':
    'f = fdget(fd); s = @socket_of(f); @msghdr(%msg, %address); sock_recvmsg(s, %msg, flags); return result',
  '__x64_sys_setsockopt(regs:pt_regs)':
    'n = __sys_setsockopt(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  '__sys_setsockopt(fd, level, optname, optval, optlen): int':
    'fdget(fd); s = @socket(fd); do_sock_setsockopt(s, 0, level, optname, optval, 0); return result',
  'sock_setsockopt(sk, level, optname, optval, optlen): int': '@sockopt_set(sk, level, optname); return result',
  'tcp_setsockopt(sk, level, optname, optval, optlen): int':
    'do_tcp_setsockopt(sk, level, optname, optval, optlen); return result',
  'do_tcp_setsockopt(sk, level, optname, optval, optlen): int':
    'a = @congestion_asked(sk, level, optname); lock_sock_nested(sk, 0); tcp_set_congestion_control(sk, a, 1, 1) if a; o = @unless(a, sk); @sockopt_set(o, level, optname); release_sock(sk); return result',
  '__x64_sys_getsockopt(regs:pt_regs)':
    'n = __sys_getsockopt(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  '__x64_sys_shutdown(regs:pt_regs)': 'n = __sys_shutdown(regs->di, regs->si); return n',
  'inet6_create(net, sock:socket, protocol, kern): int':
    'sk_alloc(net, 10, 3264, 0, kern); sock_init_data(sock, 0); @cgroup_sk_alloc(sock->sk); c = @cgroup_bpf_enabled(2); e = __cgroup_bpf_run_filter_sk(sock->sk, 2) if c; r = @cgroup_refused(c, e, 2); sk_common_release(sock->sk) if r; @socket_refused(sock) if r; return e',
  'inet6_sendmsg(sock:socket, msg, size): int':
    'inet_send_prepare(sock->sk); t = @send_proto(sock->sk); *t(sock->sk, msg, size); return result',
  'inet6_recvmsg(sock:socket, msg, size, flags): int':
    't = @recv_proto(sock->sk); *t(sock->sk, msg, size, flags); return result',
  'inet6_bind(sock:socket, uaddr, addr_len): int': 'inet6_bind_sk(sock->sk, uaddr, addr_len); return result',
  'inet6_release(sock): int': 'n = inet_release(sock); return n',
  'sock_close(inode, filp): int':
    's = @socket_of(filp); __sock_release(s, inode); security_inode_free(inode); return 0',
  '__sock_release(sock, inode)': 'r = @ops_release(sock); *r(sock)',
  'sock_read_iter(iocb:kiocb, to)':
    's = @socket_of(iocb->ki_filp); %msg+0 = 0; %msg+8 = 0; sock_recvmsg(s, %msg, 0); return result',
  'sock_write_iter(iocb:kiocb, from)':
    's = @socket_of(iocb->ki_filp); n = @msg_bytes(); %msg+0 = 0; %msg+8 = 0; security_socket_sendmsg(s, %msg, n)?; sock_sendmsg_nosec(s, %msg)?; i = @ops_sendmsg(s); *i(s, %msg, n); return result',
  '__x64_sys_getsockname(regs:pt_regs)': 'n = __sys_getsockname(regs->di, regs->si, regs->dx); return n',
  '__sys_getsockname(fd, usockaddr, usockaddr_len): int':
    'fdget(fd); s = @socket(fd); security_socket_getsockname(s); g = @ops_getname(s); *g(s, %address, 0)?; move_addr_to_user(%address, 16, usockaddr, usockaddr_len)?; @name_to_user(usockaddr, usockaddr_len, %address)?; return result',
  '__x64_sys_getpeername(regs:pt_regs)': 'n = __sys_getpeername(regs->di, regs->si, regs->dx); return n',
  '__sys_getpeername(fd, usockaddr, usockaddr_len): int':
    'fdget(fd); s = @socket(fd); security_socket_getpeername(s); g = @ops_getname(s); *g(s, %address, 1)?; move_addr_to_user(%address, 16, usockaddr, usockaddr_len)?; @name_to_user(usockaddr, usockaddr_len, %address)?; return result',
  'sock_alloc(inode)': 'security_inode_alloc(inode, 0xcc0); return 0',
  'sk_alloc(net, family, priority, prot, kern)': 'security_sk_alloc(0, family, priority); return 0',
  '__x64_sys_socketpair(regs:pt_regs)':
    't = @and(regs->si, 15); security_socket_create(regs->di, t, regs->dx, 0); a = @socket_alloc(regs->di, t, regs->dx)?; i = @sock_inode(a)?; sock_alloc(i)?; sk_alloc(0, regs->di, 0, 0, 0)?; security_socket_post_create(a, regs->di, t, regs->dx, 0)?; security_socket_create(regs->di, t, regs->dx, 0)?; b = @socket_alloc(regs->di, t, regs->dx)?; j = @sock_inode(b)?; sock_alloc(j)?; sk_alloc(0, regs->di, 0, 0, 0)?; security_socket_post_create(b, regs->di, t, regs->dx, 0)?; security_socket_socketpair(a, b)?; @socketpair(a, b)?; f = sock_alloc_file(a, 0, 0)?; g = sock_alloc_file(b, 0, 0)?; @install_pair(f, g)?; return result',
};
