/** A perf event: what perf_event_open(2) gives, with its ioctls, its ring and the records that go there (Linux 6.12 kernel/events/core.c). */
import type { Addr } from '../../src/machine/addr.ts';
import { addrToBigInt } from '../../src/machine/addr.ts';
import {
  BPF_PROG_TYPE,
  PERF_COUNT_SW,
  PERF_EVENT_IOC,
  PERF_FORMAT,
  PERF_RECORD,
  PERF_RECORD_MISC_KERNEL,
  PERF_RECORD_MISC_USER,
  PERF_SAMPLE,
} from '../../src/uapi/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import { ERRNO, KernelError, orErrno } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { EPOLLHUP, EPOLLIN, EPOLLRDNORM, type Mapping } from '../core/file-ops.ts';
import { type Process, perfmonCapable } from '../core/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { PerfRing } from './perf-ring.ts';
import type { PerfAttr, PerfOptions } from './perf-types.ts';
import type { Probes } from './probes.ts';
import type { Happened } from './tracepoints.ts';
import type { ProbeLink, ProgRef } from './types.ts';

export type PerfFloor = ObjectFloor & { readonly probes: Probes };

const PAGE = 4096;
/** sizeof(struct perf_event), about */
const STRUCT_BYTES = 1024;
/** BPF_TRACE_MAX_PROGS, above which QUERY_BPF is not answered */
const MAX_PROGS = 64;

/** A program behind a descriptor, as PERF_EVENT_IOC_SET_BPF takes it. */
type ProgObject = FdObject & ProgRef & { readonly type: number; readonly id: number };
const isProg = (object: FdObject | undefined): object is ProgObject => object?.fdName === 'anon_inode:bpf-prog';

export class PerfEvent implements FdObject {
  readonly fdName = 'anon_inode:[perf_event]';
  readonly attr: PerfAttr;
  readonly options: PerfOptions;
  /** thread that it is for, -1 for all; 0 was resolved */
  readonly pid: number;
  readonly cpu: number;
  /** PERF_EVENT_IOC_ID */
  readonly id: number;
  /** set while a program is attached */
  link: ProbeLink | undefined;
  /** the program that is attached */
  prog: ProgRef | undefined;
  enabled: boolean;
  /** all events that have a program, of the same tracepoint among them */
  readonly #others: ReadonlySet<PerfEvent>;
  readonly #kernel: PerfFloor;
  #cookie: bigint | undefined;
  #ring: PerfRing | undefined;
  #maps = 0;
  #addr: Addr = 0;
  #enabledAt: number;
  #enabledFor = 0;
  #refs = 1;
  /** times that a tracepoint's event happened where it is for, since the last reset */
  #count = 0;
  /** events to the next sample */
  #left: bigint;
  /** records that found no room: PERF_FORMAT_LOST */
  #lost = 0;
  readonly #uncount: () => void;

  constructor(
    kernel: PerfFloor,
    attr: PerfAttr,
    place: { readonly pid: number; readonly cpu: number; readonly id: number },
    options: PerfOptions,
    others: ReadonlySet<PerfEvent> = new Set(),
  ) {
    this.#kernel = kernel;
    this.attr = attr;
    this.options = options;
    this.pid = place.pid;
    this.cpu = place.cpu;
    this.id = place.id;
    this.#others = others;
    this.enabled = !options.disabled;
    this.#enabledAt = kernel.clock.now;
    this.#uncount = this.#countEvents();
    this.#left = this.options.samplePeriod;
  }
  save() {
    return {
      link: this.link,
      prog: this.prog,
      enabled: this.enabled,
      refs: this.#refs,
      count: this.#count,
      left: this.#left,
    };
  }
  restore({ link, prog, enabled, refs, count, left }: ReturnType<PerfEvent['save']>): void {
    this.#count = count;
    this.#left = left;
    this.link = link;
    this.prog = prog;
    this.enabled = enabled;
    this.#refs = refs;
  }

  /** `struct perf_event` in the kernel, which a map's slot holds. */
  get addr(): Addr {
    if (this.#addr === 0) this.#addr = this.#kernel.slab.kmalloc(STRUCT_BYTES);
    return this.#addr;
  }
  /** CPU that it is active on, -1 while it is off. */
  get oncpu(): number {
    return this.enabled ? this.cpu : -1;
  }
  get #isTracing(): boolean {
    return this.attr.type === 'kprobe' || this.attr.type === 'uprobe' || this.attr.type === 'tracepoint';
  }

  /** PERF_EVENT_IOC_SET_BPF, also what BPF_LINK_CREATE on a perf event does. @throws KernelError EEXIST, EINVAL, ENOENT */
  setBpf(prog: ProgRef, cookie?: bigint): ProbeLink {
    if (this.link) throw new KernelError('EEXIST', 'the perf event has a program already');
    this.#cookie = cookie;
    this.link = this.#attach(prog);
    this.prog = prog;
    // those with programs stand in the order in which they got them
    (this.#others as Set<PerfEvent>).delete(this);
    (this.#others as Set<PerfEvent>).add(this);
    return this.link;
  }
  #attach(prog: ProgRef): ProbeLink {
    const a = this.attr;
    const { probes } = this.#kernel;
    const extra = this.#cookie === undefined ? {} : { cookie: this.#cookie };
    switch (a.type) {
      case 'kprobe':
        return probes.kprobe(prog, {
          ...(a.func === undefined ? {} : { symbol: a.func }),
          ...(a.address === undefined ? {} : { address: a.address }),
          offset: a.offset ?? 0,
          ret: a.ret ?? false,
          ...extra,
        });
      case 'tracepoint':
        return probes.tracepoint(prog, a.category, a.event, this.#cookie);
      case 'uprobe':
        return probes.uprobe(prog, {
          path: a.path,
          offset: a.offset,
          ret: a.ret ?? false,
          ...(a.refCounter === undefined ? {} : { refCounter: a.refCounter }),
          ...(this.pid < 0 ? {} : { tgid: this.#kernel.tasks.find(this.pid)?.tgid ?? this.pid }),
          ...extra,
        });
      default:
        return probes.sampler(prog, a.type, {
          ...a,
          config: a.type === 'hardware' ? PERF_COUNT_SW.CPU_CLOCK : a.config,
          cpu: this.cpu,
          only: () => this.#samples,
          event: this.addr,
        });
    }
  }
  /** Whether a sample of the current task on this CPU is one of the event's. */
  get #samples(): boolean {
    const { context, tasks } = this.#kernel;
    return (
      this.enabled && (this.cpu < 0 || this.cpu === context.cpu) && (this.pid < 0 || this.pid === tasks.current.pid)
    );
  }

  // --- ioctl(2) ---

  ioctl(request: number, arg: Addr, process: Process): number {
    return orErrno(() => this.#ioctl(request, arg, process));
  }
  #ioctl(request: number, arg: Addr, process: Process): number {
    const { memory } = process;
    switch (request) {
      case PERF_EVENT_IOC.ENABLE:
        if (!this.enabled) this.#enabledAt = this.#kernel.clock.now;
        this.enabled = true;
        return 0;
      case PERF_EVENT_IOC.DISABLE:
        if (this.enabled) this.#enabledFor += this.#kernel.clock.now - this.#enabledAt;
        this.enabled = false;
        return 0;
      case PERF_EVENT_IOC.RESET:
        this.#count = 0;
        return 0;
      case PERF_EVENT_IOC.REFRESH:
        return 0;
      case PERF_EVENT_IOC.ID:
        return memory.write(arg, u64(BigInt(this.id))) ? 0 : -ERRNO.EFAULT;
      case PERF_EVENT_IOC.PERIOD: {
        const bytes = memory.read(arg, 8);
        if (bytes === undefined) return -ERRNO.EFAULT;
        const period = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
        if (this.options.samplePeriod === 0n || period === 0n || period >> 63n !== 0n) return -ERRNO.EINVAL;
        this.#setPeriod(period);
        return 0;
      }
      case PERF_EVENT_IOC.SET_BPF:
        return this.#ioctlSetBpf(arg | 0, process);
      case PERF_EVENT_IOC.QUERY_BPF:
        return this.#queryBpf(arg, process);
      case PERF_EVENT_IOC.PAUSE_OUTPUT:
        if (this.#ring === undefined) return -ERRNO.EINVAL;
        this.#ring.paused = arg !== 0;
        return 0;
      default:
        return -ERRNO.ENOTTY;
    }
  }
  #setPeriod(period: bigint): void {
    const a = this.attr;
    Object.assign(this.options, { samplePeriod: period });
    this.#left = period;
    if (a.type !== 'software' && a.type !== 'hardware') return;
    Object.assign(a, this.options.isFreq ? { freq: Number(period) } : { samplePeriod: Number(period) });
    const { prog } = this;
    if (prog === undefined) return;
    this.link?.detach();
    this.link = this.#attach(prog);
  }
  /** `perf_event_set_bpf_prog` */
  #ioctlSetBpf(fd: number, { fds }: Process): number {
    const prog = fds.find(fd);
    if (prog === undefined) return -ERRNO.EBADF;
    if (!isProg(prog)) return -ERRNO.EINVAL;
    const wanted = { kprobe: BPF_PROG_TYPE.KPROBE, uprobe: BPF_PROG_TYPE.KPROBE, tracepoint: BPF_PROG_TYPE.TRACEPOINT };
    const type = this.#isTracing ? wanted[this.attr.type as keyof typeof wanted] : BPF_PROG_TYPE.PERF_EVENT;
    if (prog.type !== type) return -ERRNO.EINVAL;
    this.setBpf(prog);
    // the event holds its program, as a link would
    prog.get?.();
    this.#held = prog;
    return 0;
  }
  #held: FdObject | undefined;
  /** `perf_event_query_prog_array` */
  #queryBpf(at: Addr, process: Process): number {
    if (!perfmonCapable(process)) return -ERRNO.EPERM;
    const own = this.attr;
    if (own.type !== 'tracepoint') return -ERRNO.EINVAL;
    const head = process.memory.read(at, 4);
    if (head === undefined) return -ERRNO.EFAULT;
    const room = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
    if (room > MAX_PROGS) return -ERRNO.E2BIG;
    const ids: number[] = [];
    for (const { attr, prog } of this.#others) {
      if (attr.type !== 'tracepoint' || attr.category !== own.category || attr.event !== own.event) continue;
      if (prog !== undefined && 'id' in prog) ids.push(prog.id as number);
    }
    const out = new Uint8Array(4 + 4 * Math.min(ids.length, room));
    const view = new DataView(out.buffer);
    view.setUint32(0, ids.length, true);
    ids.slice(0, room).forEach((id, n) => {
      view.setUint32(4 + 4 * n, id, true);
    });
    if (!process.memory.write(at + 4, out)) return -ERRNO.EFAULT;
    return room > 0 && room < ids.length ? -ERRNO.ENOSPC : 0;
  }

  // --- read(2), mmap(2), poll(2) ---

  /** The count, and what read_format asks for. */
  read(bytes: number): Uint8Array | number {
    const { readFormat } = this.options;
    const running = this.#enabledFor + (this.enabled ? this.#kernel.clock.now - this.#enabledAt : 0);
    const words = [BigInt(this.attr.type === 'tracepoint' ? this.#count : (this.link?.hits ?? 0))];
    if (readFormat & PERF_FORMAT.GROUP) words.unshift(1n);
    if (readFormat & PERF_FORMAT.TOTAL_TIME_ENABLED) words.push(BigInt(Math.round(running)));
    if (readFormat & PERF_FORMAT.TOTAL_TIME_RUNNING) words.push(BigInt(Math.round(running)));
    if (readFormat & PERF_FORMAT.ID) words.push(BigInt(this.id));
    if (readFormat & PERF_FORMAT.LOST) words.push(BigInt(this.#lost));
    if (bytes < 8 * words.length) return -ERRNO.ENOSPC;
    const out = new Uint8Array(8 * words.length);
    words.forEach((word, n) => {
      out.set(u64(word), 8 * n);
    });
    return out;
  }
  /** `perf_mmap`: a page and a power of two of data pages; all mappings show the same ring. */
  mmap(offset: number, bytes: number, prot: number): Mapping | number {
    if (this.cpu < 0 && this.pid < 0) return -ERRNO.EINVAL;
    const pages = bytes / PAGE - 1;
    if (offset !== 0 || bytes % PAGE !== 0 || pages < 0 || (pages & (pages - 1)) !== 0) return -ERRNO.EINVAL;
    if (pages === 0) return -ERRNO.EINVAL;
    if (this.#ring && this.#ring.pages !== pages) return -ERRNO.EINVAL;
    const writable = (prot & PROT.WRITE) !== 0;
    const { watermark, wakeup } = this.options;
    this.#ring ??= new PerfRing(this.#kernel, { pages, watermark: watermark ? wakeup : 0, writable });
    const ring = this.#ring;
    this.#maps++;
    this.get();
    let mapped = true;
    return ring.mapping(bytes, writable, () => {
      if (!mapped) return;
      mapped = false;
      if (--this.#maps === 0) {
        this.#ring = undefined;
        ring.free();
      }
      this.put();
    });
  }
  /** data_tail and data_head of `struct perf_event_mmap_page`. */
  ring(): { readonly consumer: number; readonly producer: number } | undefined {
    return this.#ring && { consumer: 1032, producer: 1024 };
  }
  poll(): number {
    const ring = this.#ring;
    if (ring === undefined) return EPOLLHUP;
    const { ready } = ring;
    ring.ready = false;
    return ready ? EPOLLIN | EPOLLRDNORM : 0;
  }
  onWake(wake: () => void): () => void {
    return this.#ring?.woken.add(wake) ?? (() => undefined);
  }

  // --- records ---

  /** bpf_perf_event_output(): a sample with raw data; ENOSPC where nobody has mapped a ring, or it is full. */
  output(data: Uint8Array): number {
    const { attr, options } = this;
    if (attr.type !== 'software' || attr.config !== PERF_COUNT_SW.BPF_OUTPUT) return -ERRNO.EINVAL;
    return this.#put(this.#sample(data, PERF_RECORD_MISC_KERNEL, options.samplePeriod)) ? 0 : -ERRNO.ENOSPC;
  }
  #put(record: Uint8Array): boolean {
    const { options } = this;
    if (this.#ring === undefined) return false;
    const wakeups = options.watermark ? 0 : options.wakeup;
    const done = this.#ring.write(record, this.id, options.sampleIdAll ? this.#trailer() : NONE, wakeups);
    if (!done) this.#lost++;
    return done;
  }
  /** Of a tracepoint that the model has: events are counted as they happen. */
  #countEvents(): () => void {
    const { attr } = this;
    const nothing = (): void => undefined;
    if (attr.type !== 'tracepoint') return nothing;
    try {
      return this.#kernel.probes.countTracepoint(attr.category, attr.event, (what) => this.#happened(what));
    } catch (error) {
      // nothing lets it happen: who attaches a program is told
      if (error instanceof KernelError) return nothing;
      throw error;
    }
  }
  /** perf_swevent_event() */
  #happened({ record, size, isUser }: Happened): void {
    if (!this.#samples) return;
    this.#count++;
    const { samplePeriod, sampleType, isFreq } = this.options;
    if (samplePeriod === 0n) return;
    // each is a sample that says that it stands for one
    const each = (sampleType & PERF_SAMPLE.PERIOD) !== 0 && !isFreq;
    if (!each && --this.#left > 0n) return;
    this.#left = samplePeriod;
    if (this.#ring === undefined) return;
    const data = sampleType & PERF_SAMPLE.RAW ? this.#kernel.memory.readBytes(record, size) : NONE;
    this.#put(this.#sample(data, isUser ? PERF_RECORD_MISC_USER : PERF_RECORD_MISC_KERNEL, each ? 1n : samplePeriod));
  }
  #sample(data: Uint8Array, misc: number, period: bigint): Uint8Array {
    const { sampleType } = this.options;
    const raw = sampleType & PERF_SAMPLE.RAW ? Math.ceil((4 + data.length) / 8) * 8 : 0;
    const fields = this.#fields(SAMPLE_FIELDS, period);
    const out = new Uint8Array(8 + 8 * fields.length + raw);
    const view = new DataView(out.buffer);
    view.setUint32(0, PERF_RECORD.SAMPLE, true);
    view.setUint16(4, misc, true);
    view.setUint16(6, out.length, true);
    fields.forEach((field, n) => {
      view.setBigUint64(8 + 8 * n, field, true);
    });
    if (raw > 0) {
      view.setUint32(8 + 8 * fields.length, raw - 4, true);
      out.set(data, 8 + 8 * fields.length + 4);
    }
    return out;
  }
  /** What sample_id_all puts behind records that are no samples. */
  #trailer(): Uint8Array {
    const fields = this.#fields(TRAILER_FIELDS);
    const out = new Uint8Array(8 * fields.length);
    fields.forEach((field, n) => {
      out.set(u64(field), 8 * n);
    });
    return out;
  }
  #fields(order: readonly (keyof typeof PERF_SAMPLE)[], period = 0n): bigint[] {
    return order.filter((name) => this.options.sampleType & PERF_SAMPLE[name]).map((name) => this.#field(name, period));
  }
  #field(name: keyof typeof PERF_SAMPLE, period: bigint): bigint {
    const { tasks, clock, context, cpu } = this.#kernel;
    const { current } = tasks;
    switch (name) {
      case 'TID':
        return (BigInt(current.pid) << 32n) | BigInt(current.tgid);
      case 'TIME':
        return BigInt(Math.round(clock.now));
      case 'IP':
        return addrToBigInt(cpu.rip);
      case 'CPU':
        return BigInt(context.cpu);
      case 'PERIOD':
        return period;
      case 'ADDR':
        return 0n;
      default:
        return BigInt(this.id);
    }
  }

  // --- life ---

  /** A BPF link that was made on it refers to it, beside its descriptors. */
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs > 0) return;
    this.#uncount();
    this.link?.detach();
    this.link = undefined;
    this.prog = undefined;
    this.#held?.put?.();
    this.#held = undefined;
    const { rcu, slab } = this.#kernel;
    const at = this.#addr;
    if (at !== 0) rcu.call(() => slab.kfree(at));
    this.#addr = 0;
    (this.#others as Set<PerfEvent>).delete(this);
  }
  release(): void {
    this.put();
  }
}

/** Fields of a sample that are one word each, in the record's order, those of the raw data excepted. */
const SAMPLE_FIELDS = ['IDENTIFIER', 'IP', 'TID', 'TIME', 'ADDR', 'ID', 'STREAM_ID', 'CPU', 'PERIOD'] as const;
const TRAILER_FIELDS = ['TID', 'TIME', 'ID', 'STREAM_ID', 'CPU', 'IDENTIFIER'] as const;
const NONE = new Uint8Array(0);

function u64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return out;
}
