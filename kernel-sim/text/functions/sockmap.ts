/** What sockets in sockmaps send and receive, with the programs of their maps between (Linux 6.12 Documentation/bpf/map_sockmap.rst). */
const VERDICT =
  'p = @psock_skb_prog(sk, skb); migrate_disable(); a = @bpf_prog_run(skb, p); migrate_enable(); v = @psock_skb_verdict(skb, a); sk_psock_verdict_apply(sk, skb, v); return 0';

export const sockmap: Readonly<Record<string, string>> = {
  'tcp_bpf_sendmsg(sk, msg, size): int':
    'lock_sock_nested(sk, 0); m = @psock_msg(sk, size); v = sk_psock_msg_verdict(sk, 0, m) if m; f = @psock_msg_way(sk, m, v); *f(sk, m, size); @psock_free(m); release_sock(sk); return result',
  'sk_psock_msg_verdict(sk, psock, msg): int':
    'p = @psock_msg_prog(sk); migrate_disable(); a = @bpf_prog_run(msg, p); migrate_enable(); v = @psock_msg_verdict(msg, a); return v',
  'tcp_bpf_push(sk, msg, apply_bytes): int':
    'n = @psock_data(msg); tcp_sendmsg_locked(sk, 0, n); @psock_sent(); return 0',
  'tcp_bpf_redirects(sk, msg, size)':
    't = @psock_target(msg); i = @psock_is_ingress(msg); release_sock(sk); tcp_bpf_sendmsg_redir(t, i, msg, size, 0); lock_sock_nested(sk, 0)',
  'tcp_bpf_sendmsg_redir(sk, ingress, msg, bytes, flags): int':
    'lock_sock_nested(sk, 0); e = @unless(ingress, sk); n = @psock_data(msg) if e; tcp_sendmsg_locked(e, 0, n) if e; @psock_sent(); @psock_ingress(sk, msg) if ingress; sock_def_readable(sk) if ingress; release_sock(sk); return 0',
  'tcp_bpf_recvmsg(sk, msg, len, flags, addr_len): int':
    'lock_sock_nested(sk, 0); w = @recv_waits(sk, flags); release_sock(sk) if w; block; lock_sock_nested(sk, 0) if w; n = @tcp_consume(sk, flags); release_sock(sk); return result',

  'sk_psock_verdict_data_ready(sk)': 'trace sk_data_ready(sk); tcp_read_skb(sk, 0); sock_def_readable(sk)',
  'tcp_read_skb(sk, recv_actor): int':
    'loop; s = @read_skb(sk); sk_psock_verdict_recv(sk, s) if s; again if s; return 0',
  'sk_psock_verdict_recv(sk, skb): int': VERDICT,
  'sk_psock_strp_data_ready(sk)':
    'trace sk_data_ready(sk); loop; s = @read_skb(sk); sk_psock_strp_parse(sk, s) if s; sk_psock_strp_read(sk, s) if s; again if s',
  'sk_psock_strp_parse(sk, skb): int':
    'p = @psock_parser(sk, skb); migrate_disable(); n = @bpf_prog_run(skb, p); migrate_enable(); return n',
  'sk_psock_strp_read(sk, skb)': VERDICT,
  'sk_psock_verdict_apply(sk, skb, verdict): int': 'f = @psock_apply(verdict); *f(sk, skb); return 0',
  'sk_psock_pass(sk, skb)': '@psock_pass(sk, skb)',
  'sk_psock_drop(sk, skb)': 'r = @psock_drop_reason(); sk_skb_reason_drop(sk, skb, r)',
  'sk_psock_redirects(sk, skb)':
    't = @psock_skb_target(skb); i = @psock_skb_ingress(skb); @psock_skb_deliver(t, skb) if i; sock_def_readable(t) if i; e = @unless(i, t); lock_sock_nested(e, 0) if e; n = @psock_skb_data(skb) if e; tcp_sendmsg_locked(e, 0, n) if e; @psock_sent(); release_sock(e) if e; consume_skb(skb)',
};
