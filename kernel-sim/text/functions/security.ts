/** Calls that are little more here than the hooks of the LSM that they pass (security/security.c); order and callers as function tracing of Linux 6.12 shows them. */
/** anon_inode_getfile() */
const file = 'security_d_instantiate(0, 0); security_file_alloc(0); f = @anon_file()?; fd_install(result, f)?';

/** *xattr: of a path, of a path whose last link is not followed, of a descriptor */
const xattr = (suffix: string, body: string): Readonly<Record<string, string>> => ({
  [`__x64_sys_${suffix}(regs:pt_regs)`]: `user_path_at(-100, regs->di, 1, %path); d = @path_dentry(%path)?; i = @path_inode(%path)?; ${body}; return result`,
  [`__x64_sys_l${suffix}(regs:pt_regs)`]: `user_path_at(-100, regs->di, 0, %path); d = @path_dentry(%path)?; i = @path_inode(%path)?; ${body}; return result`,
  [`__x64_sys_f${suffix}(regs:pt_regs)`]: `f:file = fdget(regs->di); d = @path_dentry(f->f_path)?; i = @path_inode(f->f_path)?; ${body}; return result`,
});

export const security: Readonly<Record<string, string>> = {
  ...xattr(
    'setxattr',
    'inode_permission(0, i, 2)?; security_inode_setxattr(0, d, regs->si, regs->dx, regs->r10, regs->r8)?; security_inode_post_setxattr(d, regs->si, regs->dx, regs->r10, regs->r8)?',
  ),
  ...xattr('getxattr', 'inode_permission(0, i, 4)?; security_inode_getxattr(d, regs->si)?'),
  ...xattr(
    'listxattr',
    'security_inode_listxattr(d)?; security_capable(0, 0, 21, 2)?; security_inode_listsecurity(i, 0, 0)?',
  ),
  ...xattr(
    'removexattr',
    'inode_permission(0, i, 2)?; security_inode_removexattr(0, d, regs->si)?; security_inode_post_removexattr(d, regs->si)?',
  ),

  'capable(cap): int': 'security_capable(0, 0, cap, 0); return 1',
  'ns_capable_setid(ns, cap): int': 'security_capable(0, ns, cap, 4); return 1',

  // --- descriptors without a path ---
  '__x64_sys_epoll_create1(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_epoll_create(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_eventfd2(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_timerfd_create(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_signalfd4(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_inotify_init1(regs:pt_regs)': `${file}; return result`,
  '__x64_sys_inotify_add_watch(regs:pt_regs)':
    'user_path_at(-100, regs->si, 1, %path); i = @path_inode(%path)?; inode_permission(0, i, 4)?; security_path_notify(%path, regs->dx, 0)?; return result',
  '__x64_sys_memfd_create(regs:pt_regs)': `security_inode_alloc(0, 0xcc0); ${file}; return result`,

  // --- tasks ---
  '__x64_sys_setpgid(regs:pt_regs)': 'p = @find_task(regs->di); security_task_setpgid(p, regs->si)?; return result',
  '__x64_sys_getpgid(regs:pt_regs)': 'p = @find_task(regs->di); security_task_getpgid(p)?; return result',
  '__x64_sys_getsid(regs:pt_regs)': 'p = @find_task(regs->di); security_task_getsid(p)?; return result',
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
    'p = @other_task(regs->di); security_task_prlimit(current->cred, current->cred, 1) if p; security_task_setrlimit(current, regs->si, 0) if regs->dx; return result',
  '__x64_sys_setrlimit(regs:pt_regs)': 'security_task_setrlimit(current, regs->di, 0)?; return result',
  '__x64_sys_ioprio_get(regs:pt_regs)': 'p = @find_task(regs->si); security_task_getioprio(p)?; return result',
  '__x64_sys_ioprio_set(regs:pt_regs)':
    'p = @find_task(regs->si); security_task_setioprio(p, regs->dx)?; return result',
  'check_kill_permission(sig, info, t): int': 'security_task_kill(t, info, sig, 0)?; return result',
  'ptrace_attach(task, request, addr, flags): int': 'security_ptrace_access_check(task, 0x12)?; return result',
  '__x64_sys_capset(regs:pt_regs)':
    'c = prepare_creds(); security_capset(c, current->cred, 0, 0, 0)?; abort_creds(c); return result',
  '__x64_sys_setgroups(regs:pt_regs)':
    'ns_capable_setid(0, 6); c = prepare_creds(); security_task_fix_setgroups(c, current->cred)?; commit_creds(c)?; abort_creds(c)!; return result',
  '__x64_sys_sethostname(regs:pt_regs)': 'ns_capable(0, 21)?; return result',
  '__x64_sys_setdomainname(regs:pt_regs)': 'ns_capable(0, 21)?; return result',
  '__x64_sys_syslog(regs:pt_regs)': 'capable(34); security_syslog(regs->di)?; return result',
  '__x64_sys_settimeofday(regs:pt_regs)': 'security_settime64(0, 0)?; return result',
  '__x64_sys_setns(regs:pt_regs)': 'f = fdget(regs->di); ns_capable(0, 21)?; ns_capable(0, 21)?; return result',
  '__x64_sys_unshare(regs:pt_regs)': 'ns_capable(0, 21)?; return result',

  // --- System V IPC ---
  '__x64_sys_msgget(regs:pt_regs)': 'security_msg_queue_alloc(0)?; return result',
  '__x64_sys_msgsnd(regs:pt_regs)':
    'security_msg_msg_alloc(0); security_ipc_permission(0, 128)?; security_msg_queue_msgsnd(0, 0, regs->r10)?; return result',
  '__x64_sys_msgrcv(regs:pt_regs)':
    'security_ipc_permission(0, 256); security_msg_queue_msgrcv(0, 0, current, regs->r10, 1)?; security_msg_msg_free(0)?; return result',
  '__x64_sys_msgctl(regs:pt_regs)': 'security_msg_queue_msgctl(0, regs->si)?; return result',
  '__x64_sys_semget(regs:pt_regs)': 'security_sem_alloc(0)?; return result',
  '__x64_sys_semop(regs:pt_regs)':
    'security_ipc_permission(0, 128); security_sem_semop(0, regs->si, regs->dx, 1)?; return result',
  '__x64_sys_semtimedop(regs:pt_regs)':
    'security_ipc_permission(0, 128); security_sem_semop(0, regs->si, regs->dx, 1)?; return result',
  '__x64_sys_semctl(regs:pt_regs)': 'security_sem_semctl(0, regs->dx)?; return result',
  '__x64_sys_shmget(regs:pt_regs)':
    'security_shm_alloc(0); security_vm_enough_memory_mm(0, 1)?; security_inode_alloc(0, 0xcc0)?; security_d_instantiate(0, 0)?; security_file_alloc(0)?; return result',
  '__x64_sys_shmat(regs:pt_regs)':
    'security_ipc_permission(0, 384); security_shm_shmat(0, regs->si, regs->dx)?; security_file_alloc(0)?; security_mmap_file(0, 3, 1)?; security_mmap_addr(result)?; return result',
  '__x64_sys_shmctl(regs:pt_regs)': 'security_shm_shmctl(0, regs->si)?; return result',

  // --- keys, bpf, perf ---
  '__x64_sys_add_key(regs:pt_regs)':
    'c = prepare_creds(); security_key_alloc(0, c, 0)?; security_key_permission(0, c, 4)?; security_key_permission(0, c, 4)?; security_key_alloc(0, c, 0)?; security_key_post_create_or_update(0, 0, regs->dx, regs->r10, 0, 1)?; abort_creds(c); return result',
  '__x64_sys_keyctl(regs:pt_regs)':
    'security_key_permission(0, current->cred, 8)?; security_key_permission(0, current->cred, 8)?; security_key_permission(0, current->cred, 2)?; security_key_permission(0, current->cred, 2)?; return result',
  '__x64_sys_request_key(regs:pt_regs)':
    'security_key_permission(0, current->cred, 4)?; security_key_permission(0, current->cred, 8)?; security_key_permission(0, current->cred, 8)?; security_key_permission(0, current->cred, 8)?; return result',
  '__x64_sys_perf_event_open(regs:pt_regs)': `capable(38); security_perf_event_open(0, 2)?; @program_call()?; capable(38)?; security_perf_event_open(0, 0)?; security_perf_event_alloc(0)?; capable(38)?; ${file}; return result`,
};
