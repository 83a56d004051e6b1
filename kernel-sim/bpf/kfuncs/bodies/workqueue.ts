/** Work that runs in process context: bpf_wq_init and its kin (Linux 6.12 kernel/bpf/helpers.c). */
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies } from '../../helpers/bodies/call.ts';

/** there are none yet */
const hasFlags = (lo: number, hi: number): boolean => (lo | hi) !== 0;

export const WORKQUEUE: HelperBodies = {
  bpf_wq_init: (call) => {
    const { args, kernel } = call;
    const at = args.addr(0);
    if (hasFlags(args.lo(2), 0)) return args.retInt(-ERRNO.EINVAL);
    if (call.timers.has(at)) return args.retInt(-ERRNO.EBUSY);
    call.timers.set(at, { map: args.addr(1), callback: 0, expires: Number.POSITIVE_INFINITY, isWork: true });
    kernel.memory.writeAddr(at, args.addr(1));
    args.retInt(0);
  },
  bpf_wq_set_callback_impl: (call) => {
    const { args } = call;
    if (hasFlags(args.lo(2), 0)) return args.retInt(-ERRNO.EINVAL);
    const work = call.timers.get(args.addr(0));
    if (work) work.callback = args.addr(1);
    args.retInt(work ? 0 : -ERRNO.EINVAL);
  },
  /** A worker takes it up as soon as no program runs. */
  bpf_wq_start: (call) => {
    const { args, kernel } = call;
    const work = call.timers.get(args.addr(0));
    if (hasFlags(args.lo(1), 0)) return args.retInt(-ERRNO.EINVAL);
    if (work === undefined || work.callback === 0) return args.retInt(-ERRNO.EINVAL);
    work.expires = kernel.clock.now;
    call.nextTimer = Math.min(call.nextTimer, work.expires);
    args.retInt(0);
  },
};
