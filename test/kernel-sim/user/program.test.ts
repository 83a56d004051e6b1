/** Programs that execute: what system calls give, what is mapped, how they end. */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { Assembler, rax, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { captured, home, worldWith } from './world.ts';

const ENTRY = 0x40_0078;
/** An executable of one segment that is what the assembler was told. */
function executable(emit: (a: Assembler) => void): Uint8Array {
  const a = new Assembler(ENTRY);
  emit(a);
  const code = a.bytes();
  const bytes = new Uint8Array(0x78 + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(24, BigInt(ENTRY), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  view.setBigUint64(80, 0x40_0000n, true);
  for (const at of [96, 104]) view.setBigUint64(at, BigInt(bytes.length), true);
  view.setBigUint64(112, 0x1000n, true);
  bytes.set(code, 0x78);
  return bytes;
}
const syscall = (a: Assembler, nr: number, ...args: number[]): void => {
  [rdi, rsi, rdx].slice(0, args.length).forEach((reg, n) => void a.op('mov r32, imm32', reg, args[n] as number));
  a.op('mov r32, imm32', rax, nr).op('syscall');
};
/** exit_group with what rax holds */
const exitWithResult = (a: Assembler): void => {
  a.op('mov r/m64, r64', rdi, rax).op('mov r32, imm32', rax, 231).op('syscall');
};

async function run(kernel: Kernel, bytes: Uint8Array, argv?: readonly string[]) {
  kernel.root.add('/p', bytes, 0o755);
  const { streams, text } = captured();
  let status = -1;
  kernel.programs.ended.add((_pid, wait) => {
    status = wait;
  });
  const result = await kernel.replay(kernel.program({ path: '/p', ...(argv ? { argv } : {}) }, streams));
  return { result, status, text };
}

describe('a program', () => {
  it.each(['jit', 'step'] as const)('runs with its arguments, and ends with its status (%s)', async (engine) => {
    const kernel = await worldWith({ engine });
    const { streams, text } = captured();
    const status: number[] = [];
    kernel.programs.ended.add((_pid, wait) => status.push(wait));
    for (const file of ['/etc/hostname', '/etc/none'])
      await kernel.replay(kernel.program({ path: home('steps'), argv: ['steps', file] }, streams));
    expect(text(1)).toBe('hello\nhello\n');
    expect(status).toEqual([0, 3 << 8]);
    expect(kernel.tasks.find(1508)).toBeUndefined();
  });

  it('of an unknown system call gets ENOSYS, which is said once by name', async () => {
    const kernel = await worldWith();
    const unknown: string[] = [];
    kernel.programs.unknownCall.add((name) => unknown.push(name));
    const program = executable((a) => {
      syscall(a, 101, 0, 0, 0);
      syscall(a, 101, 0, 0, 0);
      exitWithResult(a);
    });
    expect((await run(kernel, program)).status).toBe((-38 & 0xff) << 8);
    expect(unknown).toEqual(['ptrace']);
  });

  it.each([
    ['an instruction that this machine has not', (a: Assembler) => a.raw(0xd9, 0xeb), 4, /trap invalid opcode.*in p\[/],
    [
      'memory that is not there',
      (a: Assembler) =>
        a.op(
          'mov r/m8, imm8',
          { base: -1, index: -1, scale: 0, disp: 64, dispSize: 4, segment: 0, target: undefined },
          1,
        ),
      11,
      /segfault at 40 .*error 6 in p\[/,
    ],
    ['a breakpoint of its own', (a: Assembler) => a.op('int3'), 5, undefined],
  ] as const)('%s ends it by a signal', async (_, emit, signal, logged) => {
    const kernel = await worldWith();
    const { status } = await run(
      kernel,
      executable((a) => void emit(a)),
    );
    expect(status).toBe(signal);
    if (logged) expect(kernel.printk.lines.join('\n')).toMatch(logged);
  });

  it('that runs for ever is stopped by a budget', async () => {
    const kernel = await worldWith();
    kernel.root.add(
      '/p',
      executable((a) => void a.raw(0xeb, 0xfe)),
      0o755,
    );
    const result = await kernel.replay(kernel.program({ path: '/p' }), { maxInsns: 100_000 });
    expect(result.stopped).toBe('max-insns');
  });

  it.each([
    ['no such file', '/none', /no such file/],
    ['no executable', '/etc/hostname', /not an ELF executable/],
  ])('%s is refused before it begins', async (_, path, message) => {
    const kernel = await worldWith();
    expect(() => kernel.program({ path })).toThrow(message);
  });
});

it('has its mappings in /proc/PID/maps, and what it maps and unmaps', async () => {
  const kernel = await worldWith();
  const maps = (): string => {
    const file = kernel.vfs.open('/proc/1508/maps', 0, 0, kernel.process);
    return typeof file === 'number' ? String(file) : Buffer.from(file.read?.(1 << 16) as Uint8Array).toString();
  };
  kernel.root.add(
    '/p',
    executable((a) => {
      // mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0), then munmap of its second page
      a.op('mov r32, imm32', 10, 0x22).op('xor r/m32, r32', 8, 8).op('xor r/m32, r32', 9, 9);
      syscall(a, 9, 0, 8192, 3);
      a.op('lea r64, m', rdi, {
        base: rax,
        index: -1,
        scale: 0,
        disp: 4096,
        dispSize: 4,
        segment: 0,
        target: undefined,
      });
      a.op('mov r32, imm32', rsi, 4096).op('mov r32, imm32', rax, 11).op('syscall');
      syscall(a, 39);
      exitWithResult(a);
    }),
    0o755,
  );
  const replay = kernel.replayer(kernel.program({ path: '/p' }));
  const seen = new Set<string>();
  while (replay.step(20).reason !== 'end') seen.add(maps());
  replay.finish();
  const file = `00400000-00401000 rwxp 00000000 08:01 ${kernel.root.find('/p')?.ino} `.padEnd(73) + '/p\n';
  const stack = '7ffffffbf000-7ffffffff000 rw-p 00000000 00:00 0 '.padEnd(73) + '[stack]\n';
  const middle = (end: string): string => `7ffff7ffd000-${end} rw-p 00000000 00:00 0 \n`;
  expect([...seen].filter((text) => text.includes('/p\n'))).toEqual([
    file + stack,
    file + middle('7ffff7fff000') + stack,
    file + middle('7ffff7ffe000') + stack,
  ]);
});
