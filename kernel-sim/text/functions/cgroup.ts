/** Where the kernel asks the programs of cgroups (include/linux/bpf-cgroup.h, kernel/bpf/cgroup.c, Linux 6.12); numbers are `kernel-sim/cgroup/attach-types.ts`'s. */
const RUN = (ctx: string): string =>
  `migrate_disable(); @cgroup_enter(%run, sk, atype); loop; p = @cgroup_next(%run); a = @bpf_prog_run(${ctx}, p) if p; m = @cgroup_verdict(%run, p, a); again if m; n = @cgroup_leave(%run); migrate_enable(); return n`;
/** BPF_CGROUP_RUN_SA_PROG, and with the socket locked BPF_CGROUP_RUN_SA_PROG_LOCK */
const sockAddr = (type: number): string =>
  `c = @cgroup_bpf_enabled(${type}); %len+0 = addr_len; e = __cgroup_bpf_run_filter_sock_addr(sk, uaddr, %len, ${type}, 0, 0) if c; n = @cgroup_error(c, e); return n`;
const sockAddrLocked = (type: number): string =>
  `c = @cgroup_bpf_enabled(${type}); %len+0 = addr_len; lock_sock_nested(sk, 0) if c; e = __cgroup_bpf_run_filter_sock_addr(sk, uaddr, %len, ${type}, 0, %flags) if c; release_sock(sk) if c`;

export const cgroup: Readonly<Record<string, string>> = {
  '__cgroup_bpf_run_filter_sk(sk, atype): int': RUN('sk'),
  '__cgroup_bpf_run_filter_sock_addr(sk, uaddr, uaddrlen, atype, t_ctx, flags): int': `@sock_addr_context(%ctx, sk, uaddr, uaddrlen, t_ctx); ${RUN('%ctx')}`,
  'tcp_v4_pre_connect(sk, uaddr, addr_len): int': sockAddr(7),
  'tcp_v6_pre_connect(sk, uaddr, addr_len): int': sockAddr(8),
  'udp_pre_connect(sk, uaddr, addr_len): int': `${sockAddrLocked(7)}; n = @cgroup_error(c, e); return n`,
  'udpv6_pre_connect(sk, uaddr, addr_len): int': `${sockAddrLocked(8)}; n = @cgroup_error(c, e); return n`,
  'inet_bind_sk(sk, uaddr, addr_len): int': `${sockAddrLocked(5)}; @cgroup_refused(c, e, 5); @inet_bind(sk, uaddr)?; return result`,
  'inet6_bind_sk(sk, uaddr, addr_len): int': `${sockAddrLocked(6)}; @cgroup_refused(c, e, 6); return result`,
};
