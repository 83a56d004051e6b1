/** Bodies of kernel functions that programs call by BTF id, a file a family. */
import type { HelperBodies } from '../../helpers/bodies/call.ts';
import { ARENA } from './arena.ts';
import { CPUMASK } from './cpumask.ts';
import { CRYPTO } from './crypto.ts';
import { DYNPTR_KFUNCS } from './dynptr.ts';
import { FILES_AND_KEYS } from './file.ts';
import { GRAPH } from './graph.ts';
import { ITERATORS } from './iterators.ts';
import { MISC_KFUNCS } from './misc.ts';
import { NET_KFUNCS } from './net.ts';
import { OBJECT } from './object.ts';
import { TASKS_AND_CGROUPS } from './task.ts';
import { TCP_KFUNCS } from './tcp.ts';
import { WORKQUEUE } from './workqueue.ts';

export const KFUNC_FAMILIES: readonly HelperBodies[] = [
  OBJECT,
  GRAPH,
  ITERATORS,
  DYNPTR_KFUNCS,
  TASKS_AND_CGROUPS,
  CPUMASK,
  FILES_AND_KEYS,
  CRYPTO,
  WORKQUEUE,
  ARENA,
  NET_KFUNCS,
  TCP_KFUNCS,
  MISC_KFUNCS,
];
