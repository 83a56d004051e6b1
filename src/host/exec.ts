/**
 * One kernel for all that is started in it. Worlds come and go: the command's own, and those of others that join by name;
 * the events of the kernel are one stream that all of them see.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FdTable } from '../../kernel-sim/core/fds.ts';
import type { Replay } from '../../kernel-sim/replay/replay.ts';
import { SIG } from '../uapi/process.ts';
import { type KernelClock, SharedClock } from './clock.ts';
import { supervisorPath } from './compile.ts';
import { environment } from './environment.ts';
import { HostError } from './errors.ts';
import { Events } from './events.ts';
import type { Model } from './model.ts';
import { PrivateDir } from './private-dir.ts';
import { startSupervisor } from './supervisor.ts';
import { PREFIXES, World } from './world.ts';

export interface ExecOptions {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** others may join under this name */
  readonly name?: string | undefined;
  /** what happens in the kernel: begins when somebody waits for it */
  readonly events?: (() => Replay) | undefined;
  /** virtual ns in a ns of the host's, where the events come at their times */
  readonly speed?: number | undefined;
  /** at the end of events: the command goes on waiting, or is interrupted as by Ctrl-C */
  readonly atEnd: 'wait' | 'int';
  readonly say: (line: string) => void;
}

/** The kernel as `exec` needs it. */
export interface ExecKernel extends Model {
  /** an empty table of descriptors, from number `first` on */
  table(first: number): FdTable;
  readonly clock: KernelClock;
  /** whether any program is attached */
  isWatched(): boolean;
}

const ENDING = ['SIGTERM', 'SIGHUP'] as const;

/** Folder of the supervisor's C files: beside this file, or beside the bundle. */
const NATIVE = ['native', 'host/native', '../src/host/native']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(joinPath(path, 'supervisor.c')));

const socketPath = (name: string): string => {
  if (!/^[\w.-]+$/.test(name))
    throw new HostError('ERR_HOST', `'${name}' is no name for a kernel`, {
      hint: 'letters, digits, . _ and - make one',
    });
  const folder = joinPath(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `ebpf-emu-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return joinPath(folder, `${name}.sock`);
};

/** @throws HostError where this system has no `exec` */
export function checkHost(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new HostError(
    'ERR_HOST',
    `exec runs programs of x86-64 Linux, and this is ${process.platform} on ${process.arch}`,
    {
      hint: 'load an object file with `ebpf-emu load` instead',
    },
  );
}

function executable(): string {
  if (NATIVE === undefined)
    throw new HostError('ERR_HOST', 'the C files of the supervisor are missing', { hint: 'install ebpf-emu again' });
  return supervisorPath(NATIVE);
}

/** Runs a command; its exit code. @throws HostError */
export async function exec(kernel: ExecKernel, options: ExecOptions): Promise<number> {
  checkHost();
  const path = executable();
  const dir = new PrivateDir();
  const clock = new SharedClock(kernel.clock, joinPath(dir.path, 'clock'));
  const worlds = new Set<World>();
  let failure: unknown;
  const events = options.events
    ? new Events(options.events, worlds, {
        clock: kernel.clock,
        seen: clock,
        isWatched: () => kernel.isWatched(),
        speed: options.speed,
        onFail: (error) => {
          failure = error;
          for (const world of worlds) world.close();
        },
        onEnd: () => {
          if (options.atEnd === 'int') for (const world of worlds) world.supervisor.kill(SIG.INT);
        },
      })
    : undefined;
  const open = (socket: Duplex): World => {
    const world = new World(
      {
        model: kernel,
        table: (first) => kernel.table(first),
        dir,
        clock,
        onMissing: (what) => options.say(`ebpf-emu: ${what}`),
        onIdle: () => events?.wanted(),
        onSleep: (ns, tid) => events?.pass(ns, tid),
        onEnd: () => {
          worlds.delete(world);
          world.close();
        },
      },
      socket,
    );
    worlds.add(world);
    return world;
  };
  const server = options.name === undefined ? undefined : serve(socketPath(options.name), open);
  // who is asked to end asks the command to; asked again, it does not wait for that
  const end = (signal: NodeJS.Signals): void => {
    for (const world of worlds) world.supervisor.kill(constants.signals[signal]);
    for (const name of ENDING) process.off(name, end);
  };
  for (const name of ENDING) process.on(name, end);
  try {
    const { process: child, exited } = startSupervisor(
      {
        path,
        command: options.command,
        env: environment(options.env, dir),
        prefixes: PREFIXES,
        dir: dir.path,
        seesSleeps: events !== undefined,
      },
      'pipe',
    );
    const world = open(child.stdio[3] as Duplex);
    const code = await exited;
    if (failure !== undefined) throw failure;
    if (world.startError !== undefined) options.say(`ebpf-emu: ${world.startError}`);
    return code;
  } finally {
    for (const name of ENDING) process.off(name, end);
    events?.close();
    server?.close();
    for (const world of worlds) world.close();
    clock.close();
    dir.remove();
  }
}

/** Takes the supervisors of others. */
function serve(path: string, open: (socket: Duplex) => void): Server {
  rmSync(path, { force: true });
  const server = createServer(open);
  server.on('close', () => rmSync(path, { force: true }));
  return server.listen(path);
}

/** Runs a command in a kernel that another `exec` keeps; its exit code. @throws HostError where there is none of that name */
export async function join(name: string, command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  checkHost();
  const path = executable();
  const dir = new PrivateDir();
  const socket = new Socket();
  // what arrives is the supervisor's to read
  socket.pause();
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', () =>
        reject(
          new HostError('ERR_HOST', `no kernel of the name '${name}' runs here`, {
            hint: `start one: ebpf-emu exec --name ${name} -- bash`,
          }),
        ),
      );
      socket.connect(socketPath(name), () => resolve());
    });
    const { exited } = startSupervisor(
      { path, command, env: environment(env, dir), prefixes: PREFIXES, dir: dir.path, seesSleeps: true },
      socket,
    );
    socket.destroy();
    return await exited;
  } finally {
    dir.remove();
  }
}
