/** Made by make/extract.ts: trace events of Linux 6.12.117 (Debian, amd64): ids, and the record formats of the modelled ones. */
export const eventIds = `
initcall:initcall_finish 20
initcall:initcall_start 21
initcall:initcall_level 22
vsyscall:emulate_vsyscall 23
xen:xen_cpu_set_ldt 24
xen:xen_cpu_write_gdt_entry 25
xen:xen_cpu_load_idt 26
xen:xen_cpu_write_idt_entry 27
xen:xen_cpu_write_ldt_entry 28
xen:xen_mmu_write_cr3 29
xen:xen_mmu_flush_tlb_multi 30
xen:xen_mmu_flush_tlb_one_user 31
xen:xen_mmu_pgd_unpin 32
xen:xen_mmu_pgd_pin 33
xen:xen_mmu_release_ptpage 34
xen:xen_mmu_alloc_ptpage 35
xen:xen_mmu_ptep_modify_prot_commit 36
xen:xen_mmu_ptep_modify_prot_start 37
xen:xen_mmu_set_p4d 38
xen:xen_mmu_set_pud 39
xen:xen_mmu_set_pmd 40
xen:xen_mmu_set_pte 41
xen:xen_mc_extend_args 42
xen:xen_mc_flush 43
xen:xen_mc_flush_reason 44
xen:xen_mc_callback 45
xen:xen_mc_entry_alloc 46
xen:xen_mc_entry 47
xen:xen_mc_issue 48
xen:xen_mc_batch 49
hyperv:hyperv_send_ipi_one 50
hyperv:hyperv_send_ipi_mask 51
hyperv:hyperv_nested_flush_guest_mapping_range 52
hyperv:hyperv_nested_flush_guest_mapping 53
hyperv:hyperv_mmu_flush_tlb_multi 54
syscalls:sys_exit_arch_prctl 
syscalls:sys_enter_arch_prctl 
syscalls:sys_exit_rt_sigreturn 
syscalls:sys_enter_rt_sigreturn 
irq_vectors:vector_free_moved 59
irq_vectors:vector_setup 60
irq_vectors:vector_teardown 61
irq_vectors:vector_deactivate 62
irq_vectors:vector_activate 63
irq_vectors:vector_alloc_managed 64
irq_vectors:vector_alloc 65
irq_vectors:vector_reserve 66
irq_vectors:vector_reserve_managed 67
irq_vectors:vector_clear 68
irq_vectors:vector_update 69
irq_vectors:vector_config 70
irq_vectors:thermal_apic_exit 71
irq_vectors:thermal_apic_entry 72
irq_vectors:deferred_error_apic_exit 73
irq_vectors:deferred_error_apic_entry 74
irq_vectors:threshold_apic_exit 75
irq_vectors:threshold_apic_entry 76
irq_vectors:call_function_single_exit 77
irq_vectors:call_function_single_entry 78
irq_vectors:call_function_exit 79
irq_vectors:call_function_entry 80
irq_vectors:reschedule_exit 81
irq_vectors:reschedule_entry 82
irq_vectors:irq_work_exit 83
irq_vectors:irq_work_entry 84
irq_vectors:x86_platform_ipi_exit 85
irq_vectors:x86_platform_ipi_entry 86
irq_vectors:error_apic_exit 87
irq_vectors:error_apic_entry 88
irq_vectors:spurious_apic_exit 89
irq_vectors:spurious_apic_entry 90
irq_vectors:local_timer_exit 91
irq_vectors:local_timer_entry 92
syscalls:sys_exit_iopl 
syscalls:sys_enter_iopl 
syscalls:sys_exit_ioperm 
syscalls:sys_enter_ioperm 
nmi:nmi_handler 97
syscalls:sys_exit_modify_ldt 
syscalls:sys_enter_modify_ldt 
syscalls:sys_exit_mmap 
syscalls:sys_enter_mmap 
x86_fpu:x86_fpu_xstate_check_failed 102
x86_fpu:x86_fpu_copy_dst 103
x86_fpu:x86_fpu_copy_src 104
x86_fpu:x86_fpu_dropped 105
x86_fpu:x86_fpu_init_state 106
x86_fpu:x86_fpu_regs_deactivated 107
x86_fpu:x86_fpu_regs_activated 108
x86_fpu:x86_fpu_after_restore 109
x86_fpu:x86_fpu_before_restore 110
x86_fpu:x86_fpu_after_save 111
x86_fpu:x86_fpu_before_save 112
mce:mce_record 113
resctrl:mon_llc_occupancy_limbo 114
resctrl:pseudo_lock_l3 115
resctrl:pseudo_lock_l2 116
resctrl:pseudo_lock_mem_latency 117
syscalls:sys_exit_uretprobe 
syscalls:sys_enter_uretprobe 
syscalls:sys_exit_map_shadow_stack 
syscalls:sys_enter_map_shadow_stack 
exceptions:page_fault_kernel 122
exceptions:page_fault_user 123
syscalls:sys_exit_unshare 
syscalls:sys_enter_unshare 
syscalls:sys_exit_clone3 
syscalls:sys_enter_clone3 
syscalls:sys_exit_clone 
syscalls:sys_enter_clone 
syscalls:sys_exit_vfork 
syscalls:sys_enter_vfork 
syscalls:sys_exit_fork 
syscalls:sys_enter_fork 
syscalls:sys_exit_set_tid_address 
syscalls:sys_enter_set_tid_address 
task:task_rename 136
task:task_newtask 137
syscalls:sys_exit_personality 
syscalls:sys_enter_personality 
cpuhp:cpuhp_exit 140
cpuhp:cpuhp_multi_enter 141
cpuhp:cpuhp_enter 142
syscalls:sys_exit_wait4 
syscalls:sys_enter_wait4 
syscalls:sys_exit_waitid 
syscalls:sys_enter_waitid 
syscalls:sys_exit_exit_group 
syscalls:sys_enter_exit_group 
syscalls:sys_exit_exit 
syscalls:sys_enter_exit 
irq:tasklet_exit 151
irq:tasklet_entry 152
irq:softirq_raise 153
irq:softirq_exit 154
irq:softirq_entry 155
irq:irq_handler_exit 156
irq:irq_handler_entry 157
syscalls:sys_exit_capset 
syscalls:sys_enter_capset 
syscalls:sys_exit_capget 
syscalls:sys_enter_capget 
syscalls:sys_exit_ptrace 
syscalls:sys_enter_ptrace 
syscalls:sys_exit_rt_sigsuspend 
syscalls:sys_enter_rt_sigsuspend 
syscalls:sys_exit_pause 
syscalls:sys_enter_pause 
syscalls:sys_exit_rt_sigaction 
syscalls:sys_enter_rt_sigaction 
syscalls:sys_exit_sigaltstack 
syscalls:sys_enter_sigaltstack 
syscalls:sys_exit_rt_tgsigqueueinfo 
syscalls:sys_enter_rt_tgsigqueueinfo 
syscalls:sys_exit_rt_sigqueueinfo 
syscalls:sys_enter_rt_sigqueueinfo 
syscalls:sys_exit_tkill 
syscalls:sys_enter_tkill 
syscalls:sys_exit_tgkill 
syscalls:sys_enter_tgkill 
syscalls:sys_exit_pidfd_send_signal 
syscalls:sys_enter_pidfd_send_signal 
syscalls:sys_exit_kill 
syscalls:sys_enter_kill 
syscalls:sys_exit_rt_sigtimedwait 
syscalls:sys_enter_rt_sigtimedwait 
syscalls:sys_exit_rt_sigpending 
syscalls:sys_enter_rt_sigpending 
syscalls:sys_exit_rt_sigprocmask 
syscalls:sys_enter_rt_sigprocmask 
syscalls:sys_exit_restart_syscall 
syscalls:sys_enter_restart_syscall 
signal:signal_deliver 192
signal:signal_generate 193
syscalls:sys_exit_sysinfo 
syscalls:sys_enter_sysinfo 
syscalls:sys_exit_getcpu 
syscalls:sys_enter_getcpu 
syscalls:sys_exit_prctl 
syscalls:sys_enter_prctl 
syscalls:sys_exit_umask 
syscalls:sys_enter_umask 
syscalls:sys_exit_getrusage 
syscalls:sys_enter_getrusage 
syscalls:sys_exit_setrlimit 
syscalls:sys_enter_setrlimit 
syscalls:sys_exit_prlimit64 
syscalls:sys_enter_prlimit64 
syscalls:sys_exit_getrlimit 
syscalls:sys_enter_getrlimit 
syscalls:sys_exit_setdomainname 
syscalls:sys_enter_setdomainname 
syscalls:sys_exit_sethostname 
syscalls:sys_enter_sethostname 
syscalls:sys_exit_newuname 
syscalls:sys_enter_newuname 
syscalls:sys_exit_setsid 
syscalls:sys_enter_setsid 
syscalls:sys_exit_getsid 
syscalls:sys_enter_getsid 
syscalls:sys_exit_getpgrp 
syscalls:sys_enter_getpgrp 
syscalls:sys_exit_getpgid 
syscalls:sys_enter_getpgid 
syscalls:sys_exit_setpgid 
syscalls:sys_enter_setpgid 
syscalls:sys_exit_times 
syscalls:sys_enter_times 
syscalls:sys_exit_getegid 
syscalls:sys_enter_getegid 
syscalls:sys_exit_getgid 
syscalls:sys_enter_getgid 
syscalls:sys_exit_geteuid 
syscalls:sys_enter_geteuid 
syscalls:sys_exit_getuid 
syscalls:sys_enter_getuid 
syscalls:sys_exit_getppid 
syscalls:sys_enter_getppid 
syscalls:sys_exit_gettid 
syscalls:sys_enter_gettid 
syscalls:sys_exit_getpid 
syscalls:sys_enter_getpid 
syscalls:sys_exit_setfsgid 
syscalls:sys_enter_setfsgid 
syscalls:sys_exit_setfsuid 
syscalls:sys_enter_setfsuid 
syscalls:sys_exit_getresgid 
syscalls:sys_enter_getresgid 
syscalls:sys_exit_setresgid 
syscalls:sys_enter_setresgid 
syscalls:sys_exit_getresuid 
syscalls:sys_enter_getresuid 
syscalls:sys_exit_setresuid 
syscalls:sys_enter_setresuid 
syscalls:sys_exit_setuid 
syscalls:sys_enter_setuid 
syscalls:sys_exit_setreuid 
syscalls:sys_enter_setreuid 
syscalls:sys_exit_setgid 
syscalls:sys_enter_setgid 
syscalls:sys_exit_setregid 
syscalls:sys_enter_setregid 
syscalls:sys_exit_getpriority 
syscalls:sys_enter_getpriority 
syscalls:sys_exit_setpriority 
syscalls:sys_enter_setpriority 
workqueue:workqueue_execute_end 266
workqueue:workqueue_execute_start 267
workqueue:workqueue_activate_work 268
workqueue:workqueue_queue_work 269
syscalls:sys_exit_pidfd_getfd 
syscalls:sys_enter_pidfd_getfd 
syscalls:sys_exit_pidfd_open 
syscalls:sys_enter_pidfd_open 
syscalls:sys_exit_setns 
syscalls:sys_enter_setns 
notifier:notifier_run 276
notifier:notifier_unregister 277
notifier:notifier_register 278
syscalls:sys_exit_reboot 
syscalls:sys_enter_reboot 
syscalls:sys_exit_setgroups 
syscalls:sys_enter_setgroups 
syscalls:sys_exit_getgroups 
syscalls:sys_enter_getgroups 
ipi:ipi_exit 285
ipi:ipi_entry 286
ipi:ipi_send_cpumask 287
ipi:ipi_send_cpu 288
ipi:ipi_raise 289
sched:sched_wake_idle_without_ipi 290
sched:sched_skip_vma_numa 291
sched:sched_swap_numa 292
sched:sched_stick_numa 293
sched:sched_move_numa 294
sched:sched_process_hang 295
sched:sched_pi_setprio 296
sched:sched_stat_runtime 297
sched:sched_stat_blocked 298
sched:sched_stat_iowait 299
sched:sched_stat_sleep 300
sched:sched_stat_wait 301
sched:sched_prepare_exec 302
sched:sched_process_exec 303
sched:sched_process_fork 304
sched:sched_process_wait 305
sched:sched_wait_task 306
sched:sched_process_exit 307
sched:sched_process_free 308
sched:sched_migrate_task 309
sched:sched_switch 310
sched:sched_wakeup_new 311
sched:sched_wakeup 312
sched:sched_waking 313
sched:sched_kthread_work_execute_end 314
sched:sched_kthread_work_execute_start 315
sched:sched_kthread_work_queue_work 316
sched:sched_kthread_stop_ret 317
sched:sched_kthread_stop 318
syscalls:sys_exit_sched_rr_get_interval 
syscalls:sys_enter_sched_rr_get_interval 
syscalls:sys_exit_sched_get_priority_min 
syscalls:sys_enter_sched_get_priority_min 
syscalls:sys_exit_sched_get_priority_max 
syscalls:sys_enter_sched_get_priority_max 
syscalls:sys_exit_sched_yield 
syscalls:sys_enter_sched_yield 
syscalls:sys_exit_sched_getaffinity 
syscalls:sys_enter_sched_getaffinity 
syscalls:sys_exit_sched_setaffinity 
syscalls:sys_enter_sched_setaffinity 
syscalls:sys_exit_sched_getattr 
syscalls:sys_enter_sched_getattr 
syscalls:sys_exit_sched_getparam 
syscalls:sys_enter_sched_getparam 
syscalls:sys_exit_sched_getscheduler 
syscalls:sys_enter_sched_getscheduler 
syscalls:sys_exit_sched_setattr 
syscalls:sys_enter_sched_setattr 
syscalls:sys_exit_sched_setparam 
syscalls:sys_enter_sched_setparam 
syscalls:sys_exit_sched_setscheduler 
syscalls:sys_enter_sched_setscheduler 
syscalls:sys_exit_membarrier 
syscalls:sys_enter_membarrier 
lock:contention_end 345
lock:contention_begin 346
syscalls:sys_exit_syslog 
syscalls:sys_enter_syslog 
printk:console 349
irq_matrix:irq_matrix_free 350
irq_matrix:irq_matrix_alloc 351
irq_matrix:irq_matrix_assign 352
irq_matrix:irq_matrix_alloc_managed 353
irq_matrix:irq_matrix_remove_managed 354
irq_matrix:irq_matrix_reserve_managed 355
irq_matrix:irq_matrix_alloc_reserved 356
irq_matrix:irq_matrix_assign_system 357
irq_matrix:irq_matrix_remove_reserved 358
irq_matrix:irq_matrix_reserve 359
irq_matrix:irq_matrix_offline 360
irq_matrix:irq_matrix_online 361
rcu:rcu_stall_warning 362
rcu:rcu_utilization 363
dma:dma_sync_sg_for_device 364
dma:dma_sync_sg_for_cpu 365
dma:dma_sync_single_for_device 366
dma:dma_sync_single_for_cpu 367
dma:dma_unmap_sg 368
dma:dma_map_sg_err 369
dma:dma_map_sg 370
dma:dma_free_sgt 371
dma:dma_free_pages 372
dma:dma_free 373
dma:dma_alloc_sgt 374
dma:dma_alloc_sgt_err 375
dma:dma_alloc_pages 376
dma:dma_alloc 377
dma:dma_unmap_resource 378
dma:dma_unmap_page 379
dma:dma_map_resource 380
dma:dma_map_page 381
swiotlb:swiotlb_bounced 382
raw_syscalls:sys_exit 383
raw_syscalls:sys_enter 384
syscalls:sys_exit_finit_module 
syscalls:sys_enter_finit_module 
syscalls:sys_exit_init_module 
syscalls:sys_enter_init_module 
syscalls:sys_exit_delete_module 
syscalls:sys_enter_delete_module 
module:module_request 391
module:module_put 392
module:module_get 393
module:module_free 394
module:module_load 395
syscalls:sys_exit_kcmp 
syscalls:sys_enter_kcmp 
syscalls:sys_exit_adjtimex 
syscalls:sys_enter_adjtimex 
syscalls:sys_exit_settimeofday 
syscalls:sys_enter_settimeofday 
syscalls:sys_exit_gettimeofday 
syscalls:sys_enter_gettimeofday 
syscalls:sys_exit_time 
syscalls:sys_enter_time 
timer:tick_stop 406
timer:itimer_expire 407
timer:itimer_state 408
timer:hrtimer_cancel 409
timer:hrtimer_expire_exit 410
timer:hrtimer_expire_entry 411
timer:hrtimer_start 412
timer:hrtimer_init 413
timer:timer_base_idle 414
timer:timer_cancel 415
timer:timer_expire_exit 416
timer:timer_expire_entry 417
timer:timer_start 418
timer:timer_init 419
syscalls:sys_exit_nanosleep 
syscalls:sys_enter_nanosleep 
alarmtimer:alarmtimer_cancel 422
alarmtimer:alarmtimer_start 423
alarmtimer:alarmtimer_fired 424
alarmtimer:alarmtimer_suspend 425
syscalls:sys_exit_clock_nanosleep 
syscalls:sys_enter_clock_nanosleep 
syscalls:sys_exit_clock_getres 
syscalls:sys_enter_clock_getres 
syscalls:sys_exit_clock_adjtime 
syscalls:sys_enter_clock_adjtime 
syscalls:sys_exit_clock_gettime 
syscalls:sys_enter_clock_gettime 
syscalls:sys_exit_clock_settime 
syscalls:sys_enter_clock_settime 
syscalls:sys_exit_timer_delete 
syscalls:sys_enter_timer_delete 
syscalls:sys_exit_timer_settime 
syscalls:sys_enter_timer_settime 
syscalls:sys_exit_timer_getoverrun 
syscalls:sys_enter_timer_getoverrun 
syscalls:sys_exit_timer_gettime 
syscalls:sys_enter_timer_gettime 
syscalls:sys_exit_timer_create 
syscalls:sys_enter_timer_create 
syscalls:sys_exit_setitimer 
syscalls:sys_enter_setitimer 
syscalls:sys_exit_alarm 
syscalls:sys_enter_alarm 
syscalls:sys_exit_getitimer 
syscalls:sys_enter_getitimer 
timer_migration:tmigr_handle_remote 452
timer_migration:tmigr_update_events 453
timer_migration:tmigr_cpu_new_timer_idle 454
timer_migration:tmigr_cpu_idle 455
timer_migration:tmigr_handle_remote_cpu 456
timer_migration:tmigr_cpu_offline 457
timer_migration:tmigr_cpu_online 458
timer_migration:tmigr_cpu_active 459
timer_migration:tmigr_cpu_new_timer 460
timer_migration:tmigr_group_set_cpu_active 461
timer_migration:tmigr_group_set_cpu_inactive 462
timer_migration:tmigr_connect_cpu_parent 463
timer_migration:tmigr_connect_child_parent 464
timer_migration:tmigr_group_set 465
syscalls:sys_exit_futex_requeue 
syscalls:sys_enter_futex_requeue 
syscalls:sys_exit_futex_wait 
syscalls:sys_enter_futex_wait 
syscalls:sys_exit_futex_wake 
syscalls:sys_enter_futex_wake 
syscalls:sys_exit_futex_waitv 
syscalls:sys_enter_futex_waitv 
syscalls:sys_exit_futex 
syscalls:sys_enter_futex 
syscalls:sys_exit_get_robust_list 
syscalls:sys_enter_get_robust_list 
syscalls:sys_exit_set_robust_list 
syscalls:sys_enter_set_robust_list 
csd:csd_function_exit 480
csd:csd_function_entry 481
csd:csd_queue_cpu 482
syscalls:sys_exit_acct 
syscalls:sys_enter_acct 
syscalls:sys_exit_kexec_load 
syscalls:sys_enter_kexec_load 
syscalls:sys_exit_kexec_file_load 
syscalls:sys_enter_kexec_file_load 
cgroup:cgroup_rstat_cpu_unlock_fastpath 489
cgroup:cgroup_rstat_cpu_unlock 490
cgroup:cgroup_rstat_cpu_locked_fastpath 491
cgroup:cgroup_rstat_cpu_locked 492
cgroup:cgroup_rstat_cpu_lock_contended_fastpath 493
cgroup:cgroup_rstat_cpu_lock_contended 494
cgroup:cgroup_rstat_unlock 495
cgroup:cgroup_rstat_locked 496
cgroup:cgroup_rstat_lock_contended 497
cgroup:cgroup_notify_frozen 498
cgroup:cgroup_notify_populated 499
cgroup:cgroup_transfer_tasks 500
cgroup:cgroup_attach_task 501
cgroup:cgroup_unfreeze 502
cgroup:cgroup_freeze 503
cgroup:cgroup_rename 504
cgroup:cgroup_release 505
cgroup:cgroup_rmdir 506
cgroup:cgroup_mkdir 507
cgroup:cgroup_remount 508
cgroup:cgroup_destroy_root 509
cgroup:cgroup_setup_root 510
syscalls:sys_exit_seccomp 
syscalls:sys_enter_seccomp 
bpf_trace:bpf_trace_printk 513
error_report:error_report_end 514
power:guest_halt_poll_ns 515
power:dev_pm_qos_remove_request 516
power:dev_pm_qos_update_request 517
power:dev_pm_qos_add_request 518
power:pm_qos_update_flags 519
power:pm_qos_update_target 520
power:pm_qos_remove_request 521
power:pm_qos_update_request 522
power:pm_qos_add_request 523
power:power_domain_target 524
power:clock_set_rate 525
power:clock_disable 526
power:clock_enable 527
power:wakeup_source_deactivate 528
power:wakeup_source_activate 529
power:suspend_resume 530
power:device_pm_callback_end 531
power:device_pm_callback_start 532
power:cpu_frequency_limits 533
power:cpu_frequency 534
power:pstate_sample 535
power:powernv_throttle 536
power:cpu_idle_miss 537
power:cpu_idle 538
rpm:rpm_status 539
rpm:rpm_return_int 540
rpm:rpm_usage 541
rpm:rpm_idle 542
rpm:rpm_resume 543
rpm:rpm_suspend 544
xdp:bpf_xdp_link_attach_failed 545
xdp:mem_return_failed 546
xdp:mem_connect 547
xdp:mem_disconnect 548
xdp:xdp_devmap_xmit 549
xdp:xdp_cpumap_enqueue 550
xdp:xdp_cpumap_kthread 551
xdp:xdp_redirect_map_err 552
xdp:xdp_redirect_map 553
xdp:xdp_redirect_err 554
xdp:xdp_redirect 555
xdp:xdp_bulk_tx 556
xdp:xdp_exception 557
syscalls:sys_exit_bpf 
syscalls:sys_enter_bpf 
syscalls:sys_exit_perf_event_open 
syscalls:sys_enter_perf_event_open 
context_tracking:user_exit 562
context_tracking:user_enter 563
syscalls:sys_exit_rseq 
syscalls:sys_enter_rseq 
rseq:rseq_ip_fixup 566
rseq:rseq_update 567
syscalls:sys_exit_cachestat 
syscalls:sys_enter_cachestat 
filemap:file_check_and_advance_wb_err 570
filemap:filemap_set_wb_err 571
filemap:mm_filemap_fault 572
filemap:mm_filemap_map_pages 573
filemap:mm_filemap_get_pages 574
filemap:mm_filemap_add_to_page_cache 575
filemap:mm_filemap_delete_from_page_cache 576
syscalls:sys_exit_process_mrelease 
syscalls:sys_enter_process_mrelease 
oom:compact_retry 579
oom:skip_task_reaping 580
oom:finish_task_reaping 581
oom:start_task_reaping 582
oom:wake_reaper 583
oom:mark_victim 584
oom:reclaim_retry_zone 585
oom:oom_score_adj_update 586
syscalls:sys_exit_fadvise64 
syscalls:sys_enter_fadvise64 
syscalls:sys_exit_readahead 
syscalls:sys_enter_readahead 
pagemap:mm_lru_activate 591
pagemap:mm_lru_insertion 592
vmscan:mm_vmscan_throttled 593
vmscan:mm_vmscan_node_reclaim_end 594
vmscan:mm_vmscan_node_reclaim_begin 595
vmscan:mm_vmscan_lru_shrink_active 596
vmscan:mm_vmscan_lru_shrink_inactive 597
vmscan:mm_vmscan_write_folio 598
vmscan:mm_vmscan_lru_isolate 599
vmscan:mm_shrink_slab_end 600
vmscan:mm_shrink_slab_start 601
vmscan:mm_vmscan_memcg_softlimit_reclaim_end 602
vmscan:mm_vmscan_memcg_reclaim_end 603
vmscan:mm_vmscan_direct_reclaim_end 604
vmscan:mm_vmscan_memcg_softlimit_reclaim_begin 605
vmscan:mm_vmscan_memcg_reclaim_begin 606
vmscan:mm_vmscan_direct_reclaim_begin 607
vmscan:mm_vmscan_wakeup_kswapd 608
vmscan:mm_vmscan_kswapd_wake 609
vmscan:mm_vmscan_kswapd_sleep 610
percpu:percpu_destroy_chunk 611
percpu:percpu_create_chunk 612
percpu:percpu_alloc_percpu_fail 613
percpu:percpu_free_percpu 614
percpu:percpu_alloc_percpu 615
kmem:rss_stat 616
kmem:mm_alloc_contig_migrate_range_info 617
kmem:mm_page_alloc_extfrag 618
kmem:mm_page_pcpu_drain 619
kmem:mm_page_alloc_zone_locked 620
kmem:mm_page_alloc 621
kmem:mm_page_free_batched 622
kmem:mm_page_free 623
kmem:kmem_cache_free 624
kmem:kfree 625
kmem:kmalloc 626
kmem:kmem_cache_alloc 627
compaction:mm_compaction_kcompactd_wake 628
compaction:mm_compaction_wakeup_kcompactd 629
compaction:mm_compaction_kcompactd_sleep 630
compaction:mm_compaction_defer_reset 631
compaction:mm_compaction_defer_compaction 632
compaction:mm_compaction_deferred 633
compaction:mm_compaction_suitable 634
compaction:mm_compaction_finished 635
compaction:mm_compaction_try_to_compact_pages 636
compaction:mm_compaction_end 637
compaction:mm_compaction_begin 638
compaction:mm_compaction_migratepages 639
compaction:mm_compaction_fast_isolate_freepages 640
compaction:mm_compaction_isolate_freepages 641
compaction:mm_compaction_isolate_migratepages 642
mmap_lock:mmap_lock_acquire_returned 643
mmap_lock:mmap_lock_released 644
mmap_lock:mmap_lock_start_locking 645
syscalls:sys_exit_mincore 
syscalls:sys_enter_mincore 
syscalls:sys_exit_munlockall 
syscalls:sys_enter_munlockall 
syscalls:sys_exit_mlockall 
syscalls:sys_enter_mlockall 
syscalls:sys_exit_munlock 
syscalls:sys_enter_munlock 
syscalls:sys_exit_mlock2 
syscalls:sys_enter_mlock2 
syscalls:sys_exit_mlock 
syscalls:sys_enter_mlock 
syscalls:sys_exit_remap_file_pages 
syscalls:sys_enter_remap_file_pages 
syscalls:sys_exit_munmap 
syscalls:sys_enter_munmap 
syscalls:sys_exit_brk 
syscalls:sys_enter_brk 
mmap:exit_mmap 664
mmap:vma_store 665
mmap:vma_mas_szero 666
mmap:vm_unmapped_area 667
syscalls:sys_exit_pkey_free 
syscalls:sys_enter_pkey_free 
syscalls:sys_exit_pkey_alloc 
syscalls:sys_enter_pkey_alloc 
syscalls:sys_exit_pkey_mprotect 
syscalls:sys_enter_pkey_mprotect 
syscalls:sys_exit_mprotect 
syscalls:sys_enter_mprotect 
syscalls:sys_exit_mremap 
syscalls:sys_enter_mremap 
syscalls:sys_exit_msync 
syscalls:sys_enter_msync 
migrate:remove_migration_pte 680
migrate:set_migration_pte 681
migrate:mm_migrate_pages_start 682
migrate:mm_migrate_pages 683
tlb:tlb_flush 684
vmalloc:free_vmap_area_noflush 685
vmalloc:purge_vmap_area_lazy 686
vmalloc:alloc_vmap_area 687
syscalls:sys_exit_process_vm_writev 
syscalls:sys_enter_process_vm_writev 
syscalls:sys_exit_process_vm_readv 
syscalls:sys_enter_process_vm_readv 
syscalls:sys_exit_mseal 
syscalls:sys_enter_mseal 
syscalls:sys_exit_process_madvise 
syscalls:sys_enter_process_madvise 
syscalls:sys_exit_madvise 
syscalls:sys_enter_madvise 
syscalls:sys_exit_swapon 
syscalls:sys_enter_swapon 
syscalls:sys_exit_swapoff 
syscalls:sys_enter_swapoff 
syscalls:sys_exit_get_mempolicy 
syscalls:sys_enter_get_mempolicy 
syscalls:sys_exit_migrate_pages 
syscalls:sys_enter_migrate_pages 
syscalls:sys_exit_set_mempolicy 
syscalls:sys_enter_set_mempolicy 
syscalls:sys_exit_mbind 
syscalls:sys_enter_mbind 
syscalls:sys_exit_set_mempolicy_home_node 
syscalls:sys_enter_set_mempolicy_home_node 
ksm:ksm_advisor 712
ksm:ksm_remove_rmap_item 713
ksm:ksm_remove_ksm_page 714
ksm:ksm_merge_with_ksm_page 715
ksm:ksm_merge_one_page 716
ksm:ksm_exit 717
ksm:ksm_enter 718
ksm:ksm_stop_scan 719
ksm:ksm_start_scan 720
syscalls:sys_exit_move_pages 
syscalls:sys_enter_move_pages 
thp:remove_migration_pmd 723
thp:set_migration_pmd 724
huge_memory:mm_khugepaged_collapse_file 725
huge_memory:mm_khugepaged_scan_file 726
huge_memory:mm_collapse_huge_page_swapin 727
huge_memory:mm_collapse_huge_page_isolate 728
huge_memory:mm_collapse_huge_page 729
huge_memory:mm_khugepaged_scan_pmd 730
page_isolation:test_pages_isolated 731
syscalls:sys_exit_memfd_secret 
syscalls:sys_enter_memfd_secret 
damon:damon_aggregated 734
damon:damos_before_apply 735
syscalls:sys_exit_memfd_create 
syscalls:sys_enter_memfd_create 
syscalls:sys_exit_vhangup 
syscalls:sys_enter_vhangup 
syscalls:sys_exit_close_range 
syscalls:sys_enter_close_range 
syscalls:sys_exit_close 
syscalls:sys_enter_close 
syscalls:sys_exit_creat 
syscalls:sys_enter_creat 
syscalls:sys_exit_openat2 
syscalls:sys_enter_openat2 
syscalls:sys_exit_openat 
syscalls:sys_enter_openat 
syscalls:sys_exit_open 
syscalls:sys_enter_open 
syscalls:sys_exit_fchown 
syscalls:sys_enter_fchown 
syscalls:sys_exit_lchown 
syscalls:sys_enter_lchown 
syscalls:sys_exit_chown 
syscalls:sys_enter_chown 
syscalls:sys_exit_fchownat 
syscalls:sys_enter_fchownat 
syscalls:sys_exit_chmod 
syscalls:sys_enter_chmod 
syscalls:sys_exit_fchmodat 
syscalls:sys_enter_fchmodat 
syscalls:sys_exit_fchmodat2 
syscalls:sys_enter_fchmodat2 
syscalls:sys_exit_fchmod 
syscalls:sys_enter_fchmod 
syscalls:sys_exit_chroot 
syscalls:sys_enter_chroot 
syscalls:sys_exit_fchdir 
syscalls:sys_enter_fchdir 
syscalls:sys_exit_chdir 
syscalls:sys_enter_chdir 
syscalls:sys_exit_access 
syscalls:sys_enter_access 
syscalls:sys_exit_faccessat2 
syscalls:sys_enter_faccessat2 
syscalls:sys_exit_faccessat 
syscalls:sys_enter_faccessat 
syscalls:sys_exit_fallocate 
syscalls:sys_enter_fallocate 
syscalls:sys_exit_ftruncate 
syscalls:sys_enter_ftruncate 
syscalls:sys_exit_truncate 
syscalls:sys_enter_truncate 
syscalls:sys_exit_copy_file_range 
syscalls:sys_enter_copy_file_range 
syscalls:sys_exit_sendfile64 
syscalls:sys_enter_sendfile64 
syscalls:sys_exit_pwritev2 
syscalls:sys_enter_pwritev2 
syscalls:sys_exit_pwritev 
syscalls:sys_enter_pwritev 
syscalls:sys_exit_preadv2 
syscalls:sys_enter_preadv2 
syscalls:sys_exit_preadv 
syscalls:sys_enter_preadv 
syscalls:sys_exit_writev 
syscalls:sys_enter_writev 
syscalls:sys_exit_readv 
syscalls:sys_enter_readv 
syscalls:sys_exit_pwrite64 
syscalls:sys_enter_pwrite64 
syscalls:sys_exit_pread64 
syscalls:sys_enter_pread64 
syscalls:sys_exit_write 
syscalls:sys_enter_write 
syscalls:sys_exit_read 
syscalls:sys_enter_read 
syscalls:sys_exit_lseek 
syscalls:sys_enter_lseek 
syscalls:sys_exit_statx 
syscalls:sys_enter_statx 
syscalls:sys_exit_readlink 
syscalls:sys_enter_readlink 
syscalls:sys_exit_readlinkat 
syscalls:sys_enter_readlinkat 
syscalls:sys_exit_newfstat 
syscalls:sys_enter_newfstat 
syscalls:sys_exit_newfstatat 
syscalls:sys_enter_newfstatat 
syscalls:sys_exit_newlstat 
syscalls:sys_enter_newlstat 
syscalls:sys_exit_newstat 
syscalls:sys_enter_newstat 
syscalls:sys_exit_execveat 
syscalls:sys_enter_execveat 
syscalls:sys_exit_execve 
syscalls:sys_enter_execve 
syscalls:sys_exit_pipe 
syscalls:sys_enter_pipe 
syscalls:sys_exit_pipe2 
syscalls:sys_enter_pipe2 
syscalls:sys_exit_rename 
syscalls:sys_enter_rename 
syscalls:sys_exit_renameat 
syscalls:sys_enter_renameat 
syscalls:sys_exit_renameat2 
syscalls:sys_enter_renameat2 
syscalls:sys_exit_link 
syscalls:sys_enter_link 
syscalls:sys_exit_linkat 
syscalls:sys_enter_linkat 
syscalls:sys_exit_symlink 
syscalls:sys_enter_symlink 
syscalls:sys_exit_symlinkat 
syscalls:sys_enter_symlinkat 
syscalls:sys_exit_unlink 
syscalls:sys_enter_unlink 
syscalls:sys_exit_unlinkat 
syscalls:sys_enter_unlinkat 
syscalls:sys_exit_rmdir 
syscalls:sys_enter_rmdir 
syscalls:sys_exit_mkdir 
syscalls:sys_enter_mkdir 
syscalls:sys_exit_mkdirat 
syscalls:sys_enter_mkdirat 
syscalls:sys_exit_mknod 
syscalls:sys_enter_mknod 
syscalls:sys_exit_mknodat 
syscalls:sys_enter_mknodat 
syscalls:sys_exit_fcntl 
syscalls:sys_enter_fcntl 
syscalls:sys_exit_ioctl 
syscalls:sys_enter_ioctl 
syscalls:sys_exit_getdents64 
syscalls:sys_enter_getdents64 
syscalls:sys_exit_getdents 
syscalls:sys_enter_getdents 
syscalls:sys_exit_ppoll 
syscalls:sys_enter_ppoll 
syscalls:sys_exit_poll 
syscalls:sys_enter_poll 
syscalls:sys_exit_pselect6 
syscalls:sys_enter_pselect6 
syscalls:sys_exit_select 
syscalls:sys_enter_select 
syscalls:sys_exit_dup 
syscalls:sys_enter_dup 
syscalls:sys_exit_dup2 
syscalls:sys_enter_dup2 
syscalls:sys_exit_dup3 
syscalls:sys_enter_dup3 
syscalls:sys_exit_sysfs 
syscalls:sys_enter_sysfs 
syscalls:sys_exit_listmount 
syscalls:sys_enter_listmount 
syscalls:sys_exit_statmount 
syscalls:sys_enter_statmount 
syscalls:sys_exit_mount_setattr 
syscalls:sys_enter_mount_setattr 
syscalls:sys_exit_pivot_root 
syscalls:sys_enter_pivot_root 
syscalls:sys_exit_move_mount 
syscalls:sys_enter_move_mount 
syscalls:sys_exit_fsmount 
syscalls:sys_enter_fsmount 
syscalls:sys_exit_mount 
syscalls:sys_enter_mount 
syscalls:sys_exit_open_tree 
syscalls:sys_enter_open_tree 
syscalls:sys_exit_umount 
syscalls:sys_enter_umount 
syscalls:sys_exit_fremovexattr 
syscalls:sys_enter_fremovexattr 
syscalls:sys_exit_lremovexattr 
syscalls:sys_enter_lremovexattr 
syscalls:sys_exit_removexattr 
syscalls:sys_enter_removexattr 
syscalls:sys_exit_flistxattr 
syscalls:sys_enter_flistxattr 
syscalls:sys_exit_llistxattr 
syscalls:sys_enter_llistxattr 
syscalls:sys_exit_listxattr 
syscalls:sys_enter_listxattr 
syscalls:sys_exit_fgetxattr 
syscalls:sys_enter_fgetxattr 
syscalls:sys_exit_lgetxattr 
syscalls:sys_enter_lgetxattr 
syscalls:sys_exit_getxattr 
syscalls:sys_enter_getxattr 
syscalls:sys_exit_fsetxattr 
syscalls:sys_enter_fsetxattr 
syscalls:sys_exit_lsetxattr 
syscalls:sys_enter_lsetxattr 
syscalls:sys_exit_setxattr 
syscalls:sys_enter_setxattr 
writeback:sb_clear_inode_writeback 928
writeback:sb_mark_inode_writeback 929
writeback:writeback_dirty_inode_enqueue 930
writeback:writeback_lazytime_iput 931
writeback:writeback_lazytime 932
writeback:writeback_single_inode 933
writeback:writeback_single_inode_start 934
writeback:writeback_sb_inodes_requeue 935
writeback:balance_dirty_pages 936
writeback:bdi_dirty_ratelimit 937
writeback:global_dirty_state 938
writeback:writeback_queue_io 939
writeback:wbc_writepage 940
writeback:writeback_bdi_register 941
writeback:writeback_wake_background 942
writeback:writeback_pages_written 943
writeback:writeback_wait 944
writeback:writeback_written 945
writeback:writeback_start 946
writeback:writeback_exec 947
writeback:writeback_queue 948
writeback:writeback_write_inode 949
writeback:writeback_write_inode_start 950
writeback:flush_foreign 951
writeback:track_foreign_dirty 952
writeback:inode_switch_wbs 953
writeback:inode_foreign_history 954
writeback:writeback_dirty_inode 955
writeback:writeback_dirty_inode_start 956
writeback:writeback_mark_inode_dirty 957
writeback:folio_wait_writeback 958
writeback:writeback_dirty_folio 959
syscalls:sys_exit_tee 
syscalls:sys_enter_tee 
syscalls:sys_exit_splice 
syscalls:sys_enter_splice 
syscalls:sys_exit_vmsplice 
syscalls:sys_enter_vmsplice 
syscalls:sys_exit_sync_file_range 
syscalls:sys_enter_sync_file_range 
syscalls:sys_exit_fdatasync 
syscalls:sys_enter_fdatasync 
syscalls:sys_exit_fsync 
syscalls:sys_enter_fsync 
syscalls:sys_exit_syncfs 
syscalls:sys_enter_syncfs 
syscalls:sys_exit_sync 
syscalls:sys_enter_sync 
syscalls:sys_exit_utime 
syscalls:sys_enter_utime 
syscalls:sys_exit_utimes 
syscalls:sys_enter_utimes 
syscalls:sys_exit_futimesat 
syscalls:sys_enter_futimesat 
syscalls:sys_exit_utimensat 
syscalls:sys_enter_utimensat 
syscalls:sys_exit_getcwd 
syscalls:sys_enter_getcwd 
syscalls:sys_exit_ustat 
syscalls:sys_enter_ustat 
syscalls:sys_exit_fstatfs 
syscalls:sys_enter_fstatfs 
syscalls:sys_exit_statfs 
syscalls:sys_enter_statfs 
syscalls:sys_exit_fsconfig 
syscalls:sys_enter_fsconfig 
syscalls:sys_exit_fspick 
syscalls:sys_enter_fspick 
syscalls:sys_exit_fsopen 
syscalls:sys_enter_fsopen 
syscalls:sys_exit_inotify_rm_watch 
syscalls:sys_enter_inotify_rm_watch 
syscalls:sys_exit_inotify_add_watch 
syscalls:sys_enter_inotify_add_watch 
syscalls:sys_exit_inotify_init 
syscalls:sys_enter_inotify_init 
syscalls:sys_exit_inotify_init1 
syscalls:sys_enter_inotify_init1 
syscalls:sys_exit_fanotify_mark 
syscalls:sys_enter_fanotify_mark 
syscalls:sys_exit_fanotify_init 
syscalls:sys_enter_fanotify_init 
syscalls:sys_exit_epoll_pwait2 
syscalls:sys_enter_epoll_pwait2 
syscalls:sys_exit_epoll_pwait 
syscalls:sys_enter_epoll_pwait 
syscalls:sys_exit_epoll_wait 
syscalls:sys_enter_epoll_wait 
syscalls:sys_exit_epoll_ctl 
syscalls:sys_enter_epoll_ctl 
syscalls:sys_exit_epoll_create 
syscalls:sys_enter_epoll_create 
syscalls:sys_exit_epoll_create1 
syscalls:sys_enter_epoll_create1 
syscalls:sys_exit_signalfd 
syscalls:sys_enter_signalfd 
syscalls:sys_exit_signalfd4 
syscalls:sys_enter_signalfd4 
syscalls:sys_exit_timerfd_gettime 
syscalls:sys_enter_timerfd_gettime 
syscalls:sys_exit_timerfd_settime 
syscalls:sys_enter_timerfd_settime 
syscalls:sys_exit_timerfd_create 
syscalls:sys_enter_timerfd_create 
syscalls:sys_exit_eventfd 
syscalls:sys_enter_eventfd 
syscalls:sys_exit_eventfd2 
syscalls:sys_enter_eventfd2 
syscalls:sys_exit_userfaultfd 
syscalls:sys_enter_userfaultfd 
syscalls:sys_exit_io_pgetevents 
syscalls:sys_enter_io_pgetevents 
syscalls:sys_exit_io_getevents 
syscalls:sys_enter_io_getevents 
syscalls:sys_exit_io_cancel 
syscalls:sys_enter_io_cancel 
syscalls:sys_exit_io_submit 
syscalls:sys_enter_io_submit 
syscalls:sys_exit_io_destroy 
syscalls:sys_enter_io_destroy 
syscalls:sys_exit_io_setup 
syscalls:sys_enter_io_setup 
fs_dax:dax_writeback_one 1050
fs_dax:dax_writeback_range_done 1051
fs_dax:dax_writeback_range 1052
fs_dax:dax_insert_mapping 1053
fs_dax:dax_insert_pfn_mkwrite 1054
fs_dax:dax_insert_pfn_mkwrite_no_entry 1055
fs_dax:dax_load_hole 1056
fs_dax:dax_pte_fault_done 1057
fs_dax:dax_pte_fault 1058
fs_dax:dax_pmd_insert_mapping 1059
fs_dax:dax_pmd_load_hole_fallback 1060
fs_dax:dax_pmd_load_hole 1061
fs_dax:dax_pmd_fault_done 1062
fs_dax:dax_pmd_fault 1063
syscalls:sys_exit_flock 
syscalls:sys_enter_flock 
filelock:leases_conflict 1066
filelock:generic_add_lease 1067
filelock:time_out_leases 1068
filelock:generic_delete_lease 1069
filelock:break_lease_unblock 1070
filelock:break_lease_block 1071
filelock:break_lease_noblock 1072
filelock:flock_lock_inode 1073
filelock:locks_remove_posix 1074
filelock:fcntl_setlk 1075
filelock:posix_lock_inode 1076
filelock:locks_get_lock_context 1077
syscalls:sys_exit_open_by_handle_at 
syscalls:sys_enter_open_by_handle_at 
syscalls:sys_exit_name_to_handle_at 
syscalls:sys_enter_name_to_handle_at 
iomap:iomap_dio_complete 1082
iomap:iomap_dio_rw_begin 1083
iomap:iomap_iter 1084
iomap:iomap_writepage_map 1085
iomap:iomap_iter_srcmap 1086
iomap:iomap_iter_dstmap 1087
iomap:iomap_dio_rw_queued 1088
iomap:iomap_dio_invalidate_fail 1089
iomap:iomap_invalidate_folio 1090
iomap:iomap_release_folio 1091
iomap:iomap_writepage 1092
iomap:iomap_readahead 1093
iomap:iomap_readpage 1094
syscalls:sys_exit_quotactl_fd 
syscalls:sys_enter_quotactl_fd 
syscalls:sys_exit_quotactl 
syscalls:sys_enter_quotactl 
fuse:fuse_request_end 1099
fuse:fuse_request_send 1100
syscalls:sys_exit_msgrcv 
syscalls:sys_enter_msgrcv 
syscalls:sys_exit_msgsnd 
syscalls:sys_enter_msgsnd 
syscalls:sys_exit_msgctl 
syscalls:sys_enter_msgctl 
syscalls:sys_exit_msgget 
syscalls:sys_enter_msgget 
syscalls:sys_exit_semop 
syscalls:sys_enter_semop 
syscalls:sys_exit_semtimedop 
syscalls:sys_enter_semtimedop 
syscalls:sys_exit_semctl 
syscalls:sys_enter_semctl 
syscalls:sys_exit_semget 
syscalls:sys_enter_semget 
syscalls:sys_exit_shmdt 
syscalls:sys_enter_shmdt 
syscalls:sys_exit_shmat 
syscalls:sys_enter_shmat 
syscalls:sys_exit_shmctl 
syscalls:sys_enter_shmctl 
syscalls:sys_exit_shmget 
syscalls:sys_enter_shmget 
syscalls:sys_exit_mq_getsetattr 
syscalls:sys_enter_mq_getsetattr 
syscalls:sys_exit_mq_notify 
syscalls:sys_enter_mq_notify 
syscalls:sys_exit_mq_timedreceive 
syscalls:sys_enter_mq_timedreceive 
syscalls:sys_exit_mq_timedsend 
syscalls:sys_enter_mq_timedsend 
syscalls:sys_exit_mq_unlink 
syscalls:sys_enter_mq_unlink 
syscalls:sys_exit_mq_open 
syscalls:sys_enter_mq_open 
syscalls:sys_exit_keyctl 
syscalls:sys_enter_keyctl 
syscalls:sys_exit_request_key 
syscalls:sys_enter_request_key 
syscalls:sys_exit_add_key 
syscalls:sys_enter_add_key 
syscalls:sys_exit_lsm_list_modules 
syscalls:sys_enter_lsm_list_modules 
syscalls:sys_exit_lsm_get_self_attr 
syscalls:sys_enter_lsm_get_self_attr 
syscalls:sys_exit_lsm_set_self_attr 
syscalls:sys_enter_lsm_set_self_attr 
avc:selinux_audited 1149
syscalls:sys_exit_landlock_restrict_self 
syscalls:sys_enter_landlock_restrict_self 
syscalls:sys_exit_landlock_add_rule 
syscalls:sys_enter_landlock_add_rule 
syscalls:sys_exit_landlock_create_ruleset 
syscalls:sys_enter_landlock_create_ruleset 
block:block_rq_remap 1156
block:block_bio_remap 1157
block:block_split 1158
block:block_unplug 1159
block:block_plug 1160
block:block_getrq 1161
block:block_bio_queue 1162
block:block_bio_frontmerge 1163
block:block_bio_backmerge 1164
block:block_bio_bounce 1165
block:block_bio_complete 1166
block:block_io_done 1167
block:block_io_start 1168
block:block_rq_merge 1169
block:block_rq_issue 1170
block:block_rq_insert 1171
block:block_rq_error 1172
block:block_rq_complete 1173
block:block_rq_requeue 1174
block:block_dirty_buffer 1175
block:block_touch_buffer 1176
syscalls:sys_exit_ioprio_get 
syscalls:sys_enter_ioprio_get 
syscalls:sys_exit_ioprio_set 
syscalls:sys_enter_ioprio_set 
iocost:iocost_iocg_forgive_debt 1181
iocost:iocost_ioc_vrate_adj 1182
iocost:iocost_inuse_adjust 1183
iocost:iocost_inuse_transfer 1184
iocost:iocost_inuse_shortage 1185
iocost:iocost_iocg_idle 1186
iocost:iocost_iocg_activate 1187
wbt:wbt_timer 1188
wbt:wbt_step 1189
wbt:wbt_lat 1190
wbt:wbt_stat 1191
syscalls:sys_exit_io_uring_setup 
syscalls:sys_enter_io_uring_setup 
syscalls:sys_exit_io_uring_enter 
syscalls:sys_enter_io_uring_enter 
io_uring:io_uring_local_work_run 1196
io_uring:io_uring_short_write 1197
io_uring:io_uring_task_work_run 1198
io_uring:io_uring_cqe_overflow 1199
io_uring:io_uring_req_failed 1200
io_uring:io_uring_task_add 1201
io_uring:io_uring_poll_arm 1202
io_uring:io_uring_submit_req 1203
io_uring:io_uring_complete 1204
io_uring:io_uring_fail_link 1205
io_uring:io_uring_cqring_wait 1206
io_uring:io_uring_link 1207
io_uring:io_uring_defer 1208
io_uring:io_uring_queue_async_work 1209
io_uring:io_uring_file_get 1210
io_uring:io_uring_register 1211
io_uring:io_uring_create 1212
syscalls:sys_exit_io_uring_register 
syscalls:sys_enter_io_uring_register 
msr:rdpmc 1215
msr:write_msr 1216
msr:read_msr 1217
gpio:gpio_value 1218
gpio:gpio_direction 1219
pwm:pwm_get 1220
pwm:pwm_apply 1221
clk:clk_rate_request_done 1222
clk:clk_rate_request_start 1223
clk:clk_set_duty_cycle_complete 1224
clk:clk_set_duty_cycle 1225
clk:clk_set_phase_complete 1226
clk:clk_set_phase 1227
clk:clk_set_parent_complete 1228
clk:clk_set_parent 1229
clk:clk_set_rate_range 1230
clk:clk_set_max_rate 1231
clk:clk_set_min_rate 1232
clk:clk_set_rate_complete 1233
clk:clk_set_rate 1234
clk:clk_unprepare_complete 1235
clk:clk_unprepare 1236
clk:clk_prepare_complete 1237
clk:clk_prepare 1238
clk:clk_disable_complete 1239
clk:clk_disable 1240
clk:clk_enable_complete 1241
clk:clk_enable 1242
regulator:regulator_set_voltage_complete 1243
regulator:regulator_set_voltage 1244
regulator:regulator_bypass_disable_complete 1245
regulator:regulator_bypass_disable 1246
regulator:regulator_bypass_enable_complete 1247
regulator:regulator_bypass_enable 1248
regulator:regulator_disable_complete 1249
regulator:regulator_disable 1250
regulator:regulator_enable_complete 1251
regulator:regulator_enable_delay 1252
regulator:regulator_enable 1253
syscalls:sys_exit_getrandom 
syscalls:sys_enter_getrandom 
intel_iommu:cache_tag_flush_range_np 1256
intel_iommu:cache_tag_flush_range 1257
intel_iommu:cache_tag_flush_all 1258
intel_iommu:cache_tag_unassign 1259
intel_iommu:cache_tag_assign 1260
intel_iommu:prq_report 1261
intel_iommu:qi_submit 1262
iommu:io_page_fault 1263
iommu:unmap 1264
iommu:map 1265
iommu:attach_device_to_domain 1266
iommu:remove_device_from_group 1267
iommu:add_device_to_group 1268
regmap:regcache_drop_region 1269
regmap:regmap_async_complete_done 1270
regmap:regmap_async_complete_start 1271
regmap:regmap_async_io_complete 1272
regmap:regmap_async_write_start 1273
regmap:regmap_cache_bypass 1274
regmap:regmap_cache_only 1275
regmap:regcache_sync 1276
regmap:regmap_hw_write_done 1277
regmap:regmap_hw_write_start 1278
regmap:regmap_hw_read_done 1279
regmap:regmap_hw_read_start 1280
regmap:regmap_bulk_read 1281
regmap:regmap_bulk_write 1282
regmap:regmap_reg_read_cache 1283
regmap:regmap_reg_read 1284
regmap:regmap_reg_write 1285
dev:devres_log 1286
dma_fence:dma_fence_wait_end 1287
dma_fence:dma_fence_wait_start 1288
dma_fence:dma_fence_signaled 1289
dma_fence:dma_fence_enable_signal 1290
dma_fence:dma_fence_destroy 1291
dma_fence:dma_fence_init 1292
dma_fence:dma_fence_emit 1293
cxl:cxl_poison 1294
cxl:cxl_memory_module 1295
cxl:cxl_dram 1296
cxl:cxl_general_media 1297
cxl:cxl_generic_event 1298
cxl:cxl_overflow 1299
cxl:cxl_aer_correctable_error 1300
cxl:cxl_aer_uncorrectable_error 1301
spi:spi_transfer_stop 1302
spi:spi_transfer_start 1303
spi:spi_message_done 1304
spi:spi_message_start 1305
spi:spi_message_submit 1306
spi:spi_set_cs 1307
spi:spi_setup 1308
spi:spi_controller_busy 1309
spi:spi_controller_idle 1310
rtc:rtc_timer_fired 1311
rtc:rtc_timer_dequeue 1312
rtc:rtc_timer_enqueue 1313
rtc:rtc_read_offset 1314
rtc:rtc_set_offset 1315
rtc:rtc_alarm_irq_enable 1316
rtc:rtc_irq_set_state 1317
rtc:rtc_irq_set_freq 1318
rtc:rtc_read_alarm 1319
rtc:rtc_set_alarm 1320
rtc:rtc_read_time 1321
rtc:rtc_set_time 1322
i2c:i2c_result 1323
i2c:i2c_reply 1324
i2c:i2c_read 1325
i2c:i2c_write 1326
smbus:smbus_result 1327
smbus:smbus_reply 1328
smbus:smbus_read 1329
smbus:smbus_write 1330
hwmon:hwmon_attr_show_string 1331
hwmon:hwmon_attr_store 1332
hwmon:hwmon_attr_show 1333
thermal:thermal_power_devfreq_limit 1334
thermal:thermal_power_devfreq_get_power 1335
thermal:thermal_zone_trip 1336
thermal:cdev_update 1337
thermal:thermal_temperature 1338
thermal_power_allocator:thermal_power_allocator_pid 1339
thermal_power_allocator:thermal_power_actor 1340
thermal_power_allocator:thermal_power_allocator 1341
amd_cpu:amd_pstate_perf 1342
cros_ec:cros_ec_request_done 1343
cros_ec:cros_ec_request_start 1344
devfreq:devfreq_monitor 1345
devfreq:devfreq_frequency 1346
ras:memory_failure_event 1347
ras:aer_event 1348
ras:non_standard_event 1349
ras:arm_event 1350
ras:mc_event 1351
ras:extlog_mem_event 1352
syscalls:sys_exit_recvmmsg 
syscalls:sys_enter_recvmmsg 
syscalls:sys_exit_recvmsg 
syscalls:sys_enter_recvmsg 
syscalls:sys_exit_sendmmsg 
syscalls:sys_enter_sendmmsg 
syscalls:sys_exit_sendmsg 
syscalls:sys_enter_sendmsg 
syscalls:sys_exit_shutdown 
syscalls:sys_enter_shutdown 
syscalls:sys_exit_getsockopt 
syscalls:sys_enter_getsockopt 
syscalls:sys_exit_setsockopt 
syscalls:sys_enter_setsockopt 
syscalls:sys_exit_recvfrom 
syscalls:sys_enter_recvfrom 
syscalls:sys_exit_sendto 
syscalls:sys_enter_sendto 
syscalls:sys_exit_getpeername 
syscalls:sys_enter_getpeername 
syscalls:sys_exit_getsockname 
syscalls:sys_enter_getsockname 
syscalls:sys_exit_connect 
syscalls:sys_enter_connect 
syscalls:sys_exit_accept 
syscalls:sys_enter_accept 
syscalls:sys_exit_accept4 
syscalls:sys_enter_accept4 
syscalls:sys_exit_listen 
syscalls:sys_enter_listen 
syscalls:sys_exit_bind 
syscalls:sys_enter_bind 
syscalls:sys_exit_socketpair 
syscalls:sys_enter_socketpair 
syscalls:sys_exit_socket 
syscalls:sys_enter_socket 
neigh:neigh_cleanup_and_release 1389
neigh:neigh_event_send_dead 1390
neigh:neigh_event_send_done 1391
neigh:neigh_timer_handler 1392
neigh:neigh_update_done 1393
neigh:neigh_update 1394
neigh:neigh_create 1395
page_pool:page_pool_update_nid 1396
page_pool:page_pool_state_hold 1397
page_pool:page_pool_state_release 1398
page_pool:page_pool_release 1399
bridge:br_mdb_full 1400
bridge:br_fdb_update 1401
bridge:fdb_delete 1402
bridge:br_fdb_external_learn_add 1403
bridge:br_fdb_add 1404
qdisc:qdisc_create 1405
qdisc:qdisc_destroy 1406
qdisc:qdisc_reset 1407
qdisc:qdisc_enqueue 1408
qdisc:qdisc_dequeue 1409
fib:fib_table_lookup 1410
tcp:tcp_ao_rcv_sne_update 1411
tcp:tcp_ao_snd_sne_update 1412
tcp:tcp_ao_synack_no_key 1413
tcp:tcp_ao_rnext_request 1414
tcp:tcp_ao_key_not_found 1415
tcp:tcp_ao_mismatch 1416
tcp:tcp_ao_wrong_maclen 1417
tcp:tcp_ao_handshake_failure 1418
tcp:tcp_hash_ao_required 1419
tcp:tcp_hash_md5_mismatch 1420
tcp:tcp_hash_md5_unexpected 1421
tcp:tcp_hash_md5_required 1422
tcp:tcp_hash_bad_header 1423
tcp:tcp_cong_state_set 1424
tcp:tcp_bad_csum 1425
tcp:tcp_probe 1426
tcp:tcp_retransmit_synack 1427
tcp:tcp_rcv_space_adjust 1428
tcp:tcp_destroy_sock 1429
tcp:tcp_receive_reset 1430
tcp:tcp_send_reset 1431
tcp:tcp_retransmit_skb 1432
udp:udp_fail_queue_rcv_skb 1433
sock:sock_recv_length 1434
sock:sock_send_length 1435
sock:sk_data_ready 1436
sock:inet_sk_error_report 1437
sock:inet_sock_set_state 1438
sock:sock_exceed_buf_limit 1439
sock:sock_rcvqueue_full 1440
napi:dql_stall_detected 1441
napi:napi_poll 1442
net:netif_receive_skb_list_exit 1443
net:netif_rx_exit 1444
net:netif_receive_skb_exit 1445
net:napi_gro_receive_exit 1446
net:napi_gro_frags_exit 1447
net:netif_rx_entry 1448
net:netif_receive_skb_list_entry 1449
net:netif_receive_skb_entry 1450
net:napi_gro_receive_entry 1451
net:napi_gro_frags_entry 1452
net:netif_rx 1453
net:netif_receive_skb 1454
net:net_dev_queue 1455
net:net_dev_xmit_timeout 1456
net:net_dev_xmit 1457
net:net_dev_start_xmit 1458
skb:skb_copy_datagram_iovec 1459
skb:consume_skb 1460
skb:kfree_skb 1461
netlink:netlink_extack 1462
bpf_test_run:bpf_test_finish 1463
bpf_test_run:bpf_trigger_tp 1464
icmp:icmp_send 1465
fib6:fib6_table_lookup 1466
devlink:devlink_trap_report 1467
devlink:devlink_health_reporter_state_update 1468
devlink:devlink_health_recover_aborted 1469
devlink:devlink_health_report 1470
devlink:devlink_hwerr 1471
devlink:devlink_hwmsg 1472
mptcp:subflow_check_data_avail 1473
mptcp:ack_update_msk 1474
mptcp:get_mapping_status 1475
mptcp:mptcp_sendmsg_frag 1476
mptcp:mptcp_subflow_get_send 1477
handshake:tls_alert_recv 1478
handshake:tls_alert_send 1479
handshake:tls_contenttype 1480
handshake:handshake_cmd_done_err 1481
handshake:handshake_cmd_done 1482
handshake:handshake_cmd_accept_err 1483
handshake:handshake_cmd_accept 1484
handshake:handshake_notify_err 1485
handshake:handshake_complete 1486
handshake:handshake_destruct 1487
handshake:handshake_cancel_busy 1488
handshake:handshake_cancel_none 1489
handshake:handshake_cancel 1490
handshake:handshake_submit_err 1491
handshake:handshake_submit 1492
maple_tree:ma_write 1493
maple_tree:ma_read 1494
maple_tree:ma_op 1495
`;

export const eventFormats = `
task:task_rename pid:s4@8 oldcomm:u16@12 newcomm:u16@28 oom_score_adj:s2@44
task:task_newtask pid:s4@8 comm:u16@12 clone_flags:u8@32 oom_score_adj:s2@40
irq:softirq_exit vec:u4@8
irq:softirq_entry vec:u4@8
irq:irq_handler_exit irq:s4@8 ret:s4@12
irq:irq_handler_entry irq:s4@8 name:data_loc@12
signal:signal_deliver sig:s4@8 errno:s4@12 code:s4@16 sa_handler:u8@24 sa_flags:u8@32
signal:signal_generate sig:s4@8 errno:s4@12 code:s4@16 comm:u16@20 pid:s4@36 group:s4@40 result:s4@44
sched:sched_process_exec filename:data_loc@8 pid:s4@12 old_pid:s4@16
sched:sched_process_fork parent_comm:u16@8 parent_pid:s4@24 child_comm:u16@28 child_pid:s4@44
sched:sched_process_wait comm:u16@8 pid:s4@24 prio:s4@28
sched:sched_process_exit comm:u16@8 pid:s4@24 prio:s4@28
sched:sched_process_free comm:u16@8 pid:s4@24 prio:s4@28
sched:sched_switch prev_comm:u16@8 prev_pid:s4@24 prev_prio:s4@28 prev_state:s8@32 next_comm:u16@40 next_pid:s4@56 next_prio:s4@60
sched:sched_wakeup_new comm:u16@8 pid:s4@24 prio:s4@28 target_cpu:s4@32
sched:sched_wakeup comm:u16@8 pid:s4@24 prio:s4@28 target_cpu:s4@32
sched:sched_waking comm:u16@8 pid:s4@24 prio:s4@28 target_cpu:s4@32
raw_syscalls:sys_exit id:s8@8 ret:s8@16
raw_syscalls:sys_enter id:s8@8 args:u48@16
module:module_load taints:u4@8 name:data_loc@12
timer:hrtimer_expire_entry hrtimer:u8@8 now:s8@16 function:u8@24
timer:hrtimer_start hrtimer:u8@8 function:u8@16 expires:s8@24 softexpires:s8@32 mode:u4@40 was_armed:u1@44
bpf_trace:bpf_trace_printk bpf_string:data_loc@8
power:cpu_frequency state:u4@8 cpu_id:u4@12
vmscan:mm_vmscan_direct_reclaim_end nr_reclaimed:u8@8
vmscan:mm_vmscan_direct_reclaim_begin order:s4@8 gfp_flags:u8@16
kmem:mm_page_alloc pfn:u8@8 order:u4@16 gfp_flags:u8@24 migratetype:s4@32
kmem:kmem_cache_free call_site:u8@8 ptr:u8@16 name:data_loc@24
kmem:kfree call_site:u8@8 ptr:u8@16
kmem:kmalloc call_site:u8@8 ptr:u8@16 bytes_req:u8@24 bytes_alloc:u8@32 gfp_flags:u8@40 node:s4@48
kmem:kmem_cache_alloc call_site:u8@8 ptr:u8@16 bytes_req:u8@24 bytes_alloc:u8@32 gfp_flags:u8@40 node:s4@48 accounted:u1@52
writeback:writeback_dirty_folio name:u32@8 ino:u8@40 index:u8@48
block:block_io_done dev:u4@8 sector:u8@16 nr_sector:u4@24 bytes:u4@28 ioprio:u2@32 rwbs:u8@34 comm:u16@42 cmd:data_loc@60
block:block_io_start dev:u4@8 sector:u8@16 nr_sector:u4@24 bytes:u4@28 ioprio:u2@32 rwbs:u8@34 comm:u16@42 cmd:data_loc@60
block:block_rq_issue dev:u4@8 sector:u8@16 nr_sector:u4@24 bytes:u4@28 ioprio:u2@32 rwbs:u8@34 comm:u16@42 cmd:data_loc@60
block:block_rq_insert dev:u4@8 sector:u8@16 nr_sector:u4@24 bytes:u4@28 ioprio:u2@32 rwbs:u8@34 comm:u16@42 cmd:data_loc@60
block:block_rq_complete dev:u4@8 sector:u8@16 nr_sector:u4@24 error:s4@28 ioprio:u2@32 rwbs:u8@34 cmd:data_loc@44
tcp:tcp_probe saddr:u28@8 daddr:u28@36 sport:u2@64 dport:u2@66 family:u2@68 mark:u4@72 data_len:u2@76 snd_nxt:u4@80 snd_una:u4@84 snd_cwnd:u4@88 ssthresh:u4@92 snd_wnd:u4@96 srtt:u4@100 rcv_wnd:u4@104 sock_cookie:u8@112 skbaddr:u8@120 skaddr:u8@128
tcp:tcp_retransmit_skb skbaddr:u8@8 skaddr:u8@16 state:s4@24 sport:u2@28 dport:u2@30 family:u2@32 saddr:u4@34 daddr:u4@38 saddr_v6:u16@42 daddr_v6:u16@58
sock:inet_sock_set_state skaddr:u8@8 oldstate:s4@16 newstate:s4@20 sport:u2@24 dport:u2@26 family:u2@28 protocol:u2@30 saddr:u4@32 daddr:u4@36 saddr_v6:u16@40 daddr_v6:u16@56
net:netif_receive_skb skbaddr:u8@8 len:u4@16 name:data_loc@20
net:net_dev_queue skbaddr:u8@8 len:u4@16 name:data_loc@20
skb:kfree_skb skbaddr:u8@8 location:u8@16 rx_sk:u8@24 protocol:u2@32 reason:u4@36
`;
