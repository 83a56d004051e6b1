/** Intel SDM vol. 3A, 4.6 "Access Rights" and 4.7 "Page-Fault Exceptions", as paged-memory.ts states them. */
import { describe, expect, it } from 'vitest';
import {
  type Access,
  type Addr,
  CpuState,
  EXEC,
  FLAG,
  GENERAL_ZONE_PHYS,
  GuestFault,
  GuestMemory,
  KERNEL_PHYS,
  KERNEL_TEXT,
  OutOfMemory,
  PAGE_OFFSET,
  READ,
  VMALLOC_START,
  WRITE,
} from '../../src/machine/index.ts';
import { halves } from './support.ts';

const SIZE = 128 << 20;
const memory = (): GuestMemory => new GuestMemory({ bytes: SIZE });

/** Error code of the fault that a guest access raises, undefined where it succeeds. */
function access(m: GuestMemory, va: Addr, kind: Access): number | undefined {
  try {
    m.physical(...halves(va), kind);
    return undefined;
  } catch (error) {
    if (error instanceof GuestFault) return error.errorCode;
    throw error;
  }
}

describe('page table', () => {
  it('has the direct map of all RAM but the first megabyte', () => {
    const m = memory();
    m.writeU32(PAGE_OFFSET + (100 << 20), 0x12345678);
    expect(m.view.getUint32(100 << 20, true)).toBe(0x12345678);
    expect(access(m, PAGE_OFFSET + 4096, READ)).toBe(0);
    expect(access(m, PAGE_OFFSET + SIZE, READ)).toBe(0);
    expect(access(m, PAGE_OFFSET + SIZE - 4096, WRITE)).toBeUndefined();
  });

  it('maps, splits and unmaps', () => {
    const m = memory();
    const phys = m.allocPages(8);
    m.map(VMALLOC_START, phys, 8 * 4096, { write: true });
    m.unmap(VMALLOC_START + 3 * 4096, 4096);
    m.protect(VMALLOC_START + 5 * 4096, 4096, {});
    const can = (page: number, kind: Access): boolean => access(m, VMALLOC_START + page * 4096, kind) === undefined;
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((p) => can(p, READ))).toEqual([
      true,
      true,
      true,
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((p) => can(p, WRITE))).toEqual([
      true,
      true,
      true,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
    expect(m.translate(VMALLOC_START + 6 * 4096 + 5, READ, false)).toBe(phys + 6 * 4096 + 5);
    m.map(VMALLOC_START + 3 * 4096, phys + 3 * 4096, 4096, { write: true });
    m.protect(VMALLOC_START + 5 * 4096, 4096, { write: true });
    expect(m.kernel.list.filter((r) => r.start >= VMALLOC_START && r.start < VMALLOC_START + 0x10000)).toHaveLength(1);
  });

  it('forgets TLB entries when the mapping changes', () => {
    const m = memory();
    const [a, b] = [m.allocPages(1), m.allocPages(1)];
    m.u8[a] = 1;
    m.u8[b] = 2;
    const at = halves(VMALLOC_START);
    m.map(VMALLOC_START, a, 4096, { write: true });
    expect(m.load8(...at)).toBe(1);
    m.map(VMALLOC_START, b, 4096);
    expect(m.load8(...at)).toBe(2);
    expect(access(m, VMALLOC_START, WRITE)).toBe(3);
    m.unmap(VMALLOC_START, 4096);
    expect(access(m, VMALLOC_START, READ)).toBe(0);
  });

  it('gives the error codes of Intel’s table', () => {
    const m = memory();
    m.map(KERNEL_TEXT, KERNEL_PHYS, 4096, { exec: true });
    m.map(0x400000, m.allocPages(1), 4096, { exec: true, user: true });
    expect(access(m, KERNEL_TEXT, EXEC)).toBeUndefined();
    expect(access(m, KERNEL_TEXT, WRITE)).toBe(3);
    expect(access(m, PAGE_OFFSET + GENERAL_ZONE_PHYS, EXEC)).toBe(17);
    expect(access(m, 0x400000, EXEC)).toBe(17); // SMEP
    expect(access(m, 0x400000, READ)).toBe(1); // SMAP
    expect(access(m, 0x800000, READ)).toBe(0);
    expect(access(m, 0x8000_0000_0000, READ)).toBe(-1); // not canonical
    const cpu = new CpuState(m);
    cpu.rflags = FLAG.AC;
    expect(access(m, 0x400000, READ)).toBeUndefined();
    cpu.rflags = 0;
    expect(access(m, 0x400000, READ)).toBe(1);
    cpu.cpl = 3;
    expect(access(m, 0x400000, EXEC)).toBeUndefined();
    expect(access(m, 0x400000, WRITE)).toBe(3);
    expect(access(m, KERNEL_TEXT, READ)).toBe(1);
  });

  it('switches user halves', () => {
    const m = memory();
    const first = m.userSpace;
    m.map(0x400000, m.allocPages(1), 4096, { write: true, user: true });
    m.setUserMode(true);
    m.store32(0x400000, 0, 7);
    m.setUserMode(false);
    const second = m.createUserSpace();
    m.switchUserSpace(second);
    m.setUserMode(true);
    expect(access(m, 0x400000, READ)).toBe(0);
    m.setUserMode(false);
    m.switchUserSpace(first);
    expect(m.readU32(0x400000)).toBe(7);
    const child = first.clone();
    m.switchUserSpace(child);
    expect(m.readU32(0x400000)).toBe(7);
    expect(child.gap(0x400000, 8192, 0x7fff_0000)).toBe(0x401000);
  });
});

describe('accesses that cross pages', () => {
  it('read and write both pages, wherever these lie', () => {
    const m = memory();
    m.map(VMALLOC_START, m.allocPages(1), 4096, { write: true });
    m.allocPages(3);
    m.map(VMALLOC_START + 4096, m.allocPages(1), 4096, { write: true });
    for (let at = 4089; at < 4096; at++) {
      const va = VMALLOC_START + at;
      m.store64(...halves(va), 0x44332211 + at, 0x88776655 | 0);
      expect(m.load64(...halves(va))).toBe(0x44332211 + at);
      expect(m.hi).toBe(0x88776655 | 0);
      expect(m.readU64(va)).toBe((0x88776655n << 32n) | BigInt(0x44332211 + at));
    }
    m.store32(...halves(VMALLOC_START + 4094), -2);
    expect(m.load32(...halves(VMALLOC_START + 4094))).toBe(-2);
    expect(m.load16(...halves(VMALLOC_START + 4095))).toBe(0xffff);
  });

  it('change nothing where the second page is missing', () => {
    const m = memory();
    m.map(VMALLOC_START, m.allocPages(1), 4096, { write: true });
    const va = VMALLOC_START + 4092;
    m.store32(...halves(va), 5);
    expect(() => m.store64(...halves(va), 1, 2)).toThrow(GuestFault);
    expect(m.load32(...halves(va))).toBe(5);
    expect(() => m.writeBytes(va, new Uint8Array(8))).toThrow(GuestFault);
    expect(m.load32(...halves(va))).toBe(5);
  });

  it('at the end of the address space do not wrap into its start', () => {
    const m = memory();
    m.map(-4096, m.allocPages(1), 4096, { write: true });
    expect(() => m.store32(-2, -1, 1)).toThrow(GuestFault);
  });
});

describe('host accesses', () => {
  it('read and write bytes, strings and pointers', () => {
    const m = memory();
    m.map(VMALLOC_START, m.allocPages(2), 8192, { write: true });
    const va = VMALLOC_START + 4090;
    m.writeBytes(va, Buffer.from('hello, world\0'));
    expect(Buffer.from(m.readCString(va, 64)).toString()).toBe('hello, world');
    expect(Buffer.from(m.readCString(va, 5)).toString()).toBe('hello');
    m.writeAddr(va, KERNEL_TEXT);
    expect(m.readAddr(va)).toBe(KERNEL_TEXT);
    expect(m.readU64(va)).toBe(0xffffffff81000000n);
    m.fillBytes(va, 0xaa, 16);
    expect(m.readU16(va + 14)).toBe(0xaaaa);
    expect(() => m.readBytes(VMALLOC_START + 8190, 4)).toThrow(/read at ffffc90000002000: not mapped/);
  });

  it('patch text that nobody may write', () => {
    const m = memory();
    m.map(KERNEL_TEXT, KERNEL_PHYS, 4096, { exec: true });
    expect(() => m.writeU8(KERNEL_TEXT, 1)).toThrow(GuestFault);
    m.pokeBytes(KERNEL_TEXT, Uint8Array.of(0xcc));
    expect(m.readU8(KERNEL_TEXT)).toBe(0xcc);
  });
});

describe('physical pages', () => {
  it('are zero, are reused, join again and run out by name', () => {
    const m = memory();
    const free = m.freePageCount;
    const runs = Array.from({ length: 4 }, () => m.allocPages(free / 4));
    expect(() => m.allocPages(1)).toThrow(OutOfMemory);
    m.u8[runs[1]!] = 9;
    m.freePages(runs[1]!, free / 4);
    m.freePages(runs[2]!, free / 4);
    const joined = m.allocPages(free / 2);
    expect(joined).toBe(runs[1]);
    expect(m.u8[joined]).toBe(0);
  });

  it('a memory of an impossible size is refused', () => {
    expect(() => new GuestMemory({ bytes: 1 << 20 })).toThrow(/128 MiB to 2 GiB/);
    expect(() => new GuestMemory({ bytes: Number.NaN })).toThrow(OutOfMemory);
  });
});
