/**
 * Debian's own tools in front of the model, unmodified: each prints what the shipped recording has, from the recording's own
 * facts (fixtures/traces/python3.strace). Needs the tools (Debian: bpftool libbpf-tools bpftrace python3-bpfcc) and a C compiler.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const recording = `${root}fixtures/traces/python3.strace`;
const isHost = process.platform === 'linux' && process.arch === 'x64' && spawnSync('cc', ['--version']).status === 0;
const PATH = `/usr/bin:${process.env['PATH']}:/usr/sbin:/sbin`;

const has = (tool: string): boolean => {
  const there = isHost && ['/usr/sbin/', '/usr/bin/', '/sbin/'].some((folder) => existsSync(folder + tool));
  if (!there) console.log(`skipped: ${tool} needs an x86-64 Linux host with a C compiler and Debian's package of it`);
  return there;
};
function exec(...command: readonly string[]): { readonly out: string; readonly err: string } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}bin/ebpf-emu.cjs`, 'exec', '--replay', recording, '--then', 'int', '--', ...command],
    { encoding: 'utf8', env: { ...process.env, PATH }, timeout: 150_000, cwd: root },
  );
  return { out: stdout, err: stderr };
}

/** Calls of the recording by the kernel's own names: what a tool should have seen of it. */
const calls = readFileSync(recording, 'utf8').split('\n');
const opens = calls.filter((line) => /\bopenat\(/.test(line));
const openedBy = (pid: number): number => opens.filter((line) => line.startsWith(`${pid} `)).length;

const TIMEOUT = { timeout: 160_000 };

describe.skipIf(!has('bpftool'))('bpftool', () => {
  it('makes, fills, pins and shows a map', TIMEOUT, () => {
    const script = [
      'bpftool map create /sys/fs/bpf/m type hash key 4 value 8 entries 16 name hm',
      'bpftool map update pinned /sys/fs/bpf/m key 1 0 0 0 value 2 0 0 0 0 0 0 0',
      'bpftool map dump pinned /sys/fs/bpf/m',
      'bpftool -j map show pinned /sys/fs/bpf/m',
    ];
    const { out } = exec('sh', '-ec', script.join('\n'));
    expect(out).toMatch(/^key: 01 00 00 00 {2}value: 02 00 00 00 00 00 00 00\nFound 1 element\n/);
    expect(JSON.parse(out.split('\n')[2] as string)).toMatchObject({ type: 'hash', name: 'hm', max_entries: 16 });
  });
});

describe.skipIf(!has('bpftool') || !has('ip'))('iproute2', () => {
  it('puts an XDP program on a device, as bpftool sees it', TIMEOUT, () => {
    const script = [
      'bpftool prog load "$0" /sys/fs/bpf/x',
      'ip link set dev lo xdpgeneric pinned /sys/fs/bpf/x',
      'bpftool -j net show dev lo',
      'ip link show dev lo',
      'ip link set dev lo xdp off',
      'bpftool -j net show dev lo',
    ];
    const { out } = exec('sh', '-c', script.join('\n'), `${root}fixtures/xdp_count.o`);
    const [attached, off] = out.split('\n').filter((line) => line.startsWith('['));
    expect(JSON.parse(attached as string)[0].xdp).toMatchObject([{ devname: 'lo', ifindex: 1, mode: 'generic' }]);
    expect(out).toMatch(/^1: lo: .*\bxdpgeneric\b/m);
    expect(JSON.parse(off as string)[0].xdp).toEqual([]);
  });
});

describe.skipIf(!has('opensnoop'))('libbpf-tools', () => {
  it('opensnoop prints each file that was opened', TIMEOUT, () => {
    const rows = exec('opensnoop').out.trimEnd().split('\n').slice(1);
    expect(rows.length).toBe(opens.length);
    expect(rows.filter((row) => row.startsWith('30043 ')).length).toBe(openedBy(30043));
    expect(rows.some((row) => /^30042 +python3 +-1 +2 missing\.txt$/.test(row))).toBe(true);
  });
  it('execsnoop prints both programs with their arguments', TIMEOUT, () => {
    expect(
      exec('execsnoop')
        .out.split('\n')
        .slice(1, 3)
        .map((row) => row.trimEnd()),
    ).toEqual([
      'python3          30042  0        0 /usr/bin/python3 -I -S -X frozen_modules=on -X utf8 demo.py',
      'cat              30043  30042    0 /bin/cat notes.txt',
    ]);
  });
});

describe.skipIf(!has('bpftrace'))('bpftrace', () => {
  it('counts opens by program', TIMEOUT, () => {
    const { out } = exec('bpftrace', '-e', 'kprobe:do_sys_openat2 { @[comm] = count(); }');
    expect(out).toContain(`@[cat]: ${openedBy(30043)}\n@[python3]: ${openedBy(30042)}\n`);
  });
});

const hasBcc = isHost && spawnSync('/usr/bin/python3', ['-c', 'import bcc'], { timeout: 60_000 }).status === 0;
if (!hasBcc) console.log('skipped: BCC is not here (Debian: python3-bpfcc and the kernel’s headers)');
describe.skipIf(!hasBcc)('BCC', () => {
  it('hello.py says hello for each file that was opened', TIMEOUT, () => {
    const program = [
      'from bcc import BPF',
      'b = BPF(text=r\'int hello_world(void *ctx){ bpf_trace_printk("Hello, World!"); return 0;}\')',
      'b.attach_kprobe(event="do_sys_openat2", fn_name="hello_world")',
      'b.trace_print()',
    ];
    const lines = exec('/usr/bin/python3', '-u', '-c', program.join('\n')).out.trimEnd().split('\n');
    expect(lines.length).toBe(opens.length);
    expect(lines[0]).toMatch(/^b' +python3-30042 +\[000\] \.\.\.21 +6\d\d\.\d{6}: bpf_trace_printk: Hello, World!'$/);
  });
});
