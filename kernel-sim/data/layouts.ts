/** Made by make/extract.ts: offsets and sizes of structure fields in Linux 6.12.117 (Debian, amd64). */
import { LayoutTable } from '../core/structs.ts';

export const layouts = new LayoutTable({
  task_struct:
    '9792 thread_info.flags:0:8 thread_info.syscall_work:8:8 thread_info.cpu:20:4 __state:24:4 stack:32:8 flags:44:4 on_cpu:52:4 prio:108:4 static_prio:112:4 normal_prio:116:4 migration_disabled:2040:2 migration_flags:2042:2 cpus_ptr:992:8 nr_cpus_allowed:984:4 tasks:2224:16 mm:2304:8 active_mm:2312:8 exit_state:2328:4 exit_code:2332:4 pid:2432:4 tgid:2436:4 real_parent:2448:8 parent:2456:8 children:2464:16 sibling:2480:16 group_leader:2496:8 thread_pid:2536:8 start_time:2776:8 start_boottime:2784:8 real_cred:2952:8 cred:2960:8 comm:2976:16 fs:3040:8 files:3048:8 nsproxy:3064:8 signal:3072:8 sighand:3080:8 sas_ss_sp:3136:8 loginuid:3176:4 sessionid:3180:4 rethooks:5320:8 bpf_ctx:5232:8 bpf_storage:5224:8 utime:2656:8 stime:2664:8 thread.sp:5400:8 thread.fsbase:5416:8 utask:5112:8 stack_canary:2440:8 cgroups:3584:8 usage:40:4 wake_cpu:100:4 recent_used_cpu:96:4 policy:972:4 on_rq:104:4 se.cfs_rq:288:8 se.sum_exec_runtime:224:8 se.exec_start:216:8 nvcsw:2760:8 nivcsw:2768:8 exit_signal:2336:4 rcu:5128:16',
  pt_regs:
    '168 r15:0:8 r14:8:8 r13:16:8 r12:24:8 bp:32:8 bx:40:8 r11:48:8 r10:56:8 r9:64:8 r8:72:8 ax:80:8 cx:88:8 dx:96:8 si:104:8 di:112:8 orig_ax:120:8 ip:128:8 cs:136:2 flags:144:8 sp:152:8 ss:160:2',
  pcpu_hot:
    '64 current_task:0:8 preempt_count:8:4 cpu_number:12:4 softirq_pending:40:2 top_of_stack:24:8 hardirq_stack_ptr:32:8',
  rq: '3456 nr_running:4:4 clock:2736:8 curr:2680:8 idle:2696:8 cpu:2920:4 online:2924:4 cfs:128:512',
  cfs_rq: '512 nr_running:16:4 rq:312:8',
  hrtimer: '64 node.expires:24:8 _softexpires:32:8 function:40:8 state:56:1 is_soft:58:1',
  irq_desc: '448 irq_data.irq:44:4 action:112:8',
  irqaction: '128 handler:0:8 name:80:8 dev_id:8:8 irq:56:4',
  request:
    '248 q:0:8 cmd_flags:24:4 rq_flags:28:4 tag:32:4 __data_len:44:4 __sector:48:8 bio:56:8 part:88:8 start_time_ns:104:8 io_start_time_ns:112:8 state:128:4',
  request_queue: '968 disk:104:8',
  gendisk: '776 major:0:4 first_minor:4:4 minors:8:4 disk_name:12:32 part0:64:8 queue:80:8',
  block_device: '976 bd_disk:16:8 bd_dev:52:4 bd_queue:24:8 bd_nr_sectors:8:8',
  bio: '128 bi_bdev:8:8 bi_opf:16:4 bi_status:25:1 bi_iter.bi_sector:32:8 bi_iter.bi_size:40:4',
  mm_struct:
    '1344 mm_count:0:4 mm_users:132:4 pgd:120:8 task_size:112:8 map_count:160:4 total_vm:256:8 start_code:320:8 end_code:328:8 start_data:336:8 end_data:344:8 start_brk:352:8 brk:360:8 start_stack:368:8 arg_start:376:8 arg_end:384:8 env_start:392:8 env_end:400:8 exe_file:1168:8 owner:1152:8 flags:1128:8',
  vm_area_struct: '176 vm_start:0:8 vm_end:8:8 vm_mm:16:8 vm_flags:32:8 vm_pgoff:120:8 vm_file:128:8',
  uprobe_task: '72 state:0:4 vaddr:24:8 active_uprobe:32:8 xol_vaddr:40:8',
  cred: '184 usage:0:8 uid:8:4 gid:12:4 suid:16:4 sgid:20:4 euid:24:4 egid:28:4 fsuid:32:4 fsgid:36:4 cap_inheritable:48:8 cap_permitted:56:8 cap_effective:64:8 cap_bset:72:8 user_ns:144:8',
  pid: '112 count:0:4 level:4:4 numbers:112:0 tasks:32:32',
  upid: '16 nr:0:4 ns:8:8',
  msghdr: '104 msg_name:0:8 msg_namelen:8:4',
  nsproxy:
    '72 count:0:4 uts_ns:8:8 ipc_ns:16:8 mnt_ns:24:8 pid_ns_for_children:32:8 net_ns:40:8 time_ns:48:8 time_ns_for_children:56:8 cgroup_ns:64:8',
  pid_namespace: '144 ns.count:132:4 ns.inum:128:4 level:64:4 parent:72:8 user_ns:88:8 child_reaper:48:8',
  user_namespace: '616 ns.count:236:4 ns.inum:232:4 level:200:4 parent:192:8',
  uts_namespace:
    '432 ns.count:428:4 ns.inum:424:4 name:0:390 name.sysname:0:65 name.nodename:65:65 name.release:130:65 name.version:195:65 name.machine:260:65 name.domainname:325:65 user_ns:392:8',
  new_utsname: '390 sysname:0:65 nodename:65:65 release:130:65 version:195:65 machine:260:65 domainname:325:65',
  net: '4736 ns.count:140:4 ns.inum:136:4 user_ns:80:8 net_cookie:4288:8',
  ipc_namespace: '1144 ns.count:1140:4 ns.inum:1136:4 user_ns:1096:8',
  mnt_namespace: '136 ns.count:20:4 ns.inum:16:4 user_ns:40:8',
  cgroup_namespace: '48 ns.count:20:4 ns.inum:16:4 user_ns:24:8',
  time_namespace: '88 ns.count:36:4 ns.inum:32:4 user_ns:0:8',
  signal_struct: '1104 live:4:4 nr_threads:8:4 group_exit_code:96:4 tty:408:8 pids:352:32',
  files_struct: '704 count:0:4 fdt:32:8 fdtab:40:56 next_fd:132:4 fd_array:160:512',
  fdtable: '56 max_fds:0:4 fd:8:8',
  fs_struct: '56 users:0:4 pwd:40:16 root:24:16 umask:12:4',
  file: '184 f_mode:12:4 f_op:16:8 f_mapping:24:8 private_data:32:8 f_inode:40:8 f_flags:48:4 f_cred:56:8 f_path:64:16 f_path.mnt:64:8 f_path.dentry:72:8 f_pos:112:8 f_ra:152:32 f_lock:8:4',
  kiocb: '48 ki_filp:0:8 ki_pos:8:8',
  page: '64 flags:0:8',
  iov_iter: '40 ubuf:16:8 count:24:8',
  open_flags: '20 open_flag:0:4 mode:4:2 acc_mode:8:4',
  file_ra_state: '32 prev_pos:24:8',
  address_space: '192 host:0:8 nrpages:88:8',
  folio: '256 mapping:24:8 index:32:8 private:40:8',
  buffer_head: '104 b_folio:16:8 b_size:32:8',
  oom_control: '64 chosen:40:8 totalpages:32:8 chosen_points:48:8',
  dentry:
    '192 d_flags:0:4 d_parent:24:8 d_name.name:40:8 d_name.len:36:4 d_name.hash:32:4 d_inode:48:8 d_iname:56:40 d_sb:104:8 d_op:96:8 d_lockref.count:132:4',
  inode:
    '624 i_mode:0:2 i_uid:4:4 i_gid:8:4 i_flags:12:4 i_sb:40:8 i_mapping:48:8 i_data:368:192 i_ino:64:8 i_nlink:72:4 i_rdev:76:4 i_size:80:8 i_op:32:8 i_fop:352:8',
  super_block: '1408 s_dev:16:4 s_magic:96:8 s_type:40:8 s_root:104:8 s_id:960:32',
  vfsmount: '32 mnt_root:0:8 mnt_sb:8:8 mnt_flags:16:4',
  filename: '32 name:0:8 uptr:8:8 refcnt:16:4 aname:24:8 iname:32:0',
  open_how: '24 flags:0:8 mode:8:8 resolve:16:8',
  linux_binprm:
    '416 vma:0:8 p:32:8 argmin:16:8 file:64:8 executable:48:8 interpreter:56:8 mm:24:8 cred:72:8 unsafe:80:4 per_clear:84:4 argc:88:4 envc:92:4 filename:96:8 interp:104:8 fdpath:112:8 buf:160:256',
  kernel_clone_args: '136 flags:0:8 exit_signal:40:4 stack:48:8',
  socket: '128 state:0:4 type:4:2 flags:8:8 file:16:8 sk:24:8 ops:32:8',
  sock: '776 __sk_common.skc_daddr:0:4 __sk_common.skc_rcv_saddr:4:4 __sk_common.skc_dport:12:2 __sk_common.skc_num:14:2 __sk_common.skc_family:16:2 __sk_common.skc_state:18:1 __sk_common.skc_prot:40:8 __sk_common.skc_net:48:8 __sk_common.skc_v6_daddr:56:16 __sk_common.skc_v6_rcv_saddr:72:16 __sk_common.skc_cookie:88:8 __sk_common.skc_refcnt:128:4 sk_backlog.head:200:8 sk_backlog.tail:208:8 sk_lock.owned:324:4 sk_err:284:4 sk_shutdown:571:1 sk_ack_backlog:604:4 sk_max_ack_backlog:608:4 sk_protocol:574:2 sk_type:572:2 sk_socket:288:8 sk_mark:524:4 sk_priority:520:4 sk_uid:612:4 sk_receive_queue.qlen:184:4',
  inet_sock: '1000 inet_sport:806:2 inet_saddr:800:4 inet_id:816:4',
  inet_connection_sock: '1448 icsk_ca_ops:1240:8',
  ack_sample: '12 pkts_acked:0:4 rtt_us:4:4 in_flight:8:4',
  rate_sample:
    '72 delivered:16:4 acked_sacked:52:4 prior_delivered:8:4 prior_in_flight:56:4 interval_us:24:8 rtt_us:40:8',
  tcp_sock:
    '2368 snd_una:1720:4 snd_nxt:1716:4 write_seq:1636:4 rcv_nxt:1712:4 rcv_wup:1800:4 copied_seq:1520:4 snd_wnd:1492:4 rcv_wnd:1752:4 snd_cwnd:1500:4 snd_ssthresh:1584:4 srtt_us:1728:4 mdev_us:1648:4 mss_cache:1496:4 packets_out:1732:4 delivered:1740:4 segs_in:1792:4 segs_out:1600:4 data_segs_in:1796:4 data_segs_out:1604:4 window_clamp:1724:4 total_retrans:2216:4 bytes_acked:1840:8 bytes_received:1784:8 bytes_sent:1608:8 bpf_sock_ops_cb_flags:2248:1',
  tcp_congestion_ops:
    '192 ssthresh:0:8 cong_avoid:8:8 set_state:16:8 cwnd_event:24:8 in_ack_event:32:8 pkts_acked:40:8 cong_control:56:8 undo_cwnd:64:8 init:136:8 release:144:8 name:88:16',
  iphdr: '20 saddr:12:4 daddr:16:4',
  udphdr: '8 source:0:2 dest:2:2',
  tcp_skb_cb: '48 seq:0:4 end_seq:4:4 tcp_flags:12:1 ack_seq:16:4',
  sk_buff:
    '232 next:0:8 dev:16:8 sk:24:8 cb:40:48 _skb_refdst:88:8 len:112:4 data_len:116:4 mac_len:120:2 queue_mapping:124:2 __pkt_type_offset:128:0 protocol:180:2 transport_header:182:2 network_header:184:2 mac_header:186:2 tail:188:4 end:192:4 head:200:8 data:208:8 truesize:216:4 users:220:4 skb_iif:148:4 mark:168:4 priority:144:4 hash:152:4',
  skb_shared_info: '320 meta_len:1:1',
  net_device:
    '2560 ifindex:224:4 mtu:56:4 flags:176:4 type:560:2 hard_header_len:180:2 addr_len:864:1 dev_addr:1072:8 name:304:16 nd_net.net:280:8 num_rx_queues:1080:4 real_num_rx_queues:228:4 num_tx_queues:1160:4 operstate:824:4 xdp_prog:200:8 tcx_ingress:296:8 tcx_egress:152:8',
  napi_struct: '400 dev:56:8 weight:24:4',
  rtable: '176 dst.dev:0:8',
  xdp_buff: '56 data:0:8 data_end:8:8 data_meta:16:8 data_hard_start:24:8 rxq:32:8 frame_sz:48:4',
  xdp_rxq_info: '64 dev:0:8 queue_index:8:4',
  bpf_mprog_entry: '520 fp_items:0:512',
  bpf_skb_data_end: '48 data_meta:32:8 data_end:40:8',
  nf_hook_state: '48 hook:0:1 pf:1:1 in:8:8 out:16:8 sk:24:8 net:32:8',
  bpf_nf_ctx: '16 state:0:8 skb:8:8',
  kprobe:
    '128 hlist:0:16 list:16:16 nmissed:32:8 addr:40:8 symbol_name:48:8 offset:56:4 pre_handler:64:8 post_handler:72:8 opcode:80:1 flags:120:4',
  rethook_node: '48 rcu:0:16 llist.next:16:8 rethook:24:8 ret_addr:32:8 frame:40:8',
  trace_event_call: '120 event.type:48:4 perf_events:96:8 prog_array:104:8 flags:88:4',
  bpf_prog:
    '72 bpf_func:48:8 insnsi:72:0 aux:56:8 active:40:8 stats:32:8 len:12:4 jited_len:16:4 type:4:4 expected_attach_type:8:4 tag:20:8',
  bpf_prog_aux: '1128 refcnt:0:8 used_map_cnt:8:4 max_ctx_offset:16:4 id:32:4',
  bpf_map:
    '248 ops:0:8 inner_map_meta:8:8 map_type:24:4 key_size:28:4 value_size:32:4 max_entries:36:4 map_extra:40:8 map_flags:48:4 id:52:4 record:56:8 numa_node:64:4 btf_key_type_id:68:4 btf_value_type_id:72:4 btf:80:8 name:96:16 refcnt:144:8 usercnt:152:8 writecnt:192:8 bypass_spec_v1:216:1 frozen:217:1 elem_count:232:8 cookie:240:8',
  bpf_map_ops:
    '344 map_lookup_elem:96:8 map_update_elem:104:8 map_delete_elem:112:8 map_push_elem:120:8 map_pop_elem:128:8 map_peek_elem:136:8 map_lookup_percpu_elem:144:8 map_redirect:288:8 map_for_each_callback:312:8',
  bpf_array: '264 elem_size:248:4 index_mask:252:4 aux:256:8 value:264:0 ptrs:264:0 pptrs:264:0',
  bpf_htab: '896 buckets:408:8 elems:416:8 extra_elems:704:8 count:752:4 n_buckets:760:4 elem_size:764:4 hashrnd:768:4',
  htab_elem: '48 hash_node:0:16 ptr_to_pptr:16:8 lru_node:16:24 hash:40:4 key:48:0',
  bpf_lru_node: '24 list:0:16 cpu:16:2 type:18:1 ref:19:1',
  bucket: '16 head:0:8 raw_lock:8:4',
  bpf_queue_stack: '264 head:252:4 tail:256:4 size:260:4 elements:264:0',
  lpm_trie: '288 root:248:8 n_entries:256:8 max_prefixlen:264:8 data_size:272:8',
  lpm_trie_node: '40 child:16:16 prefixlen:32:4 flags:36:4 data:40:0',
  bpf_bloom_filter: '264 bitset_mask:248:4 hash_seed:252:4 nr_hash_funcs:256:4 bitset:264:0',
  bpf_ringbuf_map: '256 rb:248:8',
  bpf_ringbuf:
    '12288 mask:56:8 nr_pages:72:4 busy:192:4 consumer_pos:4096:8 producer_pos:8192:8 pending_pos:8200:8 data:12288:0',
  bpf_stack_map: '288 elems:248:8 n_buckets:280:4 buckets:288:0',
  stack_map_bucket: '16 hash:8:4 nr:12:4 data:16:0',
  bpf_prog_array: '16 items:16:0',
  bpf_prog_array_item: '24 prog:0:8 bpf_cookie:8:8',
  bpf_trace_run_ctx: '16 run_ctx:0:0 bpf_cookie:0:8 is_uprobe:8:1',
  bpf_uprobe_multi_run_ctx: '16 run_ctx:0:0 entry_ip:0:8 uprobe:8:8',
  bpf_tramp_run_ctx: '16 run_ctx:0:0 bpf_cookie:0:8 saved_run_ctx:8:8',
  bpf_raw_tp_link: '80 link:0:64 cookie:72:8 btp:64:8',
  bpf_link: '64 prog:24:8 id:8:4',
  tracepoint: '80 name:0:8 key:8:16 funcs:72:8',
  tracepoint_func: '24 func:0:8 data:8:8 prio:16:4',
  trace_entry: '8 type:0:2 flags:2:1 preempt_count:3:1 pid:4:4',
});
