/** Helpers that tell where and when a program runs, and those that steer it. */
import { ERRNO } from '../../../core/errno.ts';
import { CgroupStorageMap, LocalStorageMap } from '../../maps/index.ts';
import type { HelperBodies, HelperBody } from './call.ts';

const U32 = 0x1_0000_0000;

const storageGet: HelperBody = (call) => {
  const { args } = call;
  const map = call.map(0);
  const owner = args.addr(1);
  const found = map instanceof LocalStorageMap && owner !== 0 ? map.storageOf(owner, args.addr(2), args.lo(3)) : 0;
  args.retAddr(found);
};
const storageDelete: HelperBody = (call) => {
  const map = call.map(0);
  const owner = call.args.addr(1);
  call.args.retInt(map instanceof LocalStorageMap && owner !== 0 ? map.removeOwner(owner) : -ERRNO.EINVAL);
};

export const MISC: HelperBodies = {
  bpf_get_smp_processor_id: ({ args, kernel }) => args.retU32(kernel.context.cpu),
  bpf_get_raw_cpu_id: ({ args, kernel }) => args.retU32(kernel.context.cpu),
  bpf_get_numa_node_id: ({ args }) => args.retU32(0),
  bpf_user_rnd_u32: ({ args, kernel }) => args.retU32(kernel.random.u32()),
  bpf_ktime_get_ns: ({ args, kernel }) => args.retAddr(kernel.clock.read()),
  bpf_ktime_get_boot_ns: ({ args, kernel }) => args.retAddr(kernel.clock.read()),
  bpf_ktime_get_coarse_ns: ({ args, kernel }) => args.retAddr(kernel.clock.now - (kernel.clock.now % 4_000_000)),
  bpf_ktime_get_tai_ns: ({ args, kernel }) => args.retBig(kernel.clock.realtime()),
  /** HZ is 250; jiffies start 5 minutes before they wrap (include/linux/jiffies.h). */
  bpf_jiffies64: ({ args, kernel }) => args.retAddr(U32 - 300 * 250 + Math.floor(kernel.clock.now / 4_000_000)),

  bpf_spin_lock: ({ args, kernel }) => {
    kernel.memory.writeU32(args.addr(0), 1);
    args.ret(0, 0);
  },
  bpf_spin_unlock: ({ args, kernel }) => {
    kernel.memory.writeU32(args.addr(0), 0);
    args.ret(0, 0);
  },
  bpf_send_signal: ({ args }) => args.retInt(args.u32(0) > 64 ? -ERRNO.EINVAL : 0),
  bpf_send_signal_thread: ({ args }) => args.retInt(args.u32(0) > 64 ? -ERRNO.EINVAL : 0),
  bpf_per_cpu_ptr: ({ args, kernel }) =>
    args.retAddr(args.u32(1) < kernel.cpus ? kernel.percpu.address(args.addr(0), args.u32(1)) : 0),
  bpf_this_cpu_ptr: ({ args, kernel }) => args.retAddr(kernel.percpu.address(args.addr(0), kernel.context.cpu)),
  bpf_kptr_xchg: ({ args, kernel }) => {
    const old = kernel.memory.readU64(args.addr(0));
    kernel.memory.writeU64(args.addr(0), args.big(1));
    args.retBig(old);
  },
  bpf_get_local_storage: (call) => {
    const map = call.map(0);
    call.args.retAddr(map instanceof CgroupStorageMap ? map.shared : 0);
  },
  bpf_task_storage_get: storageGet,
  bpf_task_storage_get_recur: storageGet,
  bpf_inode_storage_get: storageGet,
  bpf_cgrp_storage_get: storageGet,
  bpf_sk_storage_get: storageGet,
  bpf_sk_storage_get_tracing: storageGet,
  bpf_task_storage_delete: storageDelete,
  bpf_task_storage_delete_recur: storageDelete,
  bpf_inode_storage_delete: storageDelete,
  bpf_cgrp_storage_delete: storageDelete,
  bpf_sk_storage_delete: storageDelete,
  bpf_sk_storage_delete_tracing: storageDelete,
};
