/** Reading and writing memory by address: bpf-helpers(7), bpf_probe_read and its kin. */

import { TASK_SIZE_MAX } from '../../../../src/machine/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { ensureText, probeRead, probeReadString, type Space } from './access.ts';
import type { HelperBodies, HelperBody } from './call.ts';

const read =
  (space: Space): HelperBody =>
  ({ args, kernel }) => {
    const [size, from] = [args.u32(1), args.addr(2)];
    ensureText(kernel, from, size);
    args.retInt(probeRead(kernel.memory, space, args.addr(0), size, from));
  };
const readStr =
  (space: Space): HelperBody =>
  ({ args, kernel }) => {
    const [size, from] = [args.u32(1), args.addr(2)];
    ensureText(kernel, from, size);
    args.retInt(probeReadString(kernel.memory, space, args.addr(0), size, from));
  };

export const PROBE: HelperBodies = {
  bpf_probe_read_compat: read('compat'),
  bpf_probe_read_kernel: read('kernel'),
  bpf_probe_read_user: read('user'),
  bpf_probe_read_compat_str: readStr('compat'),
  bpf_probe_read_kernel_str: readStr('kernel'),
  bpf_probe_read_user_str: readStr('user'),
  bpf_copy_from_user: read('user'),
  bpf_copy_from_user_task: ({ args, kernel }) => {
    if (args.lo(4) !== 0 || args.hi(4) !== 0) args.retInt(-ERRNO.EINVAL);
    else args.retInt(probeRead(kernel.memory, 'user', args.addr(0), args.u32(1), args.addr(2)));
  },
  bpf_probe_write_user: ({ args, kernel }) => {
    const { memory } = kernel;
    const [at, size] = [args.addr(0), args.u32(2)];
    const bytes = memory.readBytes(args.addr(1), size);
    if (
      at < 0 ||
      at + size > TASK_SIZE_MAX ||
      memory.translate(at, 1, false) < 0 ||
      memory.translate(at + size - 1, 1, false) < 0
    ) {
      args.retInt(-ERRNO.EPERM);
      return;
    }
    memory.writeBytes(at, bytes);
    args.retInt(0);
  },
};
