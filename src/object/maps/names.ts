/** Names and templates of maps, as libbpf makes them. */
import { BPF_MAP_TYPE, BPF_OBJ_NAME_LEN } from '../../uapi/index.ts';
import type { MapDef, MapOrigin } from '../model.ts';

/** Object's name from its file's: up to the first dot, 15 bytes. */
export function objectName(file: string): string {
  const base = file.slice(file.lastIndexOf('/') + 1).slice(0, BPF_OBJ_NAME_LEN - 1);
  const dot = base.indexOf('.');
  return dot < 0 ? base : base.slice(0, dot);
}

/** Name of a map for a data section: object's name before `.data`, but `.data.my` alone; characters that the kernel takes. */
export function dataMapName(object: string, section: string): string {
  const suffix = Math.max(7, section.length);
  const prefix = section.indexOf('.', 1) >= 0 ? 0 : Math.max(0, Math.min(BPF_OBJ_NAME_LEN - suffix - 1, object.length));
  return (object.slice(0, prefix) + section).slice(0, BPF_OBJ_NAME_LEN - 1).replace(/[^A-Za-z0-9_.]/g, '_');
}

/** A map of which nothing is known yet but where it is. */
export function blankMap(name: string, realName: string, origin: MapOrigin, section: number, offset: number): MapDef {
  return {
    name,
    realName,
    origin,
    section,
    offset,
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    numaNode: 0,
    mapExtra: 0n,
    btfKey: 0,
    btfValue: 0,
    pinning: 'none',
    inner: undefined,
    slots: [],
    data: undefined,
    autocreate: true,
    structOps: undefined,
  };
}

export const isMapInMap = (type: number): boolean =>
  type === BPF_MAP_TYPE.ARRAY_OF_MAPS || type === BPF_MAP_TYPE.HASH_OF_MAPS;

const PAGE = 4096;

/** Ring buffers take a power of two of pages: the size asked for, or the next that is one. */
export function ringbufSize(size: number): number {
  if (size === 0 || (size % PAGE === 0 && Number.isInteger(Math.log2(size / PAGE)))) return size;
  for (let rounded = PAGE; rounded <= 0xffff_ffff; rounded *= 2) if (rounded > size) return rounded;
  return size;
}

/** What libbpf changes in a definition before it is used. */
export function fixupMap(map: MapDef): void {
  if (map.type === BPF_MAP_TYPE.RINGBUF || map.type === BPF_MAP_TYPE.USER_RINGBUF)
    map.maxEntries = ringbufSize(map.maxEntries);
}
