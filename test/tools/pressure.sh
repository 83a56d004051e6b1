# Recorded pressure.trace: on Linux 6.12.117 with 2600 MB, as root. Memory is filled until the kernel kills who fills it.
cd /sys/kernel/tracing
for e in oom/mark_victim vmscan/mm_vmscan_direct_reclaim_begin vmscan/mm_vmscan_direct_reclaim_end sched/sched_process_exec; do
  echo 1 >events/$e/enable
done
echo 1 >tracing_on
tail /dev/zero >/dev/null
echo 0 >tracing_on
cat trace
