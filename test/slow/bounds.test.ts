/** What takes seconds to come to its bound, and ends there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import * as I from '../../src/isa/index.ts';
import { verify } from '../../src/verifier/index.ts';
import { cli } from '../support/cli.ts';
import { command, installed } from '../support/process.ts';
import { inputOf } from '../verifier/oracle.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the verifier ends at a million instructions', () => {
  // a counter that never repeats a state, and seldom asks whether it does
  const STEPS = 5000;
  const K = I.BPF_ALU64 | I.BPF_K;
  const insns = [
    I.insn(K | I.BPF_MOV, 0, 0, 0, 0),
    ...Array.from({ length: STEPS }, () => I.insn(K | I.BPF_ADD, 0, 0, 0, 1)),
    I.insn(I.BPF_JMP | I.BPF_JLT | I.BPF_K, 0, 0, -STEPS - 1, 0x7fffffff),
    I.insn(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0),
  ];
  const record = {
    name: 'test',
    prog_type: 1,
    insns: Buffer.from(I.writeInsns(insns)).toString('hex'),
    kernel: { loaded: true, errno: 0 },
  };
  const result = verify({ ...inputOf(record), logLevel: 4 });
  expect(result.ok ? '' : result.errno).toBe('E2BIG');
  expect(result.log).toContain('BPF program is too large. Processed 1000001 insn\n');
});

it.skipIf(process.platform === 'win32')('a recording that never has a call is left', async () => {
  const program = command(await installed());
  const { stderr, status } = spawnSync('bash', ['-c', `yes | node ${program} load fixtures/hello.o --replay -`], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^ebpf-emu: the recording goes on without a system call/m);
  expect(stderr).not.toContain('MaxListeners');
  expect(status).toBe(1);
});

it('gzip of too much is not unpacked', async () => {
  const bomb = join(folder, 'bomb.gz');
  // members behind each other unpack as one (RFC 1952 section 2.2)
  writeFileSync(bomb, Buffer.concat(Array(513).fill(gzipSync(new Uint8Array(1 << 20)))));
  const { stderr, code } = await cli('verify', 'fixtures/hello.o', '--btf', bomb);
  expect(stderr).toMatch(/^ebpf-emu: .*bomb\.gz: .*unpacks to more than 536870912 bytes\n$/);
  expect(code).toBe(1);
});
