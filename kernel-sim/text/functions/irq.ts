/**
 * Interrupts, softirqs and the timer tick (Linux 6.12 Documentation/timers/hrtimers.rst, core-api/irq): calls in the
 * order of Linux 6.12's function graph.
 */
export const irq: Readonly<Record<string, string>> = {
  // --- in and out ---
  'irq_enter_rcu()': 'hardirq+',
  'irq_exit_rcu()':
    'hardirq-; p = @softirq_pending(); handle_softirqs(0) if p; i = @idle_cpu(); tick_nohz_irq_exit() if i',
  'sysvec_apic_timer_interrupt(regs)':
    '@set_irq_regs(regs); irq_enter_rcu(); __sysvec_apic_timer_interrupt(regs); irq_exit_rcu(); irqentry_exit(regs)',
  '__sysvec_apic_timer_interrupt(regs)':
    'trace local_timer_entry(236); hrtimer_interrupt(0); trace local_timer_exit(236)',
  'sysvec_call_function_single(regs)':
    'irq_enter_rcu(); __sysvec_call_function_single(regs); irq_exit_rcu(); irqentry_exit(regs)',
  '__sysvec_call_function_single(regs)':
    'trace call_function_single_entry(251); generic_smp_call_function_single_interrupt(); trace call_function_single_exit(251)',
  'generic_smp_call_function_single_interrupt()': '__flush_smp_call_function_queue(1)',
  '__flush_smp_call_function_queue(warn_cpu_offline)': 'sched_ttwu_pending(0)',
  'sysvec_reschedule_ipi(regs)':
    'hardirq+; trace reschedule_entry(253); trace reschedule_exit(253); hardirq-; irqentry_exit(regs)',
  'common_interrupt(regs, vector)':
    'irq_enter_rcu(); __common_interrupt(regs, vector); irq_exit_rcu(); irqentry_exit(regs)',
  '__common_interrupt(regs, vector)': 'd = @irq_desc(); handle_edge_irq(d)',
  'handle_edge_irq(desc)': '_raw_spin_lock(desc); handle_irq_event(desc); _raw_spin_unlock(desc)',
  'handle_irq_event(desc)': 'r = __handle_irq_event_percpu(desc); add_interrupt_randomness(0); return r',
  '__handle_irq_event_percpu(desc:irq_desc)':
    'a:irqaction = @irq_action(desc); trace irq_handler_entry(desc->irq_data.irq, a); h = @irq_handler(a); r = *h(desc->irq_data.irq, a->dev_id); trace irq_handler_exit(desc->irq_data.irq, a, 1); return 1',
  'vring_interrupt(irq, vq)':
    'f = @irq_work(); a = @irq_work_arg(0); b = @irq_work_arg(1); c = @irq_work_arg(2); @done_at(); preempt+; *f(a, b, c); preempt-; @ends_at(); return 1',

  // --- softirqs ---
  'do_softirq()': 'irq-; handle_softirqs(0); irq+',
  'handle_softirqs(ksirqd)':
    'softirq+; loop; f = @softirq_take(); v = @softirq_vector(); irq+; trace softirq_entry(v) if f; *f(); trace softirq_exit(v) if f; irq-; m = @softirq_pending(); again if m; softirq-',
  'raise_softirq(nr)': 'irqsave; raise_softirq_irqoff(nr); irqrestore',
  'raise_softirq_irqoff(nr)': '__raise_softirq_irqoff(nr)',
  '__raise_softirq_irqoff(nr)': 'trace softirq_raise(nr); @raise_softirq(nr)',
  'run_timer_softirq()':
    'loop; f = @timer_expired(); a = @timer_argument(); *f(a); again if f; @wheel_next(); return 0',
  // the tick that finds a timer of the wheel due
  'timer_wheel_tick(timer): int': 'raise_softirq_irqoff(1); return 0',
  'tasklet_action()': '@ends_at()',
  'tasklet_hi_action()': '@ends_at()',
  'net_tx_action()': '@ends_at()',
  'irq_poll_softirq()': '@ends_at()',
  'blk_done_softirq()': '@ends_at()',
  'sched_balance_softirq()': 'sched_balance_update_blocked_averages(0); sched_balance_domains(0, 0); @ends_at()',
  'rcu_core_si()': 'rcu_core(); @ends_at()',
  'rcu_core()': 'loop; p = @rcu_callback(); delayed_put_task_struct(p) if p; again if p',
  // bpf_timer_cb of each that is due: nothing else here has a timer of the softirq
  'hrtimer_run_softirq()':
    'loop; f = @bpf_timer(); m = @bpf_timer_map(); k = @bpf_timer_key(); v = @bpf_timer_value(); *f(m, k, v); again if f; @ends_at()',

  // --- perf events that time passes ---
  'perf_swevent_hrtimer(timer)':
    'e = @perf_sampled(timer); r = @irq_regs(); d = @perf_sample_data(e, r); perf_event_overflow(e, d, r) if e; return 1',
  'perf_event_overflow(event, data, regs): int': 'n = __perf_event_overflow(event, 1, data, regs); return n',
  '__perf_event_overflow(event, throttle, data, regs): int':
    'p = @perf_prog_enter(event); c = @perf_context(event, data, regs); i = @perf_insns(event); n = *p(c, i); @perf_prog_exit(p); return n',

  // --- the tick ---
  'hrtimer_interrupt(dev)':
    '_raw_spin_lock_irqsave(0); ktime_get_update_offsets_now(0, 0, 0, 0); s = @hrtimer_soft_due(); raise_softirq_irqoff(8) if s; __hrtimer_run_queues(0, 0, 0, 0); hrtimer_update_next_event(0); _raw_spin_unlock_irqrestore(0, 0); tick_program_event(0, 0)',
  '__hrtimer_run_queues(base, now, flags, active_mask)':
    'loop; t = @hrtimer_first(); %now+0 = t; k = @hrtimer_now(%now) if t; f = @hrtimer_function(t); trace hrtimer_expire_entry(t, %now) if t; n = *f(t); trace hrtimer_expire_exit(t) if t; preempt+; r = @hrtimer_restarts(t, n); enqueue_hrtimer(r, 0, 0) if r; preempt-; again if t',
  'enqueue_hrtimer(timer, base, mode): int': 'trace hrtimer_start(timer, mode); return 1',
  'hrtimer_wakeup(timer)': 't = @hrtimer_sleeper(timer); wake_up_process(t) if t; return 0',
  'tick_nohz_handler(timer)':
    'ktime_get(); tick_do_update_jiffies64(0); u = @tick(); update_process_times(u); profile_tick(1); hrtimer_forward(timer, 0, 0); return 1',
  'tick_do_update_jiffies64(now)': 'calc_global_load(); update_wall_time()',
  'update_process_times(user_tick)':
    'account_process_tick(current, user_tick); hrtimer_run_queues(); t = @timers_due(); raise_softirq(1) if t; rcu_sched_clock_irq(user_tick); sched_tick(); run_posix_cpu_timers()',
  'account_process_tick(p, user_tick)': '@account_tick(user_tick)',
  'rcu_sched_clock_irq(user)': 'b = @rcu_pending(); raise_softirq(9) if b',
  'sched_tick()':
    'r = @this_rq(); preempt+; _raw_spin_lock(r); update_rq_clock(r); t = @runs(current); task_tick_fair(r, t, 0) if t; calc_global_load_tick(r); _raw_spin_unlock(r); preempt-; perf_event_task_tick(); sched_balance_trigger(r)',
  'task_tick_fair(rq, curr, queued)': 'update_curr(rq); p = @slice_over(curr); resched_curr(rq) if p',
  'sched_balance_trigger(rq)': 'b = @balance_due(); raise_softirq(7) if b',
};
