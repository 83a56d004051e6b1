/** What libbpf-tools attach to on Linux 6.12, tool by tool: a recording's modelled paths reach each, or it is listed as one that they do not. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';

const BLOCK = 'block_rq_insert block_rq_issue block_rq_complete';
/** functions, and events behind a `t:` */
const TOOLS: Readonly<Record<string, string>> = {
  bindsnoop: 'inet_bind inet6_bind',
  'biolatency biopattern biosnoop biostacks biotop bitesize': `t: ${BLOCK} block_io_start block_io_done`,
  cachestat: 'add_to_page_cache_lru mark_page_accessed mark_buffer_dirty t: writeback_dirty_folio',
  capable: 'cap_capable',
  'cpudist offcputime runqlat runqslower wakeuptime': 't: sched_switch sched_wakeup sched_wakeup_new',
  cpufreq: 't: cpu_frequency',
  drsnoop: 't: mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_end',
  exitsnoop: 't: sched_process_exit',
  filelife: 'vfs_create vfs_open security_inode_create vfs_unlink',
  'filetop fsdist fsslower': 'vfs_read vfs_write vfs_open generic_file_read_iter generic_perform_write',
  hardirqs: 't: irq_handler_entry irq_handler_exit',
  klockstat: `mutex_lock mutex_trylock mutex_lock_interruptible mutex_lock_killable mutex_unlock down_read down_read_trylock
    down_read_interruptible down_read_killable up_read down_write down_write_trylock down_write_killable up_write`,
  memleak: 't: kmalloc kfree kmem_cache_alloc kmem_cache_free mm_page_alloc',
  numamove: 'migrate_misplaced_folio',
  oomkill: 'oom_kill_process',
  readahead: 'page_cache_ra_order page_cache_ra_unbounded filemap_alloc_folio_noprof folio_mark_accessed',
  sigsnoop: 't: signal_generate',
  slabratetop: 'kmem_cache_alloc_noprof',
  softirqs: 't: softirq_entry softirq_exit',
  solisten: 'inet_listen',
  'tcpconnect tcpconnlat tcptracer':
    'tcp_v4_connect tcp_v6_connect tcp_rcv_state_process tcp_close tcp_set_state inet_csk_accept t: tcp_destroy_sock',
  'tcplife tcpstates': 't: inet_sock_set_state',
  tcppktlat: 't: tcp_probe tcp_rcv_space_adjust tcp_destroy_sock',
  tcprtt: 'tcp_rcv_established',
  tcpsynbl: 'tcp_v4_syn_recv_sock tcp_v6_syn_recv_sock',
  tcptop: 'tcp_sendmsg tcp_cleanup_rbuf',
  vfsstat: 'vfs_read vfs_write vfs_open vfs_create',
};

/** In Linux wrappers that nothing on these paths calls any more. */
const ALSO_NOT_THERE = ['add_to_page_cache_lru', 'mark_page_accessed'];
/** What Linux does, and the model does not: locks that nobody waits for, allocations. Events happen by lines of a recording. */
const NOT_MODELLED = [
  'mutex_lock',
  'mutex_trylock',
  'mutex_lock_killable',
  'down_read_trylock',
  'down_read_interruptible',
  'down_write_trylock',
  't: kmalloc',
  't: kfree',
  't: kmem_cache_alloc',
  't: kmem_cache_free',
  't: cpu_frequency',
  't: mm_vmscan_direct_reclaim_begin',
  't: mm_vmscan_direct_reclaim_end',
];

it('all but those listed are reached', async () => {
  const { probes } = await Kernel.boot();
  const missed = Object.values(TOOLS).flatMap((points) => {
    const [functions = '', events = ''] = points.split('t:');
    const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
    return [
      ...words(functions).filter((name) => !probes.reaches(name)),
      ...words(events).flatMap((event) => (probes.fires(event) ? [] : [`t: ${event}`])),
    ];
  });
  expect(missed.toSorted()).toEqual([...ALSO_NOT_THERE, ...NOT_MODELLED].toSorted());
});
