/** BPF_TASK_FD_QUERY: what a perf event or raw tracepoint of some process runs (Linux 6.12 kernel/bpf/syscall.c). */

import { addrToBigInt } from '../../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../../src/platform/index.ts';
import { BPF_LINK_TYPE as L } from '../../../../src/uapi/index.ts';
import { capable } from '../../../core/process.ts';
import { PerfEvent } from '../../../probe/perf.ts';
import { BpfLink } from '../../attach/link.ts';
import type { Call } from './call.ts';

const ATTR = {
  pid: 0,
  fd: 4,
  flags: 8,
  buf_len: 12,
  buf: 16,
  prog_id: 24,
  fd_type: 28,
  probe_offset: 32,
  probe_addr: 40,
};

/** `enum bpf_task_fd_type` */
const FD_TYPE = { RAW_TRACEPOINT: 0, TRACEPOINT: 1, KPROBE: 2, KRETPROBE: 3, UPROBE: 4, URETPROBE: 5 } as const;
export function taskFdQuery(call: Call): number {
  if (!capable(call.process, 'SYS_ADMIN')) call.fail('EPERM', 'CAP_SYS_ADMIN is needed');
  if (!call.endsAt(48)) call.fail('EINVAL', 'what follows probe_addr');
  if (call.u32(ATTR.flags) !== 0) call.fail('EINVAL', 'flags');
  const process = call.state.processes.find((p) => p.pid === call.u32(ATTR.pid)) ?? call.fail('ENOENT', 'no such task');
  const object = process.fds.find(call.s32(ATTR.fd)) ?? call.fail('EBADF', 'no such descriptor');
  if (object instanceof BpfLink && object.type === L.RAW_TRACEPOINT)
    return answer(call, object.prog?.id ?? 0, FD_TYPE.RAW_TRACEPOINT, String(object.info()['tp_name'] ?? ''), 0, 0n);
  if (!(object instanceof PerfEvent)) return call.fail('ENOTSUPP', `${object.fdName} runs no program`);
  const { attr, link, prog } = object;
  if (prog === undefined || link === undefined) return call.fail('ENOENT', 'the event runs no program');
  const id = call.state.progAt(prog.address)?.id ?? 0;
  switch (attr.type) {
    case 'tracepoint':
      return answer(call, id, FD_TYPE.TRACEPOINT, attr.event, 0, 0n);
    case 'kprobe': {
      const type = attr.ret ? FD_TYPE.KRETPROBE : FD_TYPE.KPROBE;
      if (attr.func !== undefined) return answer(call, id, type, attr.func, attr.offset ?? 0, 0n);
      return answer(call, id, type, '', 0, addrToBigInt(link.address));
    }
    case 'uprobe':
      return answer(call, id, attr.ret ? FD_TYPE.URETPROBE : FD_TYPE.UPROBE, attr.path, attr.offset, 0n);
    default:
      return call.fail('EOPNOTSUPP', 'the event is of none of the kinds that are told');
  }
}

/** `bpf_task_fd_query_copy` */
function answer(call: Call, prog: number, type: number, name: string, offset: number, address: bigint): number {
  const room = call.u32(ATTR.buf_len);
  const to = call.pointer(ATTR.buf);
  const bytes = encodeUtf8(name);
  call.put32(ATTR.buf_len, bytes.length);
  let short = false;
  if (to !== 0 && room > 0) {
    short = bytes.length > 0 && room < bytes.length + 1;
    const out = new Uint8Array(short ? room : bytes.length + 1);
    out.set(bytes.subarray(0, out.length - 1));
    call.copyOut(to, out);
  }
  call.put32(ATTR.prog_id, prog);
  call.put32(ATTR.fd_type, type);
  call.put64(ATTR.probe_offset, BigInt(offset));
  call.put64(ATTR.probe_addr, address);
  if (short) call.fail('ENOSPC', `'${name}'`);
  return 0;
}
