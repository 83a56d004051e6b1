/** Programs of cgroups: by links, and by BPF_PROG_ATTACH with Linux's rules for several (kernel/bpf/cgroup.c, Linux 6.12; bpf(2)). */
import { ATTACH_TYPES, BPF_F_QUERY_EFFECTIVE } from '../../../src/uapi/index.ts';
import { ALLOW_MULTI, type Cgroup, cgroupOf, type Hung } from '../../cgroup/cgroup.ts';
import { KernelError } from '../../core/errno.ts';
import { CGROUP_ATTACH_TYPES } from '../../data/cgroup-attach-types.ts';
import type { BpfState } from '../objects/state.ts';
import { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest, DirectAttach } from './kind.ts';

export function target(state: BpfState, fd: number | undefined): Cgroup {
  const group = cgroupOf(state.process.fds.find(fd ?? -1));
  if (group !== undefined) return group;
  throw new KernelError('EBADF', `file descriptor ${fd} is no cgroup; kernel.cgroups.open() gives one`);
}
/** `enum cgroup_bpf_attach_type` of an attach type */
function list(attachType: number): number {
  const type = (CGROUP_ATTACH_TYPES as readonly string[]).indexOf(ATTACH_TYPES[attachType] ?? '');
  if (type < 0) throw new KernelError('EINVAL', `attach type ${attachType} is none of cgroups`);
  return type;
}
export const progOf = ({ callee }: Hung): BpfProg => {
  if (callee instanceof BpfProg) return callee;
  throw new KernelError('EINVAL', 'what hangs there is no program');
};

export function cgroup({ state, prog, attachType, attrs }: AttachRequest): Attachment {
  // the target first: Linux 6.12 answers EBADF where both are wrong
  const group = target(state, attrs.target);
  if (attrs.flags) throw new KernelError('EINVAL', 'no flags are taken: programs of links always allow others');
  const type = list(attachType);
  const hung = group.attach(type, prog, { flags: ALLOW_MULTI, link: {} });
  return {
    detach: () => group.remove(type, hung),
    update: (next) => {
      if (next.type !== prog.type) throw new KernelError('EINVAL', 'the new program is of another type');
      hung.callee = next;
    },
    info: () => ({ cgroup_id: BigInt(group.id), attach_type: attachType }),
    fdinfo: () => `cgroup_id:\t${group.id}\nattach_type:\t${attachType}\n`,
  };
}

export const cgroupDirect: DirectAttach = {
  attach({ state, target: fd, attachType, flags, prog, replace }) {
    if (prog === undefined) throw new KernelError('EINVAL', 'a program is needed');
    const group = target(state, fd);
    const type = list(attachType);
    const before = new Set(group.attached(type));
    group.attach(type, prog.get(), { flags, ...(replace === undefined ? {} : { replace }) });
    const after = group.attached(type);
    for (const one of before) if (!after.includes(one) && one.link === undefined) progOf(one).put();
  },
  detach({ state, target: fd, attachType, prog }) {
    const group = target(state, fd);
    const type = list(attachType);
    const hung = group.find(type, prog);
    group.remove(type, hung);
    if (hung.link === undefined) progOf(hung).put();
  },
  query({ state, target: fd, attachType, flags }) {
    const group = target(state, fd);
    const type = list(attachType);
    const isEffective = (flags & BPF_F_QUERY_EFFECTIVE) !== 0;
    const programs = isEffective ? group.effective(type) : group.attached(type);
    return {
      attachFlags: isEffective ? 0 : group.flags(type),
      programs: programs.map((one) => ({
        prog: progOf(one),
        ...(isEffective ? {} : { attachFlags: group.flags(type) }),
      })),
    };
  },
};
