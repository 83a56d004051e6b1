/**
 * Functions that tutorials and old tools probe and Linux 6.12 has under another name, or not at all: what they became, and
 * in which release (the kernel's history; names that are here now are held against its kallsyms).
 */
export interface Renamed {
  /** functions that do it now; none where nothing does */
  readonly now: readonly string[];
  /** release that first had it so */
  readonly since: string;
  readonly note?: string;
}

const to = (since: string, now: string, note?: string): Renamed => ({
  now: now === '' ? [] : now.split(' '),
  since,
  ...(note === undefined ? {} : { note }),
});

const RENAMED: Readonly<Record<string, Renamed>> = {
  // processes
  do_fork: to('5.10', 'kernel_clone', 'it was _do_fork from 4.2 on'),
  _do_fork: to('5.10', 'kernel_clone'),
  do_execve: to('5.11', 'do_execveat_common.isra.0', 'the system call calls the common part itself'),
  do_execveat_common: to('3.19', 'do_execveat_common.isra.0', "the compiler's name for the part that it made of it"),
  __do_execve_file: to('5.8', 'do_execveat_common.isra.0 bprm_execve'),
  search_binary_handler: to('5.8', 'bprm_execve', 'it is inlined there'),
  flush_old_exec: to('5.8', 'begin_new_exec'),
  install_exec_creds: to('5.8', 'begin_new_exec'),
  set_task_comm: to('5.12', '__set_task_comm', 'it is a macro since'),
  finish_task_switch: to('5.1', 'finish_task_switch.isra.0', "the compiler's name for the part that it made of it"),
  ttwu_do_wakeup: to('6.3', 'ttwu_do_activate'),
  cpu_idle_loop: to('4.10', 'do_idle'),
  tick_sched_timer: to('6.9', 'tick_nohz_handler'),
  // files
  do_sys_open: to('5.6', 'do_sys_openat2', 'it is there still, but open and openat do not pass through it any more'),
  __vfs_read: to('5.8', 'vfs_read'),
  __vfs_write: to('5.8', 'vfs_write'),
  do_iter_read: to('6.8', 'vfs_readv'),
  do_iter_write: to('6.8', 'vfs_writev'),
  account_page_dirtied: to('5.16', '__folio_mark_dirty'),
  add_to_page_cache: to('5.16', 'filemap_add_folio'),
  __page_cache_alloc: to('5.16', 'filemap_alloc_folio_noprof'),
  __do_page_cache_readahead: to('5.10', 'page_cache_ra_unbounded'),
  do_page_cache_ra: to('5.10', 'page_cache_ra_unbounded', 'it is inlined'),
  // memory
  do_page_fault: to('5.8', 'exc_page_fault do_user_addr_fault'),
  __do_page_fault: to('5.8', 'exc_page_fault do_user_addr_fault'),
  do_mmap_pgoff: to('5.9', 'do_mmap'),
  __do_munmap: to('6.2', 'do_vmi_munmap'),
  __alloc_pages_nodemask: to('6.10', '__alloc_pages_noprof', 'it was __alloc_pages from 5.13 on'),
  __alloc_pages: to('6.10', '__alloc_pages_noprof'),
  __get_free_pages: to('6.10', 'get_free_pages_noprof'),
  kmem_cache_alloc: to('6.10', 'kmem_cache_alloc_noprof'),
  kmem_cache_alloc_trace: to('6.11', '__kmalloc_cache_noprof', 'it was kmalloc_trace from 6.1 on'),
  __kmalloc: to('6.10', '__kmalloc_noprof'),
  vmalloc: to('6.10', 'vmalloc_noprof'),
  shrink_page_list: to('6.1', 'shrink_folio_list'),
  swap_readpage: to('6.9', 'swap_read_folio'),
  __lru_cache_add: to('5.16', 'folio_add_lru'),
  // block devices
  generic_make_request: to('5.9', 'submit_bio_noacct'),
  blk_start_request: to('5.0', 'blk_mq_start_request'),
  __blk_account_io_start: to('6.5', 'blk_account_io_start', 'the tracepoint block:block_io_start is there since'),
  __blk_account_io_done: to('6.5', 'blk_account_io_done', 'the tracepoint block:block_io_done is there since'),
  // network
  kfree_skb: to(
    '6.11',
    'sk_skb_reason_drop',
    'it is inlined since 5.17; the tracepoint skb:kfree_skb tells the reason',
  ),
  kfree_skb_reason: to('6.11', 'sk_skb_reason_drop'),
  dev_queue_xmit: to('5.18', '__dev_queue_xmit', 'it is inlined'),
  __netif_receive_skb_core: to('4.19', '__netif_receive_skb_core.constprop.0', "the compiler's name for it"),
  // interrupts, time
  do_IRQ: to('5.8', 'common_interrupt'),
  do_gettimeofday: to('5.0', 'ktime_get_real_ts64'),
  current_kernel_time64: to('5.0', 'ktime_get_coarse_real_ts64'),
  entry_SYSCALL_64_fastpath: to('4.16', 'do_syscall_64'),
};

/** System calls have had their machine's prefix since registers are passed in a structure. */
const SYSCALL = /^(?:sys|SyS|stub|ksys)_(\w+)$/;

/** Names of functions of older kernels of which something is known, without the system calls'. */
export const renamed = (): readonly string[] => Object.keys(RENAMED);

/** What a function of older kernels is now; undefined where nothing is known of it. */
export function becameOf(name: string): Renamed | undefined {
  if (Object.hasOwn(RENAMED, name)) return RENAMED[name];
  const call = SYSCALL.exec(name)?.[1];
  return call === undefined
    ? undefined
    : to(
        '4.17',
        `__x64_sys_${call}`,
        'its one argument is a struct pt_regs with those of the call: PT_REGS_SYSCALL_REGS(), or BPF_KSYSCALL',
      );
}

/** The same as a sentence for an error: `; in 5.10 it became kernel_clone`. @param has whether this kernel has a function */
export function becameText(name: string, has: (name: string) => boolean): string {
  const became = becameOf(name);
  const now = became?.now.filter(has) ?? [];
  return became && now.length > 0 ? `; in Linux ${became.since} it became ${now.join(' and ')}` : '';
}

export const RENAMED_FUNCTIONS = Object.keys(RENAMED);
