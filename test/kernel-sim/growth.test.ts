/** Nothing stays behind: what is loaded, opened or made and then closed leaves guest memory and tables as they were. */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceArg, TraceStep } from '../../kernel-sim/index.ts';
import { BpfError, BpfObject, Kernel } from '../../src/index.ts';
import { full, many } from '../support/depth.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}.o`, import.meta.url));
const int = (lo: number): TraceArg => ({ kind: 'int', lo, hi: lo < 0 ? -1 : 0 });
const text = (s: string): TraceArg => ({ kind: 'string', bytes: Buffer.from(`${s}\0`) });

let time = 0;
const call = (nr: number, name: string, args: TraceArg[], result: number): TraceStep => ({
  kind: 'call',
  pid: 1000,
  time: time++ * 1000,
  nr,
  name,
  args,
  result: { lo: result, hi: result < 0 ? -1 : 0 },
  unfinished: false,
});
const open = (path: string, fd: number): TraceStep => call(257, 'openat', [int(-100), text(path), int(0)], fd);
const close = (fd: number): TraceStep => call(3, 'close', [int(fd)], 0);
const replay = (kernel: Kernel, steps: Iterable<TraceStep>) =>
  kernel.replay({ tasks: [{ pid: 1000, comm: 'cat' }], steps });

const KINDS = ['prog', 'map', 'btf', 'link'] as const;
function ids(kernel: Kernel, kind: (typeof KINDS)[number]): number[] {
  const all: number[] = [];
  for (let id = kernel.bpf.nextId(kind); id !== undefined; id = kernel.bpf.nextId(kind, id)) all.push(id);
  return all;
}

describe('loading, attaching and closing', () => {
  it.each(['hello', 'opens', 'opensnoop', 'openret', 'execs', 'tailcall', 'xdp_count'])('%s', async (name) => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const object = BpfObject.open(fixture(name));
    const before = KINDS.map((kind) => ids(kernel, kind));
    const cycle = async (): Promise<number> => {
      const loaded = object.load(kernel);
      loaded.attach();
      await replay(kernel, [open('/etc/passwd', 3), close(3)]);
      loaded.close();
      return kernel.memory.freePageCount;
    };
    await cycle();
    const pages = await cycle();
    for (let i = 0; i < many(3, 100); i++) expect(await cycle()).toBe(pages);
    // the kernel's own types have an id, and stay
    expect(KINDS.map((kind) => ids(kernel, kind))).toEqual(before);
    expect([...kernel.fds.entries()]).toEqual([]);
  });

  it('a return probe gets its nodes back from tasks that never return', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const insns = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const waits = { ...call(61, 'wait4', [int(-1)], 0), unfinished: true } as TraceStep;
    const after = { ...open('/etc/passwd', 3), pid: 1001 } as TraceStep;
    const tasks = [1000, 1001].map((pid) => ({ pid, comm: 'cat' }));
    const cycle = async (): Promise<number> => {
      const prog = kernel.bpf.progLoad({ type: 'kprobe', insns, license: 'GPL' });
      const { fd } = kernel.perf.open({ type: 'kprobe', func: 'do_wait', ret: true });
      const link = kernel.bpf.linkCreate({ prog, target: fd, attachType: 'perf_event' });
      // the recording ends while the first task is inside do_wait()
      await kernel.replay({ tasks, steps: [waits, after] });
      link.detach();
      for (const it of [link.fd, fd, prog.fd]) kernel.bpf.close(it);
      return kernel.memory.freePageCount;
    };
    await cycle();
    const pages = await cycle();
    for (let i = 0; i < many(6, 200); i++) expect(await cycle()).toBe(pages);
  });

  it('a second descriptor of a map does not keep it', async () => {
    const kernel = await Kernel.boot();
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    const fd = kernel.bpf.fdById('map', map.id);
    map.close();
    expect(kernel.bpf.nextId('map')).toBe(map.id);
    kernel.bpf.close(fd);
    expect(kernel.bpf.nextId('map')).toBeUndefined();
  });

  it('programs that the verifier refuses', async () => {
    const kernel = await Kernel.boot();
    const refused = (): void => {
      const insns = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);
      expect(() => kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' })).toThrow(BpfError);
    };
    refused();
    const pages = kernel.memory.freePageCount;
    for (let i = 0; i < 100; i++) refused();
    expect(kernel.memory.freePageCount).toBe(pages);
  });
});

describe('what tasks do', () => {
  it('descriptors above 256 refer to their files, and are closed', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const paths: string[] = [];
    const loaded = BpfObject.open(fixture('hello')).load(kernel);
    loaded.attach();
    const steps = function* (): Generator<TraceStep> {
      for (let fd = 3; fd < 2000; fd++) yield open('/etc/passwd', fd);
      const task = kernel.tasks.find(1000)!;
      for (const fd of [3, 255, 256, 1990]) paths.push(kernel.files.get(task, fd) === 0 ? 'none' : 'file');
      paths.push(kernel.files.get(task, 2000) === 0 ? 'none' : 'file');
      for (let fd = 3; fd < 2000; fd++) yield close(fd);
    };
    await replay(kernel, steps());
    const pages = kernel.memory.freePageCount;
    for (let i = 0; i < many(1, 3); i++) await replay(kernel, steps());
    expect(paths.slice(0, 5)).toEqual(['file', 'file', 'file', 'file', 'none']);
    expect(kernel.memory.freePageCount).toBe(pages);
  });

  it('files that are never closed go with their process', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const steps = function* (): Generator<TraceStep> {
      for (let fd = 3; fd < 1500; fd++) yield open('/etc/passwd', fd);
    };
    await replay(kernel, steps());
    const pages = kernel.memory.freePageCount;
    for (let i = 0; i < many(1, 3); i++) await replay(kernel, steps());
    expect(kernel.memory.freePageCount).toBe(pages);
  });

  it.runIf(full)('as many names as there may be: those that nobody holds are forgotten', async () => {
    const kernel = await Kernel.boot({ engine: 'jit' });
    let n = 0;
    let inode = 0;
    const inodeOf = (path: string): number => kernel.files.dcache.inode(kernel.files.dcache.find(path));
    const steps = function* (): Generator<TraceStep> {
      yield open('/var/held', 4);
      for (let i = 0; i < 30_000; i++) {
        if (i === 1) inode = inodeOf('/var/held');
        yield open(`/tmp/a-name-that-is-longer-than-fits-into-a-dentry-${n++}`, 3);
        yield close(3);
      }
      expect(inodeOf('/var/held')).toBe(inode);
    };
    await replay(kernel, steps());
    const pages = kernel.memory.freePageCount;
    await replay(kernel, steps());
    expect(kernel.files.dcache.size).toBeLessThanOrEqual(16_384);
    expect(pages - kernel.memory.freePageCount).toBeLessThan(64);
  });

  it('the kernel log keeps what its buffer holds', async () => {
    const kernel = await Kernel.boot();
    for (let i = 0; i < 10_000; i++) kernel.printk.log(`line ${i} of many`);
    expect(kernel.printk.lines.at(-1)).toMatch(/line 9999 of many$/);
    expect(kernel.printk.lines.join('').length).toBeLessThanOrEqual(1 << 17);
    expect(kernel.printk.lines.length).toBeGreaterThan(2000);
  });
});
