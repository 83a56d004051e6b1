/** Programs on a perf event: kprobes, tracepoints, sampling (perf_event_open(2), PERF_EVENT_IOC_SET_BPF). */
import { addrToBigInt } from '../../../src/machine/addr.ts';
import { PerfEvent } from '../../probe/perf.ts';
import type { ProbeLink } from '../../probe/types.ts';
import { BpfError } from '../errors.ts';
import type { Attachment, LinkFields } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

/** `enum bpf_perf_event_type` */
const TYPE = { uprobe: 1, uretprobe: 2, kprobe: 3, kretprobe: 4, tracepoint: 5, event: 6 } as const;
/** `enum perf_type_id` */
const PERF_TYPE = { hardware: 0, software: 1 } as const;

export function perfEvent({ state, prog, attrs, command }: AttachRequest): Attachment {
  if (attrs.flags) throw new BpfError(command, 'EINVAL', 'no flags are taken');
  const event = state.fdObject(command, attrs.target ?? -1);
  if (!(event instanceof PerfEvent))
    throw new BpfError(command, 'EBADF', `file descriptor ${attrs.target} is no perf event`);
  const probe = event.setBpf(prog, attrs.cookie);
  return {
    probes: [probe],
    holds: event,
    detach: () => probe.detach(),
    info: () => fields(event, probe, attrs.cookie ?? 0n),
  };
}

/** `bpf_link_info.perf_event` */
function fields({ attr }: PerfEvent, probe: ProbeLink, cookie: bigint): LinkFields {
  switch (attr.type) {
    case 'kprobe':
      return {
        type: attr.ret ? TYPE.kretprobe : TYPE.kprobe,
        kprobe: {
          func_name: attr.func ?? '',
          offset: attr.offset ?? 0,
          addr: addrToBigInt(probe.address),
          missed: probe.missed?.() ?? 0n,
          cookie,
        },
      };
    case 'tracepoint':
      return { type: TYPE.tracepoint, tracepoint: { tp_name: attr.event, cookie } };
    case 'uprobe':
      return {
        type: attr.ret ? TYPE.uretprobe : TYPE.uprobe,
        uprobe: { file_name: attr.path, offset: attr.offset, cookie },
      };
    default:
      return { type: TYPE.event, event: { config: BigInt(attr.config), type: PERF_TYPE[attr.type], cookie } };
  }
}
