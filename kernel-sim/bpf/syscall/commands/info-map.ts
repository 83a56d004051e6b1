/** `struct bpf_map_info`: `bpf_map_get_info_by_fd` of Linux 6.12. */
import { BPF_F_RDONLY, BPF_F_WRONLY } from '../../../../src/uapi/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { Call } from './call.ts';
import type { InfoBuffer } from './info-buffer.ts';

const F = {
  type: 0,
  id: 4,
  key_size: 8,
  value_size: 12,
  max_entries: 16,
  map_flags: 20,
  name: 24,
  ifindex: 40,
  btf_vmlinux_value_type_id: 44,
  netns_dev: 48,
  netns_ino: 56,
  btf_id: 64,
  btf_key_type_id: 68,
  btf_value_type_id: 72,
  btf_vmlinux_id: 76,
  map_extra: 80,
};

/** `bpf_map_flags_retain_permanent`: how the descriptor was opened is no property of the map */
const OF_DESCRIPTOR = BPF_F_RDONLY | BPF_F_WRONLY;

export function mapInfo(_call: Call, map: BpfMap, info: InfoBuffer): undefined {
  const { attrs } = map;
  info.bytes.fill(0);
  info.set32(F.type, attrs.type);
  info.set32(F.id, map.id);
  info.set32(F.key_size, attrs.keySize);
  info.set32(F.value_size, attrs.valueSize);
  info.set32(F.max_entries, attrs.maxEntries);
  info.set32(F.map_flags, attrs.flags & ~OF_DESCRIPTOR);
  info.set64(F.map_extra, BigInt(attrs.mapExtra));
  info.setName(F.name, attrs.name);
  if (map.btfObject) {
    info.set32(F.btf_id, map.btfObject.id);
    info.set32(F.btf_key_type_id, attrs.btfKeyTypeId);
    info.set32(F.btf_value_type_id, attrs.btfValueTypeId);
  }
  info.set32(F.btf_vmlinux_value_type_id, attrs.btfVmlinuxValueTypeId ?? 0);
  return undefined;
}
