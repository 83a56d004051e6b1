/** Floor 3, places to attach: probes in kernel text, tracepoints, perf events, the network, cgroups. None knows bpf: each has a place to hang a callee. */
import type { Cgroups } from '../cgroup/cgroups.ts';
import type { Net } from '../net/net.ts';
import type { Perf } from '../probe/perf.ts';
import type { Probes } from '../probe/probes.ts';
import type { ObjectFloor } from './objects.ts';

export interface PlacesFloor extends ObjectFloor {
  readonly probes: Probes;
  readonly perf: Perf;
  readonly net: Net;
  readonly cgroups: Cgroups;
}
