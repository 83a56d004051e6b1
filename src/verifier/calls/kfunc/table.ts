/** Kernel functions that the program names by BTF id (add_kfunc_call()). */
import type { BtfFuncProto } from '../../../btf/index.ts';
import type { Insn } from '../../../isa/index.ts';
import { BPF_F_XDP_DEV_BOUND_ONLY } from '../../../uapi/index.ts';
import { type KfuncDesc, kfuncKey } from '../../env/aux.ts';
import type { Env } from '../../env/env.ts';
import { isOpen } from '../../prep/fds.ts';

/** Packet metadata that only a device can give. */
const deviceBound = new Set([
  'bpf_xdp_metadata_rx_timestamp',
  'bpf_xdp_metadata_rx_hash',
  'bpf_xdp_metadata_rx_vlan_tag',
]);

export const kfuncOf = (env: Env, insn: Insn): KfuncDesc | undefined => env.kfuncs.get(kfuncKey(insn.imm, insn.off));

/** `find_kfunc_desc_btf`: an offset names a module's BTF in the array of descriptors; this kernel has no modules with any. */
function noModule(env: Env, off: number): never {
  const refuse = (errno: string, line?: string): never => {
    if (line) env.say(line);
    return env.fail(errno, 'failed to find BTF for kernel function');
  };
  if (off < 0) return refuse('EINVAL', 'negative offset disallowed for kernel module function call');
  const { fdArray } = env.input;
  if (!fdArray) return refuse('EPROTO', 'kfunc offset > 0 without fd_array is invalid');
  const fd = fdArray[off];
  if (fd === undefined) return refuse('EFAULT');
  return refuse(isOpen(env, fd) ? 'EINVAL' : 'EBADF', 'invalid module BTF fd specified');
}

export function addKfunc(env: Env, btfId: number, off: number): void {
  if (env.kfuncs.has(kfuncKey(btfId, off))) return;
  const { vmlinux } = env.kernel;
  if (!vmlinux) env.fail('ENOTSUPP', 'calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF');
  if (!env.input.gpl) env.fail('EINVAL', 'cannot call kernel function from non-GPL compatible program');
  // an id of zero is dead code that libbpf left: an error only if it is reached
  if (!btfId && !off) return;
  if (off) noModule(env, off);
  if (btfId <= 0 || btfId >= vmlinux.typeCount) env.fail('EINVAL', `kernel btf_id ${btfId >>> 0} is not a function`);
  const fn = vmlinux.typeById(btfId);
  if (fn.kind !== 'func') env.fail('EINVAL', `kernel btf_id ${btfId >>> 0} is not a function`);
  const proto = vmlinux.typeById(fn.type);
  if (proto.kind !== 'func_proto')
    env.fail('EINVAL', `kernel function btf_id ${btfId} does not have a valid func_proto`);
  if (deviceBound.has(fn.name) && !(env.input.flags & BPF_F_XDP_DEV_BOUND_ONLY))
    env.fail('EINVAL', 'metadata kfuncs require device-bound program');
  const facts = env.kernel.kfunc(btfId, env.input.type) ?? {
    btfId,
    name: fn.name,
    address: env.kernel.symbolAddress(fn.name) ?? 0n,
    flags: ['NOT_ALLOWED'],
  };
  env.kfuncs.set(kfuncKey(btfId, off), { facts, proto: proto as BtfFuncProto });
}

/** Whether the program's type may call it. */
export const isAllowed = (desc: KfuncDesc): boolean => !desc.facts.flags.includes('NOT_ALLOWED');

export const isIterNext = (env: Env, insn: Insn): boolean => {
  const desc = kfuncOf(env, insn);
  return desc !== undefined && isAllowed(desc) && desc.facts.flags.includes('KF_ITER_NEXT');
};
