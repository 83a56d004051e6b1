/** Where programs stand on a packet's way besides XDP and tcx: classifiers, routes, pairs of netkit, the flow dissector, entries of maps (Linux 6.12). */
export const netPrograms: Readonly<Record<string, string>> = {
  // --- tc: the filters of clsact ---
  'tc_run(entry, skb, drop_reason): int': 'n = tcf_classify(skb, 0, 0, 0, 0); return n',
  'tcf_classify(skb, block, tp, res, compat_mode): int': 'n = __tcf_classify(skb, tp, tp, res, compat_mode); return n',
  '__tcf_classify(skb, tp, orig_tp, res, compat_mode): int':
    '%at+0 = 0; loop; p = @cls_bpf_next(skb, %at); a = @bpf_prog_run(skb, p) if p; v = @cls_bpf_verdict(skb, %at, p, a); m = @cls_bpf_again(p, v); again if m; return v',

  // --- lightweight tunnels: programs on a route ---
  'lwtunnel_output(net, sk, skb): int': 'n = bpf_output(net, sk, skb); return n',
  'bpf_output(net, sk, skb): int':
    'p = @lwt(skb, 1); r = run_lwt_bpf(skb, p, 0); g = @unless(r, skb); f = @lwt_orig_output(g); n = *f(net, sk, g); m = @chosen(r, n); return m',
  'lwtunnel_xmit(skb): int': 'n = bpf_xmit(skb); return n',
  'bpf_xmit(skb): int': 'p = @lwt(skb, 2); n = run_lwt_bpf(skb, p, 1); return n',
  'lwtunnel_input(skb): int': 'n = bpf_input(skb); return n',
  'bpf_input(skb): int':
    'p = @lwt(skb, 0); r = run_lwt_bpf(skb, p, 0); g = @unless(r, skb); f = @dst_orig_input(g); n = *f(g); m = @chosen(r, n); return m',
  'run_lwt_bpf(skb, lwt, can_redirect): int':
    'bh+; @lwt_starts(skb); a = @bpf_prog_run(skb, lwt); r = @lwt_redirects(a, can_redirect); skb_do_redirect(skb) if r; d = @lwt_drop(skb, a, can_redirect); sk_skb_reason_drop(0, skb, d) if d; n = @lwt_result(a, d, r); __local_bh_enable_ip(0, 512); return n',

  // --- pairs of netkit ---
  'netkit_xmit(skb, dev)':
    '@device_sent(skb, dev); e = @netkit_entry(skb, dev); a = @tcx_run(e, skb) if e; r = @netkit_redirects(a, e); skb_do_redirect(skb) if r; d = @netkit_drop(skb, a, e); sk_skb_reason_drop(0, skb, d) if d; p = @netkit_passed(skb, a, e); __netif_rx(p) if p; return 0',

  // --- what a packet's flow is ---
  '__skb_get_hash_net(net, skb)': '__skb_flow_dissect(net, skb, 0, %keys, 0, 0); @flow_hash(skb)',
  '__skb_flow_dissect(net, skb, flow_dissector, target, data, proto): int':
    'p = @flow_dissector(skb); c = @flow_context(skb) if p; r = bpf_flow_dissect(p, c, proto, 0, 0, 0) if p; v = @flow_dissected(skb, c, r); return v',
  'bpf_flow_dissect(prog, ctx, proto, nhoff, hlen, flags): int':
    'migrate_disable(); r = @bpf_prog_run(ctx, prog); migrate_enable(); return r',
};
