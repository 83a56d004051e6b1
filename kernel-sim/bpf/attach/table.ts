/**
 * Bodies of the attach kinds, whose rows are in `src/uapi/attach.ts`. A kind gets one by a file beside this one with its
 * `attach` (what hangs where is the business of a place on the floor below), and a line here.
 */
import {
  ATTACH_KIND_ROWS,
  type AttachKindName,
  attachKindAmong,
  BPF_LINK_TYPE,
  type LinkTypeName,
  PROG_TYPES,
} from '../../../src/uapi/index.ts';
import { inRelease } from '../../data/release.ts';
import { cgroup, cgroupDirect } from './cgroup.ts';
import { freplace } from './freplace.ts';
import { iter } from './iter.ts';
import type { AttachBody, AttachKind } from './kind.ts';
import { kprobeMulti } from './kprobe-multi.ts';
import { lsmCgroup, lsmCgroupDirect } from './lsm-cgroup.ts';
import { netfilter } from './netfilter.ts';
import { netkit } from './netkit.ts';
import { flowDissector, flowDissectorDirect, skLookup } from './netns.ts';
import { perfEvent } from './perf-event.ts';
import { btfTracepoint, rawTracepoint } from './raw-tracepoint.ts';
import { sockmap, sockmapDirect } from './sockmap.ts';
import { tcx } from './tcx.ts';
import { trampoline } from './trampoline.ts';
import { uprobeMulti } from './uprobe-multi.ts';
import { xdp } from './xdp.ts';

const BODIES: Readonly<Partial<Record<AttachKindName, AttachBody>>> = {
  'kprobe.multi': { attach: kprobeMulti },
  'kprobe.session': { attach: kprobeMulti },
  'uprobe.multi': { attach: uprobeMulti },
  kprobe: { attach: perfEvent },
  tracepoint: { attach: perfEvent },
  perf_event: { attach: perfEvent },
  fentry: { attach: trampoline },
  fexit: { attach: trampoline },
  fmod_ret: { attach: trampoline },
  lsm: { attach: trampoline },
  tp_btf: { attach: btfTracepoint },
  raw_tp: { attach: rawTracepoint },
  freplace: { attach: freplace },
  iter: { attach: iter },
  xdp: { attach: xdp },
  tcx,
  netkit,
  netfilter: { attach: netfilter },
  flow_dissector: { attach: flowDissector, direct: flowDissectorDirect },
  sk_lookup: { attach: skLookup },
  sk_skb: { attach: sockmap, direct: sockmapDirect },
  sk_msg: { attach: sockmap, direct: sockmapDirect },
  lsm_cgroup: { attach: lsmCgroup, direct: lsmCgroupDirect },
  cgroup_sock: { attach: cgroup, direct: cgroupDirect },
  cgroup_sock_bind: { attach: cgroup, direct: cgroupDirect },
  cgroup_sock_release: { attach: cgroup, direct: cgroupDirect },
  cgroup_sock_addr: { attach: cgroup, direct: cgroupDirect },
  cgroup_sock_msg: { attach: cgroup, direct: cgroupDirect },
  cgroup_skb: { attach: cgroup, direct: cgroupDirect },
  cgroup_device: { attach: cgroup, direct: cgroupDirect },
  cgroup_sysctl: { attach: cgroup, direct: cgroupDirect },
  cgroup_sockopt: { attach: cgroup, direct: cgroupDirect },
  sock_ops: { attach: cgroup, direct: cgroupDirect },
};

/** Those of this release that are modelled. */
export const ATTACH_KINDS: readonly AttachKind[] = ATTACH_KIND_ROWS.flatMap((row) => {
  const body = BODIES[row.name];
  const { link } = row;
  return body && link && inRelease(row) ? [{ ...row, ...body, link }] : [];
});

/** Kinds that programs of a type attach by, whatever their attach type. */
export const kindsOf = (progType: number): readonly AttachKind[] =>
  ATTACH_KINDS.filter((kind) => kind.programs.some((name) => PROG_TYPES[progType] === name));

/** The kind for a program type and an attach type; undefined where the model has none. */
export const attachKind = (progType: number, attachType: number): AttachKind | undefined =>
  attachKindAmong(ATTACH_KINDS, progType, attachType);

/** Number of a kind's link type. */
export const linkType = ({ link }: AttachKind): number => BPF_LINK_TYPE[link.toUpperCase() as Uppercase<LinkTypeName>];
