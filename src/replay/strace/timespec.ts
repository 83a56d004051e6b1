/** Times that strace decoded: `{tv_sec=0, tv_nsec=20000000}`, `{tv_sec=1, tv_usec=500}`. */

const TIME = /^\{tv_sec=(-?\d{1,18}), tv_[nu]sec=(-?\d{1,18})\}$/;

/** `struct timespec` or `struct timeval` (include/uapi/linux/time.h): two 64-bit words; undefined for text that is none. */
export function timespec(text: string): Uint8Array | undefined {
  const [, seconds, part] = TIME.exec(text) ?? [];
  return seconds === undefined || part === undefined
    ? undefined
    : new Uint8Array(BigInt64Array.of(BigInt(seconds), BigInt(part)).buffer);
}
