/**
 * The interpreter's way to guest memory: it reads the machine's software TLB (the kernel mode tables,
 * as the interpreter is kernel code) and takes the slow way through {@link GuestMemory} on a miss.
 */
import * as isa from '../../../src/isa/index.ts';
import { type Addr, addrOf } from '../../../src/machine/addr.ts';
import { type GuestMemory, TASK_SIZE_MAX, TLB_ENTRIES, TLB_PHYS, TLB_TABLE_BYTES } from '../../../src/machine/index.ts';
import { Words } from './words.ts';

/** First address that BPF_PROBE_MEM does not answer with 0 unasked: do_jit's limit of 6.12, user space and its guard page. */
const PROBE_LIMIT: Addr = TASK_SIZE_MAX + 4096;

export class InterpMemory {
  readonly guest: GuestMemory;
  readonly view: DataView;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  /** registers and predecoded programs */
  readonly words: Words;
  /** TLB tables for reading and writing, in words: tag, tag's upper half, physical page, unused */
  readonly rtlb: Int32Array;
  readonly wtlb: Int32Array;
  /** upper half of what {@link load} read */
  hi = 0;

  constructor(guest: GuestMemory, words = new Words()) {
    this.words = words;
    this.u16 = guest.u16;
    this.i32 = guest.i32;
    this.guest = guest;
    this.view = guest.view;
    this.u8 = guest.u8;
    const { buffer } = guest.i32;
    this.rtlb = new Int32Array(buffer, TLB_PHYS, TLB_ENTRIES * 4);
    this.wtlb = new Int32Array(buffer, TLB_PHYS + TLB_TABLE_BYTES, TLB_ENTRIES * 4);
  }

  /** Low half of 1, 2, 4 or 8 bytes, zero-extended; sign-extended where `size` is negative. @throws GuestFault */
  load(lo: number, hi: number, size: number): number {
    const { guest } = this;
    let v: number;
    this.hi = 0;
    switch (size) {
      case 1:
        return guest.load8(lo, hi);
      case 2:
        return guest.load16(lo, hi);
      case 4:
        return guest.load32(lo, hi);
      case 8:
        v = guest.load64(lo, hi);
        this.hi = guest.hi;
        return v;
      case -1:
        v = (guest.load8(lo, hi) << 24) >> 24;
        break;
      case -2:
        v = (guest.load16(lo, hi) << 16) >> 16;
        break;
      default:
        v = guest.load32(lo, hi);
    }
    this.hi = v >> 31;
    return v;
  }

  /** @throws GuestFault */
  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): void {
    const { guest } = this;
    if (size === 8) guest.store64(lo, hi, valueLo, valueHi);
    else if (size === 4) guest.store32(lo, hi, valueLo);
    else if (size === 2) guest.store16(lo, hi, valueLo);
    else guest.store8(lo, hi, valueLo);
  }

  /** Address of register `r` plus an offset, its low half here and its upper half in {@link hi}. */
  private address(r: number, off: number): number {
    const R = this.words.words;
    const base = R[r]!;
    const lo = (base + off) | 0;
    this.hi = (R[r + 1]! + (off >> 31) + (lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
    return lo;
  }

  /** RFC 9669 section 5.3. `packed`: size in bytes | operation << 8. */
  atomic(d: number, s: number, rb: number, off: number, packed: number): void {
    const R = this.words.words;
    const lo = this.address(d, off);
    const hi = this.hi;
    const size = packed & 15;
    const operation = packed >> 8;
    const oldLo = this.load(lo, hi, size);
    const oldHi = this.hi;
    const srcLo = R[s]!;
    const srcHi = R[s + 1]!;
    let newLo = srcLo;
    let newHi = srcHi;
    switch (operation & ~isa.BPF_FETCH) {
      case isa.BPF_ADD:
        newLo = (oldLo + srcLo) | 0;
        newHi = oldHi + srcHi + (newLo >>> 0 < oldLo >>> 0 ? 1 : 0);
        break;
      case isa.BPF_OR:
        newLo = oldLo | srcLo;
        newHi = oldHi | srcHi;
        break;
      case isa.BPF_AND:
        newLo = oldLo & srcLo;
        newHi = oldHi & srcHi;
        break;
      case isa.BPF_XOR:
        newLo = oldLo ^ srcLo;
        newHi = oldHi ^ srcHi;
        break;
    }
    if (operation === isa.BPF_CMPXCHG) {
      // An unequal comparison writes the old value back, as the processor's cmpxchg does: the page must be writable.
      const equal = oldLo === R[rb] && (size === 4 || oldHi === R[rb + 1]);
      this.store(lo, hi, size, equal ? srcLo : oldLo, equal ? srcHi : oldHi);
      R[rb] = oldLo;
      R[rb + 1] = oldHi;
      return;
    }
    this.store(lo, hi, size, newLo, newHi);
    if (operation & isa.BPF_FETCH) {
      R[s] = oldLo;
      R[s + 1] = oldHi;
    }
  }

  loadAcquire(d: number, s: number, off: number, size: number): void {
    const R = this.words.words;
    R[d] = this.load(this.address(s, off), this.hi, size);
    R[d + 1] = this.hi;
  }

  storeRelease(d: number, s: number, off: number, size: number): void {
    const R = this.words.words;
    this.store(this.address(d, off), this.hi, size, R[s]!, R[s + 1]!);
  }

  /** BPF_PROBE_MEM: user addresses and whatever would fault read as 0. `packed`: size | signed << 8. */
  probe(d: number, s: number, off: number, packed: number): void {
    const R = this.words.words;
    const size = packed & 15;
    const lo = this.address(s, off);
    const va = addrOf(lo, this.hi);
    if ((va >= 0 && va < PROBE_LIMIT) || !this.readable(va, size)) {
      R[d] = 0;
      R[d + 1] = 0;
      return;
    }
    R[d] = this.load(lo, this.hi, packed & 0x100 ? -size : size);
    R[d + 1] = this.hi;
  }

  private readable(va: Addr, size: number): boolean {
    return this.guest.translate(va, 0, false) >= 0 && this.guest.translate(va + size - 1, 0, false) >= 0;
  }
}
