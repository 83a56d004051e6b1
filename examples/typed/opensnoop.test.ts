import { type Load, test } from 'ebpf-emu/vitest';
import { expect } from 'vitest';
import type { Event, Opensnoop } from './opensnoop.types.ts';

const snoop = (load: Load) => load<Opensnoop>('opensnoop.o').maps.events;

test('sends who opens what, and when', ({ kernel, load }) => {
  const events = snoop(load);
  kernel.mock('bpf_ktime_get_ns', 42n);
  kernel.task({ pid: 77, comm: 'cat', uid: 5 }).syscall('openat', { filename: '/etc/passwd' }, { result: 3 });

  const [event]: Event[] = events.records('event');
  expect(event).toEqual({ pid: 77, uid: 5, ns: 42n, comm: 'cat', filename: '/etc/passwd' });
});

test('sends nothing where the reader does not keep up', ({ kernel, load }) => {
  const events = snoop(load);
  using full = kernel.fail('ringbuf_full');
  kernel.task().syscall('openat', { filename: '/etc/passwd' }, { result: 3 });

  expect(full.count).toBe(1);
  expect(events.records('event')).toEqual([]);
});
