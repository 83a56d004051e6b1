/** Section names and what libbpf 1.5 makes of them. */
import { describe, expect, it } from 'vitest';
import { matchSection, SECTION_RULES } from '../../src/object/index.ts';
import { attachType, progType } from '../../src/uapi/index.ts';

const say = (name: string): string => {
  const match = matchSection(name);
  if (!match) return 'unknown';
  const { rule, target, legacy } = match;
  return [
    rule.type,
    rule.attachType ?? '-',
    target ?? '-',
    rule.sleepable ? 'sleepable' : '',
    rule.frags ? 'frags' : '',
    rule.onReturn ? 'return' : '',
    legacy ? 'legacy' : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
};

describe('matchSection', () => {
  it.each([
    ['kprobe/do_sys_openat2', 'kprobe - do_sys_openat2'],
    ['kprobe', 'kprobe - -'],
    ['kprobes', 'unknown'],
    ['kretprobe/x', 'kprobe - x return'],
    ['kprobe.multi/tcp_*', 'kprobe trace_kprobe_multi tcp_*'],
    ['kprobe.session/x', 'kprobe trace_kprobe_session x'],
    ['uprobe.s//bin/bash:readline', 'kprobe - /bin/bash:readline sleepable'],
    ['uretprobe.multi.s/a:b', 'kprobe trace_uprobe_multi a:b sleepable return'],
    ['ksyscall/openat', 'kprobe - openat'],
    ['usdt/libc:probe', 'kprobe - libc:probe'],
    ['tp/sched/sched_switch', 'tracepoint - sched/sched_switch'],
    ['tracepoint/syscalls/sys_enter_openat', 'tracepoint - syscalls/sys_enter_openat'],
    ['raw_tp.w/x', 'raw_tracepoint_writable - x'],
    ['tp_btf/sched_switch', 'tracing trace_raw_tp sched_switch'],
    ['fentry.s/vfs_read', 'tracing trace_fentry vfs_read sleepable'],
    ['fmod_ret/x', 'tracing modify_return x'],
    ['lsm.s/file_open', 'lsm lsm_mac file_open sleepable'],
    ['lsm_cgroup/socket_bind', 'lsm lsm_cgroup socket_bind'],
    ['iter/task', 'tracing trace_iter task'],
    ['xdp', 'xdp xdp -'],
    ['xdp.frags/cpumap', 'xdp xdp_cpumap - frags'],
    ['xdp/devmap', 'xdp xdp_devmap -'],
    ['xdp_prog0', 'xdp xdp - legacy'],
    ['socket2', 'socket_filter - - legacy'],
    ['tc', 'sched_cls - -'],
    ['tc/ingress', 'sched_cls tcx_ingress -'],
    ['tcx/egress', 'sched_cls tcx_egress -'],
    ['classifier/main', 'sched_cls - - legacy'],
    ['netkit/peer', 'sched_cls netkit_peer -'],
    ['cgroup/connect4', 'cgroup_sock_addr cgroup_inet4_connect -'],
    ['cgroup/connect_unix', 'cgroup_sock_addr cgroup_unix_connect -'],
    ['cgroup/sock1', 'cgroup_sock cgroup_inet_sock_create - legacy'],
    ['cgroup_skb/egress', 'cgroup_skb cgroup_inet_egress -'],
    ['sk_skb/verdict', 'sk_skb sk_skb_verdict -'],
    ['sk_reuseport/migrate', 'sk_reuseport sk_reuseport_select_or_migrate -'],
    ['struct_ops.s/x', 'struct_ops - x sleepable'],
    ['syscall', 'syscall - - sleepable'],
    ['netfilter', 'netfilter netfilter -'],
    ['.text', 'unknown'],
    ['2/1', 'unknown'],
  ])('%s', (name, expected) => {
    expect(say(name)).toBe(expected);
  });

  it('names types that the kernel has', () => {
    for (const rule of SECTION_RULES) {
      expect(progType(rule.type)).toBeGreaterThan(0);
      if (rule.attachType) expect(attachType(rule.attachType)).toBeGreaterThanOrEqual(0);
    }
  });
});
