/** What a task has around it: its cgroup, its working directory, its arguments and environment in its own memory. */
import type { Kernel, Task } from '../../../kernel-sim/index.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { encodeUtf8 } from '../../platform/index.ts';

export interface Surroundings {
  /** path in the cgroup hierarchy, as `/system.slice/app`; groups that are missing are made. Default `/` */
  readonly cgroup?: string;
  /** working directory. Default `/` */
  readonly cwd?: string;
  /** environment, as `{ HOME: '/root' }` or `['HOME=/root']` */
  readonly env?: Environment;
  /** arguments; the first is the program's name */
  readonly argv?: readonly string[];
}
export type Environment = { readonly [name: string]: string } | readonly string[];

/** lowest word of a new task's stack pointer, and what is free above it (kernel-sim/task/user-memory.ts) */
const ROOM = 4096;
const STACK_TOP = 0x7fff_ffff_e000;

export function surround(kernel: Kernel, task: Task, { cgroup, cwd, env, argv }: Surroundings): void {
  if (cgroup !== undefined) enterCgroup(kernel, task, cgroup);
  if (cwd !== undefined) setWorkingDirectory(kernel, task, cwd);
  if (env !== undefined || argv !== undefined) setStrings(kernel, task, argv ?? [task.comm], environment(env ?? []));
}

export const environment = (env: Environment): readonly string[] =>
  Array.isArray(env) ? (env as readonly string[]) : Object.entries(env).map(([name, value]) => `${name}=${value}`);

/** Makes the groups on the way, and writes the pid to cgroup.procs. */
function enterCgroup({ cgroups }: Kernel, task: Task, path: string): void {
  if (!/^(\/[^/\0]+)+$|^\/$/.test(path))
    throw new ArgumentError('options.cgroup', `'${path}' is no path from the root, as /system.slice is`);
  const parts = path.split('/').filter((part) => part !== '');
  parts.forEach((_, n) => {
    const group = `/${parts.slice(0, n + 1).join('/')}`;
    if (!cgroups.has(group)) cgroups.mkdir(group);
  });
  cgroups.move(path, task.pid);
}

function setWorkingDirectory({ files }: Kernel, task: Task, path: string): void {
  if (!path.startsWith('/')) throw new ArgumentError('options.cwd', `'${path}' is no path from the root`);
  files.setFs(task, 'pwd', files.dcache.find(path));
}

/** As execve(2) leaves them: arguments, then environment, at the end of the stack, and where in mm_struct. */
export function setStrings(
  { memory, structs }: Kernel,
  task: Task,
  argv: readonly string[],
  env: readonly string[],
): void {
  const args = encodeUtf8(argv.map((text) => `${text}\0`).join(''));
  const variables = encodeUtf8(env.map((text) => `${text}\0`).join(''));
  const length = args.length + variables.length;
  if (length > ROOM)
    throw new ArgumentError('options.env', `${length} bytes of arguments and environment, there is room for ${ROOM}`);
  const start = STACK_TOP - 8 - length;
  const user = task.user;
  if (!user) throw new ArgumentError('task', `task ${task.pid} has no memory of its own`);
  const before = memory.userSpace;
  memory.switchUserSpace(user.space);
  memory.writeBytes(start, args);
  memory.writeBytes(start + args.length, variables);
  memory.switchUserSpace(before);
  const layout = structs.of('mm_struct');
  const mm = memory.readAddr(task.field('mm'));
  const put = (field: string, value: number): void => memory.writeAddr(mm + layout.offset(field), value);
  put('arg_start', start);
  put('arg_end', start + args.length);
  put('env_start', start + args.length);
  put('env_end', start + length);
  const regs = structs.of('pt_regs');
  memory.writeAddr(task.stackTop - regs.size + regs.offset('sp'), start - (start % 16) - 64);
}
