/** What `extract.ts` takes of a kernel: symbols besides those of the function tables, structures, tracepoints. */

/** Entry code, probe machinery, data that the model keeps at its own symbol. */
export const INFRASTRUCTURE = `
_stext _etext entry_SYSCALL_64 do_syscall_64 x64_sys_call syscall_trace_enter syscall_exit_work syscall_exit_to_user_mode
syscall_enter_from_user_mode asm_exc_int3 exc_int3 asm_exc_page_fault exc_page_fault asm_exc_debug asm_exc_divide_error asm_exc_invalid_op asm_exc_general_protection
asm_sysvec_apic_timer_interrupt asm_sysvec_call_function_single asm_sysvec_reschedule_ipi asm_common_interrupt do_idle cpu_startup_entry start_secondary irqentry_exit
ret_from_fork_asm ret_from_fork swapgs_restore_regs_and_return_to_usermode error_entry error_return
ftrace_caller ftrace_regs_caller ftrace_stub __fentry__ kprobe_ftrace_handler get_kprobe kprobe_dispatcher kprobe_perf_func kretprobe_dispatcher kretprobe_perf_func
aggr_pre_handler pre_handler_kretprobe kretprobe_rethook_handler rethook_try_get rethook_hook arch_rethook_prepare rethook_trampoline_handler arch_rethook_trampoline arch_rethook_trampoline_callback
kprobe_int3_handler setup_detour_execution optimized_callback
bpf_trace_printk bpf_trace_vprintk bpf_probe_write_user trace_call_bpf migrate_disable migrate_enable perf_syscall_enter perf_syscall_exit perf_call_bpf_enter perf_trace_run_bpf_submit perf_trace_buf_alloc
bpf_trace_run1 bpf_trace_run2 bpf_trace_run3 bpf_trace_run4 bpf_trace_run5 bpf_trace_run6 bpf_trace_run7 bpf_trace_run8 bpf_trace_run9 bpf_trace_run10 bpf_trace_run11 bpf_trace_run12
__bpf_prog_enter __bpf_prog_exit __bpf_prog_enter_recur __bpf_prog_exit_recur __bpf_prog_enter_sleepable __bpf_prog_exit_sleepable __bpf_prog_enter_sleepable_recur __bpf_prog_exit_sleepable_recur
__bpf_prog_enter_lsm_cgroup __bpf_prog_exit_lsm_cgroup
__bpf_tramp_enter __bpf_tramp_exit __bpf_call_base bpf_dispatcher_nop_func bpf_dispatcher_xdp_func bpf_test_run bpf_prog_test_run_xdp bpf_prog_test_run_skb
__bpf_prog_run32 __bpf_prog_run64 __bpf_prog_run96 __bpf_prog_run128 __bpf_prog_run160 __bpf_prog_run192 __bpf_prog_run224 __bpf_prog_run256 __bpf_prog_run288 __bpf_prog_run320 __bpf_prog_run352
__bpf_prog_run384 __bpf_prog_run416 __bpf_prog_run448 __bpf_prog_run480 __bpf_prog_run512
__x86_return_thunk its_return_thunk srso_return_thunk srso_alias_return_thunk __x86_indirect_thunk_array __x86_indirect_its_thunk_array
__switch_to __switch_to_asm __schedule schedule finish_task_switch arch_ftrace_ops_list_func __rcu_read_lock __rcu_read_unlock fdget fdget_pos fdget_raw fget fget_raw fput __f_unlock_pos strncpy_from_user
inet6_create inet6_bind inet6_release inet6_sendmsg inet6_recvmsg unix_create unix_bind unix_listen unix_accept unix_release unix_stream_sendmsg unix_stream_recvmsg unix_stream_connect udp_lib_close udpv6_sendmsg udpv6_recvmsg sock_close sock_read_iter sock_write_iter task_work_run
just_return_func override_function_with_return init_task __per_cpu_offset kprobe_table sys_call_table init_net init_user_ns init_cred jiffies jiffies_64 linux_banner init_nsproxy init_pid_ns init_uts_ns init_ipc_ns init_cgroup_ns init_time_ns runqueues page_offset_base vmalloc_base vmemmap_base
bpf_prog_active cpu_tss_rw pcpu_hot fixed_percpu_data this_cpu_off cpu_number numa_node nr_cpu_ids
htab_map_hash lookup_nulls_elem_raw ktime_get_mono_fast_ns ktime_get_boot_fast_ns from_kuid from_kgid copy_from_kernel_nofault copy_from_kernel_nofault_allowed
irqentry_enter_from_user_mode irqentry_exit_to_user_mode exit_to_user_mode_loop do_int3 noist_exc_debug exc_debug_user notify_die atomic_notifier_call_chain notifier_call_chain arch_uprobe_exception_notify uprobe_pre_sstep_notifier uprobe_post_sstep_notifier uprobe_notify_resume arch_uretprobe_hijack_return_addr arch_uprobe_skip_sstep arch_uprobe_pre_xol arch_uprobe_post_xol uprobe_dispatcher uretprobe_dispatcher __uprobe_perf_func uprobe_multi_link_handler uprobe_multi_link_ret_handler uprobe_prog_run uprobe_handle_trampoline
`
  .trim()
  .split(/\s+/);

/** Functions that tools and tutorials attach to; those that nothing calls here are never hit. */
export const ATTACH_POINTS = `
inet6_bind inet_bind blk_account_io_start blk_account_io_done __blk_account_io_start __blk_account_io_done blk_mq_start_request mark_page_accessed mark_buffer_dirty filemap_add_folio add_to_page_cache_lru folio_account_dirtied
security_inode_create vfs_create vfs_open vfs_unlink down_read down_read_interruptible down_read_killable down_read_trylock down_write down_write_killable down_write_trylock up_read up_write
folio_mark_accessed mutex_lock mutex_lock_interruptible mutex_lock_killable mutex_trylock mutex_unlock md_flush_request migrate_misplaced_folio kmem_cache_alloc_noprof kmem_cache_free inet_listen tcp_cleanup_rbuf tcp_sendmsg tcp_recvmsg tcp_v4_connect tcp_v6_connect tcp_set_state
tcp_close tcp_rcv_established tcp_retransmit_skb tcp_drop_reason ip_rcv ip_output icmp_rcv __netif_receive_skb_core __dev_queue_xmit dev_hard_start_xmit try_to_wake_up ttwu_do_activate finish_task_switch account_process_tick hrtimer_interrupt
cap_capable oom_kill_process do_init_module load_module free_module do_mount path_mount ksys_sync sync_fs do_sync_work shrink_node try_to_free_pages submit_bio submit_bio_noacct ext4_file_read_iter ext4_file_write_iter ext4_file_open ext4_sync_file generic_file_read_iter
do_sys_open do_sys_openat2 do_filp_open do_unlinkat do_execve security_file_open security_bprm_check security_socket_connect security_socket_bind security_task_kill security_inode_unlink security_path_unlink bpf_lsm_file_open bpf_lsm_bprm_check_security bpf_lsm_socket_connect bpf_lsm_path_unlink bpf_lsm_task_kill bpf_lsm_inode_unlink bpf_lsm_file_permission
`
  .trim()
  .split(/\s+/);

/** Function symbols that match are taken: map operations that programs call, helpers' own functions are added by name. */
export const PATTERNS: readonly RegExp[] = [
  /^__x64_sys_\w+$/,
  /^bpf_lsm_\w+$/,
  /^__x86_indirect_(thunk|jump_thunk|call_thunk)_r?\w+$/,
  /^__x86_indirect_thunk_r\w+$/,
  /^(__)?(array|percpu_array|htab|htab_percpu|htab_lru|htab_lru_percpu|htab_map|trie|queue|stack|queue_stack|ringbuf|user_ringbuf|sock_map|sock_hash|sk_storage|bpf_\w+storage|cgroup_storage|fd_htab|fd_array|prog_fd_array|perf_event_fd_array|array_of_map|htab_of_map|htab_of_maps|dev_map|dev_hash|cpu_map|xsk_map|bloom_map|reuseport_array|arena|stack_map|struct_ops)_(map_)?\w*(lookup|update|delete|push|pop|peek|redirect|for_each)\w*$/,
  /^bpf_(queue|stack|xdp|skb|map|for_each|percpu|cgrp|task|inode|sk|ringbuf|user_ringbuf|arena|fd|array|htab)\w*$/,
  /^__bpf_(map|prog|tramp|trace|skb|xdp|perf|get|dynptr|ringbuf|sk|ringbuf)\w*$/,
  /^(xdp|bpf)_do_\w+$/,
];

/**
 * Structures and fields that the model itself reads and writes: a small table, so that booting parses no BTF.
 * Whatever else is asked for comes from the built-in BTF.
 */
export const FIELDS: Readonly<Record<string, string>> = {
  task_struct:
    'thread_info.flags thread_info.syscall_work thread_info.cpu __state stack flags on_cpu prio static_prio normal_prio migration_disabled migration_flags cpus_ptr nr_cpus_allowed tasks mm active_mm exit_state exit_code pid tgid real_parent parent children sibling group_leader thread_pid start_time start_boottime real_cred cred comm fs files nsproxy signal sighand sas_ss_sp loginuid sessionid rethooks bpf_ctx bpf_storage utime stime thread.sp thread.fsbase utask stack_canary cgroups usage wake_cpu recent_used_cpu policy on_rq se.cfs_rq se.sum_exec_runtime se.exec_start nvcsw nivcsw exit_signal rcu',
  pt_regs: 'r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss',
  pcpu_hot: 'current_task preempt_count cpu_number softirq_pending top_of_stack hardirq_stack_ptr',
  rq: 'nr_running clock curr idle cpu online cfs',
  cfs_rq: 'nr_running rq',
  hrtimer: 'node.expires _softexpires function state is_soft',
  irq_desc: 'irq_data.irq action',
  irqaction: 'handler name dev_id irq',
  request: 'q cmd_flags rq_flags tag __data_len __sector bio part start_time_ns io_start_time_ns state',
  request_queue: 'disk',
  gendisk: 'major first_minor minors disk_name part0 queue',
  block_device: 'bd_disk bd_dev bd_queue bd_nr_sectors',
  bio: 'bi_bdev bi_opf bi_status bi_iter.bi_sector bi_iter.bi_size',
  mm_struct:
    'mm_count mm_users pgd task_size map_count total_vm start_code end_code start_data end_data start_brk brk start_stack arg_start arg_end env_start env_end exe_file owner flags',
  vm_area_struct: 'vm_start vm_end vm_mm vm_flags vm_pgoff vm_file',
  uprobe_task: 'state vaddr active_uprobe xol_vaddr',
  cred: 'usage uid gid suid sgid euid egid fsuid fsgid cap_inheritable cap_permitted cap_effective cap_bset user_ns',
  pid: 'count level numbers tasks',
  upid: 'nr ns',
  msghdr: 'msg_name msg_namelen',
  nsproxy: 'count uts_ns ipc_ns mnt_ns pid_ns_for_children net_ns time_ns time_ns_for_children cgroup_ns',
  pid_namespace: 'ns.count ns.inum level parent user_ns child_reaper',
  user_namespace: 'ns.count ns.inum level parent',
  uts_namespace:
    'ns.count ns.inum name name.sysname name.nodename name.release name.version name.machine name.domainname user_ns',
  new_utsname: 'sysname nodename release version machine domainname',
  net: 'ns.count ns.inum user_ns net_cookie',
  ipc_namespace: 'ns.count ns.inum user_ns',
  mnt_namespace: 'ns.count ns.inum user_ns',
  cgroup_namespace: 'ns.count ns.inum user_ns',
  time_namespace: 'ns.count ns.inum user_ns',
  signal_struct: 'live nr_threads group_exit_code tty pids',
  files_struct: 'count fdt fdtab next_fd fd_array',
  fdtable: 'max_fds fd',
  fs_struct: 'users pwd root umask',
  file: 'f_mode f_op f_mapping private_data f_inode f_flags f_cred f_path f_path.mnt f_path.dentry f_pos f_ra f_lock',
  kiocb: 'ki_filp ki_pos',
  page: 'flags',
  iov_iter: 'ubuf count',
  open_flags: 'open_flag mode acc_mode',
  file_ra_state: 'prev_pos',
  address_space: 'host nrpages',
  folio: 'mapping index private',
  buffer_head: 'b_folio b_size',
  oom_control: 'chosen totalpages chosen_points',
  dentry: 'd_flags d_parent d_name.name d_name.len d_name.hash d_inode d_iname d_sb d_op d_lockref.count',
  inode: 'i_mode i_uid i_gid i_flags i_sb i_mapping i_data i_ino i_nlink i_rdev i_size i_op i_fop',
  super_block: 's_dev s_magic s_type s_root s_id',
  vfsmount: 'mnt_root mnt_sb mnt_flags',
  filename: 'name uptr refcnt aname iname',
  open_how: 'flags mode resolve',
  linux_binprm:
    'vma p argmin file executable interpreter mm cred unsafe per_clear argc envc filename interp fdpath buf',
  kernel_clone_args: 'flags exit_signal stack',
  socket: 'state type flags file sk ops',
  sock: '__sk_common.skc_daddr __sk_common.skc_rcv_saddr __sk_common.skc_dport __sk_common.skc_num __sk_common.skc_family __sk_common.skc_state __sk_common.skc_prot __sk_common.skc_net __sk_common.skc_v6_daddr __sk_common.skc_v6_rcv_saddr __sk_common.skc_cookie __sk_common.skc_refcnt sk_backlog.head sk_backlog.tail sk_lock.owned sk_err sk_shutdown sk_ack_backlog sk_max_ack_backlog sk_protocol sk_type sk_socket sk_mark sk_priority sk_uid sk_receive_queue.qlen',
  inet_sock: 'inet_sport inet_saddr inet_id',
  inet_connection_sock: 'icsk_ca_ops',
  ack_sample: 'pkts_acked rtt_us in_flight',
  rate_sample: 'delivered acked_sacked prior_delivered prior_in_flight interval_us rtt_us',
  tcp_sock:
    'snd_una snd_nxt write_seq rcv_nxt rcv_wup copied_seq snd_wnd rcv_wnd snd_cwnd snd_ssthresh srtt_us mdev_us mss_cache packets_out delivered segs_in segs_out data_segs_in data_segs_out window_clamp total_retrans bytes_acked bytes_received bytes_sent bpf_sock_ops_cb_flags',
  tcp_congestion_ops:
    'ssthresh cong_avoid set_state cwnd_event in_ack_event pkts_acked cong_control undo_cwnd init release name',
  iphdr: 'saddr daddr',
  udphdr: 'source dest',
  tcp_skb_cb: 'seq end_seq tcp_flags ack_seq',
  sk_buff:
    'next dev sk cb _skb_refdst len data_len mac_len queue_mapping __pkt_type_offset protocol transport_header network_header mac_header tail end head data truesize users skb_iif mark priority hash',
  skb_shared_info: 'meta_len',
  net_device:
    'ifindex mtu flags type hard_header_len addr_len dev_addr name nd_net.net num_rx_queues real_num_rx_queues num_tx_queues operstate xdp_prog tcx_ingress tcx_egress',
  napi_struct: 'dev weight',
  rtable: 'dst.dev',
  xdp_buff: 'data data_end data_meta data_hard_start rxq frame_sz',
  xdp_rxq_info: 'dev queue_index',
  bpf_mprog_entry: 'fp_items',
  bpf_skb_data_end: 'data_meta data_end',
  nf_hook_state: 'hook pf in out sk net',
  bpf_nf_ctx: 'state skb',
  kprobe: 'hlist list nmissed addr symbol_name offset pre_handler post_handler opcode flags',
  rethook_node: 'rcu llist.next rethook ret_addr frame',
  trace_event_call: 'event.type perf_events prog_array flags',
  bpf_prog: 'bpf_func insnsi aux active stats len jited_len type expected_attach_type tag',
  bpf_prog_aux: 'refcnt used_map_cnt max_ctx_offset id',
  bpf_map:
    'ops inner_map_meta map_type key_size value_size max_entries map_extra map_flags id record numa_node btf_key_type_id btf_value_type_id btf name refcnt usercnt writecnt bypass_spec_v1 frozen elem_count cookie',
  bpf_map_ops:
    'map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem map_lookup_percpu_elem map_redirect map_for_each_callback',
  bpf_array: 'elem_size index_mask aux value ptrs pptrs',
  bpf_htab: 'buckets elems extra_elems count n_buckets elem_size hashrnd',
  htab_elem: 'hash_node ptr_to_pptr lru_node hash key',
  bpf_lru_node: 'list cpu type ref',
  bucket: 'head raw_lock',
  bpf_queue_stack: 'head tail size elements',
  lpm_trie: 'root n_entries max_prefixlen data_size',
  lpm_trie_node: 'child prefixlen flags data',
  bpf_bloom_filter: 'bitset_mask hash_seed nr_hash_funcs bitset',
  bpf_ringbuf_map: 'rb',
  bpf_ringbuf: 'mask nr_pages busy consumer_pos producer_pos pending_pos data',
  bpf_stack_map: 'elems n_buckets buckets',
  stack_map_bucket: 'hash nr data',
  bpf_prog_array: 'items',
  bpf_prog_array_item: 'prog bpf_cookie',
  bpf_trace_run_ctx: 'run_ctx bpf_cookie is_uprobe',
  bpf_uprobe_multi_run_ctx: 'run_ctx entry_ip uprobe',
  bpf_tramp_run_ctx: 'run_ctx bpf_cookie saved_run_ctx',
  bpf_raw_tp_link: 'link cookie btp',
  bpf_link: 'prog id',
  tracepoint: 'name key funcs',
  tracepoint_func: 'func data prio',
  trace_entry: 'type flags preempt_count pid',
};

/** Structures that the built-in BTF has whole; what they only point to stays a forward declaration. */
export const STRUCTS = `
task_struct thread_info pt_regs mm_struct vm_area_struct file inode dentry qstr path vfsmount super_block file_system_type filename files_struct fdtable fs_struct cred pid upid pid_namespace nsproxy uts_namespace ipc_namespace mnt_namespace cgroup_namespace time_namespace user_namespace new_utsname signal_struct sighand_struct
open_how open_flags linux_binprm kernel_clone_args kernel_siginfo nameidata socket sock sock_common inet_sock tcp_sock inet_connection_sock udp_sock unix_sock proto proto_ops sockaddr sockaddr_in sockaddr_in6 sockaddr_un net ns_common request_sock tcp_request_sock tcp_timewait_sock inet_timewait_sock tcp6_sock udp6_sock
sk_buff net_device xdp_buff xdp_rxq_info xdp_frame xdp_txq_info skb_shared_info bpf_skb_data_end qdisc_skb_cb sk_skb_cb tcp_skb_cb flow_keys bpf_flow_keys nf_hook_state netlink_sock fib6_info xdp_sock bpf_cg_run_ctx iphdr ipv6hdr tcphdr udphdr ethhdr icmphdr pcpu_hot rq cfs_rq
kprobe kretprobe kretprobe_instance rethook rethook_node trace_event_call trace_entry perf_event perf_event_attr perf_sample_data
trace_event_raw_sys_enter trace_event_raw_sys_exit trace_event_raw_sched_process_exec trace_event_raw_sched_process_template trace_event_raw_sched_process_fork trace_event_raw_sched_switch trace_event_raw_sched_wakeup_template trace_event_raw_inet_sock_set_state trace_event_raw_softirq trace_event_raw_irq_handler_entry trace_event_raw_irq_handler_exit trace_event_raw_signal_generate trace_event_raw_task_rename trace_event_raw_task_newtask trace_event_raw_block_rq trace_event_raw_block_rq_completion trace_event_raw_bpf_trace_printk trace_event_raw_kmem_cache_alloc trace_event_raw_kmem_alloc trace_event_raw_kfree trace_event_raw_mm_page_alloc
bpf_prog bpf_prog_aux bpf_prog_array bpf_prog_array_item bpf_raw_tp_link bpf_link bpf_run_ctx bpf_trace_run_ctx bpf_tramp_run_ctx bpf_map bpf_array bpf_htab htab_elem bpf_lru_node bpf_ringbuf bpf_dynptr bpf_dynptr_kern bpf_list_head bpf_list_node bpf_rb_root bpf_rb_node bpf_refcount bpf_spin_lock bpf_timer bpf_cpumask bpf_iter_num bpf_iter_meta bpf_iter__task bpf_iter__bpf_map bpf_iter__task_file bpf_iter__task_vma bpf_perf_event_data_kern bpf_sock_ops_kern bpf_sockopt_kern bpf_sysctl_kern bpf_sk_lookup_kern bpf_sock_addr_kern bpf_cgroup_dev_ctx sk_msg sk_reuseport_kern bpf_nf_ctx bpf_user_pt_regs_t bpf_raw_tracepoint_args bpf_fib_lookup bpf_sock_tuple bpf_xdp_sock bpf_tcp_sock bpf_sock btf_ptr
__sk_buff xdp_md bpf_sock_ops bpf_sock_addr bpf_sysctl bpf_sockopt bpf_sk_lookup sk_msg_md sk_reuseport_md bpf_perf_event_data bpf_cgroup_storage_key bpf_pidns_info bpf_map_info bpf_prog_info
tracepoint hlist_node hlist_head list_head request request_queue gendisk block_device bio kernfs_node cgroup css_set cgroup_subsys_state mnt_namespace mount ipc_namespace user_namespace msghdr iov_iter page folio seq_file address_space callback_head rcu_head llist_node atomic_t spinlock mutex rw_semaphore user_pt_regs __kernel_sockaddr_storage thread_struct fred_cs fred_ss htab_elem bpf_htab bpf_array_aux bpf_func_state bpf_attr bpf_cgroup_storage bpf_local_storage bpf_stack_build_id bpf_lpm_trie_key bpf_lpm_trie_key_u8
__call_single_data __call_single_node address_space arch_hw_breakpoint arch_tlbflush_unmap_batch attribute attribute_group bin_attribute bio bio_list bio_set bio_vec blk_integrity block_device bpf_func_id bpf_link bpf_link_type bpf_perf_event_data bpf_xdp_entity callback_head completion cpumask cred delayed_work dentry desc_struct dev_archdata dev_links_info dev_msi_info dev_pm_info device device_removable dl_dev_state fastopen_queue file file_ra_state flowi flowi4 flowi6 flowi_common flowi_tunnel flowi_uli fown_struct fpregs_state fpstate fpu fpu_state_perm fregs_state ftrace_ops ftrace_ops_hash ftrace_regs fxregs_state gendisk hlist_bl_node hlist_head hlist_node hlist_nulls_node hrtimer hrtimer_restart hw_perf_event hw_perf_event_extra in6_addr inet_connection_sock inet_cork inet_cork_full inet_sock irq_work irqaction irqreturn key_t kmap_ctrl kmem_cache kmem_cache_node kmem_cache_order_objects kobject kref list_head llist_head llist_node load_weight lockdep_map lockref mempool_s minmax minmax_sample mq_rq_state mutex net_device net_device_stats netdev_hw_addr_list netdev_ml_priv_type netdev_tc_txq optimistic_spin_queue page_frag path percpu_ref perf_addr_filters_head perf_event perf_event_attr perf_event_context perf_event_groups perf_event_state perf_mem_data_src perf_regs perf_sample_data perf_sample_weight pgprot pid_type plist_node pm_message posix_cputimer_base posix_cputimers posix_cputimers_work prev_cputime pt_regs qrwlock qspinlock qstr queue_limits raw_spinlock rb_node rb_root rb_root_cached rcu_special rcuwait reciprocal_value ref_tracker_dir refcount_struct renamedata request request_queue request_sock_queue restart_block rpm_request rpm_status rw_semaphore rx_handler_result sched_avg sched_dl_entity sched_entity sched_info sched_rt_entity sched_statistics seccomp seqcount seqcount_spinlock sigpending sk_buff sk_buff_head sk_buff_list sock sock_cgroup_data sock_common socket socket_wq spinlock srcu_node srcu_struct swait_queue_head swregs_state syscall_trace_enter syscall_trace_exit syscall_user_dispatch sysv_sem sysv_shm task_io_accounting task_struct tcp_options_received tcp_rack tcp_sack_block tcp_sock thread_info thread_struct timer_list timerqueue_head timerqueue_node timespec_type tlbflush_unmap_batch trace_entry trace_event_raw_inet_sock_set_state trace_event_raw_sys_enter vm_area_struct vm_userfaultfd_ctx wait_queue_head wake_q_node work_struct xarray xdp_md xfrm_id xfrm_lifetime_cfg xfrm_lifetime_cur xfrm_mark xfrm_policy xfrm_policy_queue xfrm_policy_walk_entry xfrm_selector xfrm_tmpl xps_dev_maps xps_map xregs_state xstate_header
`
  .trim()
  .split(/\s+/);
