/**
 * The way of a packet (Linux 6.12 Documentation/networking/): out through IP and a device's queue, in through softirq and
 * IP to a socket. One buffer walks these functions; hypercalls change it where Linux's code does.
 */
export const netPath: Readonly<Record<string, string>> = {
  // --- out: UDP and IP ---
  'ip_make_skb(sk, fl4, getfrag, from, length, transhdrlen)':
    '__ip_append_data(sk, fl4, 0, 0, 0, getfrag); s = @udp_make_skb(sk, from, length); return s',
  'udp_send_skb(skb:sk_buff, fl4, cork): int': 'n = ip_send_skb(0, skb); return n',
  'ip_send_skb(net, skb:sk_buff): int': 'n = ip_local_out(net, skb->sk, skb); return n',
  'ip_local_out(net, sk, skb): int':
    'v = __ip_local_out(net, sk, skb); s = @when(v, skb); l = @lwt(s, 1); e = lwtunnel_output(net, sk, s) if l; o = @unless(l, s); n = ip_output(net, sk, o) if o; r = @chosen(e, n); return r',
  '__ip_local_out(net, sk, skb): int':
    'h = @nf_hook(3, skb); n = nf_hook_slow(skb, h, 0, 0) if h; v = @nf_passed(h, skb); return v',
  'ip_output(net, sk, skb): int':
    '@skb_leaves(skb); h = @nf_hook(4, skb); n = nf_hook_slow(skb, h, 0, 0) if h; v = @nf_passed(h, skb); n = ip_finish_output(net, sk, skb) if v; return n',
  'ip_finish_output(net, sk, skb): int':
    'c = @cgroup_bpf_enabled(1) if sk; e = __cgroup_bpf_run_filter_skb(sk, skb, 1) if c; r = @xmit_refused(e, skb); sk_skb_reason_drop(sk, skb, r) if r; s = @unless(r, skb); __ip_finish_output(net, sk, s) if s; return e',
  '__ip_finish_output(net, sk, skb): int': 'n = ip_finish_output2(net, sk, skb); return n',
  'ip_finish_output2(net, sk, skb): int':
    'l = @lwt(skb, 2); r = lwtunnel_xmit(skb) if l; s = @unless(r, skb); @neigh_header(s); n = __dev_queue_xmit(s, 0) if s; return n',

  'nf_hook_slow(skb, state, e, s): int':
    'c = @nf_context(state); loop; p = @nf_next(state); a = @bpf_prog_run(c, p) if p; m = @nf_verdict(state, a, p); again if m; r = @nf_drop(state, skb); sk_skb_reason_drop(0, skb, r) if r; return r',

  // --- out: the device ---
  '__dev_queue_xmit(skb:sk_buff, sb_dev): int':
    '@skb_reset_mac(skb); bh+; e = @tcx_entry(skb, 1); b = @tcx_run(e, skb) if e; w = @tc_wanted(skb, b, e, 1) if e; c = tc_run(e, skb, 0) if w; a = @tc_act(skb, b, w, c) if e; d = @tcx_drop(skb, a, e, 1); sk_skb_reason_drop(0, skb, d) if d; r = @tcx_redirects(skb, a, e, 1); skb_do_redirect(skb) if r; t = @tc_stolen(skb, a, e) if e; consume_skb(t) if t; s = @tcx_passed(skb, a, e); netdev_core_pick_tx(0, s, 0) if s; trace net_dev_queue(s) if s; validate_xmit_skb(s, 0, 0) if s; dev_hard_start_xmit(s, 0, 0, %rc) if s; __local_bh_enable_ip(0, 512); return 0',
  'dev_hard_start_xmit(skb:sk_buff, dev, txq, ret)':
    'l = @skb_len(skb); d = @skb_dev(skb); trace net_dev_start_xmit(skb, d); x = @ndo_start_xmit(d); n = *x(skb, d); trace net_dev_xmit(skb, n, d, l); return 0',
  'loopback_xmit(skb, dev)': '@skb_orphan(skb); eth_type_trans(skb, dev); __netif_rx(skb); return 0',
  'start_xmit(skb, dev)': '@device_sent(skb, dev); skb_tstamp_tx(skb, 0); consume_skb(skb); return 0',
  'dummy_xmit(skb, dev)': '@device_sent(skb, dev); skb_clone_tx_timestamp(skb); consume_skb(skb); return 0',
  'veth_xmit(skb, dev)':
    '@device_sent(skb, dev); p = @veth_peer(dev); __dev_forward_skb(p, skb) if p; __netif_rx(skb) if p; return 0',
  '__dev_forward_skb(dev, skb): int': '@skb_orphan(skb); eth_type_trans(skb, dev); return 0',
  'eth_type_trans(skb, dev): int': 'n = @eth_type_trans(skb, dev); return n',

  // --- in: from the device to the stack ---
  'netif_rx(skb): int': 'bh+; n = netif_rx_internal(skb); __local_bh_enable_ip(0, 512); return n',
  '__netif_rx(skb): int': 'n = netif_rx_internal(skb); return n',
  'netif_rx_internal(skb): int': 'trace netif_rx(skb); n = enqueue_to_backlog(skb, 0, %qtail); return n',
  'enqueue_to_backlog(skb, cpu, qtail): int': 'k = @backlog_push(skb); __napi_schedule_irqoff(k) if k; return 0',
  'net_rx_action()': 'loop; n = @napi_next(); __napi_poll(n, %repoll) if n; again if n; @ends_at()',
  '__napi_poll(n, repoll): int': 'f = @napi_poll_fn(n); w = *f(n, 64); trace napi_poll(n, w, 64); return w',
  'process_backlog(napi, quota): int':
    'loop; s = @backlog_shift(); __netif_receive_skb(s) if s; again if s; n = @polled(napi); return n',
  'virtnet_poll(napi, budget): int':
    'loop; x = @rx_ring_next(napi); p = @xdp_native(napi, x); a = @bpf_prog_run_xdp(x, p) if p; e = @xdp_exception(a) if p; d = @napi_dev(napi); trace xdp_exception(d, p, a) if e; s = @xdp_outcome(napi, x, a, p); eth_type_trans(s, d) if s; netif_receive_skb(s) if s; again if x; xdp_do_flush(); n = @polled(napi); return n',
  'netif_receive_skb(skb): int': 'n = __netif_receive_skb(skb); return n',
  '__netif_receive_skb(skb): int': 'n = __netif_receive_skb_one_core(skb, 0); return n',
  '__netif_receive_skb_one_core(skb, pfmemalloc): int':
    '%pskb+0 = skb; n = __netif_receive_skb_core(%pskb, pfmemalloc, %pt); s:sk_buff = @load(%pskb) ; f = @ptype(s, n); n = *f(s, s->dev, 0, 0); return n',
  '__netif_receive_skb_core(pskb, pfmemalloc, ppt): int':
    's:sk_buff = @load(pskb); trace netif_receive_skb(s); @skb_reset_network(s); p = @xdp_generic(s); migrate_disable() if p; x = do_xdp_generic(p, pskb) if p; migrate_enable() if p; t:sk_buff = @xdp_passed(s, x, p); e = @tcx_entry(t, 0); b = @tcx_run(e, t) if e; w = @tc_wanted(t, b, e, 0) if e; c = tc_run(e, t, 0) if w; a = @tc_act(t, b, w, c) if e; d = @tcx_drop(t, a, e, 0); sk_skb_reason_drop(0, t, d) if d; g = @tcx_redirects(t, a, e, 0); skb_do_redirect(t) if g; o = @tc_stolen(t, a, e) if e; consume_skb(o) if o; u = @tcx_passed(t, a, e); r = @rx_result(u, pskb); return r',

  // --- in: XDP on devices whose driver has none ---
  'do_xdp_generic(xdp_prog, pskb): int':
    's:sk_buff = @load(pskb); a = bpf_prog_run_generic_xdp(s, %xdp, xdp_prog); e = @xdp_exception(a); trace xdp_exception(s->dev, xdp_prog, a) if e; r = @xdp_drop(a, s); sk_skb_reason_drop(0, s, r) if r; f = @xdp_generic_act(a); n = *f(s, xdp_prog, %xdp); return a',
  'bpf_prog_run_generic_xdp(skb, xdp, xdp_prog): int':
    '@xdp_from_skb(skb, xdp); a = @bpf_prog_run_xdp(xdp, xdp_prog); n = @skb_from_xdp(skb, xdp, a); return n',
  'generic_xdp_tx(skb:sk_buff, xdp_prog)': '__dev_direct_xmit(skb, 0)',
  '__dev_direct_xmit(skb:sk_buff, queue): int':
    'bh+; dev_hard_start_xmit(skb, skb->dev, 0, %rc); __local_bh_enable_ip(0, 512); return 0',
  'xdp_do_generic_redirect(skb, xdp_prog, xdp): int':
    'd = @redirect_device(skb); generic_xdp_tx(skb, xdp_prog) if d; l = @unless(d, skb); r = @drop_reason(9) if l; sk_skb_reason_drop(0, l, r) if l; return 0',
  'skb_do_redirect(skb): int':
    'd = @redirect_device(skb); i = @redirect_ingress(); __bpf_redirect(skb, d, i) if d; l = @unless(d, skb); r = @drop_reason(9) if l; sk_skb_reason_drop(0, l, r) if l; return 0',
  '__bpf_redirect(skb, dev, flags): int':
    'dev_forward_skb_nomtu(dev, skb) if flags; o = @unless(flags, skb); __dev_queue_xmit(o, 0) if o; return 0',
  'dev_forward_skb_nomtu(dev, skb): int': '__dev_forward_skb(dev, skb); n = netif_rx_internal(skb); return n',

  // --- in: IP ---
  'ip_rcv(skb, dev, pt, orig_dev): int':
    's = ip_rcv_core(skb, 0); h = @nf_hook(0, s); n = nf_hook_slow(s, h, 0, 0) if h; v = @nf_passed(h, s); ip_rcv_finish(0, 0, s) if v; return 0',
  'ip_rcv_core(skb:sk_buff, net)':
    'r = @ip_rcv_core(skb); sk_skb_reason_drop(0, skb, r) if r; s = @unless(r, skb); return s',
  'ip_rcv_finish(net, sk, skb): int':
    'r = ip_rcv_finish_core(net, sk, skb, 0); f = @dst_input(skb); n = *f(skb); return n',
  'ip_local_deliver(skb:sk_buff): int':
    'h = @nf_hook(1, skb); n = nf_hook_slow(skb, h, 0, 0) if h; v = @nf_passed(h, skb); ip_local_deliver_finish(0, 0, skb) if v; return 0',
  'ip_local_deliver_finish(net, sk, skb): int':
    '@ip_pull(skb); p = @ip_protocol(skb); ip_protocol_deliver_rcu(net, skb, p); return 0',
  'ip_protocol_deliver_rcu(net, skb, protocol)':
    'raw_local_deliver(skb, protocol); f = @inet_protos(protocol, skb); *f(skb)',
  'ip_forward(skb): int':
    'h = @nf_hook(2, skb); n = nf_hook_slow(skb, h, 0, 0) if h; v = @nf_passed(h, skb); ip_output(0, 0, skb) if v; return 0',
  'ip_error(skb): int': 'r = @drop_reason(0); sk_skb_reason_drop(0, skb, r); return 0',

  // --- in: UDP ---
  'udp_rcv(skb): int': 'n = __udp4_lib_rcv(skb, 0, 17); return n',
  '__udp4_lib_rcv(skb, udptable, proto): int':
    'i:iphdr = @skb_word(skb, 4); u:udphdr = @udp_looks_up(skb); k = __udp4_lib_lookup(0, i->saddr, u->source, i->daddr, u->dest, 0); udp_unicast_rcv_skb(k, skb, 0) if k; x = @unless(k, skb); __icmp_send(x, 3, 3, 0, 0) if x; r = @drop_reason(1) if x; sk_skb_reason_drop(0, x, r) if x; return 0',
  '__udp4_lib_lookup(net, saddr, sport, daddr, dport, dif)':
    'k = udp4_lib_lookup2(net, saddr, sport, daddr, dport, dif); g = @sk_lookup_wanted(k); s = inet_lookup_run_sk_lookup(net, 17, g, 8, saddr, sport) if g; r = @chosen(s, k); return r',
  'udp4_lib_lookup2(net, saddr, sport, daddr, hnum, dif)':
    'k = @udp_best(); c = @reuseport(k); s = inet_lookup_reuseport(net, k, c, 8, saddr, sport) if c; r = @chosen(s, k); return r',
  'udp_unicast_rcv_skb(sk, skb, uh): int': 'n = udp_queue_rcv_skb(sk, skb); return n',
  'udp_queue_rcv_skb(sk, skb): int': 'n = udp_queue_rcv_one_skb(sk, skb); return n',
  'udp_queue_rcv_one_skb(sk, skb): int':
    'r = sk_filter_trim_cap(sk, skb, 8); q = @drop_reason(2) if r; sk_skb_reason_drop(sk, skb, q) if r; v = @unless(r, skb); __udp_enqueue_schedule_skb(sk, v) if v; return 0',
  '__udp_enqueue_schedule_skb(sk, skb): int':
    'q = @sock_queue(sk, skb); sock_def_readable(sk) if q; r = @drop_reason(3); f = @unless(q, skb); sk_skb_reason_drop(sk, f, r) if f; return 0',
  'sock_def_readable(sk)': 'trace sk_data_ready(sk); __rcu_read_lock(); __rcu_read_unlock()',
  'sk_filter_trim_cap(sk, skb, cap): int':
    'c = @cgroup_bpf_enabled(0); e = __cgroup_bpf_run_filter_skb(sk, skb, 0) if c; r = @rcv_refused(e); k = @unless(r, sk); security_sock_rcv_skb(k, skb) if k; p = @sk_filter(k, skb) if k; l = @bpf_prog_run(skb, p) if p; d = @sk_filtered(skb, l, p, r, cap); return d',
  '__skb_recv_udp(sk, flags, off, err)': 's = __skb_try_recv_from_queue(sk, 0, flags, 0, 0, 0); return s',
  '__skb_try_recv_from_queue(sk, queue, flags, off, err, last)': 's = @sock_dequeue(sk, flags); return s',
  'skb_consume_udp(sk, skb, len)': 'consume_skb(skb) if skb',

  // --- TCP: segments out and in ---
  '__ip_queue_xmit(sk, skb, fl, tos): int':
    '__rcu_read_lock(); skb_push(skb, 20); @ip_header(sk, skb); ip_local_out(0, sk, skb); __rcu_read_unlock(); return 0',

  // --- in: ICMP ---
  'icmp_rcv(skb): int': 'f = @icmp_pointer(skb); r = *f(skb); consume_skb(skb); return 0',
  'icmp_echo(skb)':
    'bh+; preempt+; p = @icmp_reply(skb); icmp_push_reply(0, 0, p) if p; preempt-; __local_bh_enable_ip(0, 512); return 1',
  'icmp_unreach(skb)': '@icmp_error(skb); return 1',
  '__icmp_send(skb_in, type, code, info, opt)':
    'bh+; preempt+; p = @icmp_unreachable(skb_in, type, code); icmp_push_reply(0, 0, p) if p; preempt-; __local_bh_enable_ip(0, 512)',
  'icmp_push_reply(sk, param, skb)': 'ip_append_data(0, 0, 0, 0, 0, 0); ip_push_pending_frames(0, 0, skb)',
  'ip_push_pending_frames(sk, fl4, skb:sk_buff): int': 'n = ip_local_out(0, skb->sk, skb); return n',

  // --- the end of a buffer ---
  'sk_skb_reason_drop(sk, skb, reason)':
    'l = @caller(); u = @skb_unref(skb); trace kfree_skb(skb, l, reason, sk) if u; __kfree_skb(skb) if u',
  'consume_skb(skb)': 'l = @caller(); u = @skb_unref(skb); trace consume_skb(skb, l) if u; __kfree_skb(skb) if u',
  '__kfree_skb(skb)': '@skb_free(skb)',
};
