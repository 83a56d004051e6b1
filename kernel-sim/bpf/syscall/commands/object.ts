/** BPF_OBJ_PIN and _GET, ids of objects and descriptors from ids: Linux 6.12 kernel/bpf/syscall.c and inode.c. */

import { PATH_MAX } from '../../../../src/uapi/fcntl.ts';
import { BPF_F_PATH_FD, BPF_F_RDONLY, BPF_F_WRONLY } from '../../../../src/uapi/index.ts';
import type { FdObject } from '../../../core/fds.ts';
import { capable } from '../../../core/process.ts';
import { BpffsDirectory } from '../../../vfs/bpffs.ts';
import { BpfLink } from '../../attach/link.ts';
import { BpfMap } from '../../maps/index.ts';
import type { ObjectKind } from '../../objects/state.ts';
import { BpfProg } from '../../prog/prog.ts';
import type { Call } from './call.ts';
import { fileMode } from './map-create.ts';

const INT_MAX = 0x7fff_ffff;

const PIN = { pathname: 0, bpf_fd: 8, file_flags: 12, path_fd: 16 };

/** The path as the call names it; relative ones are from the descriptor's directory, or from the root. */
function pinPath(call: Call): string {
  const path = call.string(call.pointer(PIN.pathname), PATH_MAX);
  if (path === '') call.fail('ENOENT', 'an empty path');
  if (path.startsWith('/') || !(call.u32(PIN.file_flags) & BPF_F_PATH_FD)) return path;
  const directory = call.object(PIN.path_fd);
  return directory instanceof BpffsDirectory ? `${directory.path}/${path}` : call.fail('ENOTDIR', 'path_fd');
}

export const isPinnable = (object: FdObject): boolean =>
  object instanceof BpfMap || object instanceof BpfProg || object instanceof BpfLink;

export function objPin(call: Call): number {
  const flags = call.u32(PIN.file_flags);
  if (flags & ~BPF_F_PATH_FD) call.fail('EINVAL', `file_flags ${flags}`);
  if (!(flags & BPF_F_PATH_FD) && call.s32(PIN.path_fd) !== 0) call.fail('EINVAL', 'path_fd without BPF_F_PATH_FD');
  const object = call.process.fds.find(call.s32(PIN.bpf_fd));
  if (object === undefined || !isPinnable(object))
    return call.fail('EINVAL', `file descriptor ${call.s32(PIN.bpf_fd)} cannot be pinned`);
  call.state.bpffs.pin(pinPath(call), object);
  return 0;
}

export function objGet(call: Call): number {
  const flags = call.u32(PIN.file_flags);
  if (call.s32(PIN.bpf_fd) !== 0 || flags & ~(BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_PATH_FD))
    call.fail('EINVAL', `file_flags ${flags}`);
  if (!(flags & BPF_F_PATH_FD) && call.s32(PIN.path_fd) !== 0) call.fail('EINVAL', 'path_fd without BPF_F_PATH_FD');
  accessFlags(call, flags);
  const object = call.state.bpffs.get(pinPath(call));
  // links have no rights of their own
  if (object instanceof BpfLink && flags & (BPF_F_RDONLY | BPF_F_WRONLY))
    call.fail('EINVAL', 'a link is opened for reading and writing');
  return call.state.open(object, fileMode(flags));
}
/** `bpf_get_file_flag` */
function accessFlags(call: Call, flags: number): void {
  if (flags & BPF_F_RDONLY && flags & BPF_F_WRONLY) call.fail('EINVAL', 'read-only and write-only at once');
}

export const getNextId =
  (kind: ObjectKind) =>
  (call: Call): number => {
    const start = call.u32(0);
    if (start >= INT_MAX) call.fail('EINVAL', `id ${start}`);
    if (!capable(call.process, 'SYS_ADMIN')) call.fail('EPERM', 'CAP_SYS_ADMIN is needed');
    const next = call.state.ids(kind).after(start) ?? call.fail('ENOENT', `no ${kind} behind ${start}`);
    call.put32(4, next);
    return 0;
  };

export const getFdById =
  (kind: ObjectKind) =>
  (call: Call): number => {
    const flags = kind === 'map' ? call.u32(8) : 0;
    if (flags & ~(BPF_F_RDONLY | BPF_F_WRONLY)) call.fail('EINVAL', `open_flags ${flags}`);
    if (!capable(call.process, 'SYS_ADMIN')) call.fail('EPERM', 'CAP_SYS_ADMIN is needed');
    accessFlags(call, flags);
    const id = call.u32(0);
    const object = call.state.ids(kind).get(id) ?? call.fail('ENOENT', `no ${kind} with id ${id}`);
    return call.state.open(object, fileMode(flags));
  };
