/** `struct sockaddr_un` (unix(7)). */

/** its size, and where the path begins */
export const SOCKADDR_UN = 110;
export const SUN_PATH = 2;

/** Bytes that count: up to the NUL behind the path; an abstract name begins with one. */
export function unixLength(bytes: Uint8Array): number {
  const end = bytes.indexOf(0, bytes[SUN_PATH] === 0 ? SUN_PATH + 1 : SUN_PATH);
  return end < 0 ? Math.min(bytes.length, SOCKADDR_UN) : end + 1;
}
