/** Addresses of recorded user frames: a recording tells the file and the offset in it, not where it was mapped. */
import type { Addr } from '../../src/machine/addr.ts';
import type { UserFrame } from './user-call.ts';

/** where libraries are mapped, and room for each */
const MMAP_BASE = 0x7f00_0000_0000;
const ROOM = 0x1000_0000;
const FILES = 0xf00;
/** FNV-1a */
const FNV_BASIS = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** Address of a frame: each file has a place of its own, the same in every run and every task. */
export function userAddress({ file, offset }: UserFrame): Addr {
  let hash = FNV_BASIS;
  for (let n = 0; n < file.length; n++) hash = Math.imul(hash ^ file.charCodeAt(n), FNV_PRIME);
  return MMAP_BASE + ((hash >>> 0) % FILES) * ROOM + (offset % ROOM);
}
