/** Credentials (Documentation/security/credentials.rst): copied, changed, committed; calls as Linux 6.12 makes them. */

const uids = 'set_cred_ucounts(c)?; flag_nproc_exceeded(c)?';

export const credentials: Readonly<Record<string, string>> = {
  'prepare_creds()':
    'kmem_cache_alloc_noprof(0, 0xcc0); c = @prepare_creds(); get_ucounts(0); security_prepare_creds(c, current->cred, 0xcc0); return c',
  'prepare_exec_creds()': 'c = prepare_creds(); return c',
  'commit_creds(new): int': '@commit_creds(new); proc_id_connector(current, 4); return 0',
  'abort_creds(new)': '__put_cred(new)',
  '__put_cred(cred)': '@put_cred(cred)',
  'copy_creds(p, args:kernel_clone_args): int':
    'f = @copies_creds(args); c = *f(); w = @and(args->flags, 0x10000000) if c; create_user_ns(c) if w; @copy_creds(p, c); return 0',

  'make_kuid(ns, uid)': 'map_id_range_down(0, uid, 1); return uid',
  'make_kgid(ns, gid)': 'map_id_range_down(0, gid, 1); return gid',
  'from_kuid(ns, kuid): int': 'map_id_up(0, kuid); return kuid',
  'from_kgid(ns, kgid): int': 'map_id_up(0, kgid); return kgid',

  '__x64_sys_setuid(regs:pt_regs)': 'n = __sys_setuid(regs->di); return n',
  '__sys_setuid(uid)': `make_kuid(0, uid); c = prepare_creds(); ns_capable_setid(0, 7); @setuid(c, uid)?; security_task_fix_setuid(c, 0, 1)?; ${uids}; commit_creds(c)?; abort_creds(c)!; return result`,
  '__x64_sys_setgid(regs:pt_regs)': 'n = __sys_setgid(regs->di); return n',
  '__sys_setgid(gid)':
    'make_kgid(0, gid); c = prepare_creds(); ns_capable_setid(0, 6); @setgid(c, gid)?; security_task_fix_setgid(c, 0, 1)?; commit_creds(c)?; abort_creds(c)!; return result',
  '__x64_sys_setreuid(regs:pt_regs)': 'n = __sys_setreuid(regs->di, regs->si); return n',
  '__sys_setreuid(ruid, euid)': `make_kuid(0, ruid); make_kuid(0, euid); c = prepare_creds(); x = @setreuid_asks(ruid, euid); ns_capable_setid(0, 7) if x; @setreuid(c, ruid, euid)?; security_task_fix_setuid(c, 0, 2)?; ${uids}; commit_creds(c)?; abort_creds(c)!; return result`,
  '__x64_sys_setregid(regs:pt_regs)': 'n = __sys_setregid(regs->di, regs->si); return n',
  '__sys_setregid(rgid, egid)':
    'make_kgid(0, rgid); make_kgid(0, egid); c = prepare_creds(); x = @setregid_asks(rgid, egid); ns_capable_setid(0, 6) if x; @setregid(c, rgid, egid)?; security_task_fix_setgid(c, 0, 2)?; commit_creds(c)?; abort_creds(c)!; return result',
  '__x64_sys_setresuid(regs:pt_regs)': 'n = __sys_setresuid(regs->di, regs->si, regs->dx); return n',
  '__sys_setresuid(ruid, euid, suid)': `make_kuid(0, ruid); make_kuid(0, euid); make_kuid(0, suid); x = @setresuid_asks(ruid, euid, suid); ns_capable_setid(0, 7)? if x; c = prepare_creds()?; @setresuid(c, ruid, euid, suid)?; security_task_fix_setuid(c, 0, 4)?; ${uids}; commit_creds(c)?; return result`,
  '__x64_sys_setresgid(regs:pt_regs)': 'n = __sys_setresgid(regs->di, regs->si, regs->dx); return n',
  '__sys_setresgid(rgid, egid, sgid)':
    'make_kgid(0, rgid); make_kgid(0, egid); make_kgid(0, sgid); x = @setresgid_asks(rgid, egid, sgid); ns_capable_setid(0, 6)? if x; c = prepare_creds()?; @setresgid(c, rgid, egid, sgid)?; security_task_fix_setgid(c, 0, 4)?; commit_creds(c)?; return result',
  '__x64_sys_setfsuid(regs:pt_regs)': 'n = __sys_setfsuid(regs->di); return n',
  '__sys_setfsuid(uid)':
    'from_kuid_munged(0, 0); make_kuid(0, uid); c = prepare_creds(); @setfsuid(c, uid); security_task_fix_setuid(c, 0, 8); commit_creds(c); return result',
  '__x64_sys_setfsgid(regs:pt_regs)': 'n = __sys_setfsgid(regs->di); return n',
  '__sys_setfsgid(gid)':
    'from_kgid_munged(0, 0); make_kgid(0, gid); c = prepare_creds(); @setfsgid(c, gid); security_task_fix_setgid(c, 0, 8); commit_creds(c); return result',
};
