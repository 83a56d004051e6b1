/**
 * The release that the shipped tables are of, and the columns by which a row says that other releases differ. Tables
 * take the rows of this release; those of another kernel would be the same rows, asked for another.
 */

import type { Versioned } from '../../src/uapi/index.ts';

export type { Version, Versioned } from '../../src/uapi/index.ts';

/** `uname -r`, and what /proc/version says of the build. */
export const RELEASE = '6.12.117+deb12-amd64';
/** `uname -v` */
export const VERSION = '#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1~deb12u1 (2026-11-14)';
/** who built it, with what: the middle of /proc/version */
export const BUILDER =
  '(debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40)';
/** as oopses print it */
export const BUILD = '#1  Debian 6.12.117-1~deb12u1';

const number = (version: string): number => {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major * 1000 + minor;
};

/** Whether a release has what a row describes. */
export const inRelease = ({ since, until }: Versioned, release: string = RELEASE): boolean =>
  (since === undefined || number(release) >= number(since)) && (until === undefined || number(release) < number(until));
