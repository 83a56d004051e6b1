/** perf_event_open(2) by its bytes, against what Linux 6.12.117 answered to the same calls (Debian, as root). */
import { describe, expect, it } from 'vitest';
import { ALL_CAPS, type Process } from '../../../kernel-sim/core/process.ts';
import { Arena } from '../../../kernel-sim/core/user-access.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import { eventId } from '../../../kernel-sim/trace/formats.ts';
import { PERF_EVENT_IOC } from '../../../src/uapi/index.ts';

interface Attr {
  readonly type: number;
  readonly config?: number;
  readonly size?: number;
  /** kprobe_func or uprobe_path: a name, or an address that nothing is at */
  readonly name?: string | number;
  readonly offset?: number;
  readonly period?: number;
  readonly sampleType?: number;
  readonly bits?: bigint;
  readonly wakeup?: number;
}

type Answer = readonly [
  what: string,
  answer: number,
  attr: Attr,
  pid?: number,
  cpu?: number,
  group?: number,
  flags?: number,
];

class Caller {
  readonly arena = new Arena();
  readonly kernel: Kernel;
  readonly process: Process;
  constructor(kernel: Kernel, caps = ALL_CAPS) {
    this.kernel = kernel;
    this.process = { ...kernel.process, caps, memory: this.arena };
  }
  attr(a: Attr): number {
    const at = this.arena.alloc(8192);
    const bytes = new Uint8Array(136);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, a.type, true);
    view.setUint32(4, a.size ?? 136, true);
    view.setBigUint64(8, BigInt(a.config ?? 0), true);
    view.setBigUint64(16, BigInt(a.period ?? 1), true);
    view.setBigUint64(24, BigInt(a.sampleType ?? 0), true);
    view.setBigUint64(40, a.bits ?? 0n, true);
    view.setUint32(48, a.wakeup ?? 0, true);
    const name = typeof a.name === 'string' ? this.arena.put(a.name) : (a.name ?? 0);
    view.setBigUint64(56, BigInt(name), true);
    view.setBigUint64(64, BigInt(a.offset ?? 0), true);
    this.arena.write(at, bytes);
    return at;
  }
  open(a: Attr, pid = -1, cpu = 0, group = -1, flags = 8): number {
    return this.kernel.perf.syscall(this.attr(a), pid, cpu, group, flags, this.process);
  }
  ioctl(fd: number, request: number, arg = 0): number {
    return this.process.fds.get(fd).ioctl?.(request, arg, this.process) ?? -25;
  }
}

const SOFTWARE = 1;
const BPF_OUTPUT = 10;
const KPROBE = 8;
const TRACEPOINT = 2;
const opens = 1;

describe('perf_event_open(2)', async () => {
  const kernel = await Kernel.boot();
  const c = new Caller(kernel);
  /** what Linux said; `opens` for any descriptor */
  const ANSWERS: readonly Answer[] = [
    ['cpu-clock', opens, { type: SOFTWARE }],
    ['bpf-output', opens, { type: SOFTWARE, config: BPF_OUTPUT }],
    ['no such software event', -2, { type: SOFTWARE, config: 12 }],
    ['a PMU that is none', -2, { type: 99 }],
    ['size 0, which is the first version', opens, { type: SOFTWARE, config: BPF_OUTPUT, size: 0 }],
    ['size 63', -7, { type: SOFTWARE, config: BPF_OUTPUT, size: 63 }],
    ['size 64', opens, { type: SOFTWARE, config: BPF_OUTPUT, size: 64 }],
    ['size 200, zeroes', opens, { type: SOFTWARE, config: BPF_OUTPUT, size: 200 }],
    ['size 5000', -7, { type: SOFTWARE, config: BPF_OUTPUT, size: 5000 }],
    ['CPU 5 of one', -22, { type: SOFTWARE, config: BPF_OUTPUT }, -1, 5],
    ['neither task nor CPU', -22, { type: SOFTWARE, config: BPF_OUTPUT }, -1, -1],
    ['the caller on any CPU', opens, { type: SOFTWARE, config: BPF_OUTPUT }, 0, -1],
    ['no such task', -3, { type: SOFTWARE, config: BPF_OUTPUT }, 99_999, 0],
    ['unknown flags', -22, { type: SOFTWARE, config: BPF_OUTPUT }, -1, 0, -1, 16],
    ['a group that is none', -9, { type: SOFTWARE, config: BPF_OUTPUT }, -1, 0, 77],
    ['a group leader that is a terminal', -9, { type: SOFTWARE, config: BPF_OUTPUT }, -1, 0, 0],
    ['a kprobe nowhere', -2, { type: KPROBE, name: 'no_such_fn' }],
    ['a kprobe with a bad pointer', -14, { type: KPROBE, name: 77 }],
    ['a kprobe at address 0', -22, { type: KPROBE }],
    ['a kprobe inside of an instruction', -84, { type: KPROBE, name: 'vfs_read', offset: 1 }],
    ['a kretprobe in a function', -22, { type: KPROBE, config: 1, name: 'vfs_read', offset: 5 }],
    ['a kprobe on what may not be probed', -22, { type: KPROBE, name: 'do_int3' }],
    ['no such trace event', -22, { type: TRACEPOINT, config: 99_999 }],
    ['a trace event of ftrace itself', -22, { type: TRACEPOINT, config: 1 }],
    ['a reserved bit', -22, { type: SOFTWARE, config: BPF_OUTPUT, bits: 1n << 40n }],
    ['too high a frequency', -22, { type: SOFTWARE, bits: 1n << 10n, period: 1_000_000 }],
    ['a kprobe for the caller', opens, { type: KPROBE, name: 'vfs_read' }, 0, -1],
  ];
  for (const [what, answer, attr, pid, cpu, group, flags] of ANSWERS) {
    it(what, () => {
      const result = c.open(attr, pid, cpu, group, flags);
      expect(answer === opens ? Math.sign(result) : result).toBe(answer);
      if (result >= 0) c.process.fds.close(result);
    });
  }
  it('tells the size that it knows where the given one is none', () => {
    const at = c.attr({ type: SOFTWARE, size: 63 });
    expect(kernel.perf.syscall(at, -1, 0, -1, 8, c.process)).toBe(-7);
    expect([...(c.arena.read(at + 4, 4) as Uint8Array)]).toEqual([136, 0, 0, 0]);
  });
  it('says by name which counters of processors it lacks, as a machine without them answers', () => {
    const told: string[] = [];
    kernel.perf.onNotModelled = (what) => told.push(what);
    expect([c.open({ type: 4 }), c.open({ type: 3 }), c.open({ type: 99 })]).toEqual([-2, -2, -2]);
    expect(told).toEqual(['perf_event_open type 4 (PERF_TYPE_RAW)', 'perf_event_open type 3 (PERF_TYPE_HW_CACHE)']);
    kernel.perf.onNotModelled = undefined;
  });
  it('lets nobody without CAP_PERFMON, as Debian has it', () => {
    expect(new Caller(kernel, 0n).open({ type: SOFTWARE, config: BPF_OUTPUT })).toBe(-13);
  });

  it('runs a program that PERF_EVENT_IOC_SET_BPF put on a kprobe, and tells who runs on a tracepoint', () => {
    const kprobe = c.open({ type: KPROBE, name: 'vfs_read' });
    const insns = 'b700000000000000 9500000000000000';
    const prog = kernel.bpf.progLoad({ type: 'kprobe', insns, license: 'GPL' });
    const tp = kernel.bpf.progLoad({ type: 'tracepoint', insns, license: 'GPL' });
    expect(c.ioctl(kprobe, PERF_EVENT_IOC.SET_BPF, tp.fd)).toBe(-22);
    expect(c.ioctl(kprobe, PERF_EVENT_IOC.SET_BPF, prog.fd)).toBe(0);
    expect(c.ioctl(kprobe, PERF_EVENT_IOC.SET_BPF, prog.fd)).toBe(-17);
    expect(c.ioctl(kprobe, PERF_EVENT_IOC.ENABLE)).toBe(0);
    const event = c.open({ type: TRACEPOINT, config: eventId('sched:sched_switch') ?? 0 });
    expect(event).toBeGreaterThan(2);
    const query = c.arena.alloc(16);
    c.arena.write(query, Uint8Array.of(2, 0, 0, 0));
    expect(c.ioctl(event, PERF_EVENT_IOC.SET_BPF, tp.fd)).toBe(0);
    expect(c.ioctl(event, PERF_EVENT_IOC.QUERY_BPF, query)).toBe(0);
    expect([...(c.arena.read(query + 4, 5) as Uint8Array)]).toEqual([1, 0, 0, 0, tp.id]);
    expect(c.ioctl(kprobe, PERF_EVENT_IOC.QUERY_BPF, query)).toBe(-22);
    expect(c.ioctl(kprobe, 0x1234)).toBe(-25);
  });
});

describe('a mapped ring', () => {
  const RAW = 1 << 10;
  async function ring(pages: number, wakeup: number) {
    const kernel = await Kernel.boot();
    const c = new Caller(kernel);
    const fd = c.open({ type: SOFTWARE, config: BPF_OUTPUT, sampleType: RAW, wakeup });
    const map = kernel.bpf.mapCreate({ type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 1 });
    map.update(0, fd);
    const event = c.process.fds.get(fd);
    const mapping = event.mmap?.(0, (1 + pages) * 4096, 3);
    if (mapping === undefined || typeof mapping === 'number') throw new Error(`mmap: ${mapping}`);
    const { phys } = mapping.pages[0]!;
    return { kernel, c, fd, event, map, phys, mapping };
  }
  it('has a header page, and is only mapped as a page and a power of two', async () => {
    const { kernel, event, phys } = await ring(8, 1);
    const { view } = kernel.memory;
    expect([view.getUint32(phys + 1040, true), view.getUint32(phys + 1048, true)]).toEqual([4096, 8 * 4096]);
    expect(event.mmap?.(0, 4 * 4096, 3)).toBe(-22);
    expect(event.mmap?.(4096, 9 * 4096, 3)).toBe(-22);
  });
  it('takes records, wakes their reader, and counts those that are lost', async () => {
    const { kernel, event, phys, map } = await ring(1, 1);
    const slot = (map.map as unknown as { slots: { output(data: Uint8Array): void }[] }).slots[0]!;
    const { view, u8 } = kernel.memory;
    const head = (): number => view.getUint32(phys + 1024, true);
    slot.output(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
    // header: PERF_RECORD_SAMPLE, misc kernel, 24 bytes; u32 size padded so that all ends on a multiple of 8
    expect(Buffer.from(u8.subarray(phys + 4096, phys + 4096 + 24)).toString('hex')).toBe(
      '0900000001001800' + '0c000000' + '010203040506070809000000',
    );
    expect(head()).toBe(24);
    expect([event.poll?.(), event.poll?.()]).toEqual([0x41, 0]);
    const large = new Uint8Array(1000);
    for (let n = 0; n < 6; n++) slot.output(large);
    // four of 1016 bytes fit in front of the reader, who has taken nothing
    expect(head()).toBe(24 + 4 * 1016);
    view.setUint32(phys + 1032, head(), true);
    slot.output(large);
    const bytes = Uint8Array.from({ length: 24 }, (_, n) => u8[phys + 4096 + ((24 + 4 * 1016 + n) % 4096)]!);
    // PERF_RECORD_LOST: 24 bytes, the event's id, two records
    expect(Buffer.from(bytes).toString('hex')).toBe('0200000000001800' + '0100000000000000' + '0200000000000000');
    expect(head()).toBe(24 + 4 * 1016 + 24 + 1016);
  });
});
