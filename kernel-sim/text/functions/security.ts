/** Calls that are little more here than the hooks of the LSM that they pass (security/security.c); order and callers as function tracing of Linux 6.12 shows them. */
/** anon_inode_getfile() */
const file =
  'f:file = @anon_file()?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; fd_install(result, f)?';

/** *xattr: of a path, of a path whose last link is not followed, of a descriptor */
const xattr = (suffix: string, body: string): Readonly<Record<string, string>> => ({
  [`__x64_sys_${suffix}(regs:pt_regs)`]: `user_path_at(-100, regs->di, 1, %path); d = @path_dentry(%path)?; i = @path_inode(%path)?; ${body}; return result`,
  [`__x64_sys_l${suffix}(regs:pt_regs)`]: `user_path_at(-100, regs->di, 0, %path); d = @path_dentry(%path)?; i = @path_inode(%path)?; ${body}; return result`,
  [`__x64_sys_f${suffix}(regs:pt_regs)`]: `f:file = fdget(regs->di); d = @path_dentry(f->f_path)?; i = @path_inode(f->f_path)?; ${body}; return result`,
});

export const security: Readonly<Record<string, string>> = {
  ...xattr(
    'setxattr',
    'n = @strndup_user(regs->si); v = @memdup_user(regs->dx, regs->r10); inode_permission(0, i, 2)?; security_inode_setxattr(0, d, n, v, regs->r10, regs->r8)?; security_inode_post_setxattr(d, n, v, regs->r10, regs->r8)?; @kfree(n); @kfree(v)',
  ),
  ...xattr(
    'getxattr',
    'n = @strndup_user(regs->si); inode_permission(0, i, 4)?; security_inode_getxattr(d, n)?; @kfree(n)',
  ),
  ...xattr(
    'listxattr',
    'security_inode_listxattr(d)?; c:cred = @current_cred(); security_capable(c, c->user_ns, 21, 2)?; security_inode_listsecurity(i, 0, 0)?',
  ),
  ...xattr(
    'removexattr',
    'n = @strndup_user(regs->si); inode_permission(0, i, 2)?; security_inode_removexattr(0, d, n)?; security_inode_post_removexattr(d, n)?; @kfree(n)',
  ),

  // --- hooks whose arguments are not their function's (security/security.c) ---
  'security_mmap_file(file, prot, flags): int':
    'cap_mmap_file(file, prot, prot, flags); hook mmap_file(file, prot, prot, flags); return 0',
  'security_socket_listen(sock, backlog): int':
    'tomoyo_socket_listen(sock, backlog); hook socket_listen(sock, backlog); return 0',
  // security/tomoyo/network.c: of a stream it asks for the name
  'tomoyo_socket_listen(sock, backlog): int': 'n = tomoyo_socket_listen_permission(sock); return n',
  'tomoyo_socket_listen_permission(sock): int':
    's = @stream_socket(sock); g = @ops_getname(s) if s; *g(s, %address, 0); return 0',
  'security_inode_rename(old_dir, old, new_dir, new, flags): int':
    'x = @and(flags, 2); hook inode_rename(new_dir, new, old_dir, old, 0) if x; hook inode_rename(old_dir, old, new_dir, new, 0); return 0',

  'capable(cap): int': 'n = ns_capable(0, cap); return n',
  'ns_capable_setid(ns, cap): int': 'c:cred = @current_cred(); security_capable(c, c->user_ns, cap, 4); return 1',

  // --- descriptors without a path ---
  '__x64_sys_epoll_create1(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_epoll_create(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_eventfd2(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_timerfd_create(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_signalfd4(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_inotify_init1(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_inotify_add_watch(regs:pt_regs)':
    'user_path_at(-100, regs->si, 1, %path); i = @path_inode(%path)?; inode_permission(0, i, 4)?; security_path_notify(%path, regs->dx, 0)?; return result',
  '__x64_sys_memfd_create(regs:pt_regs)':
    'f:file = @pseudo_file(2, 0)?; security_inode_alloc(f->f_inode, 0xcc0)?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; fd_install(result, f)?; return result',

  // --- tasks ---
  '__x64_sys_setpgid(regs:pt_regs)':
    'p = @find_task(regs->di); g = @pgid(regs->di, regs->si); security_task_setpgid(p, g)?; return result',
  '__x64_sys_getpgid(regs:pt_regs)': 'p = @other_process(regs->di); security_task_getpgid(p)? if p; return result',
  '__x64_sys_getsid(regs:pt_regs)': 'p = @other_process(regs->di); security_task_getsid(p)? if p; return result',
  '__x64_sys_setpriority(regs:pt_regs)': 'p = @find_task(regs->si); security_task_setnice(p, regs->dx)?; return result',
  '__x64_sys_nice(regs:pt_regs)': 'security_task_setnice(current, regs->di)?; return result',
  '__x64_sys_sched_getparam(regs:pt_regs)': 'p = @find_task(regs->di); security_task_getscheduler(p)?; return result',
  '__x64_sys_sched_getscheduler(regs:pt_regs)':
    'p = @find_task(regs->di); security_task_getscheduler(p)?; return result',
  '__x64_sys_sched_getaffinity(regs:pt_regs)':
    'p = @find_task(regs->di); security_task_getscheduler(p)?; return result',
  '__x64_sys_sched_setaffinity(regs:pt_regs)':
    'p = @find_task(regs->di); security_task_setscheduler(p)?; return result',
  '__x64_sys_sched_setscheduler(regs:pt_regs)':
    'p = @find_task(regs->di); security_task_setscheduler(p)?; return result',
  '__x64_sys_sched_setparam(regs:pt_regs)': 'p = @find_task(regs->di); security_task_setscheduler(p)?; return result',
  '__x64_sys_prlimit64(regs:pt_regs)':
    '@recorded_rlimit(%lim, 2) if regs->dx; p:task_struct = @other_task(regs->di); w = @prlimit_flags(regs->dx, regs->r10); security_task_prlimit(current->cred, p->cred, w) if p; t = @find_task(regs->di); security_task_setrlimit(t, regs->si, %lim)? if regs->dx; return result',
  '__x64_sys_setrlimit(regs:pt_regs)':
    '@recorded_rlimit(%lim, 1); security_task_setrlimit(current, regs->di, %lim)?; return result',
  '__x64_sys_ioprio_get(regs:pt_regs)': 'p = @find_task(regs->si); security_task_getioprio(p)?; return result',
  '__x64_sys_ioprio_set(regs:pt_regs)':
    'p = @find_task(regs->si); security_task_setioprio(p, regs->dx)?; return result',
  'check_kill_permission(sig, info, t): int': 'security_task_kill(t, info, sig, 0)?; return result',
  'ptrace_attach(task, request, addr, flags): int': 'security_ptrace_access_check(task, 0x12)?; return result',
  '__x64_sys_capset(regs:pt_regs)':
    'c = prepare_creds(); @recorded_caps(%caps); x = @plus(%caps, 8); y = @plus(%caps, 16); security_capset(c, current->cred, %caps, x, y)?; @cap_set(c, %caps)?; commit_creds(c)?; abort_creds(c)!; return result',
  '__x64_sys_setgroups(regs:pt_regs)':
    'ns_capable_setid(0, 6); c = prepare_creds(); @set_groups(c); security_task_fix_setgroups(c, current->cred)?; commit_creds(c)?; abort_creds(c)!; return result',
  '__x64_sys_syslog(regs:pt_regs)': 'capable(34); security_syslog(regs->di)?; return result',
  '__x64_sys_settimeofday(regs:pt_regs)': '%ts+0 = 0; %ts+8 = 0; security_settime64(%ts, 0)?; return result',

  // --- System V IPC ---
  '__x64_sys_msgget(regs:pt_regs)': 'p = @ipc_new(regs->si)?; security_msg_queue_alloc(p)?; return result',
  '__x64_sys_msgsnd(regs:pt_regs)':
    'm = @msg_msg(regs->dx); security_msg_msg_alloc(m); p = @ipc_perm(regs->di); security_ipc_permission(p, 146)?; security_msg_queue_msgsnd(p, m, regs->r10)?; @kfree(m); return result',
  '__x64_sys_msgrcv(regs:pt_regs)':
    'p = @ipc_perm(regs->di); m = @msg_msg(regs->dx); security_ipc_permission(p, 292); g = @msg_mode(regs->r10, regs->r8); security_msg_queue_msgrcv(p, m, current, regs->r10, g)?; security_msg_msg_free(m)?; @kfree(m); return result',
  '__x64_sys_msgctl(regs:pt_regs)':
    'p = @ipc_perm(regs->di); security_msg_queue_msgctl(p, regs->si)?; z = @unless(regs->si, 1); @ipc_free(regs->di)? if z; return result',
  '__x64_sys_semget(regs:pt_regs)': 'p = @ipc_new(regs->dx)?; security_sem_alloc(p)?; return result',
  '__x64_sys_semop(regs:pt_regs)':
    'p = @ipc_perm(regs->di); o = @sembufs(regs->dx); security_ipc_permission(p, 146); security_sem_semop(p, o, regs->dx, 1)?; @kfree(o); return result',
  '__x64_sys_semtimedop(regs:pt_regs)':
    'p = @ipc_perm(regs->di); o = @sembufs(regs->dx); security_ipc_permission(p, 146); security_sem_semop(p, o, regs->dx, 1)?; @kfree(o); return result',
  '__x64_sys_semctl(regs:pt_regs)':
    'p = @ipc_perm(regs->di); security_sem_semctl(p, regs->dx)?; z = @unless(regs->dx, 1); @ipc_free(regs->di)? if z; return result',
  '__x64_sys_shmget(regs:pt_regs)':
    'p = @ipc_new(regs->dx)?; security_shm_alloc(p)?; security_vm_enough_memory_mm(0, 1)?; f:file = @pseudo_file(1, regs->di)?; security_inode_alloc(f->f_inode, 0xcc0)?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; @shm_file(result, f)?; return result',
  '__x64_sys_shmat(regs:pt_regs)':
    'p = @ipc_perm(regs->di); security_ipc_permission(p, 438); security_shm_shmat(p, regs->si, regs->dx)?; f = @shm_of(regs->di)?; security_file_alloc(f)?; security_mmap_file(f, 3, 1)?; security_mmap_addr(result)?; return result',
  '__x64_sys_shmctl(regs:pt_regs)':
    'p = @ipc_perm(regs->di); security_shm_shmctl(p, regs->si)?; z = @unless(regs->si, 1); @ipc_free(regs->di)? if z; @shm_free(regs->di)? if z; return result',

  // --- keys, bpf, perf ---
  '__x64_sys_add_key(regs:pt_regs)':
    'k = @key_object(1); j = @key_object(0); c = prepare_creds(); security_key_alloc(k, c, 1)?; security_key_permission(k, c, 3)?; security_key_permission(k, c, 3)?; security_key_alloc(j, c, 0)?; security_key_post_create_or_update(k, j, regs->dx, regs->r10, 0, 1)?; abort_creds(c); @key_free(k); @key_free(j); return result',
  '__x64_sys_keyctl(regs:pt_regs)':
    'k = @key_object(1); security_key_permission(k, current->cred, 4)?; security_key_permission(k, current->cred, 4)?; security_key_permission(k, current->cred, 10)?; security_key_permission(k, current->cred, 2)?; @key_free(k); return result',
  '__x64_sys_request_key(regs:pt_regs)':
    'k = @key_object(1); security_key_permission(k, current->cred, 3)?; security_key_permission(k, current->cred, 4)?; security_key_permission(k, current->cred, 4)?; security_key_permission(k, current->cred, 5)?; @key_free(k); return result',
  '__x64_sys_perf_event_open(regs:pt_regs)': `capable(21); security_perf_event_open(0, 0)?; @program_call()?; capable(38)?; security_perf_event_open(2, 0)?; security_perf_event_alloc(0)?; capable(38)?; ${file}; return result`,
};
