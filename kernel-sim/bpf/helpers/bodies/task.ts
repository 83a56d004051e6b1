/** The current task: bpf-helpers(7), bpf_get_current_pid_tgid and its kin. */
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies } from './call.ts';

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
  bpf_get_ns_current_pid_tgid: ({ args, kernel }) => {
    if (args.u32(3) !== 8) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const { memory, tasks } = kernel;
    memory.writeU32(args.addr(2), tasks.current.pid);
    memory.writeU32(args.addr(2) + 4, tasks.current.tgid);
    args.retInt(0);
  },
};
