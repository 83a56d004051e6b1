/** Links on a network namespace: programs that look up sockets, as many as there are, and one that takes flows apart (kernel/bpf/net_namespace.c, Linux 6.12). */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_ATTACH_TYPE as A } from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import { type NetNamespace, netnsOf } from '../../net/namespace.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest, DirectAttach, QueryResult } from './kind.ts';

function target(state: BpfState, fd: number | undefined): NetNamespace {
  const object = state.process.fds.find(fd ?? -1);
  const netns = netnsOf(object);
  if (netns !== undefined) return netns;
  const hint = 'kernel.net.openNamespace() gives one of a network namespace';
  if (object === undefined) throw new KernelError('EBADF', `no file descriptor ${fd}; ${hint}`);
  throw new KernelError('EINVAL', `file descriptor ${fd} is no network namespace; ${hint}`);
}
const infoOf = ({ inode }: NetNamespace, attachType: number): Pick<Attachment, 'info' | 'fdinfo'> => ({
  info: () => ({ netns_ino: inode, attach_type: attachType }),
  fdinfo: () => `netns_ino:\t${inode}\nattach_type:\t${attachType}\n`,
});

/** Where programs of a network namespace stand. */
interface NetnsPlace {
  /** `struct bpf_prog` of each, in the order that they run */
  readonly programs: readonly Addr[];
  add(key: object, prog: Addr): void;
  replace(key: object, prog: Addr): void;
  remove(key: object): void;
}
const inNamespace =
  (placeOf: (net: BpfState['kernel']['net']) => NetnsPlace) =>
  ({ state, prog, attrs, attachType }: AttachRequest): Attachment => {
    if (attrs.flags) throw new KernelError('EINVAL', 'links on network namespaces take no flags');
    const namespace = target(state, attrs.target);
    const place = placeOf(state.kernel.net);
    const key = {};
    place.add(key, prog.addr);
    return {
      detach: () => place.remove(key),
      update: (next) => {
        if (next.type !== prog.type) throw new KernelError('EINVAL', 'the new program is of another type');
        place.replace(key, next.addr);
      },
      ...infoOf(namespace, attachType),
    };
  };

/** One of them, which bpf_get_hash_recalc asks. */
export const flowDissector = inNamespace((net) => net.flowDissector);
export const skLookup = inNamespace((net) => net.skLookup);

/**
 * BPF_PROG_ATTACH and _DETACH: a flow dissector of the caller's own network namespace, without a link
 * (`netns_bpf_prog_attach`). A link and such a program exclude each other.
 */
export const flowDissectorDirect: DirectAttach = {
  attach({ state, target, flags, prog, replace }) {
    if (target !== 0 || flags !== 0 || replace !== undefined)
      throw new KernelError('EINVAL', "neither a target nor flags are taken: it goes to the caller's namespace");
    const place = state.kernel.net.flowDissector;
    const next = prog as BpfProg;
    const held = directOf(state);
    if (held === undefined && place.programs.length > 0) throw new KernelError('EEXIST', 'a link holds the place');
    if (held === next) throw new KernelError('EINVAL', `program ${next.id} is attached already`);
    next.get();
    if (held === undefined) {
      place.add(DIRECT, next.addr);
      return;
    }
    place.replace(DIRECT, next.addr);
    held.put();
  },
  detach({ state, target, prog }) {
    if (target !== 0) throw new KernelError('EINVAL', "no target is taken: it is the caller's namespace");
    const place = state.kernel.net.flowDissector;
    const held = directOf(state);
    if (held === undefined && place.programs.length > 0) throw new KernelError('EINVAL', 'a link holds the place');
    if (held === undefined || held !== prog) throw new KernelError('ENOENT', 'the program is not attached here');
    place.remove(DIRECT);
    held.put();
  },
  query: ({ state, attachType }) => netnsQuery(state, attachType),
};
/** stands for BPF_PROG_ATTACH where others are links */
const DIRECT = {};
function directOf(state: BpfState): BpfProg | undefined {
  const { flowDissector: place } = state.kernel.net;
  return place.key === DIRECT ? state.progAt(place.programs[0]!) : undefined;
}

/** BPF_PROG_QUERY: the programs of all links, in the order that they run. */
export function netnsQuery(state: BpfState, attachType: number): QueryResult {
  const place = attachType === A.SK_LOOKUP ? state.kernel.net.skLookup : state.kernel.net.flowDissector;
  return {
    attachFlags: 0,
    programs: place.programs.flatMap((at) => {
      const prog = state.progAt(at);
      return prog === undefined ? [] : [{ prog }];
    }),
  };
}
