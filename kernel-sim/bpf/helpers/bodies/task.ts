/** The current task: bpf-helpers(7), bpf_get_current_pid_tgid and its kin. */
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies } from './call.ts';

/** the device of nsfs, by stat(2) of /proc/self/ns/pid */
const NSFS_DEV = 4;

export const TASK: HelperBodies = {
  bpf_get_current_pid_tgid: ({ args, kernel }) => args.ret(kernel.tasks.current.pid, kernel.tasks.current.tgid),
  bpf_get_current_uid_gid: ({ args, kernel }) => {
    const { creds, current } = kernel.tasks;
    args.ret(creds.id(current.cred, 'uid'), creds.id(current.cred, 'gid'));
  },
  bpf_get_current_comm: ({ args, kernel }) => {
    const size = args.u32(1);
    const { memory, tasks, structs } = kernel;
    const comm = memory.readBytes(tasks.current.address + structs.of('task_struct').offset('comm'), 16);
    const out = new Uint8Array(size);
    out.set(comm.subarray(0, Math.min(comm.indexOf(0), size - 1)));
    memory.writeBytes(args.addr(0), out);
    args.retInt(0);
  },
  bpf_get_current_task: ({ args, kernel }) => args.retAddr(kernel.tasks.current.address),
  bpf_get_current_task_btf: ({ args, kernel }) => args.retAddr(kernel.tasks.current.address),
  /** Where the task entered the kernel: the top of its stack, less the padding of an FRED-less x86-64. */
  bpf_task_pt_regs: ({ args, kernel }) => {
    const task = [...kernel.tasks.all()].find((t) => t.address === args.addr(0)) ?? kernel.tasks.current;
    args.retAddr(task.stackTop - kernel.structs.of('pt_regs').size);
  },
  /** Its numbers in the pid namespace that it is in, which the device and inode of nsfs have to name. */
  bpf_get_ns_current_pid_tgid: ({ args, kernel }) => {
    const { memory, tasks, objects } = kernel;
    const { current } = tasks;
    const [to, size] = [args.addr(2), args.u32(3)];
    const inode = objects.namespaces.inode(objects.namespaces.active(current.pidStruct));
    const isOurs = args.lo(0) === NSFS_DEV && args.hi(0) === 0 && args.u32(1) === inode && args.hi(1) === 0;
    if (size !== 8 || !isOurs) {
      memory.fillBytes(to, 0, size);
      return args.retInt(-ERRNO.EINVAL);
    }
    memory.writeU32(to, tasks.numberOf(current, current));
    memory.writeU32(to + 4, tasks.numberOf(tasks.find(current.tgid) ?? current, current));
    args.retInt(0);
  },
};
