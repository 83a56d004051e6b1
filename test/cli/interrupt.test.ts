/** Ctrl-C: whatever runs ends soon, with a summary and exit code 130. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

const dir = mkdtempSync(join(tmpdir(), 'ebpf-emu-interrupt-'));
const file = (name: string): string => join(dir, name);
afterAll(() => rmSync(dir, { recursive: true, force: true }));
beforeAll(async () => {
  writeFileSync(file('endless.s'), 'r6 = r1\nr0 = 0\nloop:\nr0 += 1\nr2 = r0\ngoto loop\n');
  writeFileSync(file('one.s'), 'r0 = 1\nexit\n');
  await cli('asm', file('endless.s'), '-o', file('endless.bin'));
  await cli('asm', file('endless.s'), '--section', 'kprobe/do_sys_openat2', '-o', file('endless.o'));
  await cli('asm', file('one.s'), '-o', file('one.bin'));
  writeFileSync(file('packet'), new Uint8Array(64));
});

/** Presses Ctrl-C once something has run for a while: what never ends by itself ends then. */
async function interrupted(...args: string[]) {
  const press = (): void => {
    process.emit('SIGINT', 'SIGINT');
  };
  const watch = setInterval(() => {
    if (process.listenerCount('SIGINT') === 0) return;
    clearInterval(watch);
    setTimeout(press, 100);
  }, 20);
  const result = await cli(...args);
  clearInterval(watch);
  return result;
}

describe.each(['jit', 'step', 'interp'])('--engine %s', (engine) => {
  it('prog run, a program that never ends', async () => {
    const args = [file('endless.bin'), '--type', 'syscall', '--no-verify', '--engine', engine];
    const { code, stderr, stdout } = await interrupted('prog', 'run', ...args);
    expect(stderr).toMatch(/^done +interrupted after [\d,]{5,} BPF instructions in \d+ ms\n$/);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  });

  it('prog run --repeat', async () => {
    const args = [file('one.bin'), '--data-in', file('packet'), '--repeat', '1000000000', '--engine', engine];
    const { code, stderr } = await interrupted('prog', 'run', ...args);
    expect(stderr).toMatch(/interrupted after [\d,]+ BPF instructions, [\d,]+ of 1,000,000,000 runs in \d+ ms\n$/);
    expect(code).toBe(130);
  });

  it('load, with a probe that never ends', async () => {
    const { code, stderr } = await interrupted('load', file('endless.o'), '--no-verify', '--engine', engine);
    expect(stderr).toMatch(/done +interrupted after \d+ system calls?, 0 lines of trace_pipe in \d+ ms\n$/);
    expect(code).toBe(130);
  });

  it('--max-insns ends what never ends, after exactly so many BPF instructions', async () => {
    const args = [file('endless.bin'), '--type', 'syscall', '--no-verify', '--engine', engine];
    const { code, stderr } = await cli('prog', 'run', ...args, '--max-insns', '123457');
    expect(stderr).toContain('EINTR: the instruction budget is spent: stopped after 123457 BPF instructions\n');
    expect(code).toBe(1);
    const load = await cli('load', file('endless.o'), '--no-verify', '--engine', engine, '--max-insns', '5000000');
    expect(load.stderr).toContain('watchdog: BUG: soft lockup');
    expect(load.code).toBe(1);
  });

  it('leaves no listener behind', () => {
    expect(process.listenerCount('SIGINT')).toBe(0);
  });
});
