/** Inner maps: what a map-in-map takes as its elements (Linux 6.12 Documentation/bpf/map_of_maps.rst). */
import { BPF_F_INNER_MAP, BPF_MAP_TYPE } from '../../../src/uapi/index.ts';
import type { BpfMap } from './map.ts';

/** `bpf_map_meta_equal`, and an array's sharper form of it: the number of entries must agree too, unless it is declared variable. */
export function innerMapMatches(template: BpfMap, map: BpfMap): boolean {
  if (
    template.type !== map.type ||
    template.keySize !== map.keySize ||
    template.valueSize !== map.valueSize ||
    template.flags !== map.flags
  ) {
    return false;
  }
  const fixed = template.type === BPF_MAP_TYPE.ARRAY && (template.flags & BPF_F_INNER_MAP) === 0;
  return !fixed || template.maxEntries === map.maxEntries;
}

/** Kinds that may not be inner maps: the map-in-maps themselves, and those without `map_meta_equal`. */
export function mayBeInner(map: BpfMap): boolean {
  const t = BPF_MAP_TYPE;
  return ![
    t.ARRAY_OF_MAPS,
    t.HASH_OF_MAPS,
    t.STRUCT_OPS,
    t.CGROUP_STORAGE,
    t.PERCPU_CGROUP_STORAGE,
    t.PROG_ARRAY,
  ].includes(map.type);
}
