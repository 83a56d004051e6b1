/** Structures of the x86-64 system call interface as bytes. */
import { concatBytes, encodeUtf8 } from '../../src/platform/index.ts';
import { ERRNO } from '../core/errno.ts';
import type { DirEntry, FileStat } from '../core/file-ops.ts';

const BLOCK = 512;

/** `struct stat` (arch/x86/include/uapi/asm/stat.h), 144 bytes */
export function stat(of: FileStat): Uint8Array {
  const out = new DataView(new ArrayBuffer(144));
  out.setBigUint64(0, BigInt(of.dev ?? 1), true);
  out.setBigUint64(8, BigInt(of.ino), true);
  out.setBigUint64(16, BigInt(of.nlink), true);
  out.setUint32(24, of.mode, true);
  out.setUint32(28, of.uid, true);
  out.setUint32(32, of.gid, true);
  out.setBigUint64(40, BigInt(of.rdev ?? 0), true);
  out.setBigUint64(48, BigInt(of.size), true);
  out.setBigUint64(56, BigInt(of.blksize), true);
  out.setBigUint64(64, BigInt(Math.ceil(of.size / BLOCK)), true);
  // st_atime, st_mtime, st_ctime
  for (const at of [72, 88, 104]) out.setBigUint64(at, BigInt(of.seconds ?? 0), true);
  return new Uint8Array(out.buffer);
}

const STATX_BASIC_STATS = 0x7ff;

/** `struct statx` (include/uapi/linux/stat.h), 256 bytes */
export function statx(of: FileStat): Uint8Array {
  const out = new DataView(new ArrayBuffer(256));
  out.setUint32(0, STATX_BASIC_STATS, true);
  out.setUint32(4, of.blksize, true);
  out.setUint32(16, of.nlink, true);
  out.setUint32(20, of.uid, true);
  out.setUint32(24, of.gid, true);
  out.setUint16(28, of.mode, true);
  out.setBigUint64(32, BigInt(of.ino), true);
  out.setBigUint64(40, BigInt(of.size), true);
  out.setBigUint64(48, BigInt(Math.ceil(of.size / BLOCK)), true);
  return new Uint8Array(out.buffer);
}

/** `struct statfs` (arch/x86/include/uapi/asm/statfs.h), 120 bytes: the magic number is what programs look at */
export function statfs(magic: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(120));
  out.setBigInt64(0, BigInt(magic), true);
  out.setBigInt64(8, 4096n, true);
  out.setBigInt64(64, 255n, true);
  out.setBigInt64(72, 4096n, true);
  return new Uint8Array(out.buffer);
}

/** `struct new_utsname`: six names of 65 bytes */
export function utsname(names: readonly string[]): Uint8Array {
  const out = new Uint8Array(6 * 65);
  for (const [n, name] of names.entries()) out.set(encodeUtf8(name).subarray(0, 64), 65 * n);
  return out;
}

/** How far a directory has been read, by the object that was opened. */
const positions = new WeakMap<object, number>();

/** `struct linux_dirent64`s of what follows in an open directory, as many as fit; none: its end */
export function dirents(open: object, entries: readonly DirEntry[] | number, room: number): Uint8Array | number {
  if (typeof entries === 'number') return entries;
  let next = positions.get(open) ?? 0;
  const parts: Uint8Array[] = [];
  let used = 0;
  for (; next < entries.length; next++) {
    const { name, ino, type } = entries[next] as DirEntry;
    const bytes = encodeUtf8(name);
    const length = (19 + bytes.length + 1 + 7) & ~7;
    if (used + length > room) break;
    const out = new DataView(new ArrayBuffer(length));
    out.setBigUint64(0, BigInt(ino), true);
    out.setBigInt64(8, BigInt(next + 1), true);
    out.setUint16(16, length, true);
    out.setUint8(18, type);
    new Uint8Array(out.buffer).set(bytes, 19);
    parts.push(new Uint8Array(out.buffer));
    used += length;
  }
  if (parts.length === 0 && next < entries.length) return -ERRNO.EINVAL;
  positions.set(open, next);
  return concatBytes(parts);
}
