/** All function tables. */
import { block } from './block.ts';
import { cgroup } from './cgroup.ts';
import { fileSystems } from './file-systems.ts';
import { fs } from './fs.ts';
import { ip6 } from './ip6.ts';
import { irq } from './irq.ts';
import { lookup } from './lookup.ts';
import { mm } from './mm.ts';
import { namespaces } from './namespaces.ts';
import { net } from './net.ts';
import { netPath } from './net-path.ts';
import { netPrograms } from './net-programs.ts';
import { process } from './process.ts';
import { sched } from './sched.ts';
import { security } from './security.ts';
import { sockmap } from './sockmap.ts';
import { tcpCalls } from './tcp-calls.ts';
import { tcpSegments } from './tcp-segments.ts';
import { unix } from './unix.ts';

/** In a dictionary: an object that grows by spreading has a shape for each of its names. */
export const tables: Readonly<Record<string, string>> = Object.assign(
  Object.create(null),
  fs,
  fileSystems,
  process,
  namespaces,
  net,
  unix,
  netPath,
  netPrograms,
  ip6,
  lookup,
  tcpCalls,
  tcpSegments,
  sockmap,
  cgroup,
  sched,
  irq,
  security,
  block,
  mm,
);
