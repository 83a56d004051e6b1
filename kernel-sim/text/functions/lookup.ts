/** Which socket a packet is for, where programs say so: sk_lookup of the network namespace, a group's choice (Linux 6.12 Documentation/bpf/prog_sk_lookup.rst). */

const RUN =
  'c = @sk_lookup_context(skb, protocol); migrate_disable(); loop; p = @sk_lookup_next(c); a = @bpf_prog_run(c, p) if p; m = @sk_lookup_verdict(c, p, a); again if m; migrate_enable(); k = @sk_lookup_result(c)';

export const lookup: Readonly<Record<string, string>> = {
  'inet_lookup_run_sk_lookup(net, protocol, skb, doff, saddr, sport)': `${RUN}; g = @reuseport_behind(k); s = inet_lookup_reuseport(net, k, skb, doff, saddr, sport) if g; r = @chosen(s, k); return r`,
  'inet6_lookup_run_sk_lookup(net, protocol, skb, doff, saddr, sport)': `${RUN}; g = @reuseport_behind(k); s = inet6_lookup_reuseport(net, k, skb, doff, saddr, sport) if g; r = @chosen(s, k); return r`,
  'inet_lookup_reuseport(net, sk, skb, doff, saddr, sport)':
    'h = @reuseport_hash(skb); k = reuseport_select_sock(sk, h, skb, doff); return k',
  'inet6_lookup_reuseport(net, sk, skb, doff, saddr, sport)':
    'h = @reuseport_hash(skb); k = reuseport_select_sock(sk, h, skb, doff); return k',
  'reuseport_select_sock(sk, hash, skb, hdr_len)':
    'p = @reuseport_prog(sk); k = bpf_run_sk_reuseport(0, sk, p, skb, 0, hash) if p; r = @reuseport_or_hash(sk, p, k, hash); return r',
  'bpf_run_sk_reuseport(reuse, sk, prog, skb, migrating_sk, hash)':
    'c = @reuseport_context(sk, skb, hash, prog); a = @bpf_prog_run(c, prog); k = @reuseport_selected(c, a, sk, prog, skb); return k',
};
