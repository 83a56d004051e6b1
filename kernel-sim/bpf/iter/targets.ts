/**
 * Targets of iterators, one row each: what `union bpf_iter_link_info` may say of them, what information about their link tells, and
 * what is gone over (Linux 6.12 Documentation/bpf/bpf_iterators.rst; kernel/bpf/*_iter.c).
 */

import { cgroupOf } from '../../cgroup/cgroup.ts';
import { CGROUP_ORDER, cgroups } from '../../iter/cgroups.ts';
import { ksyms } from '../../iter/ksym.ts';
import { netlink, tcp, udp, unix } from '../../iter/sockets.ts';
import type { Walk } from '../../iter/target.ts';
import { type TaskChoice, taskAreas, taskFiles, tasks } from '../../iter/tasks.ts';
import type { LinkFields } from '../attach/attachment.ts';
import { BpfError } from '../errors.ts';
import { type BpfMap, LocalStorageMap, SockMap } from '../maps/index.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import { elements, hasElements, isPerCpu, links, maps, progs, sockets, storages } from './objects.ts';

/** An iterator that a link is for. */
export interface Bound {
  readonly info: LinkFields;
  /** what must live as long */
  readonly map?: BpfMap;
  /** A walk of its own, for one who reads. */
  open(): Walk;
}
interface Target {
  /** sleepable programs may be attached: their reader may be put to sleep between elements */
  readonly maySleep?: true;
  /** `info`: `union bpf_iter_link_info`, zeroes where it was not given */
  bind(state: BpfState, info: DataView, prog: BpfProg): Bound;
}

const COMMAND = 'BPF_LINK_CREATE';
const fail = (errno: 'EINVAL' | 'EBADF' | 'EACCES', what: string): never => {
  throw new BpfError(COMMAND, errno, what);
};
const whole = (open: (state: BpfState) => Walk, more: Partial<Target> = {}): Target => ({
  ...more,
  bind: (state) => ({ info: {}, open: () => open(state) }),
});
/** `bpf_iter_link_info.task`: at most one of tid, pid and pid_fd */
const ofTasks = (open: (kernel: BpfState['kernel'], choice: TaskChoice) => Walk): Target => ({
  maySleep: true,
  bind: ({ kernel }, info) => {
    const [tid, pid, fd] = [0, 4, 8].map((at) => info.getUint32(at, true)) as [number, number, number];
    if ([tid, pid, fd].filter((n) => n !== 0).length > 1) fail('EINVAL', 'one of tid, pid and pid_fd at most');
    if (fd !== 0) fail('EBADF', `${fd} is no pidfd`);
    const choice: TaskChoice = { ...(tid === 0 ? {} : { tid }), ...(pid === 0 ? {} : { pid }) };
    return { info: tid === 0 && pid === 0 ? {} : { task: { tid, pid } }, open: () => open(kernel, choice) };
  },
});
/** `bpf_iter_link_info.map`: what the program accesses must be there */
const ofMap = (fits: (map: BpfMap) => boolean, open: (state: BpfState, map: BpfMap) => Walk): Target => ({
  bind: (state, info, prog) => {
    const fd = info.getUint32(0, true);
    if (fd === 0) fail('EBADF', 'no map_fd was given');
    const map = state.mapByFd(COMMAND, fd);
    if (!fits(map)) fail('EINVAL', `${map.describe()} has no elements to go over`);
    const room = isPerCpu(map) ? ((map.valueSize + 7) & ~7) * state.host.cpus : map.valueSize;
    const { rdonly: keys, rdwr: values } = prog.init.maxAccess;
    if (keys > map.keySize || values > room)
      fail('EACCES', `the program accesses ${keys} bytes of keys of ${map.keySize}, ${values} of values of ${room}`);
    return { info: { map: { map_id: map.id } }, map, open: () => open(state, map) };
  },
});
const cgroup: Target = {
  maySleep: true,
  bind: ({ kernel, process }, info) => {
    const [order, fd] = [info.getUint32(0, true), info.getUint32(4, true)];
    const id = Number(info.getBigUint64(8, true));
    if (order < CGROUP_ORDER.SELF_ONLY || order > CGROUP_ORDER.ANCESTORS_UP) fail('EINVAL', `cgroup.order ${order}`);
    if (fd !== 0 && id !== 0) fail('EINVAL', 'cgroup_fd or cgroup_id, not both');
    const held = fd === 0 ? kernel.cgroups.root : cgroupOf(process.fds.find(fd));
    if (held === undefined) return fail('EBADF', `${fd} is no cgroup`);
    const from = id === 0 ? held : [...kernel.cgroups.all()].find((group) => group.id === id);
    if (from === undefined) throw new BpfError(COMMAND, 'ENOENT', `no cgroup has the id ${id}`);
    return { info: { cgroup: { cgroup_id: BigInt(from.id), order } }, open: () => cgroups(kernel, from, order) };
  },
};

const TARGETS: Readonly<Record<string, Target>> = {
  task: ofTasks(tasks),
  task_file: ofTasks(taskFiles),
  task_vma: ofTasks(taskAreas),
  bpf_map: whole(maps),
  bpf_prog: whole(progs),
  bpf_link: whole(links),
  bpf_map_elem: ofMap(hasElements, elements),
  bpf_sk_storage_map: ofMap(
    (map) => map instanceof LocalStorageMap,
    (_, map) => storages(map as LocalStorageMap),
  ),
  sockmap: ofMap(
    (map) => map instanceof SockMap,
    (state, map) => sockets(state, map as SockMap),
  ),
  cgroup,
  ksym: whole(({ kernel }) => ksyms(kernel), { maySleep: true }),
  tcp: whole(({ kernel }) => tcp(kernel)),
  udp: whole(({ kernel }) => udp(kernel)),
  unix: whole(({ kernel }) => unix(kernel)),
  netlink: whole(({ kernel }) => netlink(kernel)),
};

/** Names of the targets that the model has. */
export const ITER_TARGETS: readonly string[] = Object.keys(TARGETS);
export const iterTargetOf = (name: string): Target | undefined => TARGETS[name];
