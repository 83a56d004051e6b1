/** Bytes as two-digit hexadecimal, a blank between. */
export const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
