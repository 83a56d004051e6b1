/** What commands show of a run: records, maps, bpftool's words; several objects in one kernel; listings. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { haveShared, sharedPath } from '../support/shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));
const trace = (stdout: string): string[] => stdout.split('\n').filter((line) => !line.includes('bpf_trace_printk'));

describe('load', () => {
  it('--events json prints a record a line', async () => {
    const { stdout, code } = await cli('load', 'fixtures/opensnoop.o', '--events', 'json');
    const records = trace(stdout)
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { comm: string; filename: string });
    expect(code).toBe(0);
    expect(records.length).toBeGreaterThan(20);
    expect(records[0]).toMatchObject({ pid: 30042, comm: 'python3', filename: '/etc/ld.so.cache' });
  });

  it('--format, and a field that the record has not', async () => {
    const { stdout } = await cli('load', 'fixtures/opensnoop.o', '--format', '{comm}:{filename}');
    expect(trace(stdout)[0]).toBe('python3:/etc/ld.so.cache');
    const wrong = await cli('load', 'fixtures/opensnoop.o', '--format', '{file}');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("the record has no 'file'; near it: filename");
    const type = await cli('load', 'fixtures/opensnoop.o', '--event-type', 'evnt');
    expect(type.stderr).toContain("no structure of the program is named 'evnt'; near it: event");
  });

  it('several objects, then their maps and what bpftool would say', async () => {
    const asked = ['--maps', '--bpftool', 'link show', '--bpftool', '-j prog show name hello'];
    const { stdout, code } = await cli('load', 'fixtures/opens.o', 'fixtures/hello.o', ...asked);
    expect(code).toBe(0);
    expect(stdout).toContain('Hello, World!');
    expect(stdout).toContain('[{\n        "key": 30042,\n        "value": 25\n    }');
    expect(stdout).toContain('1: perf_event  prog 1  \n2: perf_event  prog 2  \n');
    expect(stdout).toContain('{"id":2,"type":"kprobe","name":"hello"');
    const absent = await cli('load', 'fixtures/opens.o', 'fixtures/hello.o', '-p', 'nobody');
    expect(absent.stderr).toContain("no program 'nobody'");
  });

  it.skipIf(!haveShared)('maps that are pinned by name are shared', async () => {
    const pinned = sharedPath('conformance/objects/samples/cilium-examples/kprobepin_bpf_bpfel.o');
    const { stdout } = await cli('map', 'show', pinned, pinned, '-j');
    expect((JSON.parse(stdout) as { name: string }[]).map((m) => m.name)).toEqual(['kprobe_map']);
  });
});

describe('listings', () => {
  it('prog show, map show, btf dump after loading what is named', async () => {
    expect((await cli('prog', 'show', 'fixtures/hello.o')).stdout).toMatch(
      /^1: kprobe {2}name hello {2}tag 0abd3e7c5d71d955 {2}gpl\n\tloaded_at /,
    );
    expect((await cli('map', 'list', 'fixtures/hello.o', '-j')).stdout).toMatch(
      /^\[\{"id":1,"type":"array","name":"hello.rodata"/,
    );
    expect((await cli('btf', 'dump', 'file', 'fixtures/hello.o', 'format', 'c')).stdout).toContain(
      '#define __VMLINUX_H__',
    );
    expect((await cli('prog', 'show', 'fixtures/hello.o', 'name', 'helo')).stderr).toContain('near it: hello');
  });

  it('dump: bpftool by default, with addresses, annotated, as a page', async () => {
    expect((await cli('dump', 'jited', 'fixtures/hello.o')).stdout).toContain(
      '   0:\tendbr64\n   4:\tnopl   0x0(%rax,%rax,1)\n',
    );
    expect((await cli('dump', 'jited', 'fixtures/hello.o', '--addresses')).stdout).toMatch(/<bpf_trace_printk>/);
    const [insn] = JSON.parse((await cli('dump', 'xlated', 'fixtures/hello.o', '--json')).stdout) as object[];
    expect(insn).toMatchObject({ proto: 'int hello(void * ctx)', disasm: '(18) r1 = map[id:1][0]+0' });
    const page = join(folder, 'hello.html');
    expect((await cli('dump', 'xlated', 'fixtures/hello.o', '--html', page)).code).toBe(0);
    expect(readFileSync(page, 'utf8')).toContain('<h2>hello</h2>');
  });

  it('inspect -p shows what belongs to one program', async () => {
    const { stdout } = await cli('inspect', 'fixtures/tailcall.o', '-p', 'second');
    expect(stdout).toContain('second+0');
    expect(stdout).not.toMatch(/first|prog_array/);
    expect((await cli('inspect', 'fixtures/tailcall.o', '-p', 'third')).stderr).toMatch(/no program 'third'/);
  });

  it('verify --stats, diff, explain', async () => {
    const csv = (await cli('verify', '--stats', 'fixtures/hello.o', '-o', 'csv', '-e', 'file,prog,verdict,insns'))
      .stdout;
    expect(csv).toBe('file_name,prog_name,verdict,total_insns\nhello.o,hello,success,5\n');
    const same = await cli('diff', 'fixtures/hello.o', 'fixtures/hello.o');
    expect([same.code, same.stdout]).toEqual([0, 'hello: the same\n']);
    expect((await cli('explain', 'sys_openat')).stdout).toMatch(/since Linux 4.17 it is __x64_sys_openat/);
    expect((await cli('explain', 'frobnicate the thing')).code).toBe(1);
  });
});
