/** Kernel text that is written instruction by instruction. */

import { syscalls } from '../../data/syscalls.ts';
import { EVENT_NAMES, eventArgs } from '../../data/tracepoints.ts';
import { arrayMap } from './array-map.ts';
import { bpf, bpfTrace, perfTrace, traceIter } from './bpf.ts';
import { callbacks } from './callbacks.ts';
import type { Emit } from './context.ts';
import { entry } from './entry.ts';
import { fd } from './fdget.ts';
import { files } from './files.ts';
import { ftrace } from './ftrace.ts';
import { helpers } from './helpers.ts';
import { htab } from './htab.ts';
import { interrupts } from './interrupts.ts';
import { io } from './io.ts';
import { kprobes } from './kprobes.ts';
import { net } from './net.ts';
import { nofault } from './nofault.ts';
import { operators } from './operators.ts';
import { paths } from './paths.ts';
import { rethook } from './rethook.ts';
import { thunks } from './thunks.ts';
import { uprobes } from './uprobes.ts';

const events: Record<string, Emit> = Object.create(null);
for (const event of EVENT_NAMES) {
  events[`__traceiter_${event}`] = traceIter(event, eventArgs(event));
  events[`perf_trace_${event}`] = perfTrace(event);
  events[`__bpf_trace_${event}`] = bpfTrace(eventArgs(event));
}

/** In a dictionary, as the function tables are. */
export const assembly: Readonly<Record<string, Emit>> = Object.assign(
  Object.create(null),
  events,
  entry({ syscalls }),
  interrupts,
  ftrace,
  kprobes,
  rethook,
  uprobes,
  bpf,
  callbacks,
  htab,
  arrayMap,
  helpers,
  nofault,
  fd,
  net,
  files,
  io,
  paths,
  operators,
  thunks,
);
