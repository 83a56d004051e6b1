/** Programs of the LSM in a cgroup (BPF_LSM_CGROUP): lists by hook, behind one shim on the hook's trampoline. */
import { BPF_F_QUERY_EFFECTIVE } from '../../../src/uapi/index.ts';
import { ALLOW_MULTI } from '../../cgroup/cgroup.ts';
import type { ShimKind } from '../../cgroup/lsm-shims.ts';
import { KernelError } from '../../core/errno.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';
import { progOf, target } from './cgroup.ts';
import type { AttachRequest, DirectAttach } from './kind.ts';
import { signature } from './trampoline.ts';

/** hooks that are given a socket which is in no group yet (bpf_lsm_current_hooks of kernel/bpf/bpf_lsm.c) */
const FRESH: ReadonlySet<string> = new Set(['bpf_lsm_sk_alloc_security', 'bpf_lsm_sk_free_security']);

/** bpf_lsm_find_cgroup_shim() */
function shimKind({ kernel: { btf } }: BpfState, prog: BpfProg): ShimKind {
  const func = btf.typeById(prog.init.attachBtfId);
  const proto = func.kind === 'func' ? btf.typeById(func.type) : undefined;
  const [first] = proto?.kind === 'func_proto' ? proto.params : [];
  if (first === undefined || FRESH.has(func.name)) return 'current';
  let type = btf.typeById(first.type);
  if (type.kind !== 'ptr') return 'current';
  for (type = btf.typeById(type.type); type.kind === 'const'; ) type = btf.typeById(type.type);
  return type.kind === 'struct' && (type.name === 'sock' || type.name === 'socket') ? type.name : 'current';
}

/** The list that a program goes to; its hook has a shim from now on. */
function take(state: BpfState, prog: BpfProg, command: string): number {
  const { kernel } = state;
  const { attachBtfId, attachTarget } = prog.init;
  if (attachTarget === undefined) throw new KernelError('EINVAL', 'the program was loaded for no hook');
  return kernel.cgroups.shims.take(attachBtfId, shimKind(state, prog), (shim) =>
    kernel.probes.trampoline(shim, {
      kind: 'lsm',
      target: attachTarget,
      ...signature(kernel.btf, attachBtfId, command),
    }),
  );
}

export function lsmCgroup({ state, prog, attachType, attrs, command }: AttachRequest): Attachment {
  const group = target(state, attrs.target);
  if (attrs.flags) throw new KernelError('EINVAL', 'no flags are taken: programs of links always allow others');
  const { shims } = state.kernel.cgroups;
  const type = take(state, prog, command);
  const hung = orDrop(state, type, () => group.attach(type, prog, { flags: ALLOW_MULTI, link: {} }));
  return {
    detach: () => {
      group.remove(type, hung);
      shims.drop(type);
    },
    update: (next) => {
      if (next.type !== prog.type || next.init.attachBtfId !== prog.init.attachBtfId)
        throw new KernelError('EINVAL', 'the new program is for another hook');
      hung.callee = next;
    },
    info: () => ({ cgroup_id: BigInt(group.id), attach_type: attachType }),
    fdinfo: () => `cgroup_id:\t${group.id}\nattach_type:\t${attachType}\n`,
  };
}
function orDrop<T>(state: BpfState, type: number, attach: () => T): T {
  try {
    return attach();
  } catch (error) {
    state.kernel.cgroups.shims.drop(type);
    throw error;
  }
}

export const lsmCgroupDirect: DirectAttach = {
  attach({ state, target: fd, flags, prog, replace }) {
    if (prog === undefined) throw new KernelError('EINVAL', 'a program is needed');
    const group = target(state, fd);
    const type = take(state, prog, 'BPF_PROG_ATTACH');
    const before = new Set(group.attached(type));
    orDrop(state, type, () => group.attach(type, prog.get(), { flags, ...(replace === undefined ? {} : { replace }) }));
    const after = group.attached(type);
    for (const one of before)
      if (!after.includes(one) && one.link === undefined) {
        progOf(one).put();
        state.kernel.cgroups.shims.drop(type);
      }
  },
  detach({ state, target: fd, prog }) {
    const group = target(state, fd);
    const type = prog && state.kernel.cgroups.shims.find(prog.init.attachBtfId);
    if (type === undefined) throw new KernelError('EINVAL', 'name the program: its hook says which list it is in');
    const hung = group.find(type, prog);
    group.remove(type, hung);
    if (hung.link === undefined) progOf(hung).put();
    state.kernel.cgroups.shims.drop(type);
  },
  query({ state, target: fd, flags }) {
    const group = target(state, fd);
    const isEffective = (flags & BPF_F_QUERY_EFFECTIVE) !== 0;
    const programs = state.kernel.cgroups.shims.types().flatMap((type) =>
      (isEffective ? group.effective(type) : group.attached(type)).map((one) => ({
        prog: progOf(one),
        ...(isEffective ? {} : { attachFlags: group.flags(type) }),
      })),
    );
    // each list has flags of its own, which prog_attach_flags tells
    return { attachFlags: 0, programs };
  },
};
