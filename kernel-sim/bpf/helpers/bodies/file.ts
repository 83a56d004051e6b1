/** Files and programs that are started: bpf-helpers(7), bpf_d_path, bpf_sock_from_file, bpf_bprm_opts_set, bpf_ima_file_hash. */

import { encodeUtf8 } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { S_IF, S_IFMT } from '../../../core/file-mode.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody } from './call.ts';

/** BPF_F_BPRM_SECUREEXEC */
const SECUREEXEC = 1;

/** At the start of the buffer, with its end; the length of both. */
const dPath: HelperBody = ({ args, kernel }) => {
  const [path, to, size] = [args.addr(0), args.addr(1), args.u32(2)];
  if (size === 0) return args.retInt(0);
  const dentry = new GuestStruct(kernel, 'path', path).get('dentry');
  const text = encodeUtf8(`${kernel.files.dcache.path(dentry)}\0`);
  if (text.length > size) return args.retInt(-ERRNO.ENAMETOOLONG);
  // it is made at the buffer's end, and moved
  kernel.memory.writeBytes(to + size - text.length, text);
  kernel.memory.writeBytes(to, text);
  args.retInt(text.length);
};
/** Of a file that is one: `sock_from_file`. */
const sockFromFile: HelperBody = ({ args, kernel }) => {
  const file = new GuestStruct(kernel, 'file', args.addr(0));
  const inode = file.get('f_inode');
  const mode = inode === 0 ? 0 : new GuestStruct(kernel, 'inode', inode).get('i_mode');
  args.retAddr((mode & S_IFMT) === S_IF.SOCK ? file.get('private_data') : 0);
};
const bprmOptions: HelperBody = ({ args, kernel }) => {
  const flags = args.u32(1);
  if (args.hi(1) !== 0 || flags & ~SECUREEXEC) return args.retInt(-ERRNO.EINVAL);
  new GuestStruct(kernel, 'linux_binprm', args.addr(0)).set('secureexec', flags);
  args.retInt(0);
};
/** Without a policy, as Debian boots, IMA has measured nothing. */
const notMeasured: HelperBody = ({ args }) => args.retInt(-ERRNO.EOPNOTSUPP);

export const FILE: HelperBodies = {
  bpf_d_path: dPath,
  bpf_sock_from_file: sockFromFile,
  bpf_bprm_opts_set: bprmOptions,
  bpf_ima_inode_hash: notMeasured,
  bpf_ima_file_hash: notMeasured,
};
