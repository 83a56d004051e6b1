/**
 * Objects of libbpf-tools, each in a kernel of its own, with an input that exercises it: their maps and events hold what the
 * tool would show, by what the input says. Sizes, targets and choices of programs are those that each tool's loader makes.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel, type LoadedObject, type LoadOptions } from '../../src/index.ts';
import { recordingOf } from '../../src/replay/index.ts';
import { haveShared, sharedPath } from '../support/shared.ts';
import { EVENTS, FUTEX, IRQS, SHELL } from './libbpf-tools/inputs.ts';

type Shown = Readonly<Record<string, unknown>>;

interface Row {
  readonly options?: LoadOptions;
  /** what the tool's own options become */
  readonly set?: Readonly<Record<string, boolean | number>>;
  /** default: {@link SHELL} */
  readonly input?: 'disk' | string;
  /** what the tool would show */
  readonly shows: (tool: LoadedObject) => unknown;
  readonly expect: unknown;
}

/** Log2 histograms by the slots that have something. */
const slots = (hist: unknown): Shown =>
  Object.fromEntries((hist as { slots: number[] }).slots.flatMap((n, slot) => (n === 0 ? [] : [[slot, n]])));
const entries = (tool: LoadedObject, map: string): [Shown, Shown][] => [...tool.maps[map]!.entries()] as never;
const records = (tool: LoadedObject, map = 'events'): DataView[] =>
  tool.maps[map]!.records().map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
const text = (record: DataView, at: number): string => {
  const bytes = new Uint8Array(record.buffer, record.byteOffset + at, record.byteLength - at);
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
};
const i32 = (record: DataView, at: number): number => record.getInt32(at, true);

const [ESTABLISHED, SYN_SENT, FIN_WAIT1, CLOSE, LISTEN] = [1, 2, 4, 7, 10];
const GC = { handle_gc_start: 'uprobe//bin/bash:twice', handle_gc_end: 'uprobe//bin/bash:greeting' };
const DISK = 'fixtures/worlds/disk-read.ftrace';
const MANY = { maxEntries: 1000 };

const ROWS: Readonly<Record<string, Row>> = {
  opensnoop: {
    // { ts, pid, uid, ret, flags, … comm, fname }
    shows: (tool) => records(tool).map((r) => [i32(r, 8), i32(r, 16), text(r, 40), text(r, 56)]),
    expect: [
      [100, 3, 'sh', '/etc/passwd'],
      [100, -2, 'sh', '/nope'],
      [100, 3, 'sh', '/tmp/fresh'],
    ],
  },
  execsnoop: {
    // { pid, ppid, uid, retval, args_count, args_size, comm, args }
    shows: (tool) =>
      records(tool).map((r) => [
        i32(r, 0),
        i32(r, 16),
        text(r, 24),
        ...Buffer.from(r.buffer, r.byteOffset + 40, i32(r, 20))
          .toString()
          .split('\0')
          .slice(0, -1),
      ]),
    expect: [
      [100, 3, 'sh', '/bin/sh', '-c', 'x'],
      [101, 2, 'id', '/usr/bin/id', '-u'],
    ],
  },
  statsnoop: {
    // { ts_ns, pid, ret, comm, pathname }
    shows: (tool) => records(tool).map((r) => [i32(r, 8), i32(r, 12), text(r, 16), text(r, 32)]),
    expect: [
      [100, 0, 'sh', '/etc/hosts'],
      [100, -2, 'sh', '/missing'],
    ],
  },
  bindsnoop: {
    // { addr[16], ts_us, pid, bound_dev_if, ret, port, … task }
    shows: (tool) => records(tool).map((r) => [i32(r, 24), i32(r, 32), r.getUint16(36, true), text(r, 42)]),
    expect: [[100, 0, 8080, 'sh']],
  },
  solisten: {
    // its loader takes fexit where the kernel has it
    options: { programs: ['inet_listen_fexit'] },
    shows: (tool) => tool.maps['events']!.records('event' as never),
    expect: [{ addr: [0x100007f, 0, 0, 0], pid: 100, proto: 0x20001, backlog: 77, ret: 0, port: 8080, task: 'sh' }],
  },
  hardirqs: {
    input: IRQS,
    options: { programs: ['irq_handler_entry_btf', 'irq_handler_exit_btf'] },
    set: { targ_dist: true },
    // 150 and 40 us
    shows: (tool) => entries(tool, 'infos').map(([key, info]) => [key['name'], slots(info)]),
    expect: [['virtio0-req.0', { 5: 1, 7: 1 }]],
  },
  numamove: {
    input: IRQS,
    options: { programs: ['fentry_migrate_misplaced_folio', 'fexit_migrate_misplaced_folio_exit'], keepGoing: true },
    // 300 us, which it counts in ms
    shows: (tool) => [tool.bss['num'], tool.bss['latency']],
    expect: [1n, 0n],
  },
  filelife: {
    // { file, task, delta_ns, tgid, … }: made at 2.003, gone after 750.2 ms
    shows: (tool) =>
      tool.maps['events']!.records<Shown>('event').map((e) => [
        e['file'],
        e['task'],
        e['tgid'],
        Math.round(Number(e['delta_ns']) / 1000),
      ]),
    expect: [['fresh', 'sh', 100, 750_200]],
  },
  cachestat: {
    // its loader takes fentry, and on this kernel the tracepoint: one page of one file is written
    options: {
      programs: [
        'fentry_add_to_page_cache_lru',
        'fentry_mark_page_accessed',
        'fentry_mark_buffer_dirty',
        'tracepoint__writeback_dirty_folio',
      ],
      keepGoing: true,
    },
    shows: (tool) => [tool.bss['mbd'], tool.bss['misses']],
    expect: [1n, -1n],
  },
  tcptop: {
    shows: (tool) => entries(tool, 'ip_map').filter(([key]) => key['pid'] === 102),
    expect: [
      [
        expect.objectContaining({ saddr: 0x100007fn, daddr: 0x100007fn, pid: 102, name: 'sh', dport: 8080, family: 2 }),
        { sent: 14n, received: 2n },
      ],
    ],
  },
  tcpstates: {
    // { saddr, daddr, skaddr, ts_us, delta_us, pid, oldstate, newstate, … }, linux/tcp_states.h
    shows: (tool) => records(tool).map((r) => [i32(r, 60), i32(r, 64)]),
    expect: expect.arrayContaining([
      // what listens; what connects, and ends it first
      [CLOSE, LISTEN],
      [CLOSE, SYN_SENT],
      [SYN_SENT, ESTABLISHED],
      [ESTABLISHED, FIN_WAIT1],
      [LISTEN, CLOSE],
    ]),
  },
  tcplife: {
    // { saddr[16], daddr[16], ts_us, span_us, rx_b, tx_b, pid, sport, dport, family, comm }
    shows: (tool) =>
      records(tool).map((r) => [
        text(r, 74),
        i32(r, 64),
        r.getUint16(70, true),
        Number(r.getBigUint64(48, true)),
        Number(r.getBigUint64(56, true)),
        Math.round(Number(r.getBigUint64(40, true)) / 100),
      ]),
    // in 101.1 ms: a FIN is received and acknowledged as a byte, and so is the SYN of the one that connected
    expect: [
      ['sh', 102, 8080, 2 + 1, 14 + 2, 1011],
      ['sh', 100, expect.any(Number), 14 + 1, 2 + 1, 1011],
    ],
  },
  cpudist: {
    input: FUTEX,
    options: { programs: ['sched_switch_btf'], maps: { start: MANY, hists: MANY } },
    set: { targ_offcpu: true, targ_per_process: true },
    // of 250.1 ms
    shows: (tool) => slots(tool.maps['hists']!.get(500 as never)),
    expect: { 17: 1 },
  },
  offcputime: {
    input: FUTEX,
    options: { maps: { stackmap: MANY } },
    shows: (tool) =>
      entries(tool, 'info').flatMap(([key, { delta, comm }]) =>
        key['pid'] === 500 && delta !== 0n ? [[delta, comm]] : [],
      ),
    expect: [[250_100n, 'locks']],
  },
  fsdist: {
    options: {
      sections: {
        file_read_entry: 'kprobe/vfs_read',
        file_read_exit: 'kretprobe/vfs_read',
        file_write_entry: 'kprobe/vfs_write',
        file_write_exit: 'kretprobe/vfs_write',
        file_open_entry: 'kprobe/vfs_open',
        file_open_exit: 'kretprobe/vfs_open',
      },
      programs: [
        'file_read_entry',
        'file_read_exit',
        'file_write_entry',
        'file_write_exit',
        'file_open_entry',
        'file_open_exit',
      ],
    },
    // reads, writes, files opened (two programs among them, and the memory of each)
    shows: (tool) => (tool.bss['hists'] as unknown[]).slice(0, 3).map((hist) => Object.values(slots(hist))),
    expect: [[1], [1], [expect.any(Number)]],
  },
  biotop: {
    input: 'disk',
    options: { keepGoing: true },
    shows: (tool) => entries(tool, 'counts'),
    expect: [
      [expect.objectContaining({ pid: 187, rwflag: 0, name: 'dd' }), expect.objectContaining({ bytes: 12288n, io: 3 })],
    ],
  },
  biolatency: {
    input: 'disk',
    // 552, 154 and 129 us between issue and completion
    shows: (tool) => entries(tool, 'hists').map(([, hist]) => slots(hist)),
    expect: [{ 7: 2, 9: 1 }],
  },
  bitesize: {
    input: 'disk',
    shows: (tool) => entries(tool, 'hists').map(([key, hist]) => [key['comm'], slots(hist)]),
    // three of 4 KiB
    expect: [['dd', { 2: 3 }]],
  },
  futexctn: {
    input: FUTEX,
    options: { maps: { stackmap: MANY } },
    shows: (tool) =>
      entries(tool, 'hists').map(([key, hist]) => [
        (key['pid_tgid'] as bigint) & 0xffffffffn,
        key['uaddr'],
        hist['contended'],
        hist['total_elapsed'],
        slots(hist),
      ]),
    // 2^17 us and more
    expect: [[500n, 0x7f00aa0010n, 1n, 250_100n, { 17: 1 }]],
  },
  klockstat: {
    // locks that execve(2) takes, by who takes them: given back as often as they were taken
    shows: (tool) =>
      entries(tool, 'stat_map').flatMap(([stack, { acq_count, hld_count }]) => {
        const functions = tool.maps['stack_map']!.stack(Number(stack)).map((frame) => frame.symbol ?? '');
        return functions[0] === 'elf_load' && acq_count === hld_count ? [functions.slice(1, 3)] : [];
      }),
    expect: expect.arrayContaining([['load_elf_binary', 'bprm_execve']]),
  },
  cpufreq: {
    input: EVENTS,
    // its other program samples
    options: { programs: ['cpu_frequency'] },
    shows: (tool) => (tool.bss['freqs_mhz'] as number[]).slice(0, 3),
    expect: [2400, 1200, 0],
  },
  drsnoop: {
    input: EVENTS,
    // { task[16], delta_ns, nr_reclaimed, … }
    options: { programs: ['direct_reclaim_begin_btf', 'direct_reclaim_end_btf'] },
    shows: (tool) => records(tool).map((r) => [Math.round(Number(r.getBigUint64(16, true)) / 1000), i32(r, 24)]),
    expect: [[400, 33]],
  },
  funclatency: {
    options: { sections: { dummy_kprobe: 'kprobe/vfs_read', dummy_kretprobe: 'kretprobe/vfs_read' }, keepGoing: true },
    shows: (tool) => (tool.bss['hist'] as number[]).reduce((a, b) => a + b),
    expect: 1,
  },
};

const folder = 'conformance/objects/libbpf-tools';
function load(kernel: Kernel, name: string, options?: LoadOptions, set: Row['set'] = {}): LoadedObject {
  const object = BpfObject.open(sharedPath(`${folder}/${name}-libbpf.bpf.o`));
  Object.assign(object.rodata, set);
  const tool = object.load(kernel, options);
  tool.attach(options?.keepGoing ? { keepGoing: true } : {});
  // a buffer of perf events keeps what comes from when it is first asked
  for (const map of Object.values(tool.maps)) if (map.handle.type === 'perf_event_array') map.records();
  return tool;
}

describe.skipIf(!haveShared)("libbpf-tools' objects show what happened", () => {
  it.each(Object.entries(ROWS))('%s', async (name, { options, set, input = SHELL, ...row }) => {
    const kernel = await Kernel.boot({ cpus: 2 });
    const tool = load(kernel, name, options, set);
    await kernel.replay(recordingOf(input === 'disk' ? readFileSync(DISK) : Buffer.from(input)));
    expect(row.shows(tool)).toEqual(row.expect);
  });

  it.each([
    // { pid, str }: what bash's function gives back
    ['bashreadline', { printret: 'uretprobe//bin/bash:greeting' }, 'events', 4, ['hello']],
    // { cpu, pid, ts }: its loader's object has no map for USDT arguments, which libbpf asks for; probes on functions do
    ['javagc', GC, 'perf_map', 8, [expect.anything()]],
  ] as const)('%s, on a program', async (name, sections, map, at, expected) => {
    const kernel = await Kernel.boot();
    kernel.root.add('/bin/bash', readFileSync('fixtures/user/steps'), 0o755);
    const tool = load(kernel, name, { sections, programs: Object.keys(sections) });
    await kernel.replay(kernel.program({ path: '/bin/bash' }));
    expect(records(tool, map).map((r) => text(r, at))).toEqual(expected);
  });
});
