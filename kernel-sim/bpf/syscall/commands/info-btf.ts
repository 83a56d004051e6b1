/** `struct bpf_btf_info`: `btf_get_info_by_fd` of Linux 6.12, kernel/bpf/btf.c. */
import type { BtfObject } from '../../objects/btf-object.ts';
import type { Call } from './call.ts';
import type { InfoBuffer } from './info-buffer.ts';
import { copyString } from './info-string.ts';

const F = { btf: 0, btf_size: 8, id: 12, name: 16, name_len: 24, kernel_btf: 28 };

export function btfInfo(call: Call, object: BtfObject, info: InfoBuffer): (() => never) | undefined {
  const { bytes } = object;
  info.set32(F.id, object.id);
  call.copyOut(info.pointer(F.btf), bytes.subarray(0, Math.min(bytes.length, info.u32(F.btf_size))));
  info.set32(F.btf_size, bytes.length);
  info.set32(F.kernel_btf, object.isKernel ? 1 : 0);
  const [at, room] = [info.pointer(F.name), info.u32(F.name_len)];
  if ((at !== 0) !== (room !== 0)) call.fail('EINVAL', 'a name and its length go together');
  info.set32(F.name_len, object.name.length);
  return at === 0 ? undefined : copyString(call, object.name, at, room);
}
