/**
 * Instructions that the loop leaves to the host: memory accesses that the machine's software TLB has no page for, that
 * span two pages or that fault. They go through {@link GuestMemory}, which fills the TLB.
 */
import * as isa from '../../../../src/isa/index.ts';
import { type Addr, addrOf } from '../../../../src/machine/addr.ts';
import { type GuestMemory, TASK_SIZE_MAX } from '../../../../src/machine/index.ts';
import { ATOMICS, type Atomic, LOADS, type Load, OPERATIONS, opNumber, STORES, type Store } from './ops.ts';
import { REGISTERS, SLOT, SLOT_BYTES, type Zone } from './zone.ts';

/** First address that BPF_PROBE_MEM does not answer with 0 unasked: do_jit's limit of 6.12, user space and its guard page. */
const PROBE_LIMIT: Addr = TASK_SIZE_MAX + 4096;

const LOAD_OF: readonly (Load | undefined)[] = OPERATIONS.map((name) => LOADS.get(name));
const STORE_OF: readonly (Store | undefined)[] = OPERATIONS.map((name) => STORES.get(name));
const ATOMIC_OF: readonly (Atomic | undefined)[] = OPERATIONS.map((name) => ATOMICS.get(name));
const CALL = opNumber('callBpf');
const R10 = 10;

export class SlowPath {
  readonly #guest: GuestMemory;
  readonly #i32: Int32Array;
  /** word index of R0 */
  readonly #registers: number;
  /** address of the access under way */
  #lo = 0;
  #hi = 0;
  /** what was loaded */
  #valueLo = 0;
  #valueHi = 0;

  constructor(guest: GuestMemory, zone: Zone) {
    this.#guest = guest;
    this.#i32 = zone.i32;
    this.#registers = (zone.base + REGISTERS) >>> 2;
  }

  /** Executes the instruction at `pc`: where to go on. @throws GuestFault */
  execute(pc: number): number {
    const I = this.#i32;
    const at = pc >>> 2;
    const op = I[at]! & 0xffff;
    const d = this.#registers + (I[at]! >>> 18);
    const source = I[at + SLOT.src / 4]!;
    const off = I[at + SLOT.off / 4]!;
    const load = LOAD_OF[op];
    if (load !== undefined) {
      this.#address(this.#registers + (source >> 2), off);
      this.#loadOrZero(load);
      I[d] = this.#valueLo;
      I[d + 1] = this.#valueHi;
      return pc + SLOT_BYTES;
    }
    const store = STORE_OF[op];
    if (store !== undefined) {
      this.#address(d, off);
      const s = this.#registers + (source >> 2);
      if (store.source === 'k') this.#store(store.size, source, source >> 31);
      else this.#store(store.size, I[s]!, I[s + 1]!);
      return pc + SLOT_BYTES;
    }
    if (op === CALL) {
      // the call touches the stack; it is made when the loop has the page
      this.#address(this.#registers + 2 * R10, -(I[at]! >>> 16) - 8);
      this.#store(8, pc + SLOT_BYTES, 0);
      return pc;
    }
    const atomic = ATOMIC_OF[op];
    if (atomic === undefined) throw new Error(`${OPERATIONS[op]} is not executed by the host`);
    this.#address(d, off);
    this.#atomic(this.#registers + (source >> 2), atomic);
    return pc + SLOT_BYTES;
  }

  /** The register at word `r` plus an offset. */
  #address(r: number, off: number): void {
    const base = this.#i32[r]!;
    this.#lo = (base + off) | 0;
    this.#hi = (this.#i32[r + 1]! + (off >> 31) + (this.#lo >>> 0 < base >>> 0 ? 1 : 0)) | 0;
  }

  /** BPF_PROBE_MEM: user addresses and whatever would fault read as 0. */
  #loadOrZero({ size, signed, probe }: Load): void {
    const va = addrOf(this.#lo, this.#hi);
    if (probe && ((va >= 0 && va < PROBE_LIMIT) || !this.#readable(va, size))) {
      this.#valueLo = 0;
      this.#valueHi = 0;
      return;
    }
    this.#load(size);
    if (!signed) return;
    const shift = 32 - 8 * size;
    this.#valueLo = (this.#valueLo << shift) >> shift;
    this.#valueHi = this.#valueLo >> 31;
  }

  #readable(va: Addr, size: number): boolean {
    return this.#guest.translate(va, 0, false) >= 0 && this.#guest.translate(va + size - 1, 0, false) >= 0;
  }

  #load(size: number): void {
    const guest = this.#guest;
    this.#valueHi = 0;
    if (size === 1) this.#valueLo = guest.load8(this.#lo, this.#hi);
    else if (size === 2) this.#valueLo = guest.load16(this.#lo, this.#hi);
    else if (size === 4) this.#valueLo = guest.load32(this.#lo, this.#hi);
    else {
      this.#valueLo = guest.load64(this.#lo, this.#hi);
      this.#valueHi = guest.hi;
    }
  }

  #store(size: number, lo: number, hi: number): void {
    const guest = this.#guest;
    if (size === 8) guest.store64(this.#lo, this.#hi, lo, hi);
    else if (size === 4) guest.store32(this.#lo, this.#hi, lo);
    else if (size === 2) guest.store16(this.#lo, this.#hi, lo);
    else guest.store8(this.#lo, this.#hi, lo);
  }

  /** RFC 9669 section 5.3; `s`: word of the source register. */
  #atomic(s: number, { imm, size }: Atomic): void {
    const R = this.#i32;
    this.#load(size);
    const oldLo = this.#valueLo;
    const oldHi = this.#valueHi;
    const srcLo = R[s]!;
    const srcHi = R[s + 1]!;
    let newLo = srcLo;
    let newHi = srcHi;
    switch (imm & ~isa.BPF_FETCH) {
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
    if (imm === isa.BPF_CMPXCHG) {
      // An unequal comparison writes the old value back, as the processor's cmpxchg does: the page must be writable.
      const r0 = this.#registers;
      const equal = oldLo === R[r0] && (size === 4 || oldHi === R[r0 + 1]);
      this.#store(size, equal ? srcLo : oldLo, equal ? srcHi : oldHi);
      R[r0] = oldLo;
      R[r0 + 1] = oldHi;
      return;
    }
    this.#store(size, newLo, newHi);
    if (imm & isa.BPF_FETCH) {
      R[s] = oldLo;
      R[s + 1] = oldHi;
    }
  }
}
