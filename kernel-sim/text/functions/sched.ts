/** The scheduler: sleeping, waking, switching. Calls in the order of Linux 6.12's function graph. */
export const sched: Readonly<Record<string, string>> = {
  // --- switching ---
  'schedule()': 'preempt+; __schedule(0); preempt-',
  'schedule_idle()': '__schedule(-1)',
  'do_task_dead()': 'preempt+; @task_dead(); __schedule(0)',
  '__schedule(mode)':
    'irq-; r = @this_rq(); rcu_note_context_switch(0); preempt+; _raw_spin_lock(r); update_rq_clock(r); p:task_struct = @task_current(); s = @prev_state(p); dequeue_task_fair(r, p, 9) if s; n = pick_next_task_fair(r, p, 0); @clear_resched(p); c = @unless_same(p, n); trace sched_switch(0, p, n, s) if c; w = @perf_counts(3); k = @caller_regs() if w; ___perf_sw_event(3, 1, k, 0) if w; q = __switch_to_asm(p, n) if c; finish_task_switch(q) if c; preempt-; irq+',
  'pick_next_task_fair(rq, prev, rf)':
    'p = @runs(prev); put_prev_task_fair(rq, p, 0) if p; n = @pick_next_task(); t = @runs(n); set_next_task_fair(rq, t, 1) if t; return n',
  'put_prev_task_fair(rq, prev, next)': 'update_curr(rq)',
  'set_next_task_fair(rq, p, first)': '@exec_start(p)',
  '___perf_sw_event(event_id, nr, regs, addr)':
    '@perf_count(event_id); loop; e = @perf_counted(); d = @perf_sample_data(e, regs) if e; __perf_event_overflow(e, 0, d, regs) if e; again if e',
  'finish_task_switch(prev)': '_raw_spin_unlock(0); d = @died(prev); put_task_struct_rcu_user(d) if d',

  // --- time on the CPU ---
  'update_curr(cfs_rq)': 'p = @update_curr(); d = @exec_delta(); trace sched_stat_runtime(p, d) if p',

  // --- run queues ---
  'dequeue_task_fair(rq, p, flags): int': 'update_curr(rq); @dequeue(p); hrtick_update(rq); return 1',
  'enqueue_task(rq, p, flags)': 'enqueue_task_fair(rq, p, flags); psi_task_change(p, 0, 4)',
  'enqueue_task_fair(rq, p, flags)': '@enqueue(p); hrtick_update(rq)',
  'wakeup_preempt(rq, p, flags)': 'c = @preempts(p, flags); resched_curr(rq) if c',
  'resched_curr(rq)': 'i = @resched_curr(rq); c = @resched_cpu(); native_smp_send_reschedule(c) if i',
  'set_task_cpu(p, new_cpu)':
    'trace sched_migrate_task(p, new_cpu); set_task_rq_fair(0, 0, 0); w = @perf_counts(4); k = @caller_regs() if w; ___perf_sw_event(4, 1, k, 0) if w; @set_task_cpu(p, new_cpu)',

  // --- waking ---
  'wake_up_process(p): int': 'n = try_to_wake_up(p, 3, 0); return n',
  'wake_up_state(p, state): int': 'n = try_to_wake_up(p, state, 0); return n',
  'try_to_wake_up(p:task_struct, state, wake_flags): int':
    'irqsave; preempt+; preempt+; _raw_spin_lock_irqsave(p); w = @wakes(p); trace sched_waking(w) if w; c = select_task_rq_fair(w, p->wake_cpu, wake_flags) if w; m = @migrates(w); set_task_cpu(w, c) if m; ttwu_queue_wakelist(w, c, wake_flags) if w; h = @ttwu_here(w); preempt+; r = @task_rq(p); update_rq_clock(r) if h; ttwu_do_activate(r, h, wake_flags) if h; preempt-; preempt-; preempt-; irqrestore; return h',
  'select_task_rq_fair(p, prev_cpu, wake_flags): int':
    '__rcu_read_lock(); __rcu_read_unlock(); n = @select_task_rq(p, prev_cpu); return n',
  'ttwu_queue_wakelist(p, cpu, wake_flags): int':
    'q = @ttwu_queue_wakelist(p); __smp_call_single_queue(cpu, q) if q; return q',
  '__smp_call_single_queue(cpu, node)': 'call_function_single_prep_ipi(cpu); native_send_call_func_single_ipi(cpu)',
  'native_send_call_func_single_ipi(cpu)': '@send_ipi(cpu, 251)',
  'native_smp_send_reschedule(cpu)': '@send_ipi(cpu, 253)',
  'ttwu_do_activate(rq, p, wake_flags)':
    'enqueue_task(rq, p, 9); wakeup_preempt(rq, p, wake_flags); @task_running(p); trace sched_wakeup(p)',
  'sched_ttwu_pending(arg)':
    'preempt+; r = @this_rq(); _raw_spin_lock(r); update_rq_clock(r); loop; p = @ttwu_pending(); ttwu_do_activate(r, p, 0) if p; again if p; _raw_spin_unlock(r); preempt-',
  'wake_up_new_task(p:task_struct)':
    'irqsave; preempt+; _raw_spin_lock_irqsave(p); select_task_rq_fair(p, p->wake_cpu, 4); __task_rq_lock(p, 0); preempt+; r = @task_rq(p); update_rq_clock(r); post_init_entity_util_avg(p); enqueue_task(r, p, 8); @task_running(p); trace sched_wakeup_new(p); wakeup_preempt(r, p, 4); preempt-; preempt-; irqrestore',

  // --- the end of a task ---
  'put_task_struct_rcu_user(task)': '@call_rcu(task)',
  'delayed_put_task_struct(rhp)': 'p = @rcu_task(rhp); trace sched_process_free(p); __put_task_struct(p)',
  '__put_task_struct(tsk)': '@put_task_struct(tsk)',
};
