/** What system calls do with a TCP socket: listen, accept, connect, send, receive, shut down, close (RFC 9293; Linux 6.12). */
import { tcpCallBpf } from './cgroup.ts';

export const tcpCalls: Readonly<Record<string, string>> = {
  // --- the passive end ---
  '__inet_listen_sk(sk, backlog): int': `@listen_backlog(sk, backlog); inet_csk_listen_start(sk); ${tcpCallBpf('TCP_LISTEN_CB', '0, 0', '?')}; return result`,
  'inet_csk_listen_start(sk): int': 'reqsk_queue_alloc(0)?; inet_sk_state_store(sk, 10)?; @listens(sk)?; return result',
  'do_accept(file, arg, upeer_sockaddr, upeer_addrlen, flags)':
    's:socket = @socket_of(file); n:socket = @accept_alloc(s); i = @sock_inode(n); sock_alloc(i); f = sock_alloc_file(n, 0, 0)?; security_socket_accept(s, n); a = @ops_accept(s); *a(s, n, arg); @accept_refused(n)!; @accept_grafted(s, n)?; p = @unless_null(upeer_sockaddr, n)?; g = @ops_getname(p)?; *g(n, %address, 2)?; move_addr_to_user(%address, 16, upeer_sockaddr, upeer_addrlen)?; return f',
  'inet_accept(sock:socket, newsock, arg): int':
    'k = inet_csk_accept(sock->sk, arg); lock_sock_nested(k, 0) if k; __inet_accept(sock, newsock, k) if k; release_sock(k) if k; return result',
  'inet_csk_accept(sk, arg)':
    'lock_sock_nested(sk, 0); w = @accept_waits(sk); release_sock(sk) if w; block; o = @outside_connects(sk, w); *o(sk); lock_sock_nested(sk, 0) if w; n = @accept_next(sk); release_sock(sk); tcp_v4_reqsk_destructor(0) if n; return n',
  '__inet_accept(sock, newsock, newsk)':
    'security_sock_graft(newsk, newsock); @sock_graft(newsk, newsock); @tcp_accepted(newsk)',

  // --- the active end ---
  '__inet_stream_connect(sock:socket, uaddr, addr_len, flags, is_sendmsg): int':
    'p = @pre_connect(sock->sk); e = *p(sock->sk, uaddr, addr_len); y = @of_family(sock->sk, 7); r = @cgroup_refused(p, e, y); k = @unless(r, sock->sk); t = @connect_proto(k); *t(k, uaddr, addr_len); w = @connect_waits(k); block; release_sock(sock->sk) if w; lock_sock_nested(sock->sk, 0) if w; d = @connect_failed(k); *d(k, flags); return result',
  'tcp_v4_connect(sk, uaddr, addr_len): int':
    'r = @routed(); security_sk_classify_flow(sk, 0) if r; ip_route_output_flow(0, 0, sk) if r; @sock_addresses(sk, uaddr) if r; @sock_source(sk) if r; tcp_set_state(sk, 2) if r; inet_hash_connect(0, sk) if r; ip_route_output_flow(0, 0, sk) if r; sk_setup_caps(sk, 0) if r; secure_tcp_seq_and_ts_off(0, 0, 0, 0, 0) if r; tcp_fastopen_defer_connect(sk, 0) if r; tcp_connect(sk) if r; n = @connect_begun(r); return n',
  'tcp_v6_connect(sk, uaddr, addr_len): int':
    '__ipv6_addr_type(uaddr); r = @routed(); security_sk_classify_flow(sk, 0); ip6_dst_lookup_flow(0, sk, 0, 0); sk_setup_caps(sk, 0) if r; @sock_addresses(sk, uaddr) if r; @sock_source(sk) if r; tcp_set_state(sk, 2) if r; inet6_hash_connect(0, sk) if r; secure_tcpv6_seq_and_ts_off(0, 0, 0, 0, 0) if r; tcp_connect(sk) if r; n = @connect_begun(r); return n',
  'inet_hash_connect(death_row, sk): int': '@local_port(sk); return 0',
  'inet6_hash_connect(death_row, sk): int': '@local_port(sk); return 0',
  'tcp_connect(sk): int': `${tcpCallBpf('TCP_CONNECT_CB')}; inet_sk_rebuild_header(sk); tcp_mtup_init(sk); tcp_sync_mss(sk, 1500); ${tcpCallBpf('TIMEOUT_INIT')}; ${tcpCallBpf('RWND_INIT')}; tcp_initialize_rcv_mss(sk); tcp_select_initial_window(sk, 0, 0, 0, 0, 0); tcp_write_queue_purge(sk); tcp_clear_retrans(sk); s = tcp_stream_alloc_skb(sk, 0, 1); @tcp_skb_flags(s, 2); @tcp_begin(sk); ${tcpCallBpf('NEEDS_ECN')}; ktime_get(); tcp_rbtree_insert(0, s); __tcp_transmit_skb(sk, s, 1, 0, 0); @tcp_sent(sk, s); @syn_sent(sk); sk_reset_timer(sk, 0, 0); return 0`,

  // --- data ---
  'tcp_sendmsg(sk, msg, size): int':
    'lock_sock_nested(sk, 0); tcp_sendmsg_locked(sk, msg, size); release_sock(sk); return result',
  'tcp_sendmsg_locked(sk, msg, size): int':
    'tcp_rate_check_app_limited(sk); tcp_send_mss(sk, 0, 0); s = tcp_stream_alloc_skb(sk, 0, 1); tcp_skb_entail(sk, s); _copy_from_iter(0, size, 0); @tcp_skb_fill(sk, s, size); tcp_push(sk, 0, 0, 0, 0)?; return result',
  'tcp_push(sk, flags, mss_now, nonagle, size_goal)': '__tcp_push_pending_frames(sk, mss_now, nonagle)',
  '__tcp_push_pending_frames(sk, cur_mss, nonagle)': 'tcp_write_xmit(sk, cur_mss, nonagle, 0, 0)',
  'tcp_recvmsg(sk, msg, len, flags, addr_len): int':
    'lock_sock_nested(sk, 0); tcp_recvmsg_locked(sk, msg, len, flags, 0, 0); release_sock(sk); return result',
  'tcp_recvmsg_locked(sk, msg, len, flags, tss, cmsg): int':
    'w = @recv_waits(sk, flags); tcp_cleanup_rbuf(sk, 0) if w; release_sock(sk) if w; block; o = @outside_sends(sk, w); *o(sk); lock_sock_nested(sk, 0) if w; n = @tcp_consume(sk, flags); tcp_rcv_space_adjust(sk) if n; tcp_cleanup_rbuf(sk, result); return result',
  'tcp_rcv_space_adjust(sk)': 'trace tcp_rcv_space_adjust(sk)',
  'tcp_cleanup_rbuf(sk, copied)': '__tcp_cleanup_rbuf(sk, copied)',
  '__tcp_cleanup_rbuf(sk, copied)': 'a = @window_opened(sk, copied); tcp_send_ack(sk) if a',

  // the other end, where it is none of this kernel's sockets: what the recording tells that it has sent
  'tcp_outside_sends(sk)':
    'loop; s = @outside_segment(sk); d = @skb_dev(s) if s; eth_type_trans(s, d) if s; netif_rx(s) if s; again if s',

  // --- the end ---
  '__sys_shutdown(fd, how): int':
    's = @socket(fd); fdget(fd); security_socket_shutdown(s, how); f = @ops_shutdown(s)?; *f(s, how)?; return result',
  'inet_shutdown(sock:socket, how): int':
    'lock_sock_nested(sock->sk, 0); h = @shutdown_mask(how); f = @shutdown_proto(sock->sk); *f(sock->sk, h); sock_def_wakeup(sock->sk); release_sock(sock->sk); return 0',
  'unix_shutdown(sock, how): int': 'return 0',
  'tcp_shutdown(sk, how)': 'f = @tcp_shutdown_way(sk, how); *f(sk)',
  'inet_release(sock:socket): int':
    'b = @cgroup_bpf_enabled(27); __cgroup_bpf_run_filter_sk(sock->sk, 27) if b; ip_mc_drop_socket(sock->sk); c = @close_proto(sock->sk); k = @sock_orphaned(sock); *c(k, 0); return 0',
  'tcp_close(sk, timeout)':
    'lock_sock_nested(sk, 0); __tcp_close(sk, timeout); release_sock(sk); o = @outside_closes(sk); *o(sk); k = @sk_finished(sk); sk_free(k) if k',
  '__tcp_close(sk, timeout)':
    'c = @tcp_close_way(sk); *c(sk); sk_stream_wait_close(sk, timeout); @sock_orphan_sk(sk); __release_sock(sk); bh+; preempt+; d = @tcp_closed(sk); inet_csk_destroy_sock(d) if d; preempt-; __local_bh_enable_ip(0, 512)',
  'tcp_close_listening(sk)': 'tcp_set_state(sk, 7); inet_csk_listen_stop(sk)',
  'tcp_close_syn_sent(sk)': 'tcp_set_state(sk, 7)',
  'tcp_close_established(sk)': 'tcp_set_state(sk, 4); tcp_send_fin(sk)',
  'tcp_close_wait(sk)': 'tcp_set_state(sk, 9); tcp_send_fin(sk)',
  // what was received and never read: RFC 2525 section 2.17
  'tcp_close_unread(sk)':
    'loop; s = @receive_queue_shift(sk); __kfree_skb(s) if s; again if s; tcp_set_state(sk, 7); tcp_send_active_reset(sk, 0, 11)',
  'inet_csk_listen_stop(sk)': 'loop; c = @accept_next(sk); inet_child_forget(sk, 0, c) if c; again if c',
  'inet_child_forget(sk, req, child)':
    'tcp_disconnect(child, 2048); @sock_orphan_sk(child); inet_csk_destroy_sock(child); sk_free(child)',
  'tcp_disconnect(sk, flags): int':
    'f = @tcp_disconnect_way(sk); *f(sk); inet_csk_clear_xmit_timers(sk); sk_set_peek_off(sk, -1); tcp_write_queue_purge(sk); @disconnected(sk); tcp_set_ca_state(sk, 0); sk_error_report(sk); return 0',
  'tcp_disconnect_reset(sk)': 'tcp_send_active_reset(sk, 0, 14); tcp_set_state(sk, 7)',
  'inet_csk_destroy_sock(sk)': 'tcp_v4_destroy_sock(sk); sk_stream_kill_queues(sk); @destroyed(sk)',
  'tcp_v4_destroy_sock(sk)':
    'trace tcp_destroy_sock(sk); inet_csk_clear_xmit_timers(sk); tcp_cleanup_congestion_control(sk); tcp_cleanup_ulp(sk); tcp_write_queue_purge(sk); tcp_free_fastopen_req(sk); tcp_fastopen_destroy_cipher(sk)',
  'tcp_cleanup_congestion_control(sk)': 'f = @ca_release(sk); *f(sk); @ca_left(sk)',
  'tcp_write_queue_purge(sk)': 'loop; s = @write_queue_shift(sk); __kfree_skb(s) if s; again if s',
  'sk_stream_kill_queues(sk)':
    'loop; s = @receive_queue_shift(sk); r = @drop_reason(4) if s; sk_skb_reason_drop(0, s, r) if s; again if s',
  'sk_free(sk)': '__sk_free(sk)',
  '__sk_free(sk)': 'sk_destruct(sk)',
  'sk_destruct(sk)': '__sk_destruct(sk)',
  '__sk_destruct(sk)': 'inet_sock_destruct(sk); security_sk_free(sk); @sk_free(sk)',

  // --- whose socket it is ---
  'lock_sock_nested(sk, subclass)': '@lock_sock(sk)',
  'release_sock(sk)': 'b = @backlogged(sk); __release_sock(sk) if b; c = @release_cb(sk); *c(sk); @unlock_sock(sk)',
  '__release_sock(sk)': 'loop; s = @backlog_next(sk); t = @backlog_rcv(sk, s); *t(sk, s); again if s',
  '__sys_getsockopt(fd, level, optname, optval, optlen): int':
    'fdget(fd); k = @answered(fd); t = @backlog_rcv(k, 0); *t(k, 0); s = @socket(fd); do_sock_getsockopt(s, 0, level, optname, optval, optlen); return result',
};
