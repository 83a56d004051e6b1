/**
 * Attach kinds, one row each, in the order in which they are tried. Adding one: a file beside this one with its `attach`
 * (what hangs where is the business of a place on the floor below), and a row.
 */
import {
  ATTACH_TYPES,
  type AttachTypeName,
  BPF_LINK_TYPE,
  type LinkTypeName,
  PROG_TYPES,
  type ProgTypeName,
} from '../../../src/uapi/index.ts';
import { inRelease, type Version } from '../../data/release.ts';
import { cgroup, cgroupDirect } from './cgroup.ts';
import type { AttachKind } from './kind.ts';
import { kprobeMulti } from './kprobe-multi.ts';
import { netfilter } from './netfilter.ts';
import { perfEvent } from './perf-event.ts';
import { btfTracepoint, rawTracepoint } from './raw-tracepoint.ts';
import { tcx, tcxDirect } from './tcx.ts';
import { trampoline } from './trampoline.ts';
import { uprobeMulti } from './uprobe-multi.ts';
import { xdp } from './xdp.ts';

/** how programs whose target is fixed at load attach: old libbpf opens them as raw tracepoints, without a name */
const EITHER = ['BPF_LINK_CREATE', 'BPF_RAW_TRACEPOINT_OPEN'] as const;

const onText = (name: string, since: Version, program: ProgTypeName, attachType: AttachTypeName): AttachKind => ({
  name,
  since,
  programs: [program],
  attachTypes: [attachType],
  link: 'tracing',
  commands: EITHER,
  target: 'none',
  attach: trampoline,
});
const multi = (name: string, since: Version, attachType: AttachTypeName): AttachKind => ({
  name,
  since,
  programs: ['kprobe'],
  attachTypes: [attachType],
  link: 'kprobe_multi',
  target: 'none',
  attach: kprobeMulti,
});
/** what the programs of a perf event run on: kprobe programs on uprobes too */
const byEvent = (name: string, since: Version, program: ProgTypeName): AttachKind => ({
  name,
  since,
  programs: [program],
  link: 'perf_event',
  target: 'perf_event',
  attach: perfEvent,
});

const inCgroup = (
  name: string,
  since: Version,
  program: ProgTypeName,
  attachTypes: readonly AttachTypeName[],
): AttachKind => ({
  name,
  since,
  programs: [program],
  attachTypes,
  link: 'cgroup',
  target: 'cgroup',
  mayDetach: true,
  attach: cgroup,
  direct: cgroupDirect,
});

const ROWS: readonly AttachKind[] = [
  multi('kprobe.multi', '5.18', 'trace_kprobe_multi'),
  multi('kprobe.session', '6.10', 'trace_kprobe_session'),
  {
    name: 'uprobe.multi',
    since: '6.6',
    programs: ['kprobe'],
    attachTypes: ['trace_uprobe_multi'],
    link: 'uprobe_multi',
    target: 'none',
    attach: uprobeMulti,
  },
  byEvent('kprobe', '4.1', 'kprobe'),
  byEvent('tracepoint', '4.7', 'tracepoint'),
  byEvent('perf_event', '4.9', 'perf_event'),
  onText('fentry', '5.5', 'tracing', 'trace_fentry'),
  onText('fexit', '5.5', 'tracing', 'trace_fexit'),
  onText('fmod_ret', '5.7', 'tracing', 'modify_return'),
  onText('lsm', '5.7', 'lsm', 'lsm_mac'),
  {
    name: 'tp_btf',
    since: '5.5',
    programs: ['tracing'],
    attachTypes: ['trace_raw_tp'],
    link: 'tracing',
    commands: EITHER,
    target: 'none',
    attach: btfTracepoint,
  },
  {
    name: 'raw_tp',
    since: '4.17',
    programs: ['raw_tracepoint', 'raw_tracepoint_writable'],
    link: 'raw_tracepoint',
    commands: ['BPF_RAW_TRACEPOINT_OPEN'],
    target: 'none',
    attach: rawTracepoint,
  },
  {
    name: 'xdp',
    since: '5.9',
    programs: ['xdp'],
    attachTypes: ['xdp'],
    link: 'xdp',
    target: 'ifindex',
    mayDetach: true,
    attach: xdp,
  },
  {
    name: 'tcx',
    since: '6.6',
    programs: ['sched_cls'],
    attachTypes: ['tcx_ingress', 'tcx_egress'],
    link: 'tcx',
    target: 'ifindex',
    mayDetach: true,
    attach: tcx,
    direct: tcxDirect,
  },
  {
    name: 'netfilter',
    since: '6.4',
    programs: ['netfilter'],
    attachTypes: ['netfilter'],
    link: 'netfilter',
    target: 'none',
    attach: netfilter,
  },
  inCgroup('cgroup_sock', '4.10', 'cgroup_sock', ['cgroup_inet_sock_create']),
  inCgroup('cgroup_sock_addr', '4.17', 'cgroup_sock_addr', [
    'cgroup_inet4_bind',
    'cgroup_inet6_bind',
    'cgroup_inet4_connect',
    'cgroup_inet6_connect',
  ]),
];

export const ATTACH_KINDS: readonly AttachKind[] = ROWS.filter((kind) => inRelease(kind));

/** Kinds that programs of a type attach by, whatever their attach type. */
export const kindsOf = (progType: number): readonly AttachKind[] =>
  ATTACH_KINDS.filter((kind) => kind.programs.some((name) => PROG_TYPES[progType] === name));

/** The kind for a program type and an attach type; undefined where the model has none. */
export const attachKind = (progType: number, attachType: number): AttachKind | undefined =>
  kindsOf(progType).find(({ attachTypes }) => attachTypes?.some((name) => ATTACH_TYPES[attachType] === name) ?? true);

/** Number of a kind's link type. */
export const linkType = ({ link }: AttachKind): number => BPF_LINK_TYPE[link.toUpperCase() as Uppercase<LinkTypeName>];
