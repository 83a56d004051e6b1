/** TCP's segments: how they leave, what those that arrive do to a socket, its states (RFC 9293; Linux 6.12). */
import { tcpCallBpf } from './cgroup.ts';

const ACCEPTED =
  'r = sk_filter_trim_cap(k, skb, 20); q = @drop_reason(2) if r; sk_skb_reason_drop(k, skb, q) if r; s = @unless(r, skb)';

export const tcpSegments: Readonly<Record<string, string>> = {
  // --- states ---
  'tcp_set_state(sk, state)': `f = @sock_ops_flag(sk, 4); old = @tcp_state(sk) if f; ${tcpCallBpf('STATE_CB', 'old, state', ' if f')}; u = @closes(state); inet_unhash(sk) if u; @unhash(sk) if u; inet_sk_state_store(sk, state)`,
  'inet_sk_state_store(sk, newstate)':
    'o = @tcp_state(sk); trace inet_sock_set_state(sk, o, newstate); @sk_state(sk, newstate)',
  'inet_sk_set_state(sk, state)': 'o = @tcp_state(sk); trace inet_sock_set_state(sk, o, state); @sk_state(sk, state)',

  // --- out ---
  'tcp_stream_alloc_skb(sk, gfp, force)': 's = @tcp_skb_alloc(sk); return s',
  '__tcp_transmit_skb(sk, skb, clone_it, gfp, rcv_nxt): int':
    'c = @tcp_clone(sk, skb, clone_it); n = @tcp_header_len(c); skb_push(c, n); @tcp_header(sk, c); tcp_v4_send_check(sk, c); e = @ca_tx_start(sk, c); *e(sk, 0); f = @queue_xmit(sk); *f(sk, c, 0); tcp_update_skb_after_send(sk, skb, 0) if clone_it; tcp_rate_skb_sent(sk, skb) if clone_it; return 0',
  'ip_queue_xmit(sk, skb, fl): int': '__ip_queue_xmit(sk, skb, fl, 0); return 0',
  '__ip_queue_xmit(sk, skb, fl, tos): int':
    '__rcu_read_lock(); __sk_dst_check(sk, 0); skb_push(skb, 20); @ip_header(sk, skb); ip_local_out(0, sk, skb); __rcu_read_unlock(); return 0',
  'inet6_csk_xmit(sk, skb, fl): int':
    '__rcu_read_lock(); __sk_dst_check(sk, 0); @ip6_header(sk, skb); ip6_xmit(sk, skb, 0, 0, 0, 0); __rcu_read_unlock(); return 0',
  'tcp_write_xmit(sk, mss_now, nonagle, push_one, gfp): int':
    'loop; s = @tcp_send_head(sk); tcp_tso_segs(sk, mss_now) if s; __tcp_transmit_skb(sk, s, 1, gfp, 0) if s; tcp_event_new_data_sent(sk, s) if s; again if s; return 0',
  'tcp_event_new_data_sent(sk, skb)':
    '@tcp_sent(sk, skb); tcp_rbtree_insert(0, skb); tcp_rearm_rto(sk); tcp_check_space(sk)',
  'tcp_send_ack(sk)': 's = @tcp_skb_ack(sk); __tcp_transmit_skb(sk, s, 0, 0, 0)',
  'tcp_send_fin(sk)':
    's = tcp_stream_alloc_skb(sk, 0, 1); @tcp_skb_queue(sk, s, 17); __tcp_push_pending_frames(sk, 0, 0)',
  'tcp_send_active_reset(sk, priority, reason)':
    's = @tcp_skb_rst(sk); __tcp_transmit_skb(sk, s, 0, 0, 0); trace tcp_send_reset(sk, 0, reason)',

  // --- in: whose segment it is ---
  'tcp_v4_rcv(skb): int':
    'a = @skb_word(skb, 0); p = @skb_word(skb, 1); d = @skb_word(skb, 2); h = @skb_word(skb, 3); k = __inet_lookup_established(0, 0, a, p, d, h); l = @unless(k, skb); j = __inet_lookup_listener(0, 0, l, 20, a, p) if l; n = @chosen(k, j); f = @tcp_way(n, skb); *f(n, skb); z = @sk_finished(n); sk_free(z) if z; return 0',
  'tcp_v6_rcv(skb): int':
    'a = @skb_word(skb, 0); p = @skb_word(skb, 1); d = @skb_word(skb, 2); h = @skb_word(skb, 3); k = __inet6_lookup_established(0, 0, a, p, d, h); l = @unless(k, skb); j = inet6_lookup_listener(0, 0, l, 20, a, p) if l; n = @chosen(k, j); f = @tcp_way(n, skb); *f(n, skb); z = @sk_finished(n); sk_free(z) if z; return 0',
  '__inet_lookup_established(net, hashinfo, saddr, sport, daddr, hnum)':
    'k = @tcp_established(saddr, sport, daddr, hnum, 4); return k',
  '__inet6_lookup_established(net, hashinfo, saddr, sport, daddr, hnum)':
    'k = @tcp_established(saddr, sport, daddr, hnum, 16); return k',
  '__inet_lookup_listener(net, hashinfo, skb, doff, saddr, sport)':
    'g = @sk_lookup_enabled(); s = inet_lookup_run_sk_lookup(net, 6, skb, doff, saddr, sport) if g; l = @unless(s, skb); k = inet_lhash2_lookup(net, 0, l, doff, saddr, sport) if l; r = @chosen(s, k); return r',
  'inet_lhash2_lookup(net, ilb2, skb, doff, saddr, sport)':
    'k = @tcp_listener(skb); c = @reuseport_listener(k, skb); s = inet_lookup_reuseport(net, k, c, doff, saddr, sport) if c; r = @chosen(s, k); return r',
  'inet6_lookup_listener(net, hashinfo, skb, doff, saddr, sport)':
    'g = @sk_lookup_enabled(); s = inet6_lookup_run_sk_lookup(net, 6, skb, doff, saddr, sport) if g; l = @unless(s, skb); k = inet6_lhash2_lookup(net, 0, l, doff, saddr, sport) if l; r = @chosen(s, k); return r',
  'inet6_lhash2_lookup(net, ilb2, skb, doff, saddr, sport)':
    'k = @tcp_listener(skb); c = @reuseport_listener(k, skb); s = inet6_lookup_reuseport(net, k, c, doff, saddr, sport) if c; r = @chosen(s, k); return r',
  'tcp_release_cb(sk)': 'return 0',
  'tcp_no_socket(sk, skb)':
    'a = @tcp_resets(skb); *a(0, skb, 1); k = @tcp_unknown(skb); r = @drop_reason(1) if k; sk_skb_reason_drop(0, k, r) if k; u = @unless(k, skb); __kfree_skb(u) if u',
  'tcp_v4_send_reset(sk, skb, reason)':
    'trace tcp_send_reset(sk, skb, reason); bh+; s = @tcp_reset_reply(skb); ip_send_unicast_reply(0, s, 0, 0, 0, 0); __local_bh_enable_ip(0, 512)',
  'ip_send_unicast_reply(sk, skb, sopt, daddr, saddr, arg)':
    'security_skb_classify_flow(skb, 0); ip_route_output_flow(0, 0, sk); __ip_append_data(sk, 0, 0, 0, 0, 0); ip_push_pending_frames(sk, 0, skb)',
  'tcp_v6_send_reset(sk, skb, reason)':
    'trace tcp_send_reset(sk, skb, reason); s = @tcp_reset_reply(skb); ip6_xmit(0, s, 0, 0, 0, 0)',
  'tcp_listening(k, skb)': `${ACCEPTED}; @tcp_fill_cb(s); f = @tcp_do_rcv(k, s); *f(k, s)`,
  'tcp_to_socket(k, skb)': `${ACCEPTED}; @tcp_fill_cb(s); preempt+; f = @tcp_owned(k, s); *f(k, s, %reason); preempt-`,
  'tcp_add_backlog(sk, skb, reason): int': '@backlog_add(sk, skb); return 0',
  'tcp_to_request(req, skb)': `k = @req_listener(req); ${ACCEPTED}; @tcp_fill_cb(s); n = tcp_check_req(k, s, req, 0, %race) if s; tcp_child_process(k, n, s) if n; d = @unless(n, s); __kfree_skb(d) if d`,
  'tcp_v4_do_rcv(sk, skb): int': 'f = @tcp_input(sk, skb); *f(sk, skb); return 0',
  'tcp_v6_do_rcv(sk, skb): int': 'f = @tcp_input(sk, skb); *f(sk, skb); return 0',

  // --- in: the passive end is asked ---
  'tcp_step_listen(sk, skb)':
    'f = @conn_request(sk, skb); __rcu_read_lock(); bh+; *f(sk, skb); __local_bh_enable_ip(0, 512); __rcu_read_unlock(); consume_skb(skb)',
  'tcp_v4_conn_request(sk, skb): int': 'n = tcp_conn_request(0, 0, sk, skb); return n',
  'tcp_v6_conn_request(sk, skb): int': 'n = tcp_conn_request(0, 0, sk, skb); return n',
  'tcp_conn_request(rsk_ops, af_ops, sk, skb): int':
    'r = inet_reqsk_alloc(rsk_ops, sk, 1); tcp_parse_options(0, skb, %opt, 0, 0); @req_init(r, sk, skb); security_inet_conn_request(sk, skb, r); inet_csk_route_req(sk, 0, r); tcp_v4_init_seq_and_ts_off(0, skb); tcp_openreq_init_rwin(r, sk, 0); tcp_try_fastopen(sk, skb, r, 0, 0); inet_csk_reqsk_queue_hash_add(sk, r, 0); f = @send_synack(sk); *f(sk, 0, 0, r, 0, 0); return 0',
  'inet_reqsk_alloc(ops, sk_listener, attach)': 'r = @req_alloc(sk_listener); return r',
  'inet_csk_route_req(sk, fl4, req)': 'security_req_classify_flow(req, 0); ip_route_output_flow(0, 0, sk); return 0',
  'tcp_openreq_init_rwin(req, sk, dst)': 'tcp_select_initial_window(sk, 0, 0, 0, 0, 0)',
  'inet_csk_reqsk_queue_hash_add(sk, req, timeout): int': '@req_hash(sk, req); inet_ehash_insert(req, 0, 0); return 1',
  'tcp_v4_send_synack(sk, dst, fl, req, foc, synack_type): int':
    's = tcp_make_synack(sk, dst, req, foc, synack_type, 0); __tcp_v4_send_check(s, 0, 0); ip_build_and_send_pkt(s, sk, 0, 0, 0, 0); return 0',
  'tcp_v6_send_synack(sk, dst, fl, req, foc, synack_type): int':
    's = tcp_make_synack(sk, dst, req, foc, synack_type, 0); ip6_xmit(sk, s, 0, 0, 0, 0); return 0',
  'tcp_make_synack(sk, dst, req, foc, synack_type, syn_skb)': 's = @tcp_synack(req); return s',
  'ip_build_and_send_pkt(skb, sk, saddr, daddr, opt, tos): int':
    'skb_push(skb, 20); ip_local_out(0, sk, skb); return 0',
  'tcp_check_req(sk, skb, req, fastopen, lost_race)':
    'tcp_parse_options(0, skb, %opt, 0, 0); a = @req_answered(req, skb); f = @syn_recv_sock(a); c = *f(sk, skb, req, 0, req, %own); tcp_synack_rtt_meas(c, req) if c; inet_csk_complete_hashdance(sk, c, req, 1) if c; return c',
  'tcp_synack_rtt_meas(sk, req)': 'tcp_ack_update_rtt(sk, 0, 1, -1, 0)',
  'tcp_v4_syn_recv_sock(sk, skb, req, dst, req_unhash, own_req)':
    'c = tcp_create_openreq_child(sk, req, skb); @child_addresses(c, req); inet_sk_rx_dst_set(c, skb); security_req_classify_flow(req, 0); ip_route_output_flow(0, 0, c); sk_setup_caps(c, 0); tcp_ca_openreq_child(c, 0); tcp_sync_mss(c, 1500); tcp_initialize_rcv_mss(c); __inet_inherit_port(sk, c); inet_ehash_nolisten(c, req, 0); @child_hashed(c, req); return c',
  'tcp_v6_syn_recv_sock(sk, skb, req, dst, req_unhash, own_req)':
    'c = tcp_create_openreq_child(sk, req, skb); @child_addresses(c, req); security_req_classify_flow(req, 0); ip6_dst_lookup_flow(0, c, 0, 0); sk_setup_caps(c, 0); tcp_ca_openreq_child(c, 0); tcp_sync_mss(c, 1500); tcp_initialize_rcv_mss(c); __inet_inherit_port(sk, c); inet_ehash_nolisten(c, req, 0); @child_hashed(c, req); return c',
  'tcp_create_openreq_child(sk, req, skb)':
    'c = inet_csk_clone_lock(sk, req, 2080); tcp_init_xmit_timers(c); tcp_bpf_clone(sk, c); return c',
  'inet_csk_clone_lock(sk, req, priority)':
    'c = sk_clone_lock(sk, priority); inet_sk_set_state(c, 3); @child_ports(c, req); security_inet_csk_clone(c, req); return c',
  'sk_clone_lock(sk, priority)':
    'c = @sk_clone(sk); security_sk_alloc(c, 2, priority); security_sk_clone(sk, c); preempt+; return c',
  'inet_csk_complete_hashdance(sk, child, req, own_req)': '@accept_queue(sk, child, req)',
  'tcp_child_process(parent, child, skb)':
    'tcp_rcv_state_process(child, skb); sock_def_readable(parent); preempt-; return 0',
  'tcp_ca_openreq_child(sk, dst)': '@ca_inherited(sk); tcp_assign_congestion_control(sk); tcp_set_ca_state(sk, 0)',
  'tcp_set_ca_state(sk, ca_state)':
    'trace tcp_cong_state_set(sk, ca_state); f = @ca_set_state(sk, ca_state); *f(sk, ca_state)',

  // --- in: states ---
  'tcp_rcv_state_process(sk, skb)':
    'o = @unless(skb, sk); b = @tcp_answer(o); *b(sk, skb); f = @tcp_step(sk, skb); *f(sk, skb)',
  'tcp_step_syn_sent(sk, skb)':
    'tcp_parse_options(0, skb, %opt, 0, 0); tcp_ack(sk, skb, 4); tcp_sync_mss(sk, 1500); tcp_finish_connect(sk, skb); sock_def_wakeup(sk); tcp_send_ack(sk); tcp_urg(sk, skb, 0); __kfree_skb(skb)',
  'tcp_step_syn_sent_reset(sk, skb)': 'tcp_parse_options(0, skb, %opt, 0, 0); tcp_reset(sk, skb); __kfree_skb(skb)',
  'tcp_finish_connect(sk, skb)':
    'tcp_set_state(sk, 1); inet_sk_rx_dst_set(sk, skb); security_inet_conn_established(sk, skb); tcp_init_transfer(sk, 4, skb); u = @unless(skb, sk); tcp_send_ack(u) if u',
  'tcp_init_transfer(sk, bpf_op, skb)': `tcp_mtup_init(sk); inet_sk_rebuild_header(sk); tcp_init_metrics(sk); ${tcpCallBpf('bpf_op')}; i = @ca_uninitialized(sk); tcp_init_congestion_control(i) if i; tcp_init_buffer_space(sk)`,
  'tcp_init_congestion_control(sk)': 'f = @ca_init(sk); *f(sk); @ca_initialized(sk)',
  'tcp_set_congestion_control(sk, name, load, cap_net_admin): int':
    'tcp_cleanup_congestion_control(sk); @ca_assign(sk, name); b = @ca_begins(sk); tcp_init_congestion_control(b) if b; return result',
  'tcp_step_syn_recv(sk, skb)':
    'tcp_validate_incoming(sk, skb, 0, 1); tcp_ack(sk, skb, 4); tcp_init_transfer(sk, 5, skb); tcp_set_state(sk, 1); sock_def_wakeup(sk); tcp_update_pacing_rate(sk); tcp_urg(sk, skb, 0); tcp_data_queue(sk, skb); tcp_check_space(sk)',
  'tcp_rcv_established(sk, skb)':
    'trace tcp_probe(sk, skb); tcp_mstamp_refresh(sk); tcp_validate_incoming(sk, skb, 0, 1); a = @ack_wanted(sk, skb); tcp_ack(sk, skb, 0); tcp_urg(sk, skb, 0); tcp_data_queue(sk, skb); tcp_check_space(sk); __tcp_ack_snd_check(sk, a) if a',
  '__tcp_ack_snd_check(sk, ofo_possible)':
    'n = @ack_now(sk); tcp_send_ack(sk) if n; d = @unless(n, sk); tcp_send_delayed_ack(d) if d',
  'tcp_send_delayed_ack(sk)': 'tcp_delack_max(sk); @delack_later(sk); sk_reset_timer(sk, 0, 0)',
  'tcp_delack_timer_handler(sk)': 'k = @ack_due(sk); tcp_send_ack(k) if k',
  'tcp_step_reset(sk, skb)': 'tcp_validate_incoming(sk, skb, 0, 1); tcp_reset(sk, skb); __kfree_skb(skb)',
  'tcp_step_closing(sk, skb)':
    'tcp_validate_incoming(sk, skb, 0, 1); f = @fin_acked(sk, skb); tcp_ack(sk, skb, 4); *f(sk, skb); s = @still_open(sk, skb); tcp_urg(s, skb, 0) if s; tcp_data_queue(s, skb) if s; d = @unless(s, skb); __kfree_skb(d) if d',
  'tcp_fin_acked(sk, skb)': 'tcp_set_state(sk, 5); tcp_reset_keepalive(sk)',
  'tcp_fin_acked_closing(sk, skb)': 'tcp_time_wait(sk, 6, 0)',
  'tcp_fin_acked_last(sk, skb)': 'tcp_update_metrics(sk); tcp_done(sk)',
  'tcp_reset(sk, skb)': 'trace tcp_receive_reset(sk); e = @reset_error(sk); tcp_done_with_error(sk, e)',
  'tcp_done_with_error(sk, err)':
    'tcp_write_queue_purge(sk); @sk_err(sk, err); tcp_done(sk); l = @alive(sk); sk_error_report(l) if l',
  'sk_error_report(sk)': 'sock_def_error_report(sk); trace inet_sk_error_report(sk)',
  'tcp_done(sk)':
    'tcp_set_state(sk, 7); inet_csk_clear_xmit_timers(sk); l = @alive(sk); sock_def_wakeup(l) if l; d = @unless(l, sk); inet_csk_destroy_sock(d) if d',
  'tcp_time_wait(sk, state, timeo)': 'inet_twsk_alloc(sk, 0, state); tcp_update_metrics(sk); tcp_done(sk)',

  // --- in: acknowledgements and data ---
  'tcp_ack(sk, skb, flag): int':
    'n = @tcp_acks(sk, skb); tcp_rack_advance(sk) if n; loop; s = @rtx_acked(sk); tcp_rate_skb_delivered(sk, s, 0) if s; __kfree_skb(s) if s; again if s; u = @ack_rtt(sk) if n; tcp_ack_update_rtt(sk, 0, u, -1, u) if u; p = @ca_pkts_acked(sk, n, %sample) if n; *p(sk, %sample); tcp_in_ack_event(sk, flag); tcp_rearm_rto(sk) if n; tcp_newly_delivered(sk, 0, flag) if n; tcp_rate_gen(sk, n, 0, 0, 0) if n; k = @ack_seq(skb); c = @ca_cong_control(sk, n, %rate); *c(sk, k, flag, %rate); a = @ca_cong_avoid(sk, skb, n); *a(sk, k, n); tcp_update_pacing_rate(sk) if n; tcp_xmit_recovery(sk, 0) if n; return 1',
  'tcp_in_ack_event(sk, flag)': 'f = @ca_in_ack_event(sk); *f(sk, flag)',
  'tcp_ack_update_rtt(sk, flag, seq_rtt_us, sack_rtt_us, ca_rtt_us): int': `@rtt_sample(sk, seq_rtt_us); f = @sock_ops_flag(sk, 8); m = @rtt(sk, 0) if f; t = @rtt(sk, 1) if f; ${tcpCallBpf('RTT_CB', 'm, t', ' if f')}; return 1`,
  'tcp_data_queue(sk, skb)':
    'k = @tcp_empty(skb); __kfree_skb(k) if k; q = @unless(k, skb); d = @tcp_data(q); n = @tcp_fins(q); x = tcp_queue_rcv(sk, q, %stolen) if q; tcp_event_data_recv(sk, q) if d; tcp_fin(sk) if n; kfree_skb_partial(q, 0) if x; l = @alive(sk) if q; tcp_data_ready(l) if l',
  'tcp_queue_rcv(sk, skb, fragstolen): int': 'n = @tcp_queue(sk, skb); return n',
  'tcp_event_data_recv(sk, skb)': '@data_received(sk, skb)',
  'kfree_skb_partial(skb, head_stolen)': '@skb_free(skb)',
  'tcp_data_ready(sk)': 'f = @data_ready(sk); *f(sk)',
  'tcp_fin(sk)': 'f = @tcp_fin_way(sk); *f(sk)',
  'tcp_fin_established(sk)': 'tcp_set_state(sk, 8); l = @alive(sk); sock_def_wakeup(l) if l',
  'tcp_fin_both(sk)': 'tcp_send_ack(sk); tcp_set_state(sk, 11)',
  'tcp_fin_second(sk)': 'tcp_send_ack(sk); tcp_time_wait(sk, 6, 0)',
};
