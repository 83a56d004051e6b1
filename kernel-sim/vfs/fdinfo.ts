/** /proc/PID/fdinfo/N: what all descriptors have, and what the object behind one adds (Linux 6.12 fs/proc/fd.c; Documentation/filesystems/proc.rst). */

import { O } from '../../src/uapi/fcntl.ts';
import type { FdObject, FileMode } from '../core/fds.ts';

/** where files without a name are mounted, and the one inode that they share */
const ANON = { mount: 17, inode: 62 };

/** How the descriptor was opened, as open(2)'s flags: links take neither reads nor writes. */
function openFlags({ fdName }: FdObject, { read, write }: FileMode): number {
  if (fdName === 'anon_inode:bpf_link') return O.CLOEXEC;
  return O.CLOEXEC | (read && write ? O.RDWR : write ? O.WRONLY : 0);
}

export function fdinfoText(object: FdObject, mode: FileMode): string {
  const flags = openFlags(object, mode).toString(8).padStart(8, '0');
  return `pos:\t0\nflags:\t${flags}\nmnt_id:\t${ANON.mount}\nino:\t${ANON.inode}\n${object.fdinfo?.() ?? ''}`;
}
