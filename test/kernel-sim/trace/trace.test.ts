/** trace_pipe's lines and the ring buffer behind them. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';

const boot = (cpus = 1) => Kernel.boot({ engine: 'step', cpus });

describe('a line', () => {
  it('has the real kernel’s columns', async () => {
    const k = await boot();
    // Linux 6.12.117: "          oracle-157     [000] ...21     6.855811: bpf_trace_printk: kprobe entry do_sys_openat2"
    k.context.preemptDisable();
    k.context.migrateDisable();
    k.trace.bpfPrintk('Hello, World!');
    expect(k.tracePipe.read()).toBe(
      '        ebpf-emu-1507    [000] ...21   600.000000: bpf_trace_printk: Hello, World!\n',
    );
    expect(k.tracePipe.read()).toBe('');
  });
  it('is as 5.8 wrote it, for readers of its time', async () => {
    const k = await Kernel.boot({ engine: 'step', traceFormat: '5.8' });
    // Ubuntu's 5.8 gave "... [000] .... 614653.225903: 0: Hello, World!"
    k.context.preemptDisable();
    k.context.migrateDisable();
    k.clock.now = 614_653_225_903_000;
    k.trace.bpfPrintk('Hello, World!');
    expect(k.tracePipe.read()).toBe('        ebpf-emu-1507  [000] .... 614653.225903: 0: Hello, World!\n');
    expect(k.tracePipe.header().split('\n').at(-3)).toBe('#           TASK-PID   CPU#  ||||    TIMESTAMP  FUNCTION');
  });
  it('shows interrupt state by the counts in memory', async () => {
    const k = await boot();
    const flags = (count: number, irqsOff = false): string => {
      k.context.preemptCount = count;
      k.cpu.rflags = irqsOff ? 2 : 0x202;
      k.trace.bpfPrintk('x');
      return k.tracePipe.read().slice(31, 36);
    };
    expect(flags(0)).toBe('...1.');
    expect(flags(0x10000, true)).toBe('d.h1.');
    expect(flags(0x10100, true)).toBe('d.H1.');
    expect(flags(0x100)).toBe('..s1.');
    expect(flags(0x110000, true)).toBe('d.Z1.');
    expect(flags(0x100000, true)).toBe('d.z1.');
    expect(flags(0x200)).toBe('b..1.');
    expect(flags(0x200, true)).toBe('D..1.');
    expect(flags(0x1e)).toBe('...f.');
  });
  it('has the time in microseconds, rounded', async () => {
    const k = await boot();
    const formatTime = (ns: number): string | undefined => {
      k.clock.now = ns;
      k.trace.bpfPrintk('x');
      return /^.{36} +(\d+\.\d+): /.exec(k.tracePipe.read())?.[1]?.padStart(12);
    };
    expect(formatTime(6_855_811_400)).toBe('    6.855811');
    expect(formatTime(6_855_811_500)).toBe('    6.855812');
    expect(formatTime(123456_000_000_999)).toBe('123456.000001');
    expect(formatTime(999_999_999)).toBe('    1.000000');
  });
});

describe('the buffer', () => {
  it('overwrites the oldest events when nobody reads, and says how many', async () => {
    const k = await boot();
    for (let n = 0; n < 100_000; n++) k.trace.bpfPrintk('Hello, World!');
    const [first, ...rest] = k.tracePipe.read().trimEnd().split('\n');
    const lost = Number(/^CPU:0 \[LOST (\d+) EVENTS\]$/.exec(first as string)?.[1]);
    expect(lost + rest.length).toBe(100_000);
    // 32 bytes an event of 1408 KiB
    expect(rest.length).toBe(Math.floor((1408 * 1024) / 32));
    k.trace.bpfPrintk('x');
    expect(k.tracePipe.read().split('\n').length).toBe(2);
  });
  it('tells of each line as it is written', async () => {
    const k = await boot();
    const seen: string[] = [];
    k.tracePipe.onLine((line) => void seen.push(line));
    k.trace.bpfPrintk('a');
    k.trace.bpfPrintk('b');
    expect(seen.length).toBe(2);
    expect(k.tracePipe.read()).toBe(`${seen.join('\n')}\n`);
  });
  it('has the header of the trace file', async () => {
    const k = await boot(2);
    k.trace.bpfPrintk('a');
    expect(k.tracePipe.header().split('\n')[2]).toBe('# entries-in-buffer/entries-written: 1/1   #P:2');
    expect(k.tracePipe.header()).toContain('#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION');
  });
});

describe('the ring', () => {
  /** the same sequence of numbers each time */
  const numbers = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed >>> 8;
  };
  it('gives events back in order, however long they are and whenever they are read', async () => {
    const k = await boot(3);
    const next = numbers(1);
    let wanted: string[] = [];
    for (let n = 0; n < 20_000; n++) {
      k.tasks.bindCpu(next() % 3);
      const text = `${n} ${'é'.repeat(next() % 40)}${'x'.repeat(next() % (n % 100 === 0 ? 900 : 60))}`;
      k.trace.bpfPrintk(text);
      wanted.push(`[00${k.context.cpu}] ${text}`);
      if (next() % 700 !== 0) continue;
      expect(k.trace.waiting).toBe(wanted.length);
      const got = k.tracePipe.read().trimEnd().split('\n');
      expect(got.map((l) => l.replace(/^ +ebpf-emu-1507 +(\[\d+\]).*?bpf_trace_printk: /, '$1 '))).toEqual(wanted);
      wanted = [];
    }
  });
  it('keeps the newest events of any length, as many as fit', async () => {
    const k = await boot();
    const next = numbers(2);
    const sizes: number[] = [];
    for (let n = 0; n < 30_000; n++) {
      const text = `${n}:${'y'.repeat(next() % 1000)}`;
      sizes.push((4 + 8 + 4 + text.length + 1 + 3) & ~3);
      k.trace.bpfPrintk(text);
    }
    let fits = 0;
    for (let bytes = 0; bytes + (sizes.at(-fits - 1) as number) <= 1408 * 1024; fits++)
      bytes += sizes.at(-fits - 1) as number;
    const [lost, first, ...rest] = k.tracePipe.read().trimEnd().split('\n');
    expect(lost).toBe(`CPU:0 [LOST ${30_000 - fits} EVENTS]`);
    expect(first).toContain(`bpf_trace_printk: ${30_000 - fits}:`);
    expect(rest.length).toBe(fits - 1);
  });
  it('remembers who wrote an event, when and in what state', async () => {
    const k = await boot();
    k.trace.bpfPrintk('a');
    k.tasks.renamed(k.tasks.loader, 'büro');
    k.context.preemptDisable();
    k.clock.advanceTo(k.clock.now + 3_000_000_000);
    k.trace.bpfPrintk('b');
    k.tasks.renamed(k.tasks.loader, 'ebpf-emu');
    expect(k.tracePipe.read()).toBe(
      '        ebpf-emu-1507    [000] ...1.   600.000000: bpf_trace_printk: a\n' +
        '            büro-1507    [000] ...2.   603.000000: bpf_trace_printk: b\n',
    );
  });
});
