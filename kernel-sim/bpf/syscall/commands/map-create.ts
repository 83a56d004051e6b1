/** BPF_MAP_CREATE by its attributes. */
import { createMap } from '../map-create.ts';
import type { Call } from './call.ts';

/** Offsets in the union: the structure of BPF_MAP_CREATE. */
const ATTR = {
  map_type: 0,
  key_size: 4,
  value_size: 8,
  max_entries: 12,
  map_flags: 16,
  inner_map_fd: 20,
  numa_node: 24,
  map_name: 28,
  map_ifindex: 44,
  btf_fd: 48,
  btf_key_type_id: 52,
  btf_value_type_id: 56,
  btf_vmlinux_value_type_id: 60,
  map_extra: 64,
  value_type_btf_obj_fd: 72,
  map_token_fd: 76,
};

export function mapCreate(call: Call): number {
  const { state } = call;
  const flags = call.u32(ATTR.map_flags);
  const map = createMap(state, {
    type: call.u32(ATTR.map_type),
    keySize: call.u32(ATTR.key_size),
    valueSize: call.u32(ATTR.value_size),
    maxEntries: call.u32(ATTR.max_entries),
    flags,
    mapExtra: call.u64(ATTR.map_extra),
    numaNode: call.u32(ATTR.numa_node),
    name: call.name(ATTR.map_name),
    innerMap: call.s32(ATTR.inner_map_fd),
    ifindex: call.u32(ATTR.map_ifindex),
    btf: call.s32(ATTR.btf_fd),
    btfKeyTypeId: call.u32(ATTR.btf_key_type_id),
    btfValueTypeId: call.u32(ATTR.btf_value_type_id),
    btfVmlinuxValueTypeId: call.u32(ATTR.btf_vmlinux_value_type_id),
    tokenFd: call.s32(ATTR.map_token_fd),
  });
  return call.process.fds.install(map, fileMode(flags));
}

/** BPF_F_RDONLY and BPF_F_WRONLY of include/uapi/linux/bpf.h: how the descriptor may be used (`bpf_get_file_flag`). */
export const fileMode = (flags: number): { read: boolean; write: boolean } => ({
  read: (flags & 16) === 0,
  write: (flags & 8) === 0,
});
