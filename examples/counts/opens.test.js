import { test } from 'ebpf-emu/vitest';
import { expect } from 'vitest';

test('counts by process, and prints the first', ({ kernel, load }) => {
  const { counts } = load('opens.o').maps;
  const [a, b] = [kernel.task({ pid: 50 }), kernel.task({ pid: 51 })];
  for (const task of [a, b, a]) task.syscall('openat', { filename: '/tmp/x' }, { result: 3 });

  expect(counts).toHaveEntries([
    [50, 2],
    [51, 1],
  ]);
  expect(kernel).toHaveTraced('first open by pid 51');
});

test('goes on where the map is full', ({ kernel, load }) => {
  const { counts } = load('opens.o').maps;
  kernel.fail('map_full', { map: 'counts' });
  const { result } = kernel.task({ pid: 50 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });

  expect(result).toBe(3n);
  expect(counts.size).toBe(0);
});
