/** What `ebpf-emu/vitest` gives: a kernel for each test, one that goes back between tests, and matchers. */
import { describe, expect } from 'vitest';
import { ObjectError } from '../../src/index.ts';
import { preparedTest, test } from '../../src/vitest/index.ts';

const message = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

describe('a kernel of its own', () => {
  const seen: string[] = [];
  for (const n of [1, 2])
    test(`is as booted for each test: ${n}`, ({ kernel, load }) => {
      expect([kernel.traced, kernel.tasks.find(50), kernel.bpf.nextId('prog')]).toEqual(['', undefined, undefined]);
      const loaded = load('fixtures/opens.o');
      const { insns } = kernel.task({ pid: 50 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
      expect(loaded.maps['counts']).toHaveEntries([[50, 1]]);
      seen.push(
        `${kernel.clock.now} ${insns} ${loaded.programs['count_opens']!.jitedFuncs[0]!.address} ${kernel.traced}`,
      );
      expect(new Set(seen).size).toBe(1);
      kernel.mock('bpf_get_current_pid_tgid', 0n);
    });
  test.concurrent("is nobody else's", async ({ kernel }) => {
    kernel.task({ pid: 60 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(kernel.tasks.find(61)).toBeUndefined();
  });
  test.concurrent("is nobody else's, here neither", async ({ kernel }) => {
    kernel.task({ pid: 61 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(kernel.tasks.find(60)).toBeUndefined();
  });

  const four = test.extend({ bootOptions: { cpus: 4 } });
  four('is booted as asked', ({ kernel }) => expect(kernel.cpus).toBe(4));
  test('may be loaded into without attaching', ({ kernel, load }) => {
    load('fixtures/opens.o', { attach: false });
    kernel.task({ pid: 50 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
    expect(kernel).not.toHaveTraced('first open');
    expect(() => load('fixtures/opens.o', { programs: ['nothing'] })).toThrow(ObjectError);
  });
});

describe('one kernel for all tests', () => {
  const prepared = preparedTest((kernel, load) => ({
    loaded: load('fixtures/opensnoop.o'),
    cat: kernel.task({ pid: 77, comm: 'cat' }),
  }));
  for (const n of [1, 2, 3])
    prepared(`goes back before each: ${n}`, ({ kernel, prepared: { loaded, cat } }) => {
      expect(loaded.maps['events']!.records()).toEqual([]);
      expect(kernel.traced).toBe('');
      const before = kernel.clock.now;
      kernel.mock('bpf_ktime_get_ns', n);
      cat.syscall('openat', { filename: `/tmp/${n}` }, { result: 3 });
      expect(loaded.maps['events']).toEmit('event', { pid: 77, filename: `/tmp/${n}`, ns: n });
      expect(kernel).toHaveTraced(`cat opens /tmp/${n}`);
      kernel.clock.advance('1h');
      expect(kernel.clock.now).toBeGreaterThan(before);
    });
});

describe('matchers', () => {
  test('of records', ({ kernel, load }) => {
    const events = load('fixtures/opensnoop.o').maps['events']!;
    const cat = kernel.task({ comm: 'cat' });
    const open = (filename: string) => () => cat.syscall('openat', { filename }, { result: 3 });
    expect(open('/etc/passwd')).toEmit(events, 'event', { comm: 'cat', filename: /passwd$/ });
    expect(open('/etc/group')).not.toEmit(events, 'event', { filename: '/etc/passwd' });
    expect(events).toEmit('event', { filename: '/etc/passwd' });
    expect(message(() => expect(events).toEmit('event', { filename: '/nowhere' }))).toMatch(
      /map 'events' did not send event \{ filename: '\/nowhere' \}; what it sent: \n\{ pid: .*\/etc\/passwd.*\n.*\/etc\/group/,
    );
    expect(message(() => expect(() => 0).toEmit(events, 'event', {}))).toContain('what it sent: nothing');
  });

  test('of verdicts', ({ load }) => {
    const run = load('fixtures/xdp_count.o').programs['count_packets']!.testRun({ dataIn: new Uint8Array(64) });
    expect(run).toHaveRetval('XDP_PASS');
    expect(message(() => expect(run).toHaveRetval('XDP_DROP'))).toBe('the program returned XDP_PASS (2), not XDP_DROP');
    expect(message(() => expect(run).toHaveRetval('XDP_DORP' as 'XDP_DROP'))).toContain('near it: XDP_DROP');
  });
});
