/** Tracepoints that kernel text has machinery for (`__traceiter_`, `perf_trace_`, `__bpf_trace_`): Linux 6.12 include/trace/events. */

/** event: arguments of the tracepoint (without the private first one); [class of the handlers, where shared] */
const EVENTS: Readonly<Record<string, readonly [args: number, shared?: string]>> = {
  sys_enter: [2],
  sys_exit: [2],
  sched_process_exec: [3],
  sched_process_fork: [2],
  sched_process_exit: [1, 'sched_process_template'],
  sched_process_free: [1, 'sched_process_template'],
  sched_process_wait: [1],
  sched_switch: [4],
  sched_wakeup: [1, 'sched_wakeup_template'],
  sched_wakeup_new: [1, 'sched_wakeup_template'],
  sched_waking: [1, 'sched_wakeup_template'],
  task_newtask: [2],
  task_rename: [2],
  signal_generate: [5],
  signal_deliver: [3],
  inet_sock_set_state: [3],
  softirq_entry: [1, 'softirq'],
  softirq_exit: [1, 'softirq'],
  irq_handler_entry: [2],
  irq_handler_exit: [3],
  block_rq_issue: [1, 'block_rq'],
  block_rq_insert: [1, 'block_rq'],
  block_rq_complete: [3, 'block_rq_completion'],
  block_io_start: [1, 'block_rq'],
  block_io_done: [1, 'block_rq'],
  tcp_probe: [2],
  tcp_retransmit_skb: [2],
  kfree_skb: [4],
  net_dev_queue: [1, 'net_dev_template'],
  netif_receive_skb: [1, 'net_dev_template'],
  mm_page_alloc: [4],
  kmalloc: [6],
  kfree: [2],
  kmem_cache_alloc: [5],
  kmem_cache_free: [3],
  cpu_frequency: [2],
  hrtimer_start: [2],
  hrtimer_expire_entry: [2],
  bpf_trace_printk: [1],
  writeback_dirty_folio: [2],
  mm_vmscan_direct_reclaim_begin: [2],
  mm_vmscan_direct_reclaim_end: [1],
  module_load: [1],
};
export const eventClass = (event: string): string => EVENTS[event]?.[1] ?? event;
/** Events and classes that have handlers. */
export const EVENT_NAMES: readonly string[] = [...new Set(Object.keys(EVENTS).flatMap((e) => [e, eventClass(e)]))];
export const eventArgs = (event: string): number =>
  EVENTS[event]?.[0] ?? Object.values(EVENTS).find((row) => row[1] === event)?.[0] ?? 1;
export const isModelledEvent = (event: string): boolean => event in EVENTS;
