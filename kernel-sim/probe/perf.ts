/** perf_event_open(2) for what BPF programs attach to: kprobe, uprobe, tracepoint, software and hardware events. */

import { KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Probes } from './probes.ts';
import type { ProbeLink, ProgRef } from './types.ts';

/** `struct perf_event_attr`, as far as it matters; `type` by PMU name as /sys/bus/event_source/devices has it. */
export type PerfAttr =
  | {
      readonly type: 'kprobe';
      readonly func?: string;
      readonly address?: number;
      readonly offset?: number;
      readonly ret?: boolean;
    }
  | { readonly type: 'uprobe'; readonly path: string; readonly offset: number; readonly ret?: boolean }
  | { readonly type: 'tracepoint'; readonly category: string; readonly event: string }
  | {
      readonly type: 'software' | 'hardware';
      readonly config: number;
      readonly samplePeriod?: number;
      readonly freq?: number;
    };

type PerfFloor = ObjectFloor & { readonly probes: Probes };

export class PerfEvent implements FdObject {
  readonly fdName = 'anon_inode:[perf_event]';
  readonly attr: PerfAttr;
  readonly pid: number;
  readonly cpu: number;
  readonly #kernel: PerfFloor;
  /** set while a program is attached */
  link: ProbeLink | undefined;
  /** the program that is attached */
  prog: ProgRef | undefined;
  enabled = true;
  #refs = 1;
  constructor(kernel: PerfFloor, attr: PerfAttr, pid: number, cpu: number) {
    this.#kernel = kernel;
    this.attr = attr;
    this.pid = pid;
    this.cpu = cpu;
  }
  save() {
    return { link: this.link, enabled: this.enabled, refs: this.#refs };
  }
  restore({ link, enabled, refs }: ReturnType<PerfEvent['save']>): void {
    this.link = link;
    this.enabled = enabled;
    this.#refs = refs;
  }

  /** PERF_EVENT_IOC_SET_BPF, also what BPF_LINK_CREATE on a perf event does. @throws KernelError EEXIST, EINVAL, ENOENT */
  setBpf(prog: ProgRef, cookie?: bigint): ProbeLink {
    if (this.link) throw new KernelError('EEXIST', 'the perf event has a program already');
    const a = this.attr;
    const probes = this.#kernel.probes;
    const extra = cookie === undefined ? {} : { cookie };
    if (a.type === 'kprobe') {
      this.link = probes.kprobe(prog, {
        ...(a.func === undefined ? {} : { symbol: a.func }),
        ...(a.address === undefined ? {} : { address: a.address }),
        offset: a.offset ?? 0,
        ret: a.ret ?? false,
        ...extra,
      });
    } else if (a.type === 'tracepoint') {
      this.link = probes.tracepoint(prog, a.category, a.event, cookie);
    } else if (a.type === 'uprobe') {
      throw new KernelError(
        'EOPNOTSUPP',
        'probes in user space programs are not modelled: a recording has no code to patch',
      );
    } else this.link = probes.sampler(prog, a.type, a);
    this.prog = prog;
    return this.link;
  }
  /** A BPF link that was made on it refers to it, beside its descriptors. */
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs > 0) return;
    this.link?.detach();
    this.link = undefined;
    this.prog = undefined;
  }
  release(): void {
    this.put();
  }
}

export class Perf {
  readonly #kernel: PerfFloor;
  constructor(kernel: PerfFloor) {
    this.#kernel = kernel;
  }
  /** perf_event_open(2): a descriptor. @throws KernelError ENOENT: no such symbol or tracepoint */
  open(attr: PerfAttr, pid = -1, cpu = 0): { readonly fd: number; readonly event: PerfEvent } {
    const event = new PerfEvent(this.#kernel, attr, pid, cpu);
    return { fd: this.#kernel.fds.install(event), event };
  }
}
