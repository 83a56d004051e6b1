/** Raw tracepoints: by a name that BPF_RAW_TRACEPOINT_OPEN gives, or (tp_btf) by the BTF id that the program was loaded with. */
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';
import { told } from './trampoline.ts';

export function rawTracepoint({ state, prog, attrs, name = '' }: AttachRequest): Attachment {
  const probe = state.kernel.probes.rawTracepoint(prog, name, attrs.cookie);
  return {
    probes: [probe],
    detach: () => probe.detach(),
    info: () => ({ tp_name: name }),
    fdinfo: () => `tp_name:\t${name}\n`,
  };
}

export function btfTracepoint(request: AttachRequest): Attachment {
  const { state, prog, attrs } = request;
  const event = (prog.init.attachTarget ?? '').replace(/^btf_trace_/, '');
  const probe = state.kernel.probes.rawTracepoint(prog, event, attrs.cookie);
  return { probes: [probe], detach: () => probe.detach(), ...told(request) };
}
