/** What the verifier protects from: a program that faults stops with an oops in Linux's form, and the host goes on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { Kernel } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));
const raw = (name: string, source: string): string => {
  const path = join(folder, name);
  writeFileSync(path, writeInsns(assemble(source).insns));
  return path;
};
const run = (path: string, ...options: string[]) =>
  cli('prog', 'run', path, '--no-verify', '--max-insns', '100000', ...options);

const NULL_READ = 'r1 = 16\nr0 = *(u64 *)(r1 +0)\nexit';
const NON_CANONICAL = 'r1 = 0x1234000000000010 ll\nr0 = *(u64 *)(r1 +0)\nexit';
const RUNAWAY = 'again: goto again\nexit';
const RECURSION = 'call pc+1\nexit\n*(u64 *)(r10 -8) = r1\ncall pc-2\nexit';
const FALLS_OFF = 'r0 = 1';

describe.each(['jit', 'step'])('prog run --no-verify on %s', (engine) => {
  it.each<[string, string, RegExp[]]>([
    [
      'a null pointer',
      NULL_READ,
      [
        /^BUG: kernel NULL pointer dereference, address: 0000000000000010$/m,
        /^#PF: supervisor read access in kernel mode$/m,
        /^Oops: Oops: 0000 \[#1\] PREEMPT SMP NOPTI$/m,
        /^RIP: 0010:bpf_prog_[0-9a-f]{16}\+0x20\/0x27 \[bpf\]$/m,
        /^Code: .* <48> 8b 47 00 /m,
        /^CR2: 0000000000000010$/m,
      ],
    ],
    [
      'a non-canonical address',
      NON_CANONICAL,
      [
        /^Oops: general protection fault, probably for non-canonical address 0x1234000000000010: 0000 \[#1\] PREEMPT SMP NOPTI$/m,
        /RDI: 1234000000000010$/m,
      ],
    ],
    ['no end', RUNAWAY, [/^watchdog: BUG: soft lockup - CPU#0 stuck for 26s! \[ebpf-emu:\d+\]$/m, /^Code: .*<eb> fe/m]],
    [
      'recursion without end',
      RECURSION,
      [
        /^BUG: TASK stack guard page was hit at [0-9a-f]{16} \(stack is [0-9a-f]{16}\.\.[0-9a-f]{16}\)$/m,
        /^Oops: stack guard page: 0000 /m,
        /^ bpf_prog_[0-9a-f]{16}_F\+0x24\/0x27 \[bpf\]$/m,
      ],
    ],
    ['no exit', FALLS_OFF, [/^Oops: int3: 0000 /m, /^RAX: 0000000000000001 /m]],
  ])('%s', async (name, source, patterns) => {
    const { stdout, stderr, code } = await run(raw(`${name}.bin`, source), '--engine', engine);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    for (const pattern of patterns) expect(stderr).toMatch(pattern);
    expect(stderr).toMatch(/\nCall Trace:\n <TASK>\n/);
  });
});

describe('the host', () => {
  it('goes on, with interrupts and preemption as before', async () => {
    const kernel = await Kernel.boot();
    const flags = kernel.cpu.rflags;
    const preempt = kernel.context.preemptCount;
    for (const source of [FALLS_OFF, NULL_READ, RECURSION, RUNAWAY]) {
      const insns = writeInsns(assemble(source).insns);
      const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', verify: false });
      expect(() => prog.testRun({ maxInsns: 100_000 })).toThrow(
        expect.objectContaining({ oops: expect.objectContaining({ text: expect.stringContaining('Call Trace:') }) }),
      );
      expect([kernel.cpu.rflags, kernel.context.preemptCount]).toEqual([flags, preempt]);
    }
  });
  it('replays on after a task has oopsed, and names the callers of a probed function', async () => {
    const path = join(folder, 'crash.o');
    const data = writeInsns(assemble('r1 = *(u64 *)(r1 +112)\nr0 = *(u32 *)(r1 +4096)\nexit').insns);
    const program = { name: 'prog', value: 0, size: data.length };
    writeFileSync(
      path,
      writeObject([
        { name: 'kprobe/do_sys_openat2', data, exec: true, symbols: [program] },
        { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [{ name: 'L', value: 0, size: 4 }] },
      ]),
    );
    const { stderr, code } = await cli('load', path, '--no-verify');
    expect(code).toBe(1);
    expect(stderr).toMatch(/ do_sys_openat2\+0x5\/0x\w+\n __x64_sys_openat\+0x\w+\/0x\w+\n do_syscall_64\+/);
    expect(stderr.match(/^Oops: /gm)?.length).toBeGreaterThan(1);
    expect(stderr).toMatch(/^done /m);
  });
});
