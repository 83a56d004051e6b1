/**
 * Loads and stores of guest code: in the current mode, addresses and values as register halves, through the software
 * TLB. An access that crosses a page is checked on both before either changes.
 */
import { type Access, PAGE_SIZE, READ, WRITE } from './layout.ts';
import { PagedMemory } from './paged-memory.ts';

const LAST = PAGE_SIZE - 1;

export class GuestAccess extends PagedMemory {
  /** Upper half of the 64-bit value that {@link load64} read. */
  hi = 0;

  load8(lo: number, hi: number): number {
    return this.u8[this.physical(lo, hi, READ)]!;
  }

  load16(lo: number, hi: number): number {
    if ((lo & LAST) > PAGE_SIZE - 2) return this.crossLoad(lo, hi, 2);
    return this.view.getUint16(this.physical(lo, hi, READ), true);
  }

  /** As s32. */
  load32(lo: number, hi: number): number {
    if ((lo & LAST) > PAGE_SIZE - 4) return this.crossLoad(lo, hi, 4);
    return this.view.getInt32(this.physical(lo, hi, READ), true);
  }

  /** Low half as s32; the high half in {@link hi}. */
  load64(lo: number, hi: number): number {
    if ((lo & LAST) > PAGE_SIZE - 8) return this.crossLoad(lo, hi, 8);
    const phys = this.physical(lo, hi, READ);
    this.hi = this.view.getInt32(phys + 4, true);
    return this.view.getInt32(phys, true);
  }

  store8(lo: number, hi: number, value: number): void {
    this.u8[this.physical(lo, hi, WRITE)] = value;
  }

  store16(lo: number, hi: number, value: number): void {
    if ((lo & LAST) > PAGE_SIZE - 2) this.crossStore(lo, hi, 2, value, 0);
    else this.view.setUint16(this.physical(lo, hi, WRITE), value, true);
  }

  store32(lo: number, hi: number, value: number): void {
    if ((lo & LAST) > PAGE_SIZE - 4) this.crossStore(lo, hi, 4, value, 0);
    else this.view.setInt32(this.physical(lo, hi, WRITE), value, true);
  }

  store64(lo: number, hi: number, valueLo: number, valueHi: number): void {
    if ((lo & LAST) > PAGE_SIZE - 8) {
      this.crossStore(lo, hi, 8, valueLo, valueHi);
      return;
    }
    const phys = this.physical(lo, hi, WRITE);
    this.view.setInt32(phys, valueLo, true);
    this.view.setInt32(phys + 4, valueHi, true);
  }

  /** Physical address of the byte `n` after hi:lo. */
  private byteAt(lo: number, hi: number, n: number, access: Access): number {
    const low = (lo >>> 0) + n;
    return this.physical(low | 0, low > 0xffff_ffff ? (hi + 1) | 0 : hi, access);
  }

  private crossLoad(lo: number, hi: number, size: number): number {
    let low = 0;
    let high = 0;
    for (let n = 0; n < size; n++) {
      const byte = this.u8[this.byteAt(lo, hi, n, READ)]!;
      if (n < 4) low |= byte << (8 * n);
      else high |= byte << (8 * (n - 4));
    }
    this.hi = high;
    return low;
  }

  private crossStore(lo: number, hi: number, size: number, valueLo: number, valueHi: number): void {
    this.byteAt(lo, hi, 0, WRITE);
    this.byteAt(lo, hi, PAGE_SIZE - (lo & LAST), WRITE); // a fault's address is the second page's first byte
    for (let n = 0; n < size; n++) {
      this.u8[this.byteAt(lo, hi, n, WRITE)] = n < 4 ? valueLo >>> (8 * n) : valueHi >>> (8 * (n - 4));
    }
  }
}
