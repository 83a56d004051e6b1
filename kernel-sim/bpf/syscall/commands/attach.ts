/** BPF_PROG_ATTACH, _DETACH and _QUERY by their attributes: cgroups, sockmaps, network namespaces and devices. */
import {
  BPF_ATTACH_TYPE as A,
  BPF_F_REPLACE,
  BPF_CMD as C,
  BPF_PROG_TYPE as P,
  BPF_MAP_TYPE as T,
} from '../../../../src/uapi/index.ts';
import { cgroupOf } from '../../../cgroup/cgroup.ts';
import type { Errno } from '../../../core/errno.ts';
import type { FdObject } from '../../../core/fds.ts';
import { netCapable } from '../../../core/process.ts';
import { netnsOf } from '../../../net/namespace.ts';
import { directOf } from '../../attach/create.ts';
import type { DirectRequest, QueryResult } from '../../attach/kind.ts';
import { netnsQuery } from '../../attach/netns.ts';
import { BpfMap } from '../../maps/index.ts';
import { BpfProg } from '../../prog/prog.ts';
import { checkAttachType, progTypeOf } from './attach-type.ts';
import type { Call } from './call.ts';
import { answerQuery } from './query.ts';

const ATTR = {
  target_fd: 0,
  attach_bpf_fd: 4,
  attach_type: 8,
  attach_flags: 12,
  replace_bpf_fd: 16,
  relative_fd: 20,
  expected_revision: 24,
};
/** BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI | BPF_F_REPLACE, and what multi-programs take: _REPLACE, _BEFORE, _AFTER, _ID, _LINK */
const BASE_FLAGS = 7;
const MPROG_FLAGS = 0x203c;

const isSockmap = (type: number): boolean => type === P.SK_SKB || type === P.SK_MSG;
const isCgroup = (type: number): boolean =>
  (
    [
      P.CGROUP_DEVICE,
      P.CGROUP_SKB,
      P.CGROUP_SOCK,
      P.CGROUP_SOCK_ADDR,
      P.CGROUP_SOCKOPT,
      P.CGROUP_SYSCTL,
      P.SOCK_OPS,
      P.LSM,
    ] as readonly number[]
  ).includes(type);

export function progAttach(call: Call): number {
  const type = call.u32(ATTR.attach_type);
  const flags = call.u32(ATTR.attach_flags);
  const progType = progTypeOf(type);
  if (progType === P.UNSPEC) call.fail('EINVAL', `nothing is attached with attach type ${type}`);
  if (progType === P.SCHED_CLS) {
    if (flags & ~MPROG_FLAGS) call.fail('EINVAL', `attach_flags ${flags}`);
  } else {
    if (flags & ~BASE_FLAGS) call.fail('EINVAL', `attach_flags ${flags}`);
    if (call.u32(ATTR.relative_fd) !== 0 || call.u64(ATTR.expected_revision) !== 0n)
      call.fail('EINVAL', 'places among others are for lists of programs');
  }
  const prog = call.state.progByFd(call.command, call.s32(ATTR.attach_bpf_fd));
  if (prog.type !== progType) call.fail('EINVAL', `the program is of type ${prog.type}, not ${progType}`);
  checkAttachType(call, prog, type);
  if (progType !== P.FLOW_DISSECTOR) checkTarget(call, progType, type);
  const replaced = call.s32(ATTR.replace_bpf_fd);
  directOf(call.command, progType, type).attach({
    ...request(call, type, flags, prog),
    ...(flags & BPF_F_REPLACE ? { replace: call.state.progByFd(call.command, replaced) } : {}),
  });
  return 0;
}

const request = (call: Call, attachType: number, flags: number, prog: BpfProg | undefined): DirectRequest => ({
  state: call.state,
  attachType,
  target: call.s32(ATTR.target_fd),
  flags,
  prog,
  relative: { fdOrId: call.u32(ATTR.relative_fd), expectedRevision: call.u64(ATTR.expected_revision) },
});

export function progDetach(call: Call): number {
  const type = call.u32(ATTR.attach_type);
  const flags = call.u32(ATTR.attach_flags);
  const progType = progTypeOf(type);
  let prog: BpfProg | undefined;
  if (progType === P.SCHED_CLS) {
    if (flags & ~MPROG_FLAGS) call.fail('EINVAL', `attach_flags ${flags}`);
    if (call.s32(ATTR.attach_bpf_fd) !== 0) {
      prog = call.state.progByFd(call.command, call.s32(ATTR.attach_bpf_fd));
      if (prog.type !== progType) call.fail('EINVAL', `the program is of type ${prog.type}`);
    }
  } else if (flags !== 0 || call.u32(ATTR.relative_fd) !== 0 || call.u64(ATTR.expected_revision) !== 0n) {
    call.fail('EINVAL', 'no flags are taken');
  } else {
    // one that is not there, or of another type, is as none: then what the place has goes
    const given = call.process.fds.find(call.s32(ATTR.attach_bpf_fd));
    if (given instanceof BpfProg && given.type === progType) prog = given;
  }
  if (progType === P.UNSPEC) call.fail('EINVAL', `nothing is attached with attach type ${type}`);
  if (progType === P.FLOW_DISSECTOR) ownNamespace(call);
  else checkTarget(call, progType, type);
  directOf(call.command, progType, type).detach(request(call, type, flags, prog));
  return 0;
}

/** A flow dissector is taken out of the caller's own namespace, and has to be named. */
function ownNamespace(call: Call): void {
  if (call.s32(ATTR.target_fd) !== 0) call.fail('EINVAL', 'no target is taken');
  const prog = call.state.progByFd(call.command, call.s32(ATTR.attach_bpf_fd));
  if (prog.type !== P.FLOW_DISSECTOR) call.fail('EINVAL', `the program is of type ${prog.type}`);
}

/** Errors of what cannot be a target, in Linux's order; what can is the kind's business. `link`: where a link's target is. */
export function checkTarget(call: Call, progType: number, attachType: number, link?: number): void {
  const at = link ?? ATTR.target_fd;
  if (isSockmap(progType)) sockmap(call, progType, at, link === undefined);
  // programs that look up sockets know links only
  else if (progType === P.FLOW_DISSECTOR || (progType === P.SK_LOOKUP && link !== undefined))
    isA(call, at, netnsOf, 'EINVAL', 'network namespace');
  else if (progType === P.LSM && attachType !== A.LSM_CGROUP && call.cmd === C.PROG_ATTACH)
    call.fail('EINVAL', 'LSM programs are attached by links');
  else if (isCgroup(progType)) isA(call, at, cgroupOf, 'EBADF', 'cgroup');
  else if (progType === P.SCHED_CLS || (progType === P.XDP && link !== undefined)) device(call, at);
  else if (link === undefined) call.fail('EINVAL', `programs of type ${progType} are not attached this way`);
}
function isA(call: Call, at: number, of: (object: FdObject) => object | undefined, errno: Errno, what: string): void {
  const object = call.object(at);
  if (of(object) === undefined) call.fail(errno, `${object.fdName} is no ${what}`);
}
function sockmap(call: Call, progType: number, at: number, isDirect: boolean): void {
  const map = call.state.mapByFd(call.command, call.s32(at));
  if (isDirect && call.state.progByFd(call.command, call.s32(ATTR.attach_bpf_fd)).type !== progType)
    call.fail('EINVAL', 'the program is of another type');
  if (map.type !== T.SOCKMAP && map.type !== T.SOCKHASH) call.fail('EOPNOTSUPP', `${map.describe()} holds no sockets`);
}
function device(call: Call, at: number): void {
  if (call.state.kernel.net.devices.byIndex(call.s32(at)) === undefined)
    call.fail('ENODEV', `no network device ${call.s32(at)}`);
}

const QUERY = {
  target_fd: 0,
  attach_type: 4,
  query_flags: 8,
  attach_flags: 12,
  prog_ids: 16,
  prog_cnt: 24,
  prog_attach_flags: 32,
};

export function progQuery(call: Call): number {
  if (!netCapable(call.process)) call.fail('EPERM', 'CAP_NET_ADMIN is needed');
  if (!call.endsAt(64)) call.fail('EINVAL', 'what follows query.revision');
  if (call.u32(QUERY.query_flags) & ~1) call.fail('EINVAL', 'query_flags');
  const type = call.u32(QUERY.attach_type);
  const progType = progTypeOf(type);
  if (isCgroup(progType) && (progType !== P.LSM || type === A.LSM_CGROUP)) {
    isA(call, QUERY.target_fd, cgroupOf, 'EBADF', 'cgroup');
    return query(call, progType, type);
  }
  if (progType === P.SK_MSG || progType === P.SK_SKB) {
    const object = call.object(QUERY.target_fd);
    if (call.u32(QUERY.query_flags) !== 0) call.fail('EINVAL', 'query_flags');
    if (!(object instanceof BpfMap)) return call.fail('EINVAL', `${object.fdName} is no sockmap`);
    if (object.type !== T.SOCKMAP && object.type !== T.SOCKHASH)
      return call.fail('EOPNOTSUPP', `${object.describe()} holds no sockets`);
    return query(call, progType, type);
  }
  if (type === A.TCX_INGRESS || type === A.TCX_EGRESS || type === A.NETKIT_PRIMARY || type === A.NETKIT_PEER) {
    device(call, QUERY.target_fd);
    const { state } = call;
    return answerQuery(
      call,
      directOf(call.command, progType, type).query({
        state,
        attachType: type,
        target: call.s32(QUERY.target_fd),
        flags: 0,
      }),
    );
  }
  if (type === A.FLOW_DISSECTOR || type === A.SK_LOOKUP) return netns(call, type);
  return call.fail('EINVAL', `attach type ${type} has no list of programs`);
}

/** What a kind's place tells. */
function query(call: Call, progType: number, type: number): number {
  const flags = call.u32(QUERY.query_flags);
  const eachFlags = call.pointer(QUERY.prog_attach_flags);
  if (flags !== 0 && eachFlags !== 0) call.fail('EINVAL', 'effective programs have no flags of their own');
  return answer(
    call,
    directOf(call.command, progType, type).query({
      state: call.state,
      attachType: type,
      target: call.s32(QUERY.target_fd),
      flags,
    }),
  );
}
/** Written where the caller has room: as many programs as fit, and ENOSPC where more are there. */
function answer(call: Call, { attachFlags, programs }: QueryResult): number {
  const room = call.u32(QUERY.prog_cnt);
  const ids = call.pointer(QUERY.prog_ids);
  const eachFlags = call.pointer(QUERY.prog_attach_flags);
  call.put32(QUERY.attach_flags, attachFlags);
  call.put32(QUERY.prog_cnt, programs.length);
  if (room === 0 || ids === 0 || programs.length === 0) return 0;
  const shown = programs.slice(0, room);
  const words = (values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  call.copyOut(ids, words(shown.map(({ prog }) => prog.id)));
  // only programs of cgroups have flags of their own: the others' are not written
  const own = shown.flatMap((one) => one.attachFlags ?? []);
  if (eachFlags !== 0 && own.length > 0) call.copyOut(eachFlags, words(own));
  return room < programs.length ? call.fail('ENOSPC', `${programs.length} programs, room for ${room}`) : 0;
}

/** `netns_bpf_prog_query` */
function netns(call: Call, type: number): number {
  if (call.u32(QUERY.query_flags) !== 0) call.fail('EINVAL', 'query_flags');
  isA(call, QUERY.target_fd, netnsOf, 'EINVAL', 'network namespace');
  return answer(call, netnsQuery(call.state, type));
}
