/** BPF_OBJ_GET_INFO_BY_FD: a structure that both sides may know differently much of (`bpf_check_uarg_tail_zero`). */

import { BpfLink } from '../../attach/link.ts';
import { BpfMap } from '../../maps/index.ts';
import { BtfObject } from '../../objects/btf-object.ts';
import { BpfProg } from '../../prog/prog.ts';
import type { Call } from './call.ts';
import { btfInfo } from './info-btf.ts';
import { InfoBuffer } from './info-buffer.ts';
import { linkInfo } from './info-link.ts';
import { mapInfo } from './info-map.ts';
import { progInfo } from './info-prog.ts';

const ATTR = { bpf_fd: 0, info_len: 4, info: 8 };
const PAGE = 4096;

/** sizeof(struct bpf_prog_info), bpf_map_info, bpf_btf_info, bpf_link_info */
const SIZE = { prog: 232, map: 88, btf: 32, link: 64 };
/** what pads bpf_prog_info at its end must be zero, like what is behind it */
const PROG_FIELDS_END = 228;

export function objGetInfoByFd(call: Call): number {
  const object = call.process.fds.find(call.s32(ATTR.bpf_fd)) ?? terminal(call);
  if (object instanceof BpfProg) return give(call, SIZE.prog, (info) => progInfo(call, object, info), PROG_FIELDS_END);
  if (object instanceof BpfMap) return give(call, SIZE.map, (info) => mapInfo(call, object, info));
  if (object instanceof BtfObject) return give(call, SIZE.btf, (info) => btfInfo(call, object, info));
  if (object instanceof BpfLink) return give(call, SIZE.link, (info) => linkInfo(call, object, info));
  return call.fail('EINVAL', `${object.fdName} has no information to give`);
}

function terminal(call: Call) {
  const fd = call.s32(ATTR.bpf_fd);
  // the one command that says so with EBADFD
  return fd >= 0 && fd <= 2 ? call.object(ATTR.bpf_fd) : call.fail('EBADFD', `file descriptor ${fd} is not open`);
}

/** `fill` may throw after what it wrote is to go back all the same: it returns that error's thrower. */
function give(
  call: Call,
  size: number,
  fill: (info: InfoBuffer) => (() => never) | undefined,
  fieldsEnd = size,
): number {
  const at = call.pointer(ATTR.info);
  const given = call.u32(ATTR.info_len);
  if (given > PAGE) call.fail('E2BIG', `a structure of ${given} bytes`);
  if (given > fieldsEnd && call.copyIn(at + fieldsEnd, given - fieldsEnd).some((b) => b !== 0))
    call.fail('E2BIG', `a structure of ${given} bytes, of which ${size} are known`);
  const length = Math.min(given, size);
  const info = new InfoBuffer(size);
  info.bytes.set(call.copyIn(at, length));
  const late = fill(info);
  call.copyOut(at, info.bytes.subarray(0, length));
  call.put32(ATTR.info_len, length);
  late?.();
  return 0;
}
