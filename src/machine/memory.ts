/**
 * Guest memory as the host uses it: any mapped page, with the rights of its kind; what cannot be accessed throws
 * {@link GuestFault}. Below it are the page table and the software TLB (paged-memory.ts) and the accesses of guest code (guest-access.ts).
 */
import { concatBytes } from '../platform/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from './addr.ts';
import { clearBytes } from './clear-bytes.ts';
import { GuestFault, PF_PRESENT, PF_WRITE } from './fault.ts';
import { GuestAccess } from './guest-access.ts';
import { type Access, PAGE_SIZE, READ, WRITE } from './layout.ts';

const LAST = PAGE_SIZE - 1;

export class GuestMemory extends GuestAccess {
  /** Physical address for the host. @throws GuestFault */
  hostPhysical(va: Addr, access: Access): number {
    const phys = this.translate(va, access, false);
    if (phys < 0) {
      const present = this.half(va).find(va) === undefined ? 0 : PF_PRESENT;
      throw new GuestFault(va, access, present | (access === WRITE ? PF_WRITE : 0));
    }
    return phys;
  }

  /** Whether `bytes` from `va` on lie in one run of pages that allows it: one physical range. */
  private run(va: Addr, bytes: number, access: Access): number {
    const phys = this.hostPhysical(va, access);
    const r = this.half(va).find(va)!;
    if (va + bytes > r.end) return -1;
    if (access === WRITE) this.touched.add(phys, bytes);
    return phys;
  }

  readBytes(va: Addr, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    const at = bytes > 0 ? this.run(va, bytes, READ) : -1;
    if (at >= 0) {
      copyBytes(out, 0, this.u8, at, bytes);
      return out;
    }
    for (let done = 0; done < bytes; ) {
      const phys = this.hostPhysical(va + done, READ);
      const n = Math.min(bytes - done, this.regionAt(va + done)!.end - (va + done));
      out.set(this.u8.subarray(phys, phys + n), done);
      done += n;
    }
    return out;
  }

  /** Writes all or, where a page is missing, nothing. */
  writeBytes(va: Addr, bytes: Uint8Array): void {
    const at = bytes.length > 0 ? this.run(va, bytes.length, WRITE) : -1;
    if (at >= 0) {
      copyBytes(this.u8, at, bytes, 0, bytes.length);
      return;
    }
    for (let done = 0; done < bytes.length; ) {
      this.hostPhysical(va + done, WRITE);
      done += this.regionAt(va + done)!.end - (va + done);
    }
    this.spread(va, bytes, WRITE);
  }

  /** Writes where the protection forbids it, as `text_poke` does through its own mapping. Tell {@link Machine.invalidate}. */
  pokeBytes(va: Addr, bytes: Uint8Array): void {
    this.spread(va, bytes, READ);
  }

  private spread(va: Addr, bytes: Uint8Array, access: Access): void {
    for (let done = 0; done < bytes.length; ) {
      const phys = this.hostPhysical(va + done, access);
      const n = Math.min(bytes.length - done, this.regionAt(va + done)!.end - (va + done));
      this.touched.add(phys, n);
      this.u8.set(bytes.subarray(done, done + n), phys);
      done += n;
    }
  }

  fillBytes(va: Addr, value: number, bytes: number): void {
    const phys = bytes > 0 ? this.run(va, bytes, WRITE) : -1;
    if (phys >= 0 && value === 0) clearBytes(this.u8, phys, bytes);
    else if (phys >= 0) this.u8.fill(value, phys, phys + bytes);
    else this.writeBytes(va, new Uint8Array(bytes).fill(value));
  }

  readU8(va: Addr): number {
    return this.u8[this.hostPhysical(va, READ)]!;
  }

  readU16(va: Addr): number {
    const phys = this.run(va, 2, READ);
    return phys >= 0 ? this.view.getUint16(phys, true) : new DataView(this.readBytes(va, 2).buffer).getUint16(0, true);
  }

  readU32(va: Addr): number {
    return this.readS32(va) >>> 0;
  }

  readS32(va: Addr): number {
    const phys = this.run(va, 4, READ);
    return phys >= 0 ? this.view.getInt32(phys, true) : new DataView(this.readBytes(va, 4).buffer).getInt32(0, true);
  }

  readU64(va: Addr): bigint {
    const phys = this.run(va, 8, READ);
    return phys >= 0
      ? this.view.getBigUint64(phys, true)
      : new DataView(this.readBytes(va, 8).buffer).getBigUint64(0, true);
  }

  /** A pointer stored in memory, as a number: exact for canonical addresses. */
  readAddr(va: Addr): Addr {
    const phys = this.run(va, 8, READ);
    return phys >= 0
      ? addrOf(this.view.getInt32(phys, true), this.view.getInt32(phys + 4, true))
      : addrOf(this.readS32(va), this.readS32(va + 4));
  }

  writeU8(va: Addr, value: number): void {
    this.u8[this.hostPhysical(va, WRITE)] = value;
  }

  writeU16(va: Addr, value: number): void {
    const phys = this.run(va, 2, WRITE);
    if (phys >= 0) this.view.setUint16(phys, value, true);
    else this.writeBytes(va, Uint8Array.of(value, value >> 8));
  }

  writeU32(va: Addr, value: number): void {
    const phys = this.run(va, 4, WRITE);
    if (phys >= 0) this.view.setInt32(phys, value, true);
    else this.writeBytes(va, Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
  }

  writeU64(va: Addr, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    this.writeBytes(va, bytes);
  }

  /** Stores a number in [-2^63, 2^63) as 64 bits; exact for canonical addresses and integers up to 2^53. */
  writeAddr(va: Addr, value: Addr): void {
    this.writeU32(va, addrLo(value));
    this.writeU32(va + 4, addrHi(value));
  }

  /** Bytes up to the terminating zero, which is not included, or `max` bytes where there is none. */
  readCString(va: Addr, max: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let done = 0; done < max; ) {
      const phys = this.hostPhysical(va + done, READ);
      const n = Math.min(max - done, PAGE_SIZE - (phys & LAST));
      const page = this.u8.subarray(phys, phys + n);
      const zero = page.indexOf(0);
      parts.push(zero >= 0 ? page.subarray(0, zero) : page);
      if (zero >= 0) break;
      done += n;
    }
    return parts.length === 1 ? parts[0]!.slice() : concatBytes(parts);
  }
}

/** More bytes than this are copied faster by the engine's own copy than one by one. */
const SHORT = 64;

/** Copies bytes between arrays that do not overlap. */
export function copyBytes(to: Uint8Array, toAt: number, from: Uint8Array, fromAt: number, bytes: number): void {
  if (bytes > SHORT) to.set(from.subarray(fromAt, fromAt + bytes), toAt);
  else for (let n = 0; n < bytes; n++) to[toAt + n] = from[fromAt + n] as number;
}
