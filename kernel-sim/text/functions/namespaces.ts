/** Namespaces: what clone, unshare and setns call (kernel/nsproxy.c, kernel/fork.c, kernel/utsname.c and its kin, Linux 6.12). */
import { NAMESPACES, type NamespaceKind } from '../../../src/uapi/namespaces.ts';

const CAP = { SYS_CHROOT: 18, SYS_ADMIN: 21 } as const;
/** a copy where its flag is given, else one reference more */
const copy = (kind: NamespaceKind): string =>
  `n = @copy_namespace(flags, ${NAMESPACES[kind].flag}, ns, user_ns); return n`;
const has = (kind: NamespaceKind, call: string): string => `x = ${call}; @nsproxy_has(p, ${NAMESPACES[kind].flag}, x)`;
/** those that join need capabilities over the namespace and over where they come from */
const install = (...caps: number[]): string =>
  `u = @current_user_ns(); ${caps.map((cap) => `ns_capable(u, ${cap})`).join('; ')}; @nsset(nsset, ns)?; return 0`;

export const namespaces: Readonly<Record<string, string>> = {
  'copy_namespaces(flags, tsk): int':
    'w = @new_nsproxy(flags, tsk); u = @current_user_ns(); ns_capable(u, 21) if w; n = create_new_namespaces(flags, tsk, u, 0) if w; @timens_on_fork(n) if n; @switch_namespaces(tsk, n) if n; return 0',
  'create_new_namespaces(flags, tsk, user_ns, new_fs)': [
    'p:nsproxy = @create_nsproxy(tsk)',
    has('mnt', 'copy_mnt_ns(flags, p->mnt_ns, user_ns, new_fs)'),
    has('uts', 'copy_utsname(flags, user_ns, p->uts_ns)'),
    has('ipc', 'copy_ipcs(flags, user_ns, p->ipc_ns)'),
    has('pid', 'copy_pid_ns(flags, user_ns, p->pid_ns_for_children)'),
    has('cgroup', 'copy_cgroup_ns(flags, user_ns, p->cgroup_ns)'),
    has('net', 'copy_net_ns(flags, user_ns, p->net_ns)'),
    has('time', 'copy_time_ns(flags, user_ns, p->time_ns_for_children)'),
    'return p',
  ].join('; '),
  'copy_mnt_ns(flags, ns, user_ns, new_fs)': copy('mnt'),
  'copy_utsname(flags, user_ns, ns)': copy('uts'),
  'copy_ipcs(flags, user_ns, ns)': copy('ipc'),
  'copy_pid_ns(flags, user_ns, ns)': copy('pid'),
  'copy_cgroup_ns(flags, user_ns, ns)': copy('cgroup'),
  'copy_net_ns(flags, user_ns, ns)': copy('net'),
  'copy_time_ns(flags, user_ns, ns)': copy('time'),
  'create_user_ns(new): int': 'security_create_user_ns(new); @create_user_ns(new); return 0',
  'exit_task_namespaces(p)': 'switch_task_namespaces(p, 0)',
  'switch_task_namespaces(p, new)': '@switch_namespaces(p, new)',

  '__x64_sys_unshare(regs:pt_regs)': 'n = ksys_unshare(regs->di); return n',
  'ksys_unshare(flags): int':
    '%cred+0 = 0; unshare_userns(flags, %cred); c = @load(%cred); %nsp+0 = 0; unshare_nsproxy_namespaces(flags, %nsp, c, 0); p = @load(%nsp); switch_task_namespaces(current, p)? if p; commit_creds(c)? if c; abort_creds(c)! if c; perf_event_namespaces(current)?; return result',
  'unshare_userns(flags, new_cred): int':
    'w = @and(flags, 0x10000000); c = prepare_creds() if w; create_user_ns(c)? if w; @store(new_cred, c) if c; return 0',
  'unshare_nsproxy_namespaces(flags, new_nsp, new_cred, new_fs): int':
    'w = @and(flags, 0x6e020080); u = @cred_user_ns(new_cred); ns_capable(u, 21) if w; n = create_new_namespaces(flags, current, u, new_fs)? if w; @store(new_nsp, n) if n; return 0',

  '__x64_sys_setns(regs:pt_regs)': 'n = __do_sys_setns(regs->di, regs->si); return n',
  '__do_sys_setns(fd, flags)':
    'f = fdget(fd); o = @ns_of_file(f); u = @current_user_ns(); p = create_new_namespaces(0, current, u, 0) if o; i = @ns_install(o); *i(p, o); switch_task_namespaces(current, p)? if p; @drop_nsproxy(p)! if p; perf_event_namespaces(current)?; return result',
  'mntns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_CHROOT, CAP.SYS_ADMIN),
  'utsns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'ipcns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'pidns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'cgroupns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'netns_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'timens_install(nsset, ns): int': install(CAP.SYS_ADMIN, CAP.SYS_ADMIN),
  'userns_install(nsset, ns): int':
    'u = @current_user_ns(); ns_capable(ns, 21); c = prepare_creds()?; @join_user_ns(c, ns)?; commit_creds(c)?; return 0',

  '__x64_sys_sethostname(regs:pt_regs)':
    'u = @current_user_ns(); ns_capable(u, 21); @set_nodename(regs->si)?; return result',
  '__x64_sys_setdomainname(regs:pt_regs)':
    'u = @current_user_ns(); ns_capable(u, 21); @set_domainname(regs->si)?; return result',
};
