/**
 * jhash: Bob Jenkins' lookup3 (2006, public domain), which hash maps and Bloom filters use on their keys
 * (Linux 6.12 Documentation/bpf/map_hash.rst). Keys lie in guest memory at a physical address.
 */

const rotl = (v: number, n: number): number => (v << n) | (v >>> (32 - n));
const INITVAL = 0xdeadbeef | 0;

/** Hash of `length` bytes at `at`; the kernel takes whole words where the length allows, to the same effect on this machine. */
export function jhash(view: DataView, u8: Uint8Array, at: number, length: number, seed: number): number {
  let a = (INITVAL + length + seed) | 0;
  let b = a;
  let c = a;
  let left = length;
  while (left > 12) {
    a = (a + view.getInt32(at, true)) | 0;
    b = (b + view.getInt32(at + 4, true)) | 0;
    c = (c + view.getInt32(at + 8, true)) | 0;
    a = ((a - c) | 0) ^ rotl(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotl(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotl(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotl(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotl(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotl(b, 4);
    b = (b + a) | 0;
    at += 12;
    left -= 12;
  }
  if (left === 0) return c;
  a = (a + tail(u8, at, left)) | 0;
  if (left > 4) b = (b + tail(u8, at + 4, left - 4)) | 0;
  if (left > 8) c = (c + tail(u8, at + 8, left - 8)) | 0;
  return finish(a, b, c);
}

function tail(u8: Uint8Array, at: number, left: number): number {
  let v = u8[at]!;
  if (left > 1) v |= u8[at + 1]! << 8;
  if (left > 2) v |= u8[at + 2]! << 16;
  if (left > 3) v |= u8[at + 3]! << 24;
  return v;
}

function finish(a: number, b: number, c: number): number {
  c = ((c ^ b) - rotl(b, 14)) | 0;
  a = ((a ^ c) - rotl(c, 11)) | 0;
  b = ((b ^ a) - rotl(a, 25)) | 0;
  c = ((c ^ b) - rotl(b, 16)) | 0;
  a = ((a ^ c) - rotl(c, 4)) | 0;
  b = ((b ^ a) - rotl(a, 14)) | 0;
  return ((c ^ b) - rotl(b, 24)) | 0;
}
