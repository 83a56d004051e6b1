/**
 * A kernel with much going on at once, for what save and restore must hold: a kprobe that counts in an LRU map, keeps a
 * task's storage, writes to a ring buffer and tail-calls a program that prints; a kretprobe that walks a map with a
 * callback; a pinned link; tasks that fork, exec, exit, fault and wait in calls whose return comes later.
 */
import { Kernel, type MapHandle, type Program, type Trace } from '../../../kernel-sim/index.ts';
import { BtfBuilder } from '../../../src/btf/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';
import { call, recording } from './recording.ts';

export type Engine = 'jit' | 'step' | 'interp';
export const ENGINES: readonly Engine[] = ['jit', 'step', 'interp'];

export interface World {
  readonly kernel: Kernel;
  readonly maps: readonly MapHandle[];
  readonly ring: MapHandle;
  readonly hits: () => unknown;
  /** to be test-run */
  readonly test: Program;
}

const COUNT = `
  r6 = r1
  call bpf_get_current_pid_tgid#14
  r0 >>= 32
  *(u32 *)(r10 -4) = r0
  r2 = r10
  r2 += -4
  r1 = map[idx:0]
  call bpf_map_lookup_elem#1
  if r0 == 0x0 goto new
  r1 = *(u64 *)(r0 +0)
  r1 += 1
  *(u64 *)(r0 +0) = r1
  goto store
new:
  r1 = 1
  *(u64 *)(r10 -16) = r1
  r1 = map[idx:0]
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  call bpf_map_update_elem#2
store:
  call bpf_get_current_task_btf#158
  r2 = r0
  r1 = map[idx:1]
  r3 = 0
  r4 = 1
  call bpf_task_storage_get#156
  if r0 == 0x0 goto ring
  r1 = *(u64 *)(r0 +0)
  r1 += 3
  *(u64 *)(r0 +0) = r1
ring:
  call bpf_get_prandom_u32#7
  *(u64 *)(r10 -24) = r0
  call bpf_ktime_get_ns#5
  *(u64 *)(r10 -32) = r0
  r1 = map[idx:2]
  r2 = r10
  r2 += -32
  r3 = 16
  r4 = 0
  call bpf_ringbuf_output#130
  r1 = r6
  r2 = map[idx:3]
  r3 = 0
  call bpf_tail_call#12
  r0 = 0
  exit`;

/** prints a number that differs each time */
const PRINT = `
  call bpf_get_prandom_u32#7
  r3 = r0
  r1 = 0xa7825206e65706f ll
  *(u64 *)(r10 -16) = r1
  r1 = 0
  *(u64 *)(r10 -8) = r1
  r1 = r10
  r1 += -16
  r2 = 9
  call bpf_trace_printk#6
  r0 = 0
  exit`;

/** loops for a while, then adds up a map by a callback */
const WALK = `
  r6 = 40
again:
  r6 += -1
  if r6 s> 0x0 goto again
  r1 = map[idx:0]
  r2 = subprog[+9]
  r3 = 0
  r4 = 0
  *(u64 *)(r10 -8) = r4
  r3 = r10
  r3 += -8
  call bpf_for_each_map_elem#164
  r0 = 0
  exit
callback:
  r1 = *(u64 *)(r3 +0)
  r2 = *(u64 *)(r4 +0)
  r2 += r1
  *(u64 *)(r4 +0) = r2
  r0 = 0
  exit`;

/** slots at which WALK's functions begin */
const FUNCS = [
  { insnOff: 0, typeId: 4 },
  { insnOff: 15, typeId: 5 },
];
const SIGNED = { signed: true, char: false, bool: false };

/** for test runs: counts in the LRU map, writes records, and has a timer call back at the end */
const TEST = `
  r7 = 60
again:
  *(u32 *)(r10 -4) = r7
  call bpf_get_prandom_u32#7
  *(u64 *)(r10 -16) = r0
  r1 = map[idx:0]
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  call bpf_map_update_elem#2
  r1 = map[idx:2]
  r2 = r10
  r2 += -16
  r3 = 8
  r4 = 0
  call bpf_ringbuf_output#130
  r7 += -1
  if r7 s> 0x0 goto again
  r1 = 1
  *(u32 *)(r10 -4) = r1
  r1 = map[idx:4]
  r2 = r10
  r2 += -4
  call bpf_map_lookup_elem#1
  r6 = r0
  r1 = r6
  r2 = map[idx:4]
  r3 = 1
  call bpf_timer_init#169
  r1 = r6
  r2 = subprog[+9]
  call bpf_timer_set_callback#170
  r1 = r6
  r2 = 0
  r3 = 0
  call bpf_timer_start#171
  r0 = 7
  exit
callback:
  r4 = *(u64 *)(r3 +16)
  r4 += 5
  *(u64 *)(r3 +16) = r4
  r0 = 0
  exit`;

/** int and long for the storage's map, a type for each of WALK's two functions. */
function types(): Uint8Array {
  const b = new BtfBuilder();
  b.add({ kind: 'int', name: 'int', size: 4, encoding: 1, bitOffset: 0, bits: 32, ...SIGNED });
  b.add({ kind: 'int', name: 'long', size: 8, encoding: 1, bitOffset: 0, bits: 64, ...SIGNED });
  const proto = b.add({ kind: 'func_proto', name: '', type: 1, params: [] });
  for (const name of ['walk', 'callback']) b.add({ kind: 'func', name, type: proto, linkage: 'static' });
  return b.bytes();
}

export async function world(engine: Engine): Promise<World> {
  const kernel = await Kernel.boot({ engine, memory: 128 << 20, cpus: 2 });
  const { bpf } = kernel;
  const btf = bpf.btfLoad(types());
  const counts = bpf.mapCreate({ type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 3, name: 'counts' });
  const storage = bpf.mapCreate({
    ...{ type: 'task_storage', keySize: 4, valueSize: 8, maxEntries: 0, flags: 1, name: 'storage' },
    ...{ btf, btfKeyTypeId: 1, btfValueTypeId: 2 },
  });
  const ring = bpf.mapCreate({ type: 'ringbuf', maxEntries: 4096, name: 'ring' });
  const jumps = bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 2, name: 'jumps' });
  const timers = bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 24, maxEntries: 2, name: 'timers' });
  const fdArray = [counts, storage, ring, jumps, timers];
  const load = (name: string, text: string, more = {}) =>
    bpf.progLoad({
      ...{ type: 'kprobe', license: 'GPL', name, fdArray, ...more },
      insns: writeInsns(assemble(text).insns),
    });
  const count = load('count', COUNT);
  const print = load('print', PRINT);
  const walk = load('walk', WALK, { btf, funcInfo: FUNCS });
  jumps.update(0, print.fd);
  const attach = (fd: number, func: string, ret = false) =>
    bpf.linkCreate({ prog: fd, target: kernel.perf.open({ type: 'kprobe', func, ret }).fd });
  const links = [attach(count.fd, 'do_sys_openat2'), attach(walk.fd, 'do_sys_openat2', true)];
  bpf.objPin('/sys/fs/bpf/count', links[0]!.fd);
  const hits = (): unknown => links.map((l) => l.link.probes.map((p) => p.hits));
  const test = bpf.progLoad({
    ...{ type: 'syscall', license: 'GPL', name: 'test', fdArray, verify: false },
    insns: writeInsns(assemble(TEST).insns),
  });
  return { kernel, maps: [counts, timers], ring, hits, test };
}

const open = (path: string, pid: number, time: number, fd = 3) =>
  call('openat', [-100, path, 0], fd, { pid, time: time * 1e6 });

/** 1: opens, fork, exec, a call that waits while others run, exits, one that ends without a call of its own */
export function story(): Trace {
  const steps = [
    open('/etc/hosts', 42, 1),
    call('read', [3, { kind: 'bytes' as const, bytes: new TextEncoder().encode('127.0.0.1') }, 64], 9, { time: 2e6 }),
    call('clone', [0x11], 43, { time: 3e6, cloneFlags: 0x11 }),
    open('/lib/libc.so', 43, 4),
    { ...open('/slow/disk', 42, 5, 4), unfinished: true },
    call('execve', ['/bin/very-long-program', { kind: 'strings' as const, list: [] }], 0, { pid: 43, time: 6e6 }),
    open('/proc/self/maps', 43, 7, 5),
    { kind: 'return' as const, pid: 42, time: 8e6 },
    call('close', [4], 0, { time: 9e6 }),
    call('clone', [0x11], 44, { pid: 43, time: 10e6, cloneFlags: 0x11 }),
    open('/a', 44, 11),
    open('/b', 7, 12),
    open('/c', 44, 13, -2),
    call('exit_group', [3], undefined, { pid: 43, time: 14e6 }),
    { kind: 'end' as const, pid: 44, time: 15e6, status: 9 },
    ...[1, 2, 3, 4, 5, 6].map((n) => open(`/tmp/file${n}`, 42, 15 + n, 5 + n)),
    call('exit_group', [0], undefined, { time: 30e6 }),
  ];
  return recording(steps, [
    [42, 'python3'],
    [7, 'sh'],
  ]);
}

/** Everything that can be told of a kernel, memory aside; taking lines and records out is part of it. */
export function account({ kernel, maps, ring, hits }: World): string {
  const { machine, clock, trace, random, printk, bpf, fds } = kernel;
  const { progs, links } = bpf.state;
  const lines = [
    kernel.tracePipe.read(),
    ...maps.map((m) => `${m.name} ${[...m].map(([k, v]) => `${k}=${v}`).join(' ')}`),
    `ring ${ring.consume().map((r) => r.join())}`,
    `hits ${JSON.stringify(hits())}`,
    `insns ${machine.insns} marked ${machine.marked} executed ${machine.executed}`,
    `clock ${clock.now} ${clock.realtime()} written ${trace.written} random ${random.save()}`,
    `tasks ${[...kernel.tasks.all()].map((t) => `${t.pid}:${t.comm}:${t.exitStatus}`)}`,
    `progs ${[...progs.values()].map((p) => `${p.id}:${p.refs}`)} links ${[...links.values()].map((l) => l.id)}`,
    `fds ${[...fds.entries()].map(([fd, o]) => `${fd}:${o.fdName}`)} pins ${[...bpf.state.bpffs.entries()].map(([path]) => path)}`,
    `free ${kernel.memory.freePageCount} cpu ${machine.cpu.save()}`,
    ...printk.lines,
  ];
  return lines.join('\n');
}

/** All guest memory, and the interpreter's own; between them lies what the stepper has decoded. */
export const parts = ({ kernel: { memory } }: World): Uint8Array[] => [
  memory.u8.subarray(1 << 20, memory.bytes),
  memory.u8.subarray(memory.hostPhys),
];
export const memoryOf = (w: World): Buffer => Buffer.concat(parts(w));
export function sameMemory(w: World, as: Buffer): boolean {
  let at = 0;
  return parts(w).every((part) => {
    at += part.length;
    return Buffer.compare(part, as.subarray(at - part.length, at)) === 0;
  });
}
/** Where memory first differs, for a message. */
export function firstDifference(w: World, as: Buffer): string {
  const now = memoryOf(w);
  return (now.findIndex((byte, n) => byte !== as[n]) + (1 << 20)).toString(16);
}
