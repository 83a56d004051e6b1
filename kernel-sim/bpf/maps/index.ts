export { layoutOf, type MapLayout } from '../../core/map-layout.ts';
export { ArenaMap } from './arena.ts';
export { ArrayMap, type FdSlot, PercpuArrayMap } from './array.ts';
export { BloomFilterMap } from './bloom.ts';
export { ArrayOfMaps, CgroupArrayMap, PerfEventArrayMap, ProgArrayMap } from './fd-array.ts';
export { HashMap } from './hash.ts';
export { HashOfMaps } from './hash-of-maps.ts';
export { mayBeInner } from './inner.ts';
export { LpmTrieMap } from './lpm.ts';
export {
  BpfMap,
  type MapAttrs,
  type MapContext,
  MapCreateError,
  type MapTarget,
  type ProgTarget,
  WalkCursor,
} from './map.ts';
export { QueueStackMap } from './queue.ts';
export { RedirectMap } from './redirect.ts';
export { RingbufMap } from './ringbuf.ts';
export { SockMap } from './sockets.ts';
export { StackTraceMap } from './stack-trace.ts';
export { CgroupStorageMap, LocalStorageMap } from './storage.ts';
export { CHECKS_LATE, MAP_KINDS, type MapKind, TAKES_NO_BTF } from './table.ts';
