/** What programs of the syscall kind do as user space does: bpf-helpers(7), bpf_sys_bpf and its kin. */

import { BTF_KINDS } from '../../../../src/btf/index.ts';
import { GuestFault, type GuestMemory } from '../../../../src/machine/index.ts';
import { decodeLatin1 } from '../../../../src/platform/index.ts';
import { BPF_CMD } from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { UserAccess } from '../../../core/user-access.ts';
import { isKernel } from './access.ts';
import type { HelperBodies } from './call.ts';

/** Commands that programs may give. */
const ALLOWED: ReadonlySet<number> = new Set([
  BPF_CMD.MAP_CREATE,
  BPF_CMD.MAP_DELETE_ELEM,
  BPF_CMD.MAP_UPDATE_ELEM,
  BPF_CMD.MAP_FREEZE,
  BPF_CMD.MAP_GET_FD_BY_ID,
  BPF_CMD.PROG_LOAD,
  BPF_CMD.BTF_LOAD,
  BPF_CMD.LINK_CREATE,
  BPF_CMD.RAW_TRACEPOINT_OPEN,
]);

/** bytes of a union that bpf(2) looks at */
const MOST_ATTR = 4096;

/** Attributes of a program, and what they point to, are the kernel's memory. */
class KernelAccess implements UserAccess {
  readonly #memory: GuestMemory;
  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }
  read(at: number, bytes: number): Uint8Array | undefined {
    return isKernel(at) ? this.#try(() => this.#memory.readBytes(at, bytes)) : undefined;
  }
  write(at: number, bytes: Uint8Array): boolean {
    const isWritten = this.#try(() => {
      this.#memory.writeBytes(at, bytes);
      return true;
    });
    return isWritten ?? false;
  }
  #try<T>(access: () => T): T | undefined {
    try {
      return access();
    } catch (error) {
      if (error instanceof GuestFault) return undefined;
      throw error;
    }
  }
}

export const SYSCALL: HelperBodies = {
  bpf_sys_bpf: ({ args, kernel, state }) => {
    const cmd = args.lo(0);
    if (!ALLOWED.has(cmd)) return args.retInt(-ERRNO.EINVAL);
    // copy_from_kernel_nofault(): no address of user space, be it for no bytes
    if (args.u32(2) <= MOST_ATTR && !isKernel(args.addr(1))) return args.retInt(-ERRNO.EFAULT);
    const { pid, tid, comm, uid, caps, fds } = state.process;
    const process = { pid, tid, comm, uid, caps, fds, memory: new KernelAccess(kernel.memory) };
    args.retInt(state.syscall(cmd, args.addr(1), args.u32(2), process));
  },
  bpf_sys_close: ({ args, state }) => {
    const fd = args.lo(0);
    const isOpen = state.process.fds.find(fd) !== undefined;
    if (isOpen) state.process.fds.close(fd);
    args.retInt(isOpen ? 0 : -ERRNO.EBADF);
  },
  /** The type's id; of a module's BTF a descriptor in the upper half. */
  bpf_btf_find_by_name_kind: ({ args, kernel }) => {
    const [at, size, kind] = [args.addr(0), args.lo(1), args.u32(2)];
    if (args.lo(3) !== 0 || size <= 1 || kernel.memory.readU8(at + size - 1) !== 0) return args.retInt(-ERRNO.EINVAL);
    const name = decodeLatin1(kernel.memory.readCString(at, size));
    const wanted = BTF_KINDS[kind];
    const id = wanted === undefined || wanted === 'void' ? -1 : kernel.btf.findByName(name, wanted);
    args.retInt(id > 0 ? id : -ERRNO.ENOENT);
  },
  bpf_kallsyms_lookup_name: ({ args, kernel }) => {
    const { memory, symbols } = kernel;
    const [at, size] = [args.addr(0), args.u32(1)];
    memory.writeAddr(args.addr(3), 0);
    if (args.lo(2) !== 0 || size <= 1 || memory.readU8(at + size - 1) !== 0) return args.retInt(-ERRNO.EINVAL);
    const found = symbols.find(decodeLatin1(memory.readCString(at, size)))?.address;
    memory.writeAddr(args.addr(3), found ?? 0);
    args.retInt(found === undefined ? -ERRNO.ENOENT : 0);
  },
};
