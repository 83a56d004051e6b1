/**
 * The slots of translated code: runs of pages whose addresses it turns into offsets with one
 * subtraction and one comparison. Slot 0 is the stack's; the others go to vmalloc areas, per-CPU
 * data and other kernel memory outside the direct map, as accesses are seen to go there.
 *
 * A slot always holds a mapping that is true: when its run changes it falls back to the first page
 * of the part of the direct map that never does.
 */
import { type Addr, addrHi, addrLo } from '../../addr.ts';
import { GENERAL_ZONE_PHYS, PAGE_OFFSET, PAGE_SIZE } from '../../layout.ts';
import type { GuestMemory } from '../../memory.ts';
import { PROT_USER, PROT_WRITE } from '../../regions.ts';
import { type AddressClass, RUN_SLOTS } from '../ir/address-class.ts';
import { MAIL, RUN } from '../ir/mailbox.ts';

const SAFE: Addr = PAGE_OFFSET + GENERAL_ZONE_PHYS;
/** No run is longer, so that its offsets are small numbers. */
const MAX_RUN = 1 << 30;

export class Runs {
  private readonly memory: GuestMemory;
  private readonly starts: Addr[] = new Array<Addr>(RUN_SLOTS).fill(SAFE);
  private readonly ends: Addr[] = new Array<Addr>(RUN_SLOTS).fill(SAFE + PAGE_SIZE);
  private next = 1;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    for (let slot = 0; slot < RUN_SLOTS; slot++) this.reset(slot);
  }

  private put(slot: number, start: Addr, end: Addr, phys: number): void {
    const m = this.memory.i32;
    const at = (MAIL.runs + slot * RUN.size) >> 2;
    this.starts[slot] = start;
    this.ends[slot] = end;
    m[at + (RUN.start >> 2)] = addrLo(start);
    m[at + (RUN.start >> 2) + 1] = addrHi(start);
    m[at + (RUN.bytes >> 2)] = end - start;
    m[at + (RUN.bytes >> 2) + 1] = 0;
    m[at + (RUN.delta >> 2)] = (phys - addrLo(start)) | 0;
  }

  private reset(slot: number): void {
    this.put(slot, SAFE, SAFE + PAGE_SIZE, GENERAL_ZONE_PHYS);
  }

  holds(slot: number, va: Addr): boolean {
    return va >= this.starts[slot]! && va < this.ends[slot]!;
  }

  /** Puts the run of pages around `va` into a slot; false where it is not kernel memory that may be written. */
  load(slot: number, va: Addr): boolean {
    const r = this.memory.regionAt(va);
    if (r === undefined || va >= 0 || !(r.prot & PROT_WRITE) || r.prot & PROT_USER || r.end - r.start > MAX_RUN)
      return false;
    this.put(slot, r.start, r.end, r.phys);
    return true;
  }

  /** Whether slot 0 has the stack that `rsp` is in, or is the end of. */
  holdsStack(rsp: Addr): boolean {
    return rsp > this.starts[0]! && rsp <= this.ends[0]!;
  }

  /** Has the stack that `rsp` is in, or is the end of, in slot 0. */
  stack(rsp: Addr): boolean {
    if (this.holdsStack(rsp)) return true;
    if (this.isDirect(rsp - 8)) {
      this.put(0, SAFE, PAGE_OFFSET + this.memory.bytes, GENERAL_ZONE_PHYS);
      return true;
    }
    return this.load(0, rsp - 8);
  }

  isDirect(va: Addr): boolean {
    return va >= SAFE && va < PAGE_OFFSET + this.memory.bytes;
  }

  /** Class for an access to `va`: that of a slot which has it, or gets it now. */
  classify(va: Addr): AddressClass {
    if (this.isDirect(va)) return 'direct';
    for (let slot = 0; slot < RUN_SLOTS; slot++) if (this.holds(slot, va)) return this.name(slot);
    const slot = this.next;
    if (!this.load(slot, va)) return 'tlb';
    this.next = (slot % (RUN_SLOTS - 1)) + 1;
    return this.name(slot);
  }

  /** Class for a constant address: a slot that has it, or that nothing has yet. */
  guess(va: Addr): AddressClass {
    if (this.isDirect(va)) return 'direct';
    for (let slot = 0; slot < RUN_SLOTS; slot++) if (this.holds(slot, va)) return this.name(slot);
    return this.starts[this.next] === SAFE ? this.classify(va) : 'tlb';
  }

  private name(slot: number): AddressClass {
    return slot === 0 ? 'stack' : (`run${slot}` as AddressClass);
  }

  /** A kernel mapping changed; whether a slot had it. */
  changed(start: Addr, end: Addr): boolean {
    let hit = false;
    for (let slot = 0; slot < RUN_SLOTS; slot++) {
      if (start >= this.ends[slot]! || end <= this.starts[slot]!) continue;
      this.reset(slot);
      hit = true;
    }
    return hit;
  }
}
