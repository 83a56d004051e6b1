/** What the door asks of the kernel behind it. */

import type { Process } from '../../kernel-sim/core/process.ts';
import type { NetDevices } from '../../kernel-sim/net/devices.ts';
import type { RouteSocket } from '../../kernel-sim/netlink/route.ts';
import type { KernelFiles } from '../../kernel-sim/vfs/types.ts';
import type { Addr } from '../machine/addr.ts';

export interface Model {
  /** `uname -r`, `uname -v` */
  readonly release: string;
  readonly version: string;
  /** guest RAM */
  readonly ram: Uint8Array;
  readonly files: KernelFiles;
  /** bpf(2): 0, a descriptor of `process`, or -errno; `attr` is an address in its memory */
  bpf(cmd: number, attr: Addr, size: number, process: Process): number;
  /** perf_event_open(2): likewise */
  perfEventOpen(attr: Addr, pid: number, cpu: number, group: number, flags: number, process: Process): number;
  /** network devices */
  readonly devices: Pick<NetDevices, 'byIndex' | 'named'>;
  /** a socket of NETLINK_ROUTE */
  route(): RouteSocket;
  /** Processes of the host whose descriptors others may ask about. */
  readonly processes: Process[];
  /** What the model lacked since it was last asked, one name each: `perf_event_open type 4 (PERF_TYPE_RAW)` */
  takeMissing(): readonly string[];
}
