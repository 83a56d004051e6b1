/** What is said to be out of reach of the model is never hit, whatever a recording does. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TRACEPOINTS } from '../../../kernel-sim/data/tracepoints.ts';
import { Kernel, type ProbeLink, syscalls } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

/** Attaches to every function that a kprobe may go to; what was said to be out of reach, and what was not. */
function everywhere(kernel: Kernel): { unreached: ProbeLink[]; others: ProbeLink[] } {
  const unreached: ProbeLink[] = [];
  const others: ProbeLink[] = [];
  const prog = program(kernel, 'everywhere', () => {});
  for (const { name, kind } of kernel.symbols.functions()) {
    if (kind === 'd' || kind !== kind?.toLowerCase()) continue;
    const at = kernel.symbols.address(name) as number;
    // those in reach cost time, and are hit or not
    if (kernel.text.maker.reaches(at) && others.length >= 50) continue;
    const link = kernel.probes.kprobe(prog, { symbol: name });
    (link.unreached === undefined ? others : unreached).push(link);
  }
  return { unreached, others };
}

describe('a function that nothing in the model calls', () => {
  it('is named when a program is attached to it, and is not hit', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const { unreached, others } = everywhere(kernel);
    expect(unreached.length).toBeGreaterThan(300);
    await kernel.replay(
      readStrace(readFileSync(new URL('../../../fixtures/traces/python3.strace', import.meta.url), 'utf8')).trace,
    );
    await kernel.replay(readStrace(readFileSync(new URL('../golden/bash.strace', import.meta.url), 'utf8')).trace);
    // every system call, done and refused, on sockets of each family, and of one that the model has not (AF_VSOCK)
    const steps = [0, -1, 3].flatMap((result) =>
      [1, 2, 10, 40].flatMap((family) => [
        call('socket', [family, 1, 0], 3),
        ...syscalls
          .filter(({ name }) => !/^(exit|exit_group|execve|execveat|fork|vfork|clone|clone3|rt_sigreturn)$/.test(name))
          .map(({ name }) => call(name, [3, 0, 0, 0, 0, 0], result)),
      ]),
    );
    const result = await kernel.replay(recording(steps));
    expect(result.oopses).toEqual([]);
    expect(unreached.filter((link) => link.hits !== 0).map((link) => link.symbol)).toEqual([]);
    expect(others.some((link) => (link.hits ?? 0) > 0)).toBe(true);
  });

  it('is said of hooks and tracepoints too', async () => {
    const kernel = await Kernel.boot();
    const prog = program(kernel, 'program', () => {});
    const lsm = (target: string): string | undefined =>
      kernel.probes.trampoline(prog, { kind: 'lsm', target, argSizes: [8], retSize: 4 }).unreached;
    expect(lsm('bpf_lsm_file_open')).toBeUndefined();
    expect(lsm('bpf_lsm_quotactl')).toBe('nothing in the model calls bpf_lsm_quotactl');
    expect(kernel.probes.tracepoint(prog, 'kmem', 'kfree').unreached).toBe(
      'nothing in the model makes the tracepoint kmem:kfree happen',
    );
    const fires = Object.keys(TRACEPOINTS).filter(
      (event) => kernel.probes.rawTracepoint(prog, event).unreached === undefined,
    );
    expect(fires.join(' ')).toBe(
      'sys_enter sys_exit sched_process_exec sched_process_fork sched_process_exit sched_process_free sched_process_wait sched_migrate_task sched_stat_runtime sched_switch sched_wakeup sched_wakeup_new sched_waking task_newtask task_rename signal_generate signal_deliver inet_sock_set_state softirq_entry softirq_exit softirq_raise irq_handler_entry irq_handler_exit local_timer_entry local_timer_exit reschedule_entry reschedule_exit call_function_single_entry call_function_single_exit block_rq_issue block_rq_insert block_io_start block_io_done block_rq_complete block_bio_queue block_getrq tcp_probe tcp_send_reset tcp_receive_reset tcp_destroy_sock tcp_rcv_space_adjust tcp_cong_state_set inet_sk_error_report sk_data_ready kfree_skb consume_skb net_dev_queue netif_receive_skb netif_rx net_dev_start_xmit net_dev_xmit napi_poll xdp_exception mm_page_alloc mm_filemap_add_to_page_cache mark_victim mm_migrate_pages_start hrtimer_start hrtimer_expire_entry hrtimer_expire_exit writeback_dirty_folio',
    );
  });
});
