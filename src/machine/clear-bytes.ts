/** Zeroes in guest memory. */
import { PAGE_SIZE } from './layout.ts';

const ZEROES = new Uint8Array(16 * PAGE_SIZE);

/** Makes `bytes` bytes from `at` on zero. In shared memory `fill` writes byte by byte; a copy does not. */
export function clearBytes(u8: Uint8Array, at: number, bytes: number): void {
  for (let done = 0; done < bytes; done += ZEROES.length) {
    const left = bytes - done;
    u8.set(left < ZEROES.length ? ZEROES.subarray(0, left) : ZEROES, at + done);
  }
}
