/** The way of an IPv6 packet (RFC 8200; Linux 6.12): out to the device's queue, in from it to UDP, ICMPv6 and TCP. */

const HOOK = (n: number, skb = 'skb'): string =>
  `h = @nf_hook6(${n}, ${skb}); n = nf_hook_slow(${skb}, h, 0, 0) if h; v = @nf_passed(h, ${skb})`;

export const ip6: Readonly<Record<string, string>> = {
  // --- out ---
  'ip6_make_skb(sk, getfrag, from, length, transhdrlen, ipc6)':
    '__ip6_append_data(sk, 0, 0, 0, getfrag, from); s = @udp_make_skb(sk, from, length); return s',
  'udp_v6_send_skb(skb:sk_buff, fl6, cork): int': 'n = ip6_send_skb(skb); return n',
  'ip6_send_skb(skb:sk_buff): int': 'n = ip6_local_out(0, skb->sk, skb); return n',
  'ip6_local_out(net, sk, skb): int':
    'v = __ip6_local_out(net, sk, skb); s = @when(v, skb); l = @lwt(s, 1); e = lwtunnel_output(net, sk, s) if l; o = @unless(l, s); n = ip6_output(net, sk, o) if o; r = @chosen(e, n); return r',
  '__ip6_local_out(net, sk, skb): int': `${HOOK(3)}; return v`,
  'ip6_xmit(sk, skb, fl6, mark, opt, tclass): int': `skb_push(skb, 40); @ip6_push(skb); ${HOOK(3)}; n = ip6_output(0, sk, skb) if v; return n`,
  'ip6_output(net, sk, skb): int': `@skb_leaves6(skb); ${HOOK(4)}; n = ip6_finish_output(net, sk, skb) if v; return n`,
  'ip6_finish_output(net, sk, skb): int':
    'c = @cgroup_bpf_enabled(1) if sk; e = __cgroup_bpf_run_filter_skb(sk, skb, 1) if c; r = @xmit_refused(e, skb); sk_skb_reason_drop(sk, skb, r) if r; s = @unless(r, skb); ip6_mtu(0) if s; ip6_finish_output2(net, sk, s) if s; return e',
  'ip6_finish_output2(net, sk, skb): int':
    'l = @lwt(skb, 2); r = lwtunnel_xmit(skb) if l; s = @unless(r, skb); @neigh_header(s); n = __dev_queue_xmit(s, 0) if s; return n',

  // --- in ---
  'ipv6_rcv(skb, dev, pt, orig_dev): int': `s = ip6_rcv_core(skb, dev, 0); ${HOOK(0, 's')}; ip6_rcv_finish(0, 0, s) if v; return 0`,
  'ip6_rcv_core(skb:sk_buff, dev, net)':
    'r = @ip6_rcv_core(skb); sk_skb_reason_drop(0, skb, r) if r; s = @unless(r, skb); return s',
  'ip6_rcv_finish(net, sk, skb): int':
    'r = ip6_rcv_finish_core(net, sk, skb); f = @dst_input6(skb); n = *f(skb); return n',
  'ip6_input(skb:sk_buff): int': `${HOOK(1)}; ip6_input_finish(0, 0, skb) if v; return 0`,
  'ip6_input_finish(net, sk, skb): int': 'ip6_protocol_deliver_rcu(net, skb, 0, 0); return 0',
  'ip6_protocol_deliver_rcu(net, skb, nexthdr, have_final)':
    '@ip6_pull(skb); p = @ip6_protocol(skb); raw6_local_deliver(skb, p); f = @inet6_protos(p, skb); *f(skb)',
  'ip6_pkt_discard(skb): int': 'r = @drop_reason(0); sk_skb_reason_drop(0, skb, r); return 0',

  // --- UDP ---
  'udpv6_rcv(skb): int': 'n = __udp6_lib_rcv(skb, 0, 17); return n',
  '__udp6_lib_rcv(skb, udptable, proto): int':
    'i = @skb_word(skb, 0); u:udphdr = @udp_looks_up(skb); d = @skb_word(skb, 2); k = __udp6_lib_lookup(0, i, u->source, d, u->dest, 0); udp6_unicast_rcv_skb(k, skb, 0) if k; x = @unless(k, skb); icmp6_send(x, 1, 4, 0, 0, 0) if x; r = @drop_reason(1) if x; sk_skb_reason_drop(0, x, r) if x; return 0',
  '__udp6_lib_lookup(net, saddr, sport, daddr, dport, dif)':
    'k = udp6_lib_lookup2(net, saddr, sport, daddr, dport, dif); g = @sk_lookup_wanted(k); s = inet6_lookup_run_sk_lookup(net, 17, g, 8, saddr, sport) if g; r = @chosen(s, k); return r',
  'udp6_lib_lookup2(net, saddr, sport, daddr, hnum, dif)':
    'k = @udp_best(); c = @reuseport(k); s = inet6_lookup_reuseport(net, k, c, 8, saddr, sport) if c; r = @chosen(s, k); return r',
  'udp6_unicast_rcv_skb(sk, skb, uh): int': 'n = udpv6_queue_rcv_skb(sk, skb); return n',
  'udpv6_queue_rcv_skb(sk, skb): int': 'n = udpv6_queue_rcv_one_skb(sk, skb); return n',
  'udpv6_queue_rcv_one_skb(sk, skb): int':
    'r = sk_filter_trim_cap(sk, skb, 8); q = @drop_reason(2) if r; sk_skb_reason_drop(sk, skb, q) if r; v = @unless(r, skb); __udp_enqueue_schedule_skb(sk, v) if v; return 0',

  // --- ICMPv6 ---
  'icmpv6_rcv(skb): int': 'icmpv6_notify(skb, 1, 4, 0); consume_skb(skb); return 0',
  'icmp6_send(skb, type, code, info, force_saddr, parm)':
    'bh+; preempt+; p = @icmp6_unreachable(skb, type, code); icmpv6_push_pending_frames(0, 0, p) if p; preempt-; __local_bh_enable_ip(0, 512)',
  'icmpv6_push_pending_frames(sk, fl6, skb): int': 'n = ip6_push_pending_frames(sk, skb); return n',
  'ip6_push_pending_frames(sk, skb): int': 'n = ip6_send_skb(skb); return n',
};
