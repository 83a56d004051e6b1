/**
 * What is closed while it runs is there until the run ends: a run holds its program as BPF_PROG_TEST_RUN does, and an
 * image, a map or a trampoline that something may be in the middle of is freed after a grace period.
 */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceArg, TraceStep } from '../../../kernel-sim/index.ts';
import { BpfObject, type EngineName, Kernel } from '../../../src/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';
import { first, many } from '../../support/depth.ts';

const ENGINES = first<EngineName>(1, ['jit', 'step', 'interp']);
const code = (text: string): Uint8Array => writeInsns(assemble(text).insns);
const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}.o`, import.meta.url));
const int = (lo: number): TraceArg => ({ kind: 'int', lo, hi: lo < 0 ? -1 : 0 });
const call = (pid: number, time: number, nr: number, name: string, args: TraceArg[], result: number): TraceStep => ({
  kind: 'call',
  pid,
  time,
  nr,
  name,
  args,
  result: { lo: result, hi: 0 },
  unfinished: false,
});
const path: TraceArg = { kind: 'string', bytes: Buffer.from('/etc/passwd\0') };
const opens = Array.from({ length: 40 }, (_, n) =>
  call(1000, n * 1000, 257, 'openat', [int(-100), path, int(0)], 3 + n),
);

/** ids of what there is */
function ids(kernel: Kernel, kind: 'prog' | 'map' | 'link'): number[] {
  const all: number[] = [];
  for (let id = kernel.bpf.nextId(kind); id !== undefined; id = kernel.bpf.nextId(kind, id)) all.push(id);
  return all;
}
/** other programs where freed ones were */
function fill(kernel: Kernel): void {
  for (let n = 0; n < 20; n++)
    kernel.bpf.progLoad({ type: 'socket_filter', insns: code(`r0 = ${n}\nexit`), license: 'GPL' }).close();
}

describe.each(ENGINES)('%s', (engine) => {
  it('a program that is closed while it is run comes to its end', async () => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 40000, maxEntries: 1 });
    const load = () =>
      kernel.bpf.progLoad({
        type: 'syscall',
        insns: code(`
          r6 = 300000
          r7 = map[id:${map.fd}][0]+39992
          r6 += -1
          *(u64*)(r7 + 0) = r6
          if r6 != 0 goto -3
          r0 = 7
          exit`),
        license: 'GPL',
        verify: false,
      });
    const pages = [];
    for (let n = 0; n < 3; n++) {
      const prog = load();
      const run = prog.beginRun({});
      run.step(1000);
      prog.close();
      if (n === 2) map.close();
      // the run refers to it, as the system call does
      expect(ids(kernel, 'prog')).toEqual([prog.id]);
      fill(kernel);
      while (run.step(20_000).reason !== 'end') expect(ids(kernel, 'prog')).toContain(prog.id);
      expect(run.finish().retval).toBe(7);
      expect(ids(kernel, 'prog')).toEqual([]);
      pages.push(kernel.memory.freePageCount);
    }
    expect(pages[1]).toBe(pages[0]);
    expect(ids(kernel, 'map')).toEqual([]);
  });

  it.each<[string, (kernel: Kernel, fd: number) => void]>([
    ['the loader', (kernel, fd) => kernel.bpf.close(fd)],
    ['the table of descriptors, as close(2) does', (kernel, fd) => kernel.fds.close(fd)],
  ])('the descriptor is closed by %s while it runs and is attached', async (_, close) => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    const insns = code(`
      r6 = 30000
      r6 += -1
      if r6 != 0 goto -2
      r7 = map[id:${map.fd}][0]+0
      r6 = 1
      lock *(u64*)(r7 + 0) += r6
      r0 = 0
      exit`);
    const prog = kernel.bpf.progLoad({ type: 'raw_tracepoint', insns, license: 'GPL' });
    const link = kernel.bpf.rawTracepointOpen({ prog, name: 'sys_enter' });
    const run = prog.beginRun({});
    run.step(1000);
    close(kernel, prog.fd);
    expect(() => kernel.bpf.prog(prog.fd)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
    fill(kernel);
    while (run.step(5000).reason !== 'end');
    expect(run.finish().retval).toBe(0);
    expect(ids(kernel, 'prog')).toEqual([prog.id]);
    // attached, it is there for each call
    expect(await kernel.replay({ tasks: [{ pid: 1000, comm: 'cat' }], steps: opens })).toMatchObject({ oopses: [] });
    const runs = new DataView((map.lookup(0) as Uint8Array).buffer).getBigUint64(0, true);
    expect(runs).toBe(BigInt(opens.length + 1));
    close(kernel, link.fd);
    expect([ids(kernel, 'prog'), ids(kernel, 'link')]).toEqual([[], []]);
    expect(await kernel.replay({ tasks: [{ pid: 1000, comm: 'cat' }], steps: opens })).toMatchObject({ oopses: [] });
    expect(new DataView((map.lookup(0) as Uint8Array).buffer).getBigUint64(0, true)).toBe(runs);
  });

  it('in slices, too', async () => {
    const kernel = await Kernel.boot({ engine });
    const insns = code('r6 = 3000000\nr6 += -1\nif r6 != 0 goto -2\nr0 = 7\nexit');
    const prog = kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
    const run = prog.run({});
    prog.close();
    fill(kernel);
    expect((await run).retval).toBe(7);
    expect(ids(kernel, 'prog')).toEqual([]);
  });

  it.each(['hello', 'opens', 'openret'])('%s is closed in the middle of a replay', async (name) => {
    const kernel = await Kernel.boot({ engine });
    const object = BpfObject.open(fixture(name));
    let inside = 0;
    const isInside = (): boolean => /^bpf_|probe|ftrace/.test(kernel.symbols.at(kernel.cpu.rip)?.name ?? 'bpf_');
    // wherever the replay stops; every second time in a program, its helper, the trampoline, the probe's handler
    for (let at = 1; at < 40; at += many(13, 5)) {
      const loaded = object.load(kernel);
      loaded.attach();
      const replay = kernel.replayer({ tasks: [{ pid: 1000, comm: 'cat' }], steps: opens });
      replay.step(1000 + 31 * at);
      let goOn = at % 2 === 0;
      while (goOn && !isInside()) goOn = replay.step(7).reason !== 'end';
      if (isInside()) inside++;
      loaded.close();
      fill(kernel);
      while (replay.step(5000).reason !== 'end');
      expect(replay.finish()).toMatchObject({ calls: opens.length, oopses: [] });
      expect([ids(kernel, 'prog'), ids(kernel, 'map'), ids(kernel, 'link')]).toEqual([[], [], []]);
    }
    expect(inside).toBeGreaterThan(0);
  });

  it('an object is closed by who waits for its first event', async () => {
    const kernel = await Kernel.boot({ engine });
    const loaded = BpfObject.open(fixture('opensnoop')).load(kernel);
    loaded.attach();
    let closed = 0;
    const stop = loaded.maps['events']!.onReady(() => {
      if (closed++ > 0) return;
      loaded.close();
      fill(kernel);
    });
    const result = await kernel.replay({ tasks: [{ pid: 1000, comm: 'cat' }], steps: opens });
    stop();
    expect(result).toMatchObject({ calls: opens.length, oopses: [] });
    expect(closed).toBe(1);
    expect([ids(kernel, 'prog'), ids(kernel, 'map'), ids(kernel, 'link')]).toEqual([[], [], []]);
  });

  it('a task that sleeps in a function comes back past the fexit program that is gone', async () => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    const insns = code(`r1 = 1
r2 = map[id:${map.fd}][0]+0
lock *(u64*)(r2 + 0) += r1
r0 = 0
exit`);
    const wait: TraceStep = {
      ...call(1000, 1000, 61, 'wait4', [int(-1), int(0), int(0)], 1001),
      unfinished: true,
    } as TraceStep;
    const steps: TraceStep[] = [
      wait,
      call(1001, 2000, 39, 'getpid', [], 1001),
      { kind: 'return', pid: 1000, time: 9000 },
    ];
    const tasks = [1000, 1001].map((pid) => ({ pid, comm: 'sh' }));
    const runs = async (closes: boolean): Promise<bigint> => {
      map.update(0, new Uint8Array(8));
      const prog = kernel.bpf.progLoad({
        type: 'tracing',
        insns,
        license: 'GPL',
        expectedAttachType: 'trace_fexit',
        attachBtf: 'kernel_wait4',
      });
      const link = kernel.bpf.linkCreate({ prog, attachType: 'trace_fexit' });
      const replay = kernel.replayer({ tasks, steps });
      for (let first = true; replay.step(200).reason !== 'end'; ) {
        if (!closes || !first || kernel.tasks.current.pid !== 1001) continue;
        first = false;
        for (const it of [link.fd, prog.fd]) kernel.bpf.close(it);
        fill(kernel);
      }
      expect(replay.finish().oopses).toEqual([]);
      if (!closes) for (const it of [link.fd, prog.fd]) kernel.bpf.close(it);
      return new DataView(map.lookup(0)!.buffer).getBigUint64(0, true);
    };
    expect(await runs(false)).toBe(1n);
    expect(await runs(true)).toBe(0n);
  });
});
