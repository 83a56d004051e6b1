/** All types of the built-in kernel: as bpftool prints them, and as programs include them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { wholeBtf } from '../../kernel-sim/data/builtin.ts';
import { Btf, dumpC, dumpRaw } from '../../src/btf/index.ts';
import { compile, findClang } from '../../src/object/clang.ts';
import { openObject } from '../../src/object/open.ts';

const runs = (program: string): boolean => spawnSync(program, ['version'], { stdio: 'ignore' }).status === 0;
const haveBpftool = runs('bpftool');
if (!haveBpftool) console.log('skipped: no bpftool, so the kernel is not compared with it');
let haveClang = true;
try {
  findClang();
} catch {
  haveClang = false;
  console.log('skipped: no clang, so vmlinux.h is not compiled');
}

it.skipIf(!haveBpftool)('as bpftool prints it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-btf-'));
  const path = join(directory, 'vmlinux.btf');
  try {
    writeFileSync(path, wholeBtf());
    const ask = (format: string): string =>
      spawnSync('bpftool', ['btf', 'dump', 'file', path, 'format', format], { encoding: 'utf8', maxBuffer: 1 << 26 })
        .stdout;
    const btf = Btf.parse(wholeBtf());
    expect(dumpC(btf) === ask('c')).toBe(true);
    expect(dumpRaw(btf) === ask('raw')).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it.skipIf(!haveClang)('as programs include it', () => {
  const bytes = compile(`#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char comm[TASK_COMM_LEN];
SEC("kprobe/vfs_read") int read(struct pt_regs *ctx) { return comm[0] == 'x' ? true : false; }
char LICENSE[] SEC("license") = "GPL";`);
  expect(openObject(bytes, 'program.c').programs.map((p) => p.name)).toEqual(['read']);
});
