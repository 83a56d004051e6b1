/** Workloads that need no recording: a row each. The same seed gives the same steps. */
import type { Trace, TraceTask } from '../../../kernel-sim/index.ts';
import * as build from './build.ts';
import * as containerStart from './container-start.ts';
import * as disk from './disk.ts';
import * as forkStorm from './fork-storm.ts';
import { type Cast, traceOf } from './script.ts';
import * as webServer from './web-server.ts';

interface Workload {
  readonly tasks: readonly TraceTask[];
  readonly make: (seed: number) => Cast;
}

const ROWS = {
  'fork-storm': { tasks: forkStorm.tasks, make: forkStorm.forkStorm },
  'web-server': { tasks: webServer.tasks, make: webServer.webServer },
  build: { tasks: build.tasks, make: build.build },
  'container-start': { tasks: containerStart.tasks, make: containerStart.containerStart },
  disk: { tasks: disk.tasks, make: disk.disk },
} as const satisfies Readonly<Record<string, Workload>>;

export type WorkloadName = keyof typeof ROWS;
export const WORKLOADS = Object.keys(ROWS) as readonly WorkloadName[];

/** A workload as a recording for {@link Kernel.replay}. */
export function workload(name: WorkloadName, seed = 1): Trace {
  const { tasks, make } = ROWS[name];
  return traceOf(tasks, () => make(seed));
}
