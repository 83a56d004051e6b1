/**
 * Maps of `maps` and `maps/NAME` sections, as objects from before BTF have them. libbpf 1.0
 * dropped these; its predecessors, iproute2's tc and Cilium took:
 *
 *     struct bpf_map_def { type, key_size, value_size, max_entries[, map_flags[, inner_map_idx, numa_node]] }
 *     struct bpf_elf_map { type, size_key, size_value, max_elem, flags, id, pinning[, inner_id, inner_idx] }
 *
 * all of u32. How long one is, is the section's size over the number of its symbols. Both have
 * 28-byte forms: what distinguishes them is who asks for an inner map.
 */

import type { ElfFile, ElfSection } from '../../elf/index.ts';
import { BPF_F_NUMA_NODE } from '../../uapi/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef } from '../model.ts';
import { blankMap, fixupMap, isMapInMap } from './names.ts';

/** Bytes of the shortest definition. */
const SHORTEST = 16;
const SAMPLES_SIZE = 28;
const IPROUTE2_SIZE = 36;
const PIN_GLOBAL_NS = 2;

export const isLegacyMapSection = (name: string): boolean => name === 'maps' || name.startsWith('maps/');

/** What a definition says of the map inside, beside what every map has. */
interface Inner {
  readonly map: MapDef;
  readonly id: number;
  readonly innerId: number;
  /** numbers that may be the index of a map */
  readonly indices: readonly number[];
}

/** Maps of one such section, by offset. @throws ObjectError */
function sectionMaps(file: string, elf: ElfFile, section: ElfSection): Inner[] {
  const symbols = elf
    .symbolsOf(section)
    .filter((s) => s.type !== 'section' && s.name !== '')
    .sort((a, b) => a.value - b.value);
  if (symbols.length === 0) return [];
  const stride = Math.floor(section.size / symbols.length);
  if (stride < SHORTEST) {
    const what = `${section.size} bytes are too few for ${symbols.length} maps`;
    throw new ObjectError(file, `section ${section.name}`, what);
  }
  const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.length);
  return symbols.map((symbol) => {
    const size = Math.min(symbol.size > 0 ? symbol.size : stride, section.data.length - symbol.value);
    if (size < SHORTEST) {
      const what = `its definition at ${symbol.value} of section ${section.name} is cut off`;
      throw new ObjectError(file, `map '${symbol.name}'`, what);
    }
    const word = (n: number): number => (n * 4 + 4 <= size ? view.getUint32(symbol.value + n * 4, true) : 0);
    const map = blankMap(symbol.name, symbol.name, 'legacy', section.index, symbol.value);
    map.type = word(0);
    map.keySize = word(1);
    map.valueSize = word(2);
    map.maxEntries = word(3);
    map.flags = word(4);
    // Old loaders knew that these hold descriptors.
    if (isMapInMap(map.type) && map.valueSize === 0) map.valueSize = 4;
    fixupMap(map);
    // PIN_GLOBAL_NS of iproute2; in a kernel sample's definition this is a NUMA node, and its flag says so.
    if (size >= SAMPLES_SIZE && word(6) === PIN_GLOBAL_NS && (map.flags & BPF_F_NUMA_NODE) === 0) {
      map.pinning = 'tc_globals';
    }
    if (size >= IPROUTE2_SIZE) return { map, id: word(5), innerId: word(7), indices: [word(8)] };
    const numa = (map.flags & BPF_F_NUMA_NODE) !== 0;
    if (size === SAMPLES_SIZE && numa) map.numaNode = word(6);
    return { map, id: 0, innerId: 0, indices: size === SAMPLES_SIZE ? [word(5), ...(numa ? [] : [word(6)])] : [] };
  });
}

/** Maps of all such sections of an object. @throws ObjectError */
export function legacyMaps(file: string, elf: ElfFile, sections: readonly ElfSection[]): MapDef[] {
  const all = sections.flatMap((section) => sectionMaps(file, elf, section));
  const usable = (entry: Inner | undefined): entry is Inner => entry !== undefined && !isMapInMap(entry.map.type);
  for (const { map, innerId, indices } of all) {
    if (!isMapInMap(map.type)) continue;
    const byId = innerId === 0 ? undefined : all.find((entry) => entry.map !== map && entry.id === innerId);
    map.inner = (byId ?? indices.map((n) => all[n]).find(usable))?.map;
  }
  return all.map(({ map }) => map);
}
