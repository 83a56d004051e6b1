/** Who a process is, its thread's own registers, signals and limits; and its end. */
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { KernelError } from '../../core/errno.ts';
import { ALL_CAPS } from '../../core/process.ts';
import type { Task } from '../../task/task.ts';
import { executableOf } from '../load.ts';
import { MOST_FILES } from '../open-files.ts';
import type { CallHandler, ProgramCall } from './call.ts';
import { resolve } from './paths.ts';

const ARCH = { SET_GS: 0x1001, SET_FS: 0x1002, GET_FS: 0x1003, GET_GS: 0x1004 } as const;
const FUTEX_WAIT = 0;
const FUTEX_WAIT_BITSET = 9;
const RLIMIT_NOFILE = 7;
const RLIMIT_STACK = 3;
const INFINITY = 0xffff_ffff_ffff_ffffn;
/** struct new_utsname: six fields */
const UTS_LENGTH = 65;

const fail = (errno: KernelError['errno'], why: string): never => {
  throw new KernelError(errno, why);
};

const archPrctl: CallHandler = (c) => {
  const { cpu } = c.kernel;
  const value = c.long(1);
  switch (c.int(0)) {
    case ARCH.SET_FS:
      if (value < 0) fail('EPERM', 'an address of the kernel');
      cpu.fsBase = value;
      return 0;
    case ARCH.SET_GS:
      // within the kernel swapgs has put the user's away
      cpu.kernelGsBase = value;
      return 0;
    case ARCH.GET_FS:
    case ARCH.GET_GS: {
      const { bytes, view } = c.view(8);
      view.setBigInt64(0, BigInt(c.int(0) === ARCH.GET_FS ? cpu.fsBase : cpu.kernelGsBase), true);
      c.write(value, bytes);
      return 0;
    }
    default:
      return fail('EINVAL', `arch_prctl ${c.int(0)}`);
  }
};
const uname: CallHandler = (c) => {
  const { bytes } = c.view(6 * UTS_LENGTH);
  const version = '#1 SMP PREEMPT_DYNAMIC Debian';
  ['Linux', 'ebpf-emu', c.kernel.release, version, 'x86_64', '(none)'].forEach((text, n) => {
    bytes.set(encodeUtf8(text).subarray(0, UTS_LENGTH - 1), n * UTS_LENGTH);
  });
  c.write(c.long(0), bytes);
  return 0;
};
const limits = (c: ProgramCall, resource: number, at: number): number => {
  const { bytes, view } = c.view(16);
  const soft = resource === RLIMIT_NOFILE ? BigInt(MOST_FILES) : resource === RLIMIT_STACK ? 8n << 20n : INFINITY;
  view.setBigUint64(0, soft, true);
  view.setBigUint64(8, resource === RLIMIT_NOFILE ? 1n << 20n : INFINITY, true);
  if (at !== 0) c.write(at, bytes);
  return 0;
};
/** A random byte string of the kernel's own seed. */
const getrandom: CallHandler = (c) => {
  const bytes = new Uint8Array(Math.min(c.long(1), 1 << 20));
  for (let n = 0; n < bytes.length; n++) bytes[n] = c.kernel.random.u32() & 255;
  c.write(c.long(0), bytes);
  return bytes.length;
};
const futex: CallHandler = (c) => {
  const op = c.int(1) & 0x7f;
  if (op !== FUTEX_WAIT && op !== FUTEX_WAIT_BITSET) return 0;
  const word = c.read(c.long(0), 4);
  const value = new DataView(word.buffer, word.byteOffset).getInt32(0, true);
  // the only thread would wait for ever
  return value === c.int(2)
    ? fail('EDEADLK', 'its only thread waits for itself')
    : fail('EAGAIN', 'the value is another');
};
const execve: CallHandler = (c) => {
  const path = resolve(c, -100, c.string(0));
  const bytes = c.kernel.root.read(path) ?? fail('ENOENT', `${path}: no such file`);
  const { interpreter } = executableOf(bytes, path);
  if (interpreter !== undefined && c.kernel.root.read(interpreter) === undefined) fail('ENOENT', interpreter);
  return 0;
};
/** _LINUX_CAPABILITY_VERSION_3 (capget(2)): two words of each set */
const CAPABILITY_VERSION = 0x2008_0522;
const CAP_SETS = ['cap_effective', 'cap_permitted'] as const;
function capability(c: ProgramCall): { readonly task: Task; readonly asks: boolean } {
  const head = c.read(c.long(0), 8);
  const view = new DataView(head.buffer, head.byteOffset);
  const pid = view.getInt32(4, true);
  if (view.getUint32(0, true) !== CAPABILITY_VERSION) {
    view.setUint32(0, CAPABILITY_VERSION, true);
    c.write(c.long(0), head);
    if (c.long(1) !== 0) fail('EINVAL', 'the version of the capability sets');
    return { task: c.task, asks: true };
  }
  return { task: pid === 0 ? c.task : (c.kernel.tasks.find(pid) ?? fail('ESRCH', `no task ${pid}`)), asks: false };
}
const capget: CallHandler = (c) => {
  const { task, asks } = capability(c);
  if (asks) return 0;
  const { bytes, view } = c.view(24);
  CAP_SETS.forEach((set, n) => {
    const caps = c.kernel.tasks.creds.caps(task.cred, set);
    view.setUint32(4 * n, Number(BigInt.asUintN(32, caps)), true);
    view.setUint32(12 + 4 * n, Number(caps >> 32n), true);
  });
  c.write(c.long(1), bytes);
  return 0;
};
/** What is effective must be permitted, and nothing is permitted that was not. */
const capset: CallHandler = (c) => {
  const { task } = capability(c);
  if (task !== c.task) fail('EPERM', 'the capabilities of another task');
  const raw = c.read(c.long(1), 24);
  const view = new DataView(raw.buffer, raw.byteOffset);
  const asked = CAP_SETS.map(
    (_, n) => BigInt(view.getUint32(4 * n, true)) | (BigInt(view.getUint32(12 + 4 * n, true)) << 32n),
  ) as [bigint, bigint];
  const { creds } = c.kernel.tasks;
  // what no capability has is left out
  asked.forEach((set, n) => {
    asked[n] = set & ALL_CAPS;
  });
  const [effective, permitted] = asked;
  if (permitted & ~creds.caps(task.cred, 'cap_permitted') || effective & ~permitted)
    fail('EPERM', 'more than permitted');
  const cred = creds.prepare(task);
  CAP_SETS.forEach((set, n) => void creds.setCaps(cred, set, asked[n] as bigint));
  creds.commit(task, cred);
  return 0;
};
const id: CallHandler = (c) => c.task.uid;

export const PROCESS_CALLS: Readonly<Record<string, CallHandler>> = {
  getpid: (c) => c.task.tgid,
  gettid: (c) => c.task.pid,
  getppid: (c) => c.task.parent?.tgid ?? 0,
  getpgrp: (c) => c.task.tgid,
  getpgid: (c) => c.task.tgid,
  getsid: (c) => c.task.tgid,
  setsid: (c) => c.task.tgid,
  getuid: id,
  geteuid: id,
  getgid: id,
  getegid: id,
  capget,
  capset,
  set_tid_address: (c) => c.task.pid,
  set_robust_list: () => 0,
  arch_prctl: archPrctl,
  uname,
  prlimit64: (c) => limits(c, c.int(1), c.long(3)),
  getrlimit: (c) => limits(c, c.int(0), c.long(1)),
  getrandom,
  futex,
  execve,
  sched_yield: () => 0,
  sched_getaffinity: (c) => {
    const { bytes } = c.view(8);
    for (let n = 0; n < c.kernel.cpus; n++) (bytes[n >> 3] as number) |= 1 << (n & 7);
    c.write(c.long(2), bytes.subarray(0, Math.min(8, c.long(1))));
    return 8;
  },
  getcpu: (c) => {
    const word = new Uint8Array(new Uint32Array([c.kernel.context.cpu]).buffer);
    for (const at of [c.long(0), c.long(1)]) if (at !== 0) c.write(at, at === c.long(0) ? word : new Uint8Array(4));
    return 0;
  },
  prctl: () => 0,
  rt_sigaction: (c) => {
    if (c.long(2) !== 0) c.write(c.long(2), new Uint8Array(32));
    return 0;
  },
  rt_sigprocmask: (c) => {
    if (c.long(2) !== 0) c.write(c.long(2), new Uint8Array(8));
    return 0;
  },
  sigaltstack: () => 0,
  exit: () => undefined,
  exit_group: () => undefined,
};
