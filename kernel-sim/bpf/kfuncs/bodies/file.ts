/** Files, their paths and attributes, keys and signatures, for LSM programs (Linux 6.12 fs/bpf_fs_kfuncs.c, kernel/trace/bpf_trace.c). */
import { encodeUtf8 } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import type { HelperBodies, HelperBody } from '../../helpers/bodies/call.ts';

const none: HelperBody = ({ args }) => args.ret(0, 0);
/** Files of the model have no extended attributes and no fs-verity. */
const noData: HelperBody = ({ args }) => args.retInt(-ERRNO.ENODATA);

/** builtin, secondary, platform */
const SYSTEM_KEYRINGS = 3;

export const FILES_AND_KEYS: HelperBodies = {
  /** `mm->exe_file`; of tasks without one there is none */
  bpf_get_task_exe_file: ({ args, kernel }) => {
    const mm = new GuestStruct(kernel, 'task_struct', args.addr(0)).get('mm');
    args.retAddr(mm === 0 ? 0 : new GuestStruct(kernel, 'mm_struct', mm).get('exe_file'));
  },
  bpf_put_file: none,
  /** The path with its end at the buffer's start, and the length of both. */
  bpf_path_d_path: ({ args, kernel }) => {
    const [path, to, size] = [args.addr(0), args.addr(1), args.u32(2)];
    const text = encodeUtf8(`${kernel.files.dcache.path(new GuestStruct(kernel, 'path', path).get('dentry'))}\0`);
    if (size === 0) return args.retInt(-ERRNO.EINVAL);
    if (text.length > size) return args.retInt(-ERRNO.ENAMETOOLONG);
    kernel.memory.writeBytes(to, text);
    args.retInt(text.length);
  },
  bpf_get_dentry_xattr: noData,
  bpf_get_file_xattr: noData,
  bpf_get_fsverity_digest: noData,

  /** A key of the task's keyrings: it has none. */
  bpf_lookup_user_key: none,
  /** `struct bpf_key` of a keyring of the kernel's own, which is empty. */
  bpf_lookup_system_key: ({ args, kernel }) => {
    const id = args.u32(0);
    if (args.hi(0) !== 0 || id >= SYSTEM_KEYRINGS) return args.ret(0, 0);
    const { slab, structs } = kernel;
    const key = new GuestStruct(kernel, 'bpf_key', slab.kmalloc(structs.of('bpf_key').size));
    key.set('key', id).set('has_ref', 0);
    args.retAddr(key.at);
  },
  bpf_key_put: ({ args, kernel }) => {
    kernel.slab.kfree(args.addr(0));
    args.ret(0, 0);
  },
  /** No key that could have signed it is trusted. */
  bpf_verify_pkcs7_signature: ({ args }) => args.retInt(-ERRNO.ENOKEY),
};
