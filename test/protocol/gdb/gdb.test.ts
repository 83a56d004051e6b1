/** The host's own gdb attaches, and does what people do with it. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { symbolFile } from '../../../src/debug/index.ts';
import { GdbStub, listenForGdb, RefusalStub } from '../../../src/protocol/index.ts';
import { openSession } from '../../debug/support.ts';
import { full } from '../../support/depth.ts';

const version = spawnSync('gdb', ['--nx', '--version'], { encoding: 'utf8' }).stdout ?? '';
const haveGdb = version.includes('GNU gdb');
if (!haveGdb) console.log('skipped: there is no gdb here, so none attaches');

/** What gdb says to these commands. */
async function gdb(object: string, file: string | undefined, ...commands: readonly string[]): Promise<string> {
  const session = await openSession(object);
  if (file !== undefined) writeFileSync(file, symbolFile(session));
  const listening = await listenForGdb(new GdbStub(session), '127.0.0.1', 0);
  const all = [
    ...['set pagination off', 'set confirm off', 'set width 0', 'set debuginfod enabled off', 'set remotetimeout 60'],
    `target remote ${listening.address}`,
    ...commands,
    'detach',
  ];
  const args = ['--nx', '--batch', ...all.flatMap((c) => ['-ex', c]), ...(file === undefined ? [] : [file])];
  const said = new Promise<string>((resolve) => {
    execFile('gdb', args, { encoding: 'utf8', timeout: 60_000 }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
  const text = await said;
  session.close();
  return text;
}

describe.skipIf(!haveGdb)('gdb', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'gdb-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('finds symbols by itself, breaks on a kernel function, steps into trampoline and image, and goes back', async () => {
    const text = await gdb(
      'opens.o',
      undefined,
      'info threads',
      'break *do_sys_openat2',
      'continue',
      'stepi 2',
      'info symbol $rip',
      'break *kprobe_ftrace_handler',
      'continue',
      'delete',
      'break bpf_map_update_elem',
      'tbreak *bpf_prog_425715e4842920c0_count_opens',
      'continue',
      'nexti 5',
      'info symbol $rip',
      'x/i $rip',
      'monitor when',
      'delete',
      'reverse-stepi 5',
      'info symbol $rip',
      'break *do_sys_openat2',
      'reverse-continue',
      'print $rip == (unsigned long)&do_sys_openat2',
      'delete',
      'reverse-continue',
    );
    expect(text).toMatch(/Reading symbols from target:\/ebpf-emu\/vmlinux/);
    expect(text).toMatch(/\* \d+ +Thread 30042 "python3" \(runs, in openat\)/);
    expect(text).toMatch(/hit Breakpoint 1, (0x\w+ in )?do_sys_openat2/);
    expect(text).toMatch(/ftrace_trampoline \+ 1 in section/);
    expect(text).toMatch(/hit Breakpoint 2, (0x\w+ in )?kprobe_ftrace_handler/);
    expect(text).toMatch(/hit Temporary breakpoint 4, (0x\w+ in )?count_opens/);
    expect(text).toMatch(/bpf_prog_425715e4842920c0_count_opens \+ \d+ in section/);
    expect(text).toMatch(/=> 0xffffffffc00000\w\w <count_opens\+\d+>/);
    expect(text).toMatch(/instruction \d+, \d+ ns since boot, system call \d+/);
    expect(text).toMatch(/\$1 = 1/);
    expect(text).toMatch(/No more reverse-execution history/);
  }, 60_000);

  it.runIf(full)(
    'knows the C lines of a program and its way back through trampoline and kernel',
    async () => {
      const text = await gdb(
        'opens.o',
        undefined,
        `directory ${fileURLToPath(new URL('../../../fixtures/', import.meta.url))}`,
        'break opens.c:22',
        'continue',
        'next',
        'reverse-next',
        'delete',
        'break __htab_map_lookup_elem',
        'continue',
        'backtrace',
        'finish',
      );
      expect(text).toMatch(/Breakpoint 1 at 0x\w+: file \.\/opens\.c, line 22\./);
      expect(text).toMatch(
        /hit Breakpoint 1, count_opens \(\) at \.\/opens\.c:22\n22\s+__sync_fetch_and_add\(n, 1\);\n23\s+return 0;\n/,
      );
      const frames = [...text.matchAll(/^#\d+ .* in (\w+) \(\)/gm)].map((m) => m[1]);
      expect(frames).toEqual([
        ...[
          '__htab_map_lookup_elem',
          'count_opens',
          'trace_call_bpf',
          'kprobe_perf_func',
          'kprobe_dispatcher',
          'kprobe_ftrace_handler',
        ],
        ...['ftrace_trampoline', 'do_sys_openat2', '__x64_sys_openat', 'do_syscall_64', 'entry_SYSCALL_64'],
      ]);
      expect(text).toMatch(/20\s+n = bpf_map_lookup_elem\(&counts, &pid\);/);
    },
    60_000,
  );

  it.runIf(full)(
    'takes the file of symbols, reads and writes registers and memory, watches, and asks for BPF state',
    async () => {
      const text = await gdb(
        'opens.o',
        join(dir, 'symbols'),
        'print /x $cs',
        'print $gs_base != 0',
        'set $r15 = 0x1234',
        'print /x $r15',
        'set *(long *)($rsp - 64) = 42',
        'print *(long *)($rsp - 64)',
        'print $eflags',
        'set $xmm1.v4_int32[2] = 77',
        'print $xmm1.v4_int32[2] + $mxcsr',
        'watch *(long *)($rsp - 16)',
        'continue',
        'delete',
        'monitor progs',
        'monitor break helper map_lookup_elem',
        'continue',
        'info registers rdi',
        'disassemble bpf_prog_425715e4842920c0_count_opens,+24',
        'thread apply all -- info registers rip',
      );
      expect(text).toMatch(/\$1 = 0x10\n\$2 = 1\n\$3 = 0x1234\n\$4 = 42\n\$5 = \[ .*IF.* \]\n/);
      expect(text).toMatch(/\$6 = 8141\n/);
      expect(text).toMatch(/[Ww]atchpoint 1: \*\(long \*\)\(\$rsp - 16\)\n\nOld value = .*\nNew value = /);
      expect(text).toMatch(/count_opens: kprobe, SEC\("kprobe\/do_sys_openat2"\)/);
      expect(text).toMatch(/__htab_map_lookup_elem|bpf_map_lookup_elem/);
      expect(text).toMatch(/endbr64/);
      expect(text).toMatch(/Thread 1507 "ebpf-emu".*\nrip +0x\w+ +0x\w+ <__schedule/);
    },
    60_000,
  );

  it('is told why there is nothing to run where the verifier refused the program', async () => {
    const reason = "the verifier refused hello: R0 invalid mem access 'map_value_or_null'";
    const { address, done } = await listenForGdb(new RefusalStub(reason), '127.0.0.1', 0);
    const args = ['--nx', '--batch', '-ex', `target remote ${address}`];
    const text = await new Promise<string>((resolve) => {
      execFile('gdb', args, { encoding: 'utf8', timeout: 60_000 }, (_, stdout, stderr) => resolve(stdout + stderr));
    });
    await done;
    expect(text).toContain(reason);
    expect(text).not.toMatch(/reset|closed|timed out/i);
  });
});
