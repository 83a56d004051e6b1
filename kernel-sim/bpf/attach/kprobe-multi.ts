/** Multi kprobes: one program on many functions (BPF_TRACE_KPROBE_MULTI, kernel/trace/bpf_trace.c). */
import { addrFromBigInt, addrToBigInt } from '../../../src/machine/addr.ts';
import { BPF_F_KPROBE_MULTI_RETURN } from '../../../src/uapi/index.ts';
import type { ProbeLink } from '../../probe/types.ts';
import { BpfError } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

export function kprobeMulti({ state, prog, attrs, command }: AttachRequest): Attachment {
  const { symbols, addresses, cookies, flags = 0 } = attrs.kprobeMulti ?? {};
  const points =
    symbols?.map((symbol) => ({ symbol })) ?? addresses?.map((at) => ({ address: addrFromBigInt(at) })) ?? [];
  if (points.length === 0) throw new BpfError(command, 'EINVAL', 'no functions to attach to');
  const ret = (flags & BPF_F_KPROBE_MULTI_RETURN) !== 0;
  const probes: ProbeLink[] = [];
  const detach = (): void => {
    for (const probe of probes) probe.detach();
  };
  try {
    points.forEach((point, n) => {
      const cookie = cookies?.[n];
      probes.push(
        state.kernel.probes.kprobe(prog, { ...point, ret, multi: true, ...(cookie === undefined ? {} : { cookie }) }),
      );
    });
  } catch (error) {
    detach();
    throw error;
  }
  return {
    probes,
    flags,
    detach,
    info: () => ({
      addrs: probes.map((probe) => addrToBigInt(probe.address)),
      flags,
      // of an fprobe: entries for which no return node was left
      missed: probes.reduce((sum, probe) => sum + (probe.missed?.() ?? 0n), 0n),
      cookies: probes.map((_, n) => cookies?.[n] ?? 0n),
    }),
  };
}
