/** Attach kinds: each row is reached by a program, and what its links tell are members of Linux's `struct bpf_link_info`. */
import { describe, expect, it } from 'vitest';
import type { LinkFields } from '../../../../kernel-sim/bpf/attach/attachment.ts';
import type { BpfLink } from '../../../../kernel-sim/bpf/attach/link.ts';
import { ATTACH_KINDS } from '../../../../kernel-sim/bpf/attach/table.ts';
import { Btf } from '../../../../src/btf/index.ts';
import { BpfObject, Kernel } from '../../../../src/index.ts';
import { insn, writeInsns } from '../../../../src/isa/index.ts';
import { errno } from '../../../support/errno.ts';
import { haveShared, readShared } from '../../../support/shared.ts';

/** programs of cgroups: a type, and one of its attach types for each kind */
const IN_CGROUPS = [
  ['cgroup_sock', 'cgroup_inet_sock_create'],
  ['cgroup_sock', 'cgroup_inet4_post_bind'],
  ['cgroup_sock', 'cgroup_inet_sock_release'],
  ['cgroup_sock_addr', 'cgroup_inet4_connect'],
  ['cgroup_sock_addr', 'cgroup_udp4_sendmsg'],
  ['cgroup_skb', 'cgroup_inet_ingress'],
  ['cgroup_device', 'cgroup_device'],
  ['cgroup_sysctl', 'cgroup_sysctl'],
  ['cgroup_sockopt', 'cgroup_setsockopt'],
  ['sock_ops', 'cgroup_sock_ops'],
] as const;

const insns = writeInsns([insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]);

const fixture = (name: string): string =>
  new URL(`../../../../fixtures/extend/${name}.bpf.o`, import.meta.url).pathname;
function extension(kernel: Kernel): { readonly link: BpfLink } {
  const { programs } = BpfObject.open(fixture('target')).load(kernel);
  const targets = { heavier: { prog: programs['classify']?.fd ?? 0 } };
  const { heavier } = BpfObject.open(fixture('extension')).load(kernel, { targets }).programs;
  if (heavier === undefined) throw new Error('no heavier');
  return heavier.attach().link;
}

/** A link of each kind, by the kind's name. */
async function links(): Promise<Map<string, BpfLink>> {
  const kernel = await Kernel.boot({ engine: 'step' });
  kernel.root.add('/bin/nops', new Uint8Array(16).fill(0x90));
  const { bpf, perf } = kernel;
  const load = (type: string, expectedAttachType?: string, attachBtf?: string): { fd: number } =>
    bpf.progLoad({
      type,
      license: 'GPL',
      insns,
      ...(expectedAttachType === undefined ? {} : { expectedAttachType }),
      ...(attachBtf === undefined ? {} : { attachBtf }),
    });
  const fixed = (type: string, attach: string, target: string) => bpf.linkCreate({ prog: load(type, attach, target) });
  const multi = (attach: string) =>
    bpf.linkCreate({
      prog: load('kprobe', attach),
      attachType: attach,
      kprobeMulti: { symbols: ['do_exit', 'vfs_read'], cookies: [7n, 8n] },
    });
  const made = [
    multi('trace_kprobe_multi'),
    multi('trace_kprobe_session'),
    bpf.linkCreate({
      prog: load('kprobe', 'trace_uprobe_multi'),
      attachType: 'trace_uprobe_multi',
      uprobeMulti: { path: '/bin/nops', offsets: [0n, 1n], cookies: [7n, 8n] },
    }),
    bpf.linkCreate({ prog: load('kprobe'), target: perf.open({ type: 'kprobe', func: 'do_exit' }).fd }),
    bpf.linkCreate({
      prog: load('tracepoint'),
      target: perf.open({ type: 'tracepoint', category: 'sched', event: 'sched_switch' }).fd,
    }),
    bpf.linkCreate({
      prog: load('perf_event'),
      target: perf.open({ type: 'software', config: 0, freq: 99 }).fd,
    }),
    fixed('tracing', 'trace_fentry', 'do_exit'),
    fixed('tracing', 'trace_fexit', 'do_unlinkat'),
    fixed('tracing', 'modify_return', 'security_file_open'),
    fixed('lsm', 'lsm_mac', 'file_open'),
    bpf.linkCreate({
      prog: load('lsm', 'lsm_cgroup', 'file_open'),
      attachType: 'lsm_cgroup',
      target: kernel.cgroups.open(),
    }),
    fixed('tracing', 'trace_raw_tp', 'sched_switch'),
    fixed('tracing', 'trace_iter', 'task'),
    extension(kernel),
    bpf.rawTracepointOpen({ prog: load('raw_tracepoint'), name: 'sched_switch' }),
    bpf.linkCreate({ prog: load('xdp', 'xdp'), attachType: 'xdp', target: 1 }),
    bpf.linkCreate({ prog: load('sched_cls'), attachType: 'tcx_ingress', target: 1 }),
    bpf.linkCreate({
      prog: load('sched_cls'),
      attachType: 'netkit_primary',
      target: kernel.net.devices.addNetkit('nk0', 'nk1').index,
    }),
    bpf.linkCreate({
      prog: load('flow_dissector', 'flow_dissector'),
      attachType: 'flow_dissector',
      target: kernel.net.openNamespace(),
    }),
    bpf.linkCreate({
      prog: load('netfilter', 'netfilter'),
      attachType: 'netfilter',
      netfilter: { pf: 2, hooknum: 1, priority: -100 },
    }),
    bpf.linkCreate({
      prog: load('sk_lookup', 'sk_lookup'),
      attachType: 'sk_lookup',
      target: kernel.net.openNamespace(),
    }),
    ...(
      [
        ['sk_msg', 'sk_msg_verdict'],
        ['sk_skb', 'sk_skb_stream_verdict'],
      ] as const
    ).map(([type, attachType]) =>
      bpf.linkCreate({
        prog: load(type, attachType),
        attachType,
        target: bpf.mapCreate({ type: 'sockmap', keySize: 4, valueSize: 4, maxEntries: 1 }).fd,
      }),
    ),
    ...IN_CGROUPS.map(([type, attachType]) =>
      bpf.linkCreate({ prog: load(type, attachType), attachType, target: kernel.cgroups.open() }),
    ),
  ];
  return new Map(made.map(({ link }) => [link.kind.name, link]));
}

/** `a.b.c` of every value. */
function paths(fields: LinkFields, prefix: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    typeof value === 'object' && !Array.isArray(value)
      ? paths(value as LinkFields, `${prefix}.${name}`)
      : [`${prefix}.${name}`],
  );
}

describe('attach kinds', () => {
  it('every row is reached, attaches, tells of its link and detaches', async () => {
    const all = await links();
    expect([...all.keys()].sort()).toEqual(ATTACH_KINDS.map((kind) => kind.name).sort());
    for (const link of all.values()) {
      expect(link.attached).toBe(true);
      expect(Object.keys(link.info()).length).toBeGreaterThan(0);
      link.detach();
      expect(link.attached).toBe(false);
    }
  });

  it.skipIf(!haveShared)("what links tell are members of the real kernel's struct bpf_link_info", async () => {
    const btf = Btf.parse(readShared('reference/6.12/vmlinux.btf.gz'));
    for (const { kind, info } of [...(await links()).values()].map((l) => ({ kind: l.kind, info: l.info() }))) {
      const row = ATTACH_KINDS.find((k) => k.name === kind.name)!;
      for (const path of paths(info, row.link)) expect(btf.offsetOf('bpf_link_info', path).size).toBeGreaterThan(0);
    }
  });

  it('a program that its place cannot change keeps it, and a type without a kind is refused', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const prog = kernel.bpf.progLoad({ type: 'raw_tracepoint', license: 'GPL', insns });
    const { link } = kernel.bpf.rawTracepointOpen({ prog, name: 'sched_switch' });
    expect(() => link.update(prog.prog)).toThrow('raw_tp links keep their program');
    expect(errno(() => kernel.bpf.linkCreate({ prog }))).toBe('EINVAL');
  });
});
