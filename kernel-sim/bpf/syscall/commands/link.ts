/** BPF_LINK_CREATE, _UPDATE, _DETACH and BPF_RAW_TRACEPOINT_OPEN by their attributes. */

import { PATH_MAX } from '../../../../src/uapi/fcntl.ts';
import { BPF_ATTACH_TYPE as A, BPF_PROG_TYPE as P } from '../../../../src/uapi/index.ts';
import { createLink, openRawTracepoint } from '../../attach/create.ts';
import type { LinkCreateAttrs } from '../../attach/kind.ts';
import type { BpfLink } from '../../attach/link.ts';
import { attachKind } from '../../attach/table.ts';
import type { BpfProg } from '../../prog/prog.ts';
import { checkTarget } from './attach.ts';
import { checkAttachType } from './attach-type.ts';
import type { Call } from './call.ts';

const LINK = { prog_fd: 0, target_fd: 4, attach_type: 8, flags: 12, target_btf_id: 16, cookie: 24 };
/** `link_create.iter_info` */
const ITER = { info: 16, info_len: 24 };
/** `link_create.kprobe_multi` */
const MULTI = { flags: 16, cnt: 20, syms: 24, addrs: 32, cookies: 40 };
/** `link_create.uprobe_multi` */
const UPROBES = { path: 16, offsets: 24, refs: 32, cookies: 40, cnt: 48, flags: 52, pid: 56 };
/** `link_create.tcx` and `link_create.netfilter` */
const TCX = { relative: 16, expected_revision: 24 };
const NETFILTER = { pf: 16, hooknum: 20, priority: 24, flags: 28 };
const SYMBOL_MAX = 512;
const MAX_MULTI = 1 << 20;

export function linkCreate(call: Call): number {
  const attachType = call.u32(LINK.attach_type);
  if (attachType === A.STRUCT_OPS)
    return call.process.fds.install(createLink(call.state, { prog: call.s32(LINK.prog_fd), attachType }));
  const prog = call.state.progByFd(call.command, call.s32(LINK.prog_fd));
  checkAttachType(call, prog, attachType);
  const isNetns = prog.type === P.FLOW_DISSECTOR || prog.type === P.SK_LOOKUP;
  if (isNetns && call.u32(LINK.flags) !== 0) call.fail('EINVAL', 'no flags are taken');
  // what the model has no place for fails by its target first
  if (attachKind(prog.type, attachType) === undefined) checkTarget(call, prog.type, attachType, LINK.target_fd);
  const link = createLink(call.state, {
    prog: call.s32(LINK.prog_fd),
    target: call.s32(LINK.target_fd),
    attachType,
    flags: call.u32(LINK.flags),
    ...kind(call, prog, attachType),
  });
  return call.process.fds.install(link);
}

function kind(call: Call, prog: BpfProg, attachType: number): Partial<LinkCreateAttrs> {
  if (prog.type === P.KPROBE && (attachType === A.TRACE_KPROBE_MULTI || attachType === A.TRACE_KPROBE_SESSION))
    return { kprobeMulti: multi(call) };
  if (prog.type === P.KPROBE && attachType === A.TRACE_UPROBE_MULTI) return { uprobeMulti: uprobeMulti(call) };
  if (prog.type === P.TRACING && attachType === A.TRACE_ITER) return { iterInfo: iterInfo(call) };
  if (prog.type === P.TRACING || prog.type === P.LSM || prog.type === P.EXT)
    return { targetBtfId: call.u32(LINK.target_btf_id), cookie: call.u64(LINK.cookie) };
  if (prog.type === P.KPROBE || prog.type === P.TRACEPOINT || prog.type === P.PERF_EVENT)
    return { cookie: call.u64(LINK.target_btf_id) };
  if (prog.type === P.SCHED_CLS)
    return { relative: { fdOrId: call.u32(TCX.relative), expectedRevision: call.u64(TCX.expected_revision) } };
  if (prog.type === P.NETFILTER) {
    const [pf, hooknum, priority, flags] = [NETFILTER.pf, NETFILTER.hooknum, NETFILTER.priority, NETFILTER.flags].map(
      (at) => call.u32(at),
    );
    return { netfilter: { pf: pf ?? 0, hooknum: hooknum ?? 0, priority: priority ?? 0, flags: flags ?? 0 } };
  }
  return {};
}

/** bpf_uprobe_multi_link_attach() */
function uprobeMulti(call: Call): NonNullable<LinkCreateAttrs['uprobeMulti']> {
  const flags = call.u32(UPROBES.flags);
  if (flags & ~1) call.fail('EINVAL', `uprobe_multi.flags ${flags}`);
  const [path, offsets, count] = [call.pointer(UPROBES.path), call.pointer(UPROBES.offsets), call.u32(UPROBES.cnt)];
  if (path === 0 || offsets === 0 || count === 0) call.fail('EINVAL', 'a path and offsets in its file are needed');
  if (count > MAX_MULTI) call.fail('E2BIG', `${count} places`);
  const [refs, cookies] = [call.pointer(UPROBES.refs), call.pointer(UPROBES.cookies)];
  return {
    path: call.string(path, PATH_MAX),
    offsets: words(call, offsets, count),
    flags,
    pid: call.u32(UPROBES.pid) | 0,
    ...(refs === 0 ? {} : { refCtrOffsets: words(call, refs, count) }),
    ...(cookies === 0 ? {} : { cookies: words(call, cookies, count) }),
  };
}

function words(call: Call, at: number, count: number): bigint[] {
  const bytes = call.copyIn(at, 8 * count);
  return [...new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))];
}

/** `bpf_iter_link_attach`: bytes beyond what the kernel knows must be zeroes */
function iterInfo(call: Call): Uint8Array {
  const [at, size] = [call.pointer(ITER.info), call.u32(ITER.info_len)];
  if ((at === 0) !== (size === 0)) call.fail('EINVAL', 'iter_info and its length belong together');
  return size === 0 ? new Uint8Array(0) : call.copyIn(at, size);
}

function multi(call: Call): NonNullable<LinkCreateAttrs['kprobeMulti']> {
  const flags = call.u32(MULTI.flags);
  if (flags & ~1) call.fail('EINVAL', `kprobe_multi.flags ${flags}`);
  const [syms, addrs] = [call.pointer(MULTI.syms), call.pointer(MULTI.addrs)];
  if ((syms === 0) === (addrs === 0)) call.fail('EINVAL', 'symbols or addresses, one of them');
  const count = call.u32(MULTI.cnt);
  if (count === 0) call.fail('EINVAL', 'no functions');
  if (count > MAX_MULTI) call.fail('E2BIG', `${count} functions`);
  const cookies = call.pointer(MULTI.cookies);
  return {
    flags,
    ...(syms === 0
      ? { addresses: words(call, addrs, count) }
      : { symbols: words(call, syms, count).map((at) => call.string(Number(at), SYMBOL_MAX)) }),
    ...(cookies === 0 ? {} : { cookies: words(call, cookies, count) }),
  };
}

const UPDATE = { link_fd: 0, new_prog_fd: 4, flags: 8, old_prog_fd: 12 };
/** BPF_F_REPLACE */
const REPLACE = 4;

export function linkUpdate(call: Call): number {
  const flags = call.u32(UPDATE.flags);
  if (flags & ~REPLACE) call.fail('EINVAL', `flags ${flags}`);
  const link = call.state.linkByFd(call.command, call.s32(UPDATE.link_fd));
  if (link.prog === undefined) return mapUpdate(call, link, (flags & REPLACE) !== 0);
  const next = call.state.progByFd(call.command, call.s32(UPDATE.new_prog_fd));
  const old = flags & REPLACE ? call.state.progByFd(call.command, call.s32(UPDATE.old_prog_fd)) : undefined;
  if (!(flags & REPLACE) && call.u32(UPDATE.old_prog_fd) !== 0)
    call.fail('EINVAL', 'old_prog_fd without BPF_F_REPLACE');
  link.update(next, old);
  return 0;
}

/** link_update_map() */
function mapUpdate(call: Call, link: BpfLink, replaces: boolean): number {
  const next = call.state.mapByFd(call.command, call.s32(UPDATE.new_prog_fd));
  const old = replaces ? call.state.mapByFd(call.command, call.s32(UPDATE.old_prog_fd)) : undefined;
  if (!replaces && call.u32(UPDATE.old_prog_fd) !== 0) call.fail('EINVAL', 'old_map_fd without BPF_F_REPLACE');
  link.replaceMap(next, old);
  return 0;
}

export function linkDetach(call: Call): number {
  const link = call.state.linkByFd(call.command, call.s32(0));
  if (!link.mayDetach) call.fail('EOPNOTSUPP', 'links of this kind end with their last descriptor');
  link.detach();
  return 0;
}

const RAW = { name: 0, prog_fd: 8, cookie: 16 };

export function rawTracepointOpen(call: Call): number {
  const prog = call.state.progByFd(call.command, call.s32(RAW.prog_fd));
  const at = call.pointer(RAW.name);
  const isTracing = prog.type === P.TRACING || prog.type === P.EXT || prog.type === P.LSM;
  if (isTracing && at !== 0) call.fail('EINVAL', 'the program knows what it attaches to: no name is taken');
  if (!isTracing && prog.type !== P.RAW_TRACEPOINT && prog.type !== P.RAW_TRACEPOINT_WRITABLE)
    call.fail('EINVAL', 'programs of this type do not attach to raw tracepoints');
  const link = openRawTracepoint(call.state, {
    prog: call.s32(RAW.prog_fd),
    ...(isTracing ? {} : { name: call.string(at, 127) }),
    cookie: call.u64(RAW.cookie),
  });
  return call.process.fds.install(link);
}
