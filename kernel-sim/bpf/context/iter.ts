/**
 * BPF iterators: what their contexts' pointers are beyond what BTF says (`bpf_iter_reg.ctx_arg_info`,
 * kernel/bpf/*_iter.c, net/, Linux 6.12; Documentation/bpf/bpf_iterators.rst).
 */
import type { IterArg } from '../../../src/verifier/kernel.ts';

const object = (btfType: string, trusted = false): IterArg => ({
  regType: 'PTR_TO_BTF_ID',
  regFlags: trusted ? ['PTR_MAYBE_NULL', 'PTR_TRUSTED'] : ['PTR_MAYBE_NULL'],
  btfType,
});
const buffer = (readOnly: boolean): IterArg => ({
  regType: 'PTR_TO_BUF',
  regFlags: readOnly ? ['PTR_MAYBE_NULL', 'MEM_RDONLY'] : ['PTR_MAYBE_NULL'],
});

/** Targets by name; arguments by their offset in the context. */
const TARGETS: Readonly<Record<string, Readonly<Record<number, IterArg>>>> = {
  bpf_map_elem: { 16: buffer(true), 24: buffer(false) },
  ksym: { 8: object('kallsym_iter') },
  bpf_map: { 8: object('bpf_map', true) },
  task_vma: { 8: object('task_struct'), 16: object('vm_area_struct') },
  task_file: { 8: object('task_struct'), 24: object('file') },
  task: { 8: object('task_struct', true) },
  bpf_prog: { 8: object('bpf_prog') },
  bpf_link: { 8: object('bpf_link') },
  cgroup: { 8: object('cgroup', true) },
  sockmap: { 16: buffer(true), 24: object('sock') },
  bpf_sk_storage_map: { 16: object('sock'), 24: buffer(false) },
  netlink: { 8: object('netlink_sock') },
  tcp: { 8: object('sock_common', true) },
  udp: { 8: object('udp_sock', true) },
  unix: { 8: object('unix_sock') },
  ipv6_route: { 8: object('fib6_info') },
};

const PREFIX = 'bpf_iter_';

/** Arguments of the target that a function stands for, `bpf_iter_task`; undefined where there is no such target. */
export function iterTarget(func: string): ((off: number) => IterArg | undefined) | undefined {
  const target = func.startsWith(PREFIX) ? TARGETS[func.slice(PREFIX.length)] : undefined;
  return target && ((off) => target[off]);
}
