/** fentry, fexit, fmod_ret and LSM programs: on the trampoline of the function that they were loaded for. */
import type { Btf } from '../../../src/btf/index.ts';
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_ATTACH_TYPE as A, attachTypeName, progTypeName } from '../../../src/uapi/index.ts';
import type { TrampolinePoint } from '../../probe/types.ts';
import { BpfError, NotModelledError } from '../errors.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment, LinkFields } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

/** id of the kernel's own BTF, the first that there is */
const VMLINUX_BTF_ID = 1;

const KIND: Readonly<Record<number, TrampolinePoint['kind']>> = {
  [A.TRACE_FENTRY]: 'fentry',
  [A.TRACE_FEXIT]: 'fexit',
  [A.MODIFY_RETURN]: 'fmod_ret',
  [A.LSM_MAC]: 'lsm',
};

export function trampoline(request: AttachRequest): Attachment {
  const { state, prog, attrs, command } = request;
  if (((attrs.target ?? 0) === 0) !== ((attrs.targetBtfId ?? 0) === 0))
    throw new BpfError(command, 'EINVAL', 'target and BTF id belong together');
  if (attrs.target) throw new BpfError(command, 'EINVAL', 'only extensions are given another target than at load');
  const { attachBtfId } = prog.init;
  const target = prog.targetProg ? placeOf(prog.targetProg, attachBtfId, command) : prog.init.attachTarget;
  const kind = KIND[prog.expectedAttachType];
  if (kind === undefined || target === undefined)
    throw new NotModelledError(
      command,
      `attaching ${progTypeName(prog.type)} programs (${attachTypeName(prog.expectedAttachType)})`,
    );
  if (prog.isTargetTaken)
    throw new BpfError(command, 'EINVAL', `${prog.init.name} was attached to its program already`);
  const { cookie } = attrs;
  const probe = state.kernel.probes.trampoline(prog, {
    kind,
    target,
    ...signature(prog.targetProg?.btfObject?.btf ?? state.kernel.btf, attachBtfId, command),
    ...(cookie === undefined ? {} : { cookie }),
  });
  prog.isTargetTaken = prog.targetProg !== undefined;
  return { probes: [probe], detach: () => probe.detach(), ...told(request) };
}

/** Where a function of a program is: its image, which has a nop for this behind endbr64. */
export function placeOf(target: BpfProg, btfId: number, command: string): Addr {
  const n = target.init.funcInfo.findIndex((func) => func.typeId === btfId);
  const placed = target.placed[n];
  if (placed === undefined)
    throw new BpfError(command, 'EINVAL', `BTF id ${btfId} is no function of ${target.init.name}`);
  return placed.address;
}

/** What information about it tells. */
export const told = (request: AttachRequest): Pick<Attachment, 'info' | 'fdinfo'> => ({
  info: () => fixedTarget(request),
  fdinfo: () =>
    Object.entries(fixedTarget(request))
      .map(([name, value]) => `${name}:\t${value}\n`)
      .join(''),
});

/** `bpf_link_info.tracing` */
const fixedTarget = ({ prog }: AttachRequest): LinkFields => ({
  attach_type: prog.expectedAttachType,
  target_obj_id: prog.targetProg?.id ?? VMLINUX_BTF_ID,
  target_btf_id: prog.init.attachBtfId,
});

/** Bytes of each argument and of the result of a kernel function. */
export function signature(btf: Btf, id: number, command: string): { argSizes: number[]; retSize: number } {
  const func = btf.typeById(id);
  const proto = func.kind === 'func' ? btf.typeById(func.type) : undefined;
  if (proto?.kind !== 'func_proto') throw new BpfError(command, 'EINVAL', `BTF id ${id} is no function`);
  return {
    argSizes: proto.params.map((p) => btf.sizeOf(p.type)),
    retSize: proto.type === 0 ? 0 : btf.sizeOf(proto.type),
  };
}
