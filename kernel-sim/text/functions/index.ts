/** All function tables. */
import { cgroup } from './cgroup.ts';
import { fs } from './fs.ts';
import { net } from './net.ts';
import { netPath } from './net-path.ts';
import { process } from './process.ts';

export const tables: Readonly<Record<string, string>> = { ...fs, ...process, ...net, ...netPath, ...cgroup };
