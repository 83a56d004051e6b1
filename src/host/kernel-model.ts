/** The kernel model as the door sees it. */

import { NetlinkXdp } from '../../kernel-sim/bpf/attach/xdp-netlink.ts';
import { type Kernel, VERSION } from '../../kernel-sim/index.ts';
import { type RouteParts, RouteSocket } from '../../kernel-sim/netlink/route.ts';
import type { ExecKernel } from './exec.ts';

export function modelOf(kernel: Kernel): ExecKernel {
  const note = (what: string): void => void kernel.missing.add(what);
  kernel.bpf.state.notModelled.add(note);
  kernel.perf.onNotModelled = note;
  kernel.probes.silent.add((event) => note(`what would make the tracepoint ${event} happen`));
  const takeMissing = (): readonly string[] => {
    const names = [...kernel.missing];
    kernel.missing.clear();
    return names;
  };
  const { devices, clsact } = kernel.net;
  const { state } = kernel.bpf;
  const routes: RouteParts = { devices, clsact, find: (fd) => state.process.fds.find(fd), xdp: new NetlinkXdp(state) };
  return {
    release: kernel.release,
    version: VERSION,
    get ram() {
      return kernel.memory.u8;
    },
    files: kernel.vfs,
    bpf: (cmd, attr, size, process) => kernel.bpf.syscallAt(cmd, attr, size, process),
    perfEventOpen: (attr, pid, cpu, group, flags, process) =>
      kernel.perf.syscall(attr, pid, cpu, group, flags, process),
    processes: kernel.bpf.state.processes,
    devices,
    route: () => new RouteSocket(routes),
    takeMissing,
    table: (first) => kernel.fds.sibling(first),
    clock: kernel.clock,
    isWatched: () =>
      kernel.probes.patched.length > 0 ||
      kernel.perf.isUsed ||
      kernel.net.devices.all().some((device) => kernel.net.xdp.on(device) || clsact.has(device)) ||
      kernel.bpf.state.links.values().next().done !== true,
  };
}
