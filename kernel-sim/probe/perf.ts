/** perf_event_open(2) for what BPF programs use: kprobe, uprobe, tracepoint, software and hardware events, and rings of BPF output. */
import type { Addr } from '../../src/machine/addr.ts';
import {
  PERF_FLAG_FD_CLOEXEC,
  PERF_FLAG_FD_NO_GROUP,
  PERF_FLAG_FD_OUTPUT,
  PERF_FLAG_PID_CGROUP,
  PERF_TYPE,
} from '../../src/uapi/index.ts';
import { KernelError, orErrno } from '../core/errno.ts';
import { capable, type Process, perfmonCapable } from '../core/process.ts';
import type { DynamicEvent } from '../vfs/tracefs/dynamic-events.ts';
import { type AttrBytes, copyAttr, eventOf } from './perf-attr.ts';
import { PerfEvent, type PerfFloor } from './perf-event.ts';
import { NO_OPTIONS, type PerfAttr } from './perf-types.ts';

export { PerfEvent } from './perf-event.ts';
export type { PerfAttr, PerfOptions } from './perf-types.ts';

/** An event of kprobe_events or uprobe_events is its probe. */
const madeEvent = ({ kind, place, offset, isReturn: ret }: DynamicEvent): PerfAttr =>
  kind === 'uprobe' ? { type: 'uprobe', path: place, offset, ret } : { type: 'kprobe', func: place, offset, ret };

const FLAGS = PERF_FLAG_FD_NO_GROUP | PERF_FLAG_FD_OUTPUT | PERF_FLAG_PID_CGROUP | PERF_FLAG_FD_CLOEXEC;

/** types of `struct perf_event_attr` that count what a processor does and are not modelled */
const HARDWARE_TYPES: ReadonlyMap<number, string> = new Map([
  [PERF_TYPE.HW_CACHE, 'PERF_TYPE_HW_CACHE'],
  [PERF_TYPE.RAW, 'PERF_TYPE_RAW'],
  [PERF_TYPE.BREAKPOINT, 'PERF_TYPE_BREAKPOINT'],
]);

export class Perf {
  readonly #kernel: PerfFloor;
  readonly #events = new Set<PerfEvent>();
  #lastId = 0;
  /** told of what Linux has and the model does not */
  onNotModelled: ((what: string) => void) | undefined;
  constructor(kernel: PerfFloor) {
    this.#kernel = kernel;
  }
  /** Whether a program is attached to any of its events. */
  get isUsed(): boolean {
    for (const { prog } of this.#events) if (prog !== undefined) return true;
    return false;
  }
  /** perf_event_open(2): a descriptor. @throws KernelError ENOENT: no such symbol or tracepoint */
  open(attr: PerfAttr, pid = -1, cpu = 0): { readonly fd: number; readonly event: PerfEvent } {
    const event = this.#make(attr, pid, cpu, undefined);
    return { fd: this.#kernel.fds.install(event), event };
  }
  #make(attr: PerfAttr, pid: number, cpu: number, given: AttrBytes | undefined): PerfEvent {
    const place = { pid, cpu, id: ++this.#lastId };
    const event = new PerfEvent(this.#kernel, attr, place, given?.options ?? NO_OPTIONS, this.#events);
    this.#events.add(event);
    return event;
  }

  /**
   * perf_event_open(2) by its ABI, as a process makes it.
   * @param attr address of `struct perf_event_attr` in the process's memory
   * @returns a descriptor or -errno; nothing is thrown
   */
  syscall(attr: Addr, pid: number, cpu: number, groupFd: number, flags: number, process: Process): number {
    return orErrno(() => process.fds.install(this.#open(attr, pid, cpu, groupFd, flags, process)));
  }
  #open(at: Addr, pid: number, cpu: number, groupFd: number, flags: number, process: Process): PerfEvent {
    const fail = (errno: KernelError['errno'], message: string): never => {
      throw new KernelError(errno, message);
    };
    if (flags & ~FLAGS) fail('EINVAL', `flags ${flags}`);
    const attr = copyAttr(process, at);
    const { sysctl, tasks, cpus } = this.#kernel;
    // Debian's: not for anybody else at all
    if (sysctl.perfEventParanoid > 2 && !capable(process, 'SYS_ADMIN')) fail('EACCES', 'CAP_SYS_ADMIN is needed');
    if (sysctl.perfEventParanoid > 1 && !perfmonCapable(process)) fail('EACCES', 'CAP_PERFMON is needed');
    const { options } = attr;
    if (options.isFreq && options.samplePeriod > BigInt(sysctl.perfEventMaxSampleRate))
      fail('EINVAL', `${options.samplePeriod} samples a second`);
    if (!options.isFreq && options.samplePeriod >> 63n !== 0n) fail('EINVAL', 'a period of the upper half');
    if (flags & PERF_FLAG_PID_CGROUP && (pid === -1 || cpu === -1)) fail('EINVAL', 'a cgroup event needs a CPU');
    if (groupFd !== -1 && !(process.fds.find(groupFd) instanceof PerfEvent)) fail('EBADF', 'the group leader');
    if (flags & PERF_FLAG_PID_CGROUP) this.#notModelled('perf events of a cgroup');
    const thread = pid === 0 ? process.tid : pid;
    if (pid > 0 && tasks.find(pid) === undefined && pid !== process.tid) fail('ESRCH', `no task ${pid}`);
    if (cpu < 0 && (pid === -1 || cpu !== -1)) fail('EINVAL', 'neither a task nor a CPU');
    if (cpu >= cpus) fail('EINVAL', `no CPU ${cpu}`);
    return this.#make(this.#event(attr, process), thread, cpu, attr);
  }
  /** What is probed must be there now, not only when a program is to run there. */
  #event(bytes: AttrBytes, process: Process): PerfAttr {
    const made = bytes.type === PERF_TYPE.TRACEPOINT ? this.#kernel.madeEvents.byId(Number(bytes.config)) : undefined;
    // a machine without such counters answers as one that has none: it is told that there could be some
    const hardware = HARDWARE_TYPES.get(bytes.type);
    if (hardware !== undefined) this.onNotModelled?.(`perf_event_open type ${bytes.type} (${hardware})`);
    const attr = made ? madeEvent(made) : eventOf(bytes, process);
    if (attr.type === 'kprobe') {
      const { func, address, offset, ret } = attr;
      this.#kernel.probes.checkKprobe({
        ...(func === undefined ? {} : { symbol: func }),
        ...(address === undefined ? {} : { address }),
        offset: offset ?? 0,
        ret: ret ?? false,
      });
    }
    if (attr.type === 'uprobe') this.#kernel.probes.uprobes.check(attr);
    return attr;
  }
  #notModelled(what: string): never {
    this.onNotModelled?.(what);
    throw new KernelError('EOPNOTSUPP', `${what} are not modelled yet`);
  }
}
