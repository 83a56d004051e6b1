/** One's complement sums of the Internet checksum, RFC 1071; words are taken as they lie in memory. */

export const csumAdd = (a: number, b: number): number => {
  const sum = a + b;
  return sum > 0xffff_ffff ? (sum + 1) >>> 0 : sum;
};

export function csumPartial(bytes: Uint8Array, seed: number): number {
  let sum = seed >>> 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) sum = csumAdd(sum, view.getUint32(at, true));
  let rest = 0;
  for (let i = 0; at + i < bytes.length; i++) rest |= bytes[at + i]! << (8 * i);
  return csumAdd(sum, rest >>> 0);
}

/** Folds to 16 bits and complements. */
export function csumFold(sum: number): number {
  let s = (sum & 0xffff) + (sum >>> 16);
  s = (s & 0xffff) + (s >>> 16);
  return ~s & 0xffff;
}

/** The checksum after a 16-bit field changed. */
export const csumReplace2 = (sum: number, from: number, to: number): number =>
  csumFold(csumAdd(csumAdd(~sum & 0xffff, ~from & 0xffff), to));
/** ... after a 32-bit field changed. */
export const csumReplace4 = (sum: number, from: number, to: number): number =>
  csumFold(csumAdd(csumAdd(~sum & 0xffff, ~from >>> 0), to));
