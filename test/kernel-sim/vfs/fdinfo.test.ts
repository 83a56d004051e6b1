/** /proc/self/fdinfo/N of BPF's descriptors, as Linux 6.12.117 printed it for the same objects (ids and tags aside, which are checked too). */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { fdinfoText } from '../../../kernel-sim/vfs/fdinfo.ts';

const kernel = await Kernel.boot();
const { bpf, fds } = kernel;
const text = (fd: number): string => fdinfoText(fds.get(fd), fds.mode(fd)).replaceAll('\t', ' ');
const HEAD = 'pos: 0\nflags: 02000002\nmnt_id: 17\nino: 62\n';
const LINK_HEAD = HEAD.replace('02000002', '02000000');
const RETURN_0 = 'b700000000000000 9500000000000000';

it('of maps', () => {
  const hash = bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 16, name: 'm' });
  expect(text(hash.fd)).toBe(
    `${HEAD}map_type: 1\nkey_size: 4\nvalue_size: 8\nmax_entries: 16\nmap_flags: 0x0\nmap_extra: 0x0\nmemlock: 2280\nmap_id: ${hash.id}\nfrozen: 0\n`,
  );
  const progs = bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 2 });
  progs.freeze();
  expect(text(progs.fd)).toBe(
    `${HEAD}map_type: 3\nkey_size: 4\nvalue_size: 4\nmax_entries: 2\nmap_flags: 0x0\nmap_extra: 0x0\nmemlock: 280\nmap_id: ${progs.id}\nfrozen: 1\n`,
  );
});

it('of programs', () => {
  const prog = bpf.progLoad({ type: 'raw_tracepoint', insns: RETURN_0, license: 'GPL', name: 'p' });
  expect(text(prog.fd)).toBe(
    `${HEAD}prog_type: 17\nprog_jited: 1\nprog_tag: a04f5eef06a7f555\nmemlock: 4096\nprog_id: ${prog.id}\nrun_time_ns: 0\nrun_cnt: 0\nrecursion_misses: 0\nverified_insns: 2\n`,
  );
});

it('of links', () => {
  const raw = bpf.progLoad({ type: 'raw_tracepoint', insns: RETURN_0, license: 'GPL' });
  const link = bpf.rawTracepointOpen({ prog: raw.fd, name: 'sched_switch' });
  const common = (type: string, id: number, prog: number): string =>
    `${LINK_HEAD}link_type: ${type}\nlink_id: ${id}\nprog_tag: a04f5eef06a7f555\nprog_id: ${prog}\n`;
  expect(text(link.fd)).toBe(`${common('raw_tracepoint', link.id, raw.id)}tp_name: sched_switch\n`);
  const kprobe = bpf.progLoad({ type: 'kprobe', insns: RETURN_0, license: 'GPL' });
  const { fd: event } = kernel.perf.open({ type: 'kprobe', func: 'vfs_read' });
  const perf = bpf.linkCreate({ prog: kprobe.fd, target: event, attachType: 'perf_event' });
  expect(text(perf.fd)).toBe(common('perf', perf.id, kprobe.id));
  expect(text(event)).toBe(HEAD);
  const fentry = bpf.progLoad({
    type: 'tracing',
    expectedAttachType: 'trace_fentry',
    attachBtf: 'do_unlinkat',
    insns: RETURN_0,
    license: 'GPL',
  });
  const tracing = bpf.linkCreate({ prog: fentry.fd });
  expect(text(tracing.fd)).toBe(
    `${common('tracing', tracing.id, fentry.id)}attach_type: 24\ntarget_obj_id: 1\ntarget_btf_id: ${kernel.btf.findByName('do_unlinkat', 'func')}\n`,
  );
});
