/** Bytes, without a host. */

/** All of them behind each other, in memory of their own. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether they are as many, and the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false;
  return true;
}

/** Bytes as people read them: two hexadecimal digits each, a blank between. */
export const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal, two digits a byte. */
export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => PAIRS[byte]).join('');

/** The bytes that hexadecimal digits write, two a byte. */
export function fromHex(text: string): Uint8Array {
  const out = new Uint8Array(text.length >> 1);
  for (let n = 0; n < out.length; n++) out[n] = Number.parseInt(text.slice(2 * n, 2 * n + 2), 16);
  return out;
}

/** Whether they begin as gzip does (RFC 1952 section 2.3.1). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
