/** Commands that are neither of one map nor of one program: BPF_ENABLE_STATS, _ITER_CREATE, _PROG_BIND_MAP, _TOKEN_CREATE. */
import type { FdObject } from '../../../core/fds.ts';
import { capable } from '../../../core/process.ts';
import type { Sysctl } from '../../../core/sysctl.ts';
import { BPFFS_ROOT, BpffsDirectory } from '../../../vfs/bpffs.ts';
import type { Call } from './call.ts';

/** BPF_STATS_RUN_TIME of `enum bpf_stats_type`, the only one */
const RUN_TIME = 0;

/** Statistics are kept as long as it is open, whatever the sysctl says. */
class StatsHold implements FdObject {
  readonly fdName = 'anon_inode:bpf-stats';
  readonly #sysctl: Sysctl;
  constructor(sysctl: Sysctl) {
    this.#sysctl = sysctl;
    sysctl.bpfStatsHolders++;
  }
  release(): void {
    this.#sysctl.bpfStatsHolders--;
  }
}

export function enableStats(call: Call): number {
  if (!capable(call.process, 'SYS_ADMIN')) call.fail('EPERM', 'CAP_SYS_ADMIN is needed');
  if (call.u32(0) !== RUN_TIME) call.fail('EINVAL', `no statistics ${call.u32(0)}`);
  return call.process.fds.install(new StatsHold(call.state.kernel.sysctl));
}

export function iterCreate(call: Call): number {
  if (call.u32(4) !== 0) call.fail('EINVAL', 'flags');
  const link = call.state.linkByFd(call.command, call.s32(0));
  const iterator = link.iterator();
  if (iterator === undefined) return call.fail('EINVAL', 'the link is no iterator');
  return call.process.fds.install(iterator, { read: true, write: false });
}

export function progBindMap(call: Call): number {
  if (call.u32(8) !== 0) call.fail('EINVAL', 'flags');
  const prog = call.state.progByFd(call.command, call.s32(0));
  prog.bindMap(call.state.mapByFd(call.command, call.s32(4)));
  return 0;
}

/** `bpf_token_create`: of a bpffs that delegates something, and that is none of the first user namespace's. */
export function tokenCreate(call: Call): number {
  if (call.u32(0) !== 0) call.fail('EINVAL', 'flags');
  const object = call.object(4);
  if (!(object instanceof BpffsDirectory) || object.path !== BPFFS_ROOT)
    return call.fail('EINVAL', `${object.fdName} is no bpffs`);
  return call.fail('EOPNOTSUPP', 'there are no tokens in the first user namespace');
}
