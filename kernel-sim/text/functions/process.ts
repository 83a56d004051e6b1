import { credentials } from './credentials.ts';

/** Processes: execve, clone, exit, wait, signals, credentials, scheduling. */
export const process: Readonly<Record<string, string>> = {
  'syscall_trace_enter(regs, syscall, work)': 'trace sys_enter(regs, syscall); return syscall',

  '__x64_sys_execve(regs:pt_regs)':
    'name = getname(regs->di); n = do_execveat_common(-100, name, regs->si, regs->dx, 0); return n',
  '__x64_sys_execveat(regs:pt_regs)':
    'name = getname_flags(regs->si, 0); n = do_execveat_common(regs->di, name, regs->dx, regs->r10, regs->r8); return n',
  'do_execveat_common(fd, name:filename, argv, envp, flags): int':
    'bprm:linux_binprm = alloc_bprm(fd, name, flags); count(argv, 0); count(envp, 0); bprm_stack_limits(bprm)?; copy_string_kernel(name->name, bprm)?; copy_strings(bprm->envc, envp, bprm)?; copy_strings(bprm->argc, argv, bprm)?; bprm_execve(bprm); free_bprm(bprm); putname(name); return result',
  'alloc_bprm(fd, filename:filename, flags)':
    'f = do_open_execat(fd, filename, flags); b = @alloc_bprm(filename->name, f); mm_alloc()?; return b',
  'do_open_execat(fd, name, flags)':
    '@is_executable(name)?; %op+0 = 0x8020; %op+8 = 1; f = do_filp_open(fd, name, %op); return f',
  'bprm_execve(bprm:linux_binprm): int':
    'mutex_lock_interruptible(0); c = prepare_exec_creds(); @bprm_creds(bprm, c); sched_mm_cid_before_execve(current); sched_exec()?; security_bprm_creds_for_exec(bprm)?; kernel_read(bprm->file, bprm->buf, 256, 0)?; @bprm_read(bprm)?; security_bprm_check(bprm)?; load_elf_binary(bprm)?; trace sched_process_exec(current, current->pid, bprm)?; proc_exec_connector(current)?; acct_update_integrals(current)?; mutex_unlock(0); return result',
  'load_elf_binary(bprm:linux_binprm): int':
    'load_elf_phdrs(0, bprm->file); kernel_read(bprm->file, 0, 0, 0); i = open_exec(0); kernel_read(i, 0, 0, 0); load_elf_phdrs(0, i); begin_new_exec(bprm); setup_new_exec(bprm); setup_arg_pages(bprm, 0, 0); elf_load(bprm->file, 0, 0, 1, 0x100002, 0); elf_load(bprm->file, 0, 0, 5, 18, 0); elf_load(bprm->file, 0, 0, 1, 18, 0); elf_load(bprm->file, 0, 0, 3, 18, 0); elf_load(i, 0, 0, 1, 2, 0); elf_load(i, 0, 0, 5, 18, 0); elf_load(i, 0, 0, 1, 18, 0); elf_load(i, 0, 0, 3, 18, 0); @file_free(i); arch_setup_additional_pages(bprm, 0); finalize_exec(bprm); @start_image(bprm); start_thread(0, 0, 0); return 0',
  'load_elf_phdrs(ehdr, file)': 'kernel_read(file, 0, 0, 0); return 0',
  'kernel_read(file, buf, count, pos)': 'rw_verify_area(0, file, pos, count); return 0',
  'open_exec(name)': 'n = @interpreter(); f = do_open_execat(-100, n, 0); putname(n); return f',
  'elf_load(filep, addr, eppnt, prot, type, total_size)': 'n = vm_mmap(filep, addr, 4096, prot, type, 0); return n',
  'vm_mmap(file, addr, len, prot, flag, offset)': 'n = vm_mmap_pgoff(file, addr, len, prot, flag, 0); return n',
  'begin_new_exec(bprm:linux_binprm): int':
    'security_bprm_creds_from_file(bprm, bprm->file); unshare_files(); set_mm_exe_file(bprm->mm, bprm->file); exec_mm_release(current, 0); mmput(0); do_close_on_exec(0); flush_thread(); perf_event_exec(); __set_task_comm(current, bprm->filename, 1); flush_signal_handlers(current, 0); security_bprm_committing_creds(bprm); commit_creds(bprm->cred); @bprm_committed(bprm); security_bprm_committed_creds(bprm); return 0',
  '__set_task_comm(tsk, buf, exec)':
    'trace task_rename(tsk, buf); _raw_spin_lock(0); @set_task_comm(tsk, buf); _raw_spin_unlock(0); perf_event_comm(tsk, exec)',

  '__x64_sys_clone(regs:pt_regs)': 'n = __do_sys_clone(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  '__do_sys_clone(flags, newsp, parent, child, tls)':
    'm = @and(flags, 0xffffff00); %args+0 = m; n = kernel_clone(%args); return n',
  '__do_sys_fork(unused)': '%args+0 = 0; n = kernel_clone(%args); return n',
  '__do_sys_vfork(unused)': '%args+0 = 0x4100; n = kernel_clone(%args); return n',
  '__x64_sys_clone3(regs:pt_regs)': 'n = __do_sys_clone3(regs->di, regs->si); return n',
  '__do_sys_clone3(uargs, size)':
    'copy_clone_args_from_user(%args, uargs, size); m = @clone_flags(); %args+0 = m; n = kernel_clone(%args)?; return result',
  'kernel_clone(args): int':
    'p = copy_process(0, 0, -1, args); trace sched_process_fork(current, p)? if p; get_task_pid(p, 0)?; pid_vnr(0)?; wake_up_new_task(p)? if p; put_pid(0)?; block; return result',
  'copy_process(pid, trace, node, args:kernel_clone_args)':
    'kmem_cache_alloc_node_noprof(0, 3264, -1); arch_dup_task_struct(0, current); p = @copy_process(args); copy_creds(p, args); sched_fork(0, p); perf_event_init_task(p, 0); audit_alloc(p); security_task_alloc(p, args->flags); copy_semundo(0, p); dup_fd(0, 0); copy_fs_struct(0); mm_init(0, p, 0); copy_namespaces(args->flags, p); copy_thread(p, args); alloc_pid(0, 0, 0); @alloc_pid(p); cgroup_can_fork(p, args); sched_cgroup_fork(p, args); _raw_write_lock_irq(0); attach_pid(p, 0); _raw_write_unlock_irq(0); proc_fork_connector(p); sched_post_fork(p); cgroup_post_fork(p, args); perf_event_fork(p); trace task_newtask(p, args->flags)?; uprobe_copy_process(p, 0); return p',

  '__x64_sys_exit(regs:pt_regs)': 'c = @wait_status(regs->di); do_exit(c)',
  '__x64_sys_exit_group(regs:pt_regs)': 'c = @wait_status(regs->di); do_group_exit(c)',
  'do_group_exit(code)': 'do_exit(code)',
  'do_exit(code)':
    'io_uring_cancel_generic(0, 0); exit_signals(current); @exit_code(current, code); seccomp_filter_release(current); acct_update_integrals(current); exit_itimers(current); acct_collect(code, 1); tty_audit_exit(); taskstats_exit(current, 1); exit_mm_release(current, 0); mmput(0); exit_sem(current); exit_shm(current); exit_files(current); exit_fs(current); trace sched_process_exit(current); disassociate_ctty(1); exit_task_namespaces(current); task_work_run(); exit_thread(current); perf_event_exit_task(current); sched_autogroup_exit_task(current); cgroup_exit(current); exit_tasks_rcu_start(); proc_exit_connector(current); do_notify_parent(current, 17); exit_task_stack_account(current); exit_rcu(); @task_exit(code); do_task_dead()',
  'do_notify_parent(tsk, sig): int':
    'p = @notified_parent(tsk); irqsave; preempt+; preempt+; %info+0 = sig; @child_signal(%info, tsk) if p; send_signal_locked(sig, %info, p, 1) if p; w = @parent_waits(tsk); __wake_up_parent(tsk, p) if w; preempt-; preempt-; irqrestore; return 0',
  '__wake_up_parent(p, parent)': '__wake_up_sync_key(0, 1, p)',
  '__wake_up_sync_key(wq_head, mode, key)': 'w = @parent_waits(key); default_wake_function(w, mode, 16, key) if w',
  'default_wake_function(curr, mode, wake_flags, key): int': 'n = try_to_wake_up(curr, mode, wake_flags); return n',
  'exit_signals(tsk)': '@exiting(tsk)',
  '__x64_sys_wait4(regs:pt_regs)': 'n = __do_sys_wait4(regs->di, regs->si, regs->dx, regs->r10); return n',
  '__do_sys_wait4(upid, stat_addr, options, ru)': 'n = kernel_wait4(upid, stat_addr, options, ru); return n',
  'kernel_wait4(upid, stat_addr, options, ru)': 'get_task_pid(current, 0); do_wait(%wo); put_pid(0); return result',
  'do_wait(wo)':
    'trace sched_process_wait(0); add_wait_queue(0, 0); __do_wait(wo); block; remove_wait_queue(0, 0); return result',
  '__x64_sys_waitid(regs:pt_regs)': 'n = __do_sys_waitid(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  '__do_sys_waitid(which, upid, infop, options, ru)': 'do_wait(%wo); return result',

  '__x64_sys_kill(regs:pt_regs)':
    '__task_pid_nr_ns(current, 1, 0); from_kuid_munged(0, 0); %info+0 = regs->si; n = kill_something_info(regs->si, %info, regs->di); return n',
  'kill_something_info(sig, info, pid): int':
    '__rcu_read_lock(); p = @find_task(pid); check_kill_permission(sig, info, p); __rcu_read_unlock(); do_send_sig_info(sig, info, p, 1)?; return result',
  'do_send_sig_info(sig, info, p, type): int':
    '_raw_spin_lock_irqsave(0); irq-; send_signal_locked(sig, info, p, type); irq+; _raw_spin_unlock_irqrestore(0, 0); return 0',
  'send_sig(sig, p, priv): int': '%info+0 = sig; n = do_send_sig_info(sig, %info, p, 0); return n',
  // mm/oom_kill.c: that the victim dies, the recording tells
  'out_of_memory(oc): int': 'oom_kill_process(oc, 0); return 1',
  'get_signal(ksig): int': '%info+0 = ksig; trace signal_deliver(ksig, %info, 0); return 0',
  'send_signal_locked(sig, info, t, type): int':
    'siginfo_layout(sig, 0); __send_signal_locked(sig, info, t, type, 0); return 0',
  '__send_signal_locked(sig, info, t, type, force): int':
    'prepare_signal(sig, t, force); copy_siginfo(0, info); trace signal_generate(sig, info, t, type, 0); complete_signal(sig, t, type); return 0',
  '__x64_sys_tgkill(regs:pt_regs)':
    '%info+0 = regs->dx; n = do_send_specific(regs->di, regs->si, regs->dx, %info); return n',
  '__x64_sys_tkill(regs:pt_regs)': '%info+0 = regs->si; n = do_send_specific(0, regs->di, regs->si, %info); return n',
  'do_send_specific(tgid, pid, sig, info): int':
    '__rcu_read_lock(); p = @find_task(pid); check_kill_permission(sig, info, p); do_send_sig_info(sig, info, p, 0)?; __rcu_read_unlock(); return result',
  '__x64_sys_rt_sigaction(regs:pt_regs)':
    '_copy_from_user(%sa, regs->si, 32); do_sigaction(regs->di, %sa, 0); _copy_to_user(regs->dx, %sa, 32); return result',
  '__x64_sys_rt_sigprocmask(regs:pt_regs)':
    '_copy_from_user(%set, regs->si, 8); sigprocmask(regs->di, %set, 0); _copy_to_user(regs->dx, %set, 8); return result',

  '__x64_sys_nanosleep(regs:pt_regs)': 'get_timespec64(%ts, regs->di); hrtimer_nanosleep(0, 1, 1); return result',
  '__x64_sys_clock_nanosleep(regs:pt_regs)': 'get_timespec64(%ts, regs->dx); hrtimer_nanosleep(0, 0, 1); return result',
  'hrtimer_nanosleep(rqtp, mode, clockid)': 'do_nanosleep(%t, mode); return result',
  'do_nanosleep(t, mode): int': 'hrtimer_start_range_ns(t, 0, 0, mode); block; hrtimer_try_to_cancel(t); return result',
  'hrtimer_start_range_ns(timer, tim, delta_ns, mode)':
    'irqsave; preempt+; _raw_spin_lock_irqsave(0); @hrtimer_sleeps(timer); enqueue_hrtimer(timer, 0, mode); preempt-; irqrestore',
  '__x64_sys_futex(regs:pt_regs)': 'n = do_futex(regs->di, regs->si, regs->dx, 0, regs->r8, regs->r9); return n',
  'do_futex(uaddr, op, val, timeout, uaddr2, val2)': 'futex_wake(uaddr, op, val, -1); return result',
  'futex_wake(uaddr, flags, nr, bitset): int':
    'get_futex_key(uaddr, flags, 0, 0); futex_hash(0); wake_up_q(0); block; return result',
  '__x64_sys_prctl(regs:pt_regs)': 'n = __do_sys_prctl(regs->di, regs->si, regs->dx, regs->r10, regs->r8); return n',
  '__do_sys_prctl(option, arg2, arg3, arg4, arg5)':
    'security_task_prctl(option, arg2, arg3, arg4, arg5); @prctl(option, arg2)?; return result',
  ...credentials,
  '__x64_sys_ptrace(regs:pt_regs)':
    'find_get_task_by_vpid(regs->si); p = @find_task(regs->si); a = @ptrace_attaches(regs->di); ptrace_attach(p, regs->di, regs->dx, regs->r10) if a; return result',
  '__x64_sys_capget(regs:pt_regs)': 'n = __do_sys_capget(regs->di, regs->si); return n',
  '__do_sys_capget(header, dataptr)': 't = @capget_target(); security_capget(t, 0, 0, 0); return result',
  'ns_capable(ns, cap): int': 'c:cred = @current_cred(); security_capable(c, c->user_ns, cap, 0); return 1',
  '__bpf_tramp_enter(tr)': 'return 0',
  '__bpf_tramp_exit(tr)': 'return 0',
  '__x64_sys_bpf(regs:pt_regs)': 'n = __sys_bpf(regs->di, regs->si, regs->dx); return n',
  '__sys_bpf(cmd, uattr, size): int':
    'bpf_check_uarg_tail_zero(uattr, 148, size); _copy_from_user(0, uattr, size); a = @bpf_attr(cmd); security_bpf(cmd, a, size); @program_call()?; m = @unless(cmd, a); x = @equal(cmd, 5); map_create(m) if m; bpf_prog_load(a, uattr, size) if x; @kfree(a); return result',
  'map_create(attr): int':
    'ns_capable(0, 39)?; m = @bpf_map_object()?; security_bpf_map_create(m, attr, 0)?; security_bpf_map(m, 3)?; f:file = @anon_file()?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; fd_install(result, f)?; @kfree(m)?; return result',
  'bpf_prog_load(attr, uattr, size): int':
    'ns_capable(0, 39)?; p = @bpf_prog_object()?; security_bpf_prog_load(p, attr, 0)?; ns_capable(0, 38)?; ns_capable(0, 38)?; ns_capable(0, 39)?; ns_capable(0, 39)?; security_bpf_prog(p)?; f:file = @anon_file()?; d = @path_dentry(f->f_path)?; security_d_instantiate(d, f->f_inode)?; security_file_alloc(f)?; fd_install(result, f)?; @bpf_prog_free(p)?; return result',
  '__x64_sys_getrandom(regs:pt_regs)':
    'import_ubuf(0, regs->di, regs->si, %iter); get_random_bytes_user(%iter); return result',
  '__x64_sys_finit_module(regs:pt_regs)': 'f = fdget(regs->di); return result',

  '__x64_sys_brk(regs:pt_regs)': 'n = __do_sys_brk(regs->di); return n',
  '__do_sys_brk(brk)':
    'down_write_killable(0); do_brk_flags(0, 0, brk, 0, 0); @mm_changed()?; up_write(0); return result',
  '__x64_sys_mmap(regs:pt_regs)':
    'n = ksys_mmap_pgoff(regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9); return n',
  'ksys_mmap_pgoff(addr, len, prot, flags, fd, pgoff)':
    'f = fget(fd); n = vm_mmap_pgoff(f, addr, len, prot, flags, pgoff); return n',
  'vm_mmap_pgoff(file, addr, len, prot, flag, pgoff)':
    'security_mmap_file(file, prot, flag); ima_file_check(file, prot) if file; down_write_killable(0); n = do_mmap(file, addr, len, prot, flag, 0); up_write(0); return n',
  'do_mmap(file, addr, len, prot, flags, vm_flags)':
    '__get_unmapped_area(file, addr, len, 0, flags, vm_flags); a = @accountable(file, prot, flags)?; security_vm_enough_memory_mm(0, 1) if a; mmap_region(file, addr, len, vm_flags, 0, 0)?; @mm_changed()?; return result',
  '__x64_sys_munmap(regs:pt_regs)': 'n = __vm_munmap(regs->di, regs->si, 1); return n',
  '__vm_munmap(start, len, unlock): int':
    'down_write_killable(0); do_vmi_munmap(0, 0, start, len, 0, unlock); @mm_changed()?; up_write(0); return result',
  '__x64_sys_mprotect(regs:pt_regs)': 'n = do_mprotect_pkey(regs->di, regs->si, regs->dx, -1); return n',
  'do_mprotect_pkey(start, len, prot, pkey): int':
    'down_write_killable(0); v = @find_vma(start); security_file_mprotect(v, prot, prot); mprotect_fixup(0, 0, v, 0, start, 0); @mm_changed()?; up_write(0); return result',
  'exit_files(tsk)': '_raw_spin_lock(0); @exit_files(); _raw_spin_unlock(0)',
  '__get_unmapped_area(file, addr, len, pgoff, flags, vm_flags)': 'security_mmap_addr(result)?; return result',
};
