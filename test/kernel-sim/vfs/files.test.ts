/** Files of the kernel's own, held against what a real 6.12.117 gave. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import { Kernel } from '../../../src/index.ts';

const reference = (name: string): URL => new URL(`../../../../shared/reference/6.12/${name}`, import.meta.url);
const hasReference = existsSync(reference('kallsyms.gz'));
if (!hasReference) console.log('skipped: the real kernel’s files are not here');
const O_WRONLY = 1;
const O_TRUNC = 0o1000;

let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.boot();
});

const open = (path: string, flags = 0) => kernel.vfs.open(path, flags, 0, kernel.process);
function read(path: string): string {
  const file = open(path);
  if (typeof file === 'number') throw new Error(`${path}: error ${-file}`);
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = file.read?.(1 << 20);
    if (part === undefined || typeof part === 'number' || part.length === 0)
      return Buffer.concat(parts).toString('latin1');
    parts.push(part);
  }
}
function write(path: string, text: string, flags = O_WRONLY): number {
  const file = open(path, flags);
  return typeof file === 'number' ? file : (file.write?.(Buffer.from(text)) ?? -ERRNO.EINVAL);
}

describe('text', () => {
  it.each([
    ['/sys/bus/event_source/devices/kprobe/type', '8\n'],
    ['/sys/bus/event_source/devices/kprobe/format/retprobe', 'config:0\n'],
    ['/sys/devices/system/cpu/possible', '0\n'],
    ['/proc/sys/kernel/unprivileged_bpf_disabled', '2\n'],
    ['/proc/sys/kernel/perf_event_paranoid', '3\n'],
    ['/sys/kernel/tracing/events/sched/sched_switch/id', '310\n'],
    ['/sys/kernel/debug/tracing/tracing_on', '1\n'],
    ['/sys/kernel/tracing/events/enable', '0\n'],
  ])('%s', (path, text) => expect(read(path)).toBe(text));

  it.skipIf(!hasReference)('kallsyms is the real kernel’s, line for line', () => {
    const real = gunzipSync(readFileSync(reference('kallsyms.gz'))).toString('latin1');
    const own = real.split('\n').filter((line) => !line.includes('['));
    expect(read('/proc/kallsyms') === own.join('\n')).toBe(true);
  });
  it.skipIf(!hasReference)('every event is there, and its format', () => {
    const names = readFileSync(reference('available_events'), 'utf8').split('\n').filter(Boolean);
    expect(read('/sys/kernel/tracing/available_events').split('\n').filter(Boolean).sort()).toEqual([...names].sort());
    const formats = gunzipSync(readFileSync(reference('syscalls_formats.txt.gz'))).toString();
    const one = formats.slice(formats.indexOf('name: sys_enter_openat\n'));
    const text = read('/sys/kernel/tracing/events/syscalls/sys_enter_openat/format');
    expect(one.startsWith(text)).toBe(true);
    expect(text).toMatch(/field:const char \* filename;/);
  });
});

describe('paths', () => {
  it('are the model’s, or the host’s', () => {
    expect(kernel.vfs.has('/proc/kallsyms')).toBe(true);
    expect(kernel.vfs.has('/sys/kernel/tracing/nosuch')).toBe(true);
    expect(kernel.vfs.has('/proc/version_signature')).toBe(false);
    expect(kernel.vfs.has('/proc/config.gz')).toBe(false);
    expect(open('/sys/kernel/tracing/nosuch')).toBe(-ERRNO.ENOENT);
    expect(open('/proc/version/x')).toBe(-ERRNO.ENOTDIR);
    expect(open('/sys/kernel/tracing', O_WRONLY)).toBe(-ERRNO.EISDIR);
    expect(open('/proc/version', O_WRONLY)).toBe(-ERRNO.EACCES);
  });
  it('tell their file system', () => {
    expect(kernel.vfs.statfs('/sys/fs/bpf')).toBe(0xcafe4a11);
    expect(kernel.vfs.statfs('/sys/kernel/debug/tracing')).toBe(0x74726163);
    expect(kernel.vfs.stat('/sys/fs/bpf', kernel.process)).toMatchObject({ mode: 0o41777 });
  });
});

// goldens of the real kernel: what these lines wrote into kprobe_events became
describe('kprobe_events', () => {
  const FILE = '/sys/kernel/tracing/kprobe_events';
  it('makes events as the real kernel does', () => {
    expect(write(FILE, 'p:mykp/ev1 do_sys_openat2\n', O_WRONLY | O_TRUNC)).toBe(26);
    expect(write(FILE, 'r:ev2 vfs_read ret=$retval\n')).toBe(27);
    expect(write(FILE, 'p vfs_write+4 a=%di\n')).toBe(20);
    expect(write(FILE, 'p:bad/ev nosuchfunc\n')).toBe(-ERRNO.EINVAL);
    expect(read(FILE)).toBe(
      'p:mykp/ev1 do_sys_openat2\nr10:kprobes/ev2 vfs_read ret=$retval\np:kprobes/p_vfs_write_4 vfs_write+4 a=%di\n',
    );
    expect(read('/sys/kernel/tracing/events/mykp/ev1/id')).toBe('1496\n');
    expect(read('/sys/kernel/tracing/events/kprobes/ev2/format').split('\n').slice(8)).toEqual([
      '\tfield:unsigned long __probe_func;\toffset:8;\tsize:8;\tsigned:0;',
      '\tfield:unsigned long __probe_ret_ip;\toffset:16;\tsize:8;\tsigned:0;',
      '\tfield:s64 ret;\toffset:24;\tsize:8;\tsigned:1;',
      '',
      'print fmt: "(%lx <- %lx) ret=%Ld", REC->__probe_func, REC->__probe_ret_ip, REC->ret',
      '',
    ]);
    expect(read('/sys/kernel/tracing/events/kprobes/p_vfs_write_4/format')).toMatch(
      /print fmt: "\(%lx\) a=0x%Lx", REC->__probe_ip, REC->a\n$/,
    );
    expect(write(FILE, '-:mykp/ev1\n')).toBe(11);
    expect(write(FILE, '-:nosuch\n')).toBe(-ERRNO.ENOENT);
    expect(write(FILE, '', O_WRONLY | O_TRUNC)).toBe(0);
    expect(read(FILE)).toBe('');
  });
});

describe('bpffs', () => {
  it('has directories and pinned objects', () => {
    const { vfs, process } = kernel;
    expect(vfs.mkdir('/sys/fs/bpf/dir', 0o755, process)).toBe(0);
    expect(vfs.mkdir('/sys/fs/bpf/dir', 0o755, process)).toBe(-ERRNO.EEXIST);
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    kernel.bpf.objPin('/sys/fs/bpf/dir/m', map.fd);
    const entries = vfs.readdir('/sys/fs/bpf/dir', process);
    expect(typeof entries === 'number' ? entries : entries.map((e) => e.name)).toEqual(['.', '..', 'm']);
    expect(vfs.rmdir('/sys/fs/bpf/dir', process)).toBe(-ERRNO.ENOTEMPTY);
    expect(vfs.unlink('/sys/fs/bpf/dir/m', process)).toBe(0);
    expect(vfs.rmdir('/sys/fs/bpf/dir', process)).toBe(0);
  });
});

describe('cgroup2', () => {
  it('a group is made by mkdir, and holds whom its cgroup.procs is told of', async () => {
    const k = await Kernel.boot();
    const { vfs, process } = k;
    expect(vfs.mkdir('/sys/fs/cgroup/pod', 0o755, process)).toBe(0);
    expect(vfs.mkdir('/sys/fs/cgroup/pod', 0o755, process)).toBe(-ERRNO.EEXIST);
    expect(vfs.mkdir('/sys/fs/cgroup/none/pod', 0o755, process)).toBe(-ERRNO.ENOENT);
    const file = vfs.open('/sys/fs/cgroup/pod/cgroup.procs', O_WRONLY, 0, process);
    if (typeof file === 'number') throw new Error(`error ${-file}`);
    expect(file.write?.(Buffer.from('0\n'))).toBe(2);
    expect(file.write?.(Buffer.from('me\n'))).toBe(-ERRNO.EINVAL);
    expect(k.cgroups.of(process).path).toBe('/pod');
    const told = vfs.stat('/sys/fs/cgroup/pod', process);
    expect(typeof told === 'object' && told.ino).toBe(k.cgroups.at('/pod').id);
    // the directory is what programs are attached to
    const directory = vfs.open('/sys/fs/cgroup/pod', 0, 0, process);
    if (typeof directory === 'number') throw new Error(`error ${-directory}`);
    const fd = k.fds.install(directory);
    const prog = k.bpf.progLoad({ type: 'cgroup_skb', insns: 'b700000001000000 9500000000000000', license: 'GPL' });
    k.bpf.linkCreate({ prog: prog.fd, target: fd, attachType: 'cgroup_inet_egress' });
    expect(k.cgroups.enabled(1)).toBe(true);
  });
});

describe('links in bpffs', () => {
  it('lead to what is pinned, and in a circle nowhere', async () => {
    const { vfs, process, bpf } = await Kernel.boot();
    const map = bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    vfs.mkdir('/sys/fs/bpf/tc', 0o700, process);
    bpf.objPin('/sys/fs/bpf/tc/m', map.fd);
    expect(vfs.symlink('/sys/fs/bpf/tc', '/sys/fs/bpf/xdp', process)).toBe(0);
    expect(vfs.readlink('/sys/fs/bpf/xdp', process)).toBe('/sys/fs/bpf/tc');
    expect(bpf.state.bpffs.get('/sys/fs/bpf/xdp/m')).toBe(bpf.state.bpffs.get('/sys/fs/bpf/tc/m'));
    vfs.symlink('b', '/sys/fs/bpf/a', process);
    vfs.symlink('a', '/sys/fs/bpf/b', process);
    expect(() => bpf.state.bpffs.get('/sys/fs/bpf/a/m')).toThrow();
    expect(() => bpf.state.bpffs.get('/sys/fs/bpf/a')).toThrow();
    expect(vfs.stat('/sys/fs/bpf/a', process)).toBe(-ERRNO.ELOOP);
    expect(vfs.unlink('/sys/fs/bpf/a', process)).toBe(0);
  });
});
