/** The user half of an address space (what CR3 selects; the kernel half is the same in all of them). */
import type { Addr } from './addr.ts';
import { OutOfMemory } from './fault.ts';
import { Regions } from './regions.ts';

export class UserSpace {
  readonly regions = new Regions();
  /** copies of its regions share physical pages until someone maps over them */
  clone(): UserSpace {
    const copy = new UserSpace();
    for (const r of this.regions.list) copy.regions.map(r.start, r.end, r.phys, r.prot);
    return copy;
  }

  /** First gap of `bytes` at or above `from`. @throws OutOfMemory */
  gap(from: Addr, bytes: number, below: Addr): Addr {
    let at = from;
    for (const r of this.regions.list) {
      if (r.end <= at) continue;
      if (r.start - at >= bytes) break;
      at = r.end;
    }
    if (at + bytes > below) throw new OutOfMemory(`no ${bytes} bytes of user address space left`);
    return at;
  }
}
