/** What tests make happen beside system calls: events, calls of kernel functions, time; what tasks have around them. */
import { describe, expect, it } from 'vitest';
import { ArgumentError, BpfObject, type EngineName, Kernel } from '../../src/index.ts';
import { first } from '../support/depth.ts';

const ENGINES = first<EngineName>(1, ['jit', 'step', 'interp']);

const boot = async (fixture: string, engine: EngineName = 'jit', cpus = 1) => {
  const kernel = await Kernel.boot({ engine, cpus });
  const loaded = BpfObject.open(`fixtures/${fixture}.o`).load(kernel);
  loaded.attach();
  return { kernel, loaded };
};

describe.each(ENGINES)('on engine %s', (engine) => {
  it('lets a tracepoint happen, which programs of all three kinds see', async () => {
    const { kernel, loaded } = await boot('switches', engine);
    const insns = kernel.emit('sched:sched_switch', {
      prev_comm: 'bash',
      prev_pid: 7,
      prev_state: 2n,
      next_comm: 'cat',
      next_pid: 8,
    });
    expect(insns).toBeGreaterThan(50);
    expect(loaded.bss).toMatchObject({ from_pid: 7, to_pid: 8, to_comm: 'cat', raw_pid: 8, btf_pid: 8 });
    const cat = kernel.task({ pid: 90, comm: 'cat' });
    kernel.emit('sched:sched_switch', { next_pid: 1 }, { args: { next: cat } });
    expect(loaded.bss).toMatchObject({ to_pid: 1, raw_pid: 90, btf_pid: 90 });
  });

  it('lets a tracepoint happen that no kernel text here has', async () => {
    const { kernel, loaded } = await boot('switches', engine);
    kernel.emit('block:block_rq_requeue', { sector: 4711n, nr_sector: 8 });
    expect(loaded.bss).toMatchObject({ requeued_sector: 4711n, requeued_by: 1 });
  });

  it('calls a kernel function with objects made by type', async () => {
    const { kernel, loaded } = await boot('reads', engine);
    const file = kernel.object('file', { f_flags: 0o2, f_inode: { i_ino: 4711n, i_sb: { s_dev: 8 } } });
    const reader = kernel.task({ pid: 33, comm: 'reader' });
    const { result } = kernel.callFunction('vfs_read', { file, count: 100 }, { task: reader, result: 64 });
    expect(result).toBe(64n);
    expect(loaded.bss).toMatchObject({ kprobed: 4711n, returned: 1n, last_ret: 64n, entered: 2n });
    expect(loaded.maps['reads']!.get(33)).toEqual({
      ino: 4711n,
      count: 100n,
      result: 64n,
      dev: 8,
      pid: 33,
      outcome: 'PARTIAL',
      is_big: false,
    });
    expect(kernel.tasks.current).toBe(kernel.tasks.loader);
    // the body is the kernel's again
    file.set({ f_flags: 1, f_inode: { i_ino: 1n, i_sb: {} } });
    kernel.callFunction('vfs_read', [file, 0n, 5], { task: reader });
    expect(loaded.bss).toMatchObject({ kprobed: 1n, returned: 2n, entered: 1n });
  });

  it('lets time pass, in which timers fire', async () => {
    const { kernel, loaded } = await boot('ticks', engine);
    loaded.programs['start_clock']!.testRun({ dataIn: new Uint8Array(64) });
    const before = kernel.clock.now;
    kernel.clock.advance('5s');
    expect(kernel.clock.now - before).toBeGreaterThanOrEqual(5e9);
    expect(loaded.maps['clocks']!.get(0)).toMatchObject({ ticks: 5n });
    kernel.clock.advance(999_000_000);
    expect(loaded.maps['clocks']!.get(0)).toMatchObject({ ticks: 5n });
  });
});

describe('a task', () => {
  it('has a cgroup, a working directory, an environment and a CPU', async () => {
    const { kernel, loaded } = await boot('switches', 'jit', 4);
    const task = kernel.task({
      cgroup: '/pods/web',
      cwd: '/srv/www',
      env: { HOME: '/srv', N: '1' },
      argv: ['httpd', '-f'],
      cpu: 3,
    });
    expect(kernel.cgroups.of(task).path).toBe('/pods/web');
    kernel.emit('sched:sched_switch', {}, { task });
    expect(loaded.maps['switches']!.get(0)).toEqual([0n, 0n, 0n, 1n]);
    expect(task.fork().pid).toBe(1001);
    expect(kernel.cgroups.of({ pid: 1001 }).path).toBe('/pods/web');

    const struct = kernel.object('task_struct');
    const mm = kernel.memory.readAddr(
      Number(BigInt.asIntN(64, task.address)) + kernel.structs.of('task_struct').offset('mm'),
    );
    const field = (name: string) => kernel.memory.readAddr(mm + kernel.structs.of('mm_struct').offset(name));
    kernel.memory.switchUserSpace(kernel.tasks.find(task.pid)!.user!.space);
    const text = (from: string, to: string) =>
      new TextDecoder().decode(kernel.memory.readBytes(field(from), field(to) - field(from)));
    expect(text('arg_start', 'arg_end')).toBe('httpd\0-f\0');
    expect(text('env_start', 'env_end')).toBe('HOME=/srv\0N=1\0');
    expect(struct.size).toBe(kernel.structs.of('task_struct').size);
  });

  it('has a stack of symbols', async () => {
    const { kernel, loaded } = await boot('switches');
    kernel.emit('sched:sched_switch', { next_pid: 1 });
    const { stack_id } = loaded.bss as { stack_id: number };
    const frames = loaded.maps['stacks']!.stack(stack_id);
    expect(frames.map((frame) => frame.symbol)).toContain('__traceiter_sched_switch');
    expect(() => loaded.maps['stacks']!.stack(63)).toThrow(/no stack trace 63/);
  });
});

describe('objects', () => {
  it('take what pointers are to point to, bit fields and enumerators', async () => {
    const kernel = await Kernel.boot();
    const skb = kernel.object('sk_buff', { len: 60, ip_summed: 3, dev: { name: 'eth7', ifindex: 4 } });
    expect([skb.get('len'), skb.get('ip_summed')]).toEqual([60, 3]);
    const path = kernel.object('linux_binprm', { filename: '/bin/true' });
    const at = Number(BigInt.asIntN(64, path.get('filename') as bigint));
    expect(new TextDecoder().decode(kernel.memory.readCString(at, 64))).toBe('/bin/true');
  });

  it.each<[string, (kernel: Kernel) => unknown, RegExp]>([
    ['a structure', (k) => k.object('fil'), /no struct fil; near it: fid, file/],
    ['a member', (k) => k.object('file', { f_flag: 1 }), /file\.f_flag: struct file has no f_flag; near it: f_flags/],
    ['a value', (k) => k.object('file', { f_flags: 2n ** 40n }), /does not fit the 32 bits/],
    ['a pointer', (k) => k.object('file', { f_inode: [true] }), /file\.f_inode/],
    ['an event', (k) => k.emit('sched:sched_swich'), /near it: sched:sched_switch/],
    ['a field', (k) => k.emit('sched:sched_switch', { prev_pidd: 1 }), /near it: prev_pid/],
    ['text for a number', (k) => k.emit('sched:sched_switch', { prev_pid: 'a' }), /nothing for a number/],
    [
      'a long text',
      (k) => k.emit('sched:sched_switch', { prev_comm: 'x'.repeat(16) }),
      /17 bytes, there is room for 16/,
    ],
    ['a number', (k) => k.emit('sched:sched_switch', { prev_pid: 2 ** 40 }), /does not fit 32 bits/],
    ['an argument', (k) => k.emit('sched:sched_switch', {}, { args: { nxt: 0n } }), /near it: next/],
    ['a call', (k) => k.emit('syscalls:sys_enter_openat'), /task\.syscall\('openat'/],
    ['a function', (k) => k.callFunction('vfs_raed'), /near it: vfs_read/],
    ['its argument', (k) => k.callFunction('vfs_read', { fil: 0n }), /near it: file/],
    ['too many', (k) => k.callFunction('vfs_read', [1, 2, 3, 4, 5]), /vfs_read takes 4: file, buf, count, pos/],
    ['a span', (k) => k.clock.advance('5 sec'), /'5s', '100ms'|no span of time/],
    ['a CPU', (k) => k.task({ cpu: 3 }), /there are 1 CPUs/],
  ])('name what is wrong with %s', async (_, act, message) => {
    const kernel = await Kernel.boot();
    expect(() => act(kernel)).toThrow(ArgumentError);
    expect(() => act(kernel)).toThrow(message);
  });
});
