/**
 * Arguments of raw tracepoints that are not always valid pointers, counted without the tracepoint's private data: those
 * that Linux 6.12 gives BTF-typed programs as `trusted_ptr_or_null_`, and those that may encode an error, which it gives
 * as numbers. Read off the verifier's log for every tracepoint of its BTF.
 */
interface Doubtful {
  readonly null?: readonly number[];
  readonly error?: readonly number[];
}

const DOUBTFUL: Readonly<Record<string, Doubtful>> = {
  break_lease_block: { null: [1] },
  break_lease_noblock: { null: [1] },
  break_lease_unblock: { null: [1] },
  fcntl_setlk: { null: [1] },
  fib_table_lookup: { null: [2] },
  flock_lock_inode: { null: [1] },
  folio_wait_writeback: { null: [1] },
  generic_delete_lease: { null: [1] },
  kfree_skb: { null: [3] },
  locks_remove_posix: { null: [1] },
  mm_collapse_huge_page_isolate: { null: [0] },
  mm_khugepaged_scan_pmd: { null: [1] },
  mm_page_alloc: { null: [0] },
  mm_page_alloc_zone_locked: { null: [0] },
  mm_page_pcpu_drain: { null: [0] },
  posix_lock_inode: { null: [1] },
  qdisc_dequeue: { null: [3] },
  sched_pi_setprio: { null: [1] },
  sched_process_wait: { null: [0] },
  sched_stick_numa: { null: [2] },
  sched_swap_numa: { null: [2] },
  signal_deliver: { error: [1] },
  signal_generate: { error: [1] },
  tcp_send_reset: { null: [0, 1] },
  time_out_leases: { null: [1] },
  tmigr_update_events: { null: [0] },
  writeback_dirty_folio: { null: [1] },
};

export function rawTracepointArg(event: string, index: number): 'null' | 'error' | undefined {
  const found = DOUBTFUL[event];
  if (found?.null?.includes(index)) return 'null';
  return found?.error?.includes(index) ? 'error' : undefined;
}
