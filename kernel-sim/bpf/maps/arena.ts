/** Arenas: sparse memory that programs and user space share at one user address (BPF_MAP_TYPE_ARENA, Linux 6.9). */
import type { Addr } from '../../../src/machine/addr.ts';
import { ERRNO } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext, type MappedPages } from './map.ts';

const PAGE = 4096;

export class ArenaMap extends BpfMap {
  /** kernel address of the arena's first page: 4 GiB of addresses, pages where they were asked for */
  readonly pages: Addr;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.pages = this.areaAlloc(attrs.maxEntries * PAGE, true);
  }
  override lookup(_key: Addr): Addr {
    return -ERRNO.EINVAL;
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.EINVAL;
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override get directValue(): Addr | undefined {
    return this.pages;
  }
  protected override mappable(offset: number, bytes: number): MappedPages | number {
    if (offset + bytes > this.maxEntries * PAGE) return -ERRNO.E2BIG;
    return [{ phys: this.phys(this.pages) + offset, bytes }];
  }
}
