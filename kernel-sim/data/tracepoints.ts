/**
 * Tracepoints that kernel text has machinery for (`__traceiter_`, `perf_trace_`, `__bpf_trace_`), one row each: what the
 * tracepoint passes, and where each field of the record that programs of type tracepoint get comes from
 * (Linux 6.12 include/trace/events; record formats are in `events.ts`, as /sys/kernel/tracing/events has them).
 *
 * Adding one is a row; `trace EVENT(...)` in a row of `text/functions` is its site. A field's source is a word and the
 * number of an argument, the first one 1, with what else the word takes (`trace/record.ts` has the words):
 *
 *     int 2                    the argument's low half, with its sign
 *     u64 2                    the whole argument
 *     pid 1, comm 1            of the task that it points to
 *     cpu                      the CPU that executes
 *     const 120                a number
 *     str 3 linux_binprm filename     the string behind a pointer in a structure that it points to
 *     base 2                   the last part of the path that it points to
 *     u16 1 sock sk_protocol   a number in a structure that it points to; be16: in the network's order
 *     u32 1 sk_buff dev net_device ifindex     a number in a structure behind a pointer there, and so on
 *     long 1 hrtimer node.expires     64 bits in a structure;  deref 2     64 bits where it points
 *     state 4                  a task's state as sched_switch shows it;  self     comm of the running task
 *     sectors 3, sectors 1 bio bi_iter.bi_size    bytes in units of 512;  rwbs 1 bio bi_opf     letters of an operation
 *     chars 1 net_device name  the string that lies in a structure
 *     mem 1 sock ...           bytes there, as many as the field has
 *     in6 1 own, in6 1 peer    an end of a socket as an address of IPv6;  sockaddr 1 own     with family and port
 *     tcpdata 2                bytes of data in a segment;  eighth 1 tcp_sock srtt_us     an eighth of a number there
 *     regs 1                   the six arguments of a system call, from pt_regs
 */
import { inRelease, type Versioned } from './release.ts';

export interface TracepointRow extends Versioned {
  /** arguments, without the private first one */
  readonly args: number;
  /** events of one class share their handlers and their record */
  readonly class?: string;
  /** fields by name; what is not named is 0 */
  readonly fields?: Readonly<Record<string, string>>;
}

const TASK = { comm: 'comm 1', pid: 'pid 1', prio: 'const 120' };
const TASK_CPU = 'u32 1 task_struct thread_info.cpu';
const WAKEUP = { class: 'sched_wakeup_template', fields: { ...TASK, target_cpu: TASK_CPU } };
const PROCESS = { class: 'sched_process_template', fields: TASK };
/** of the buffer in the first argument */
const SKB = {
  skbaddr: 'u64 1',
  len: 'u32 1 sk_buff len',
  name: 'chars 1 sk_buff dev net_device name',
};
const VECTOR = { class: 'x86_irq_vector', fields: { vector: 'int 1' } };
const HRTIMER = { hrtimer: 'u64 1', function: 'long 1 hrtimer function' };
const RQ = {
  dev: 'u32 1 request part block_device bd_dev',
  sector: 'long 1 request __sector',
  nr_sector: 'sectors 1 request __data_len',
  rwbs: 'rwbs 1 request cmd_flags',
};
const REQUEST = { class: 'block_rq', fields: { ...RQ, bytes: 'u32 1 request __data_len', comm: 'self' } };
const BIO = {
  class: 'block_bio',
  fields: {
    dev: 'u32 1 bio bi_bdev block_device bd_dev',
    sector: 'long 1 bio bi_iter.bi_sector',
    nr_sector: 'sectors 1 bio bi_iter.bi_size',
    rwbs: 'rwbs 1 bio bi_opf',
    comm: 'self',
  },
};
const SOFTIRQ = { class: 'softirq', fields: { vec: 'int 1' } };
const NET_DEV = { class: 'net_dev_template', fields: SKB };
/** both ends of a `struct sock` */
const ENDS = {
  sport: 'u16 1 sock __sk_common.skc_num',
  dport: 'be16 1 sock __sk_common.skc_dport',
  family: 'u16 1 sock __sk_common.skc_family',
  saddr: 'mem 1 sock __sk_common.skc_rcv_saddr',
  daddr: 'mem 1 sock __sk_common.skc_daddr',
  saddr_v6: 'in6 1 own',
  daddr_v6: 'in6 1 peer',
};
const TCP_SOCK = {
  class: 'tcp_event_sk',
  fields: { skaddr: 'u64 1', ...ENDS, sock_cookie: 'long 1 sock __sk_common.skc_cookie' },
};
const row = (args: number, more: Omit<TracepointRow, 'args'> = {}): TracepointRow => ({ args, ...more });

const ROWS: Readonly<Record<string, TracepointRow>> = {
  sys_enter: row(2, { fields: { id: 'int 2', args: 'regs 1' } }),
  sys_exit: row(2, { fields: { id: 's32 1 pt_regs orig_ax', ret: 'u64 2' } }),
  sched_process_exec: row(3, {
    fields: { filename: 'str 3 linux_binprm filename', pid: 'pid 1', old_pid: 'int 2' },
  }),
  sched_process_fork: row(2, {
    fields: { parent_comm: 'comm 1', parent_pid: 'pid 1', child_comm: 'comm 2', child_pid: 'pid 2' },
  }),
  sched_process_exit: row(1, PROCESS),
  sched_process_free: row(1, PROCESS),
  sched_process_wait: row(1, { fields: { comm: 'self', prio: 'const 120' } }),
  sched_migrate_task: row(2, { fields: { ...TASK, orig_cpu: TASK_CPU, dest_cpu: 'int 2' } }),
  sched_stat_runtime: row(2, { fields: { comm: 'comm 1', pid: 'pid 1', runtime: 'u64 2' } }),
  sched_switch: row(4, {
    fields: {
      prev_comm: 'comm 2',
      prev_pid: 'pid 2',
      prev_prio: 'const 120',
      prev_state: 'state 4',
      next_comm: 'comm 3',
      next_pid: 'pid 3',
      next_prio: 'const 120',
    },
  }),
  sched_wakeup: row(1, WAKEUP),
  sched_wakeup_new: row(1, WAKEUP),
  sched_waking: row(1, WAKEUP),
  task_newtask: row(2, { fields: { pid: 'pid 1', comm: 'comm 1', clone_flags: 'int 2' } }),
  task_rename: row(2, { fields: { pid: 'pid 1', oldcomm: 'comm 1', newcomm: 'base 2' } }),
  signal_generate: row(5, {
    fields: { sig: 'int 1', comm: 'comm 3', pid: 'pid 3', group: 'int 4', result: 'int 5' },
  }),
  signal_deliver: row(3, { fields: { sig: 'int 1' } }),
  inet_sock_set_state: row(3, {
    since: '4.16',
    fields: {
      skaddr: 'u64 1',
      oldstate: 'int 2',
      newstate: 'int 3',
      sport: 'u16 1 sock __sk_common.skc_num',
      dport: 'be16 1 sock __sk_common.skc_dport',
      family: 'u16 1 sock __sk_common.skc_family',
      protocol: 'u16 1 sock sk_protocol',
      saddr: 'mem 1 sock __sk_common.skc_rcv_saddr',
      daddr: 'mem 1 sock __sk_common.skc_daddr',
      saddr_v6: 'in6 1 own',
      daddr_v6: 'in6 1 peer',
    },
  }),
  softirq_entry: row(1, SOFTIRQ),
  softirq_exit: row(1, SOFTIRQ),
  softirq_raise: row(1, SOFTIRQ),
  irq_handler_entry: row(2, { fields: { irq: 'int 1', name: 'str 2 irqaction name' } }),
  irq_handler_exit: row(3, { fields: { irq: 'int 1', ret: 'int 3' } }),
  local_timer_entry: row(1, VECTOR),
  local_timer_exit: row(1, VECTOR),
  reschedule_entry: row(1, VECTOR),
  reschedule_exit: row(1, VECTOR),
  call_function_single_entry: row(1, VECTOR),
  call_function_single_exit: row(1, VECTOR),
  block_rq_issue: row(1, REQUEST),
  block_rq_insert: row(1, REQUEST),
  block_io_start: row(1, REQUEST),
  block_io_done: row(1, REQUEST),
  block_rq_complete: row(3, {
    class: 'block_rq_completion',
    fields: { ...RQ, nr_sector: 'sectors 3', error: 'errno 2' },
  }),
  block_bio_queue: row(1, BIO),
  block_getrq: row(1, BIO),
  tcp_probe: row(2, {
    fields: {
      saddr: 'sockaddr 1 own',
      daddr: 'sockaddr 1 peer',
      sport: 'u16 1 sock __sk_common.skc_num',
      dport: 'be16 1 sock __sk_common.skc_dport',
      family: 'u16 1 sock __sk_common.skc_family',
      mark: 'u32 2 sk_buff mark',
      data_len: 'tcpdata 2',
      snd_nxt: 'u32 1 tcp_sock snd_nxt',
      snd_una: 'u32 1 tcp_sock snd_una',
      snd_cwnd: 'u32 1 tcp_sock snd_cwnd',
      ssthresh: 'u32 1 tcp_sock snd_ssthresh',
      snd_wnd: 'u32 1 tcp_sock snd_wnd',
      srtt: 'eighth 1 tcp_sock srtt_us',
      rcv_wnd: 'u32 1 tcp_sock rcv_wnd',
      sock_cookie: 'long 1 sock __sk_common.skc_cookie',
      skbaddr: 'u64 2',
      skaddr: 'u64 1',
    },
  }),
  tcp_send_reset: row(3, {
    fields: { skbaddr: 'u64 2', skaddr: 'u64 1', state: 'u8 1 sock __sk_common.skc_state', reason: 'int 3' },
  }),
  tcp_receive_reset: row(1, TCP_SOCK),
  tcp_destroy_sock: row(1, TCP_SOCK),
  tcp_rcv_space_adjust: row(1, TCP_SOCK),
  tcp_cong_state_set: row(2, { fields: { skaddr: 'u64 1', ...ENDS, cong_state: 'int 2' } }),
  inet_sk_error_report: row(1, {
    fields: { error: 's32 1 sock sk_err', ...ENDS, protocol: 'u16 1 sock sk_protocol' },
  }),
  sk_data_ready: row(1, {
    fields: { skaddr: 'u64 1', family: 'u16 1 sock __sk_common.skc_family', protocol: 'u16 1 sock sk_protocol' },
  }),
  tcp_retransmit_skb: row(2),
  kfree_skb: row(4, {
    fields: {
      skbaddr: 'u64 1',
      location: 'u64 2',
      rx_sk: 'u64 4',
      protocol: 'be16 1 sk_buff protocol',
      reason: 'int 3',
    },
  }),
  consume_skb: row(2, { fields: { skbaddr: 'u64 1', location: 'u64 2' } }),
  net_dev_queue: row(1, NET_DEV),
  netif_receive_skb: row(1, NET_DEV),
  netif_rx: row(1, NET_DEV),
  net_dev_start_xmit: row(2, {
    fields: {
      name: 'chars 2 net_device name',
      queue_mapping: 'u16 1 sk_buff queue_mapping',
      skbaddr: 'u64 1',
      protocol: 'be16 1 sk_buff protocol',
      len: 'u32 1 sk_buff len',
      data_len: 'u32 1 sk_buff data_len',
    },
  }),
  net_dev_xmit: row(4, {
    fields: { skbaddr: 'u64 1', len: 'int 4', rc: 'int 2', name: 'chars 3 net_device name' },
  }),
  napi_poll: row(3, {
    fields: { napi: 'u64 1', dev_name: 'chars 1 napi_struct dev net_device name', work: 'int 2', budget: 'int 3' },
  }),
  xdp_exception: row(3, {
    fields: { prog_id: 'u32 2 bpf_prog aux bpf_prog_aux id', act: 'int 3', ifindex: 'u32 1 net_device ifindex' },
  }),
  mm_page_alloc: row(4, { fields: { order: 'int 2', gfp_flags: 'u64 3', migratetype: 'int 4' } }),
  mm_filemap_add_to_page_cache: row(1, {
    class: 'mm_filemap_op_page_cache',
    fields: {
      i_ino: 'long 1 folio mapping address_space host inode i_ino',
      index: 'long 1 folio index',
      s_dev: 'u32 1 folio mapping address_space host inode i_sb super_block s_dev',
    },
  }),
  mark_victim: row(2, { fields: { pid: 'pid 1', comm: 'comm 1' } }),
  mm_migrate_pages_start: row(2, { fields: { mode: 'int 1', reason: 'int 2' } }),
  kmalloc: row(6),
  kfree: row(2),
  kmem_cache_alloc: row(5),
  kmem_cache_free: row(3),
  cpu_frequency: row(2, { fields: { state: 'int 1', cpu_id: 'int 2' } }),
  hrtimer_start: row(2, {
    fields: {
      ...HRTIMER,
      expires: 'long 1 hrtimer node.expires',
      softexpires: 'long 1 hrtimer _softexpires',
      mode: 'int 2',
    },
  }),
  hrtimer_expire_entry: row(2, { fields: { ...HRTIMER, now: 'deref 2' } }),
  hrtimer_expire_exit: row(1, { class: 'hrtimer_class', fields: { hrtimer: 'u64 1' } }),
  bpf_trace_printk: row(1),
  writeback_dirty_folio: row(2, {
    class: 'writeback_folio_template',
    fields: { ino: 'long 2 address_space host inode i_ino', index: 'long 1 folio index' },
  }),
  mm_vmscan_direct_reclaim_begin: row(2, { fields: { order: 'int 1', gfp_flags: 'u64 2' } }),
  mm_vmscan_direct_reclaim_end: row(1, { fields: { nr_reclaimed: 'u64 1' } }),
  module_load: row(1),
};

export const TRACEPOINTS: Readonly<Record<string, TracepointRow>> = Object.fromEntries(
  Object.entries(ROWS).filter(([, event]) => inRelease(event)),
);

export const isModelledEvent = (event: string): boolean => event in TRACEPOINTS;
/** Class of an event's handlers: its own name where it shares them with none. */
export const eventClass = (event: string): string => TRACEPOINTS[event]?.class ?? event;
/** Classes that several events share. */
export const EVENT_CLASSES: readonly string[] = [
  ...new Set(Object.values(TRACEPOINTS).flatMap(({ class: shared }) => (shared === undefined ? [] : [shared]))),
];
/** Events and classes that have handlers. */
export const EVENT_NAMES: readonly string[] = [
  ...new Set(Object.keys(TRACEPOINTS).flatMap((event) => [event, eventClass(event)])),
];
/** The row of an event, or of the first event of a class. */
export const tracepointRow = (name: string): TracepointRow | undefined =>
  TRACEPOINTS[name] ?? Object.values(TRACEPOINTS).find((known) => known.class === name);
export const eventArgs = (name: string): number => tracepointRow(name)?.args ?? 1;
