/** Limits, groups and capabilities that calls set, as their hooks see them: `struct rlimit`, `group_info`, `kernel_cap_t` (getrlimit(2), capset(2)). */

import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { CAP, type Capability } from '../core/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { fieldText, numberOf } from '../syscall/recorded-struct.ts';
import type { On } from '../text/hypercalls.ts';
import { givenTo } from './calls.ts';

const SETS = ['effective', 'inheritable', 'permitted'] as const;
/** include/uapi/linux/capability.h */
const USER_CAP_DATA = { effective: 0, permitted: 4, inheritable: 8, sizeof: 12 } as const;
const U64 = 8;
const INFINITY = 0xffff_ffff_ffff_ffffn;
/** LSM_PRLIMIT_READ, LSM_PRLIMIT_WRITE */
const PRLIMIT = { READ: 1, WRITE: 2 } as const;

/** `1<<CAP_CHOWN|1<<CAP_SETUID`, or a number */
function capabilities(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  return text.split('|').reduce((set, part) => {
    const name = part.replace(/^1<<CAP_/, '');
    return set | (Object.hasOwn(CAP, name) ? 1n << BigInt(CAP[name as Capability]) : BigInt(numberOf(part) ?? 0));
  }, 0n);
}
const limit = (value: number | undefined): bigint =>
  value === undefined ? 0n : Number.isFinite(value) ? BigInt(value) : INFINITY;

/** include/uapi/linux/limits.h: setgroups(2) takes no more */
const NGROUPS_MAX = 65536;

export function registerTasks(kernel: ObjectFloor, on: On): void {
  const { args, memory, slab, structs, tasks } = kernel;
  const given = givenTo(kernel);

  // (struct rlimit, which argument has it)
  on('recorded_rlimit', () => {
    const text = given.text(args.lo(1));
    memory.writeU64(args.addr(0), limit(numberOf(fieldText(text, 'rlim_cur'))));
    memory.writeU64(args.addr(0) + U64, limit(numberOf(fieldText(text, 'rlim_max'))));
  });
  on('prlimit_flags', () =>
    args.retU32((args.addr(0) === 0 ? 0 : PRLIMIT.WRITE) | (args.addr(1) === 0 ? 0 : PRLIMIT.READ)),
  );
  // setpgid(2): 0 stands for the task, or for its own number
  on('pgid', () => args.retU32(args.lo(1) !== 0 ? args.lo(1) : args.lo(0) !== 0 ? args.lo(0) : tasks.current.tgid));
  // (cred): setgroups' list, `[4, 5]`
  on('set_groups', () => {
    const list = given
      .text(1)
      .replace(/[[\]]/g, '')
      .split(',')
      .map(numberOf)
      .filter((gid) => gid !== undefined);
    const count = Math.min(NGROUPS_MAX, list.length === 0 ? Math.max(0, given.int(0)) : list.length);
    const layout = structs.of('group_info');
    const at = slab.kmalloc(layout.size + 4 * count);
    memory.writeU32(at + layout.offset('ngroups'), count);
    for (const [n, gid] of list.slice(0, count).entries()) memory.writeU32(at + layout.offset('gid') + 4 * n, gid);
    memory.writeAddr(args.addr(0) + structs.of('cred').offset('group_info'), at);
  });
  // (three kernel_cap_t): what capset(2) asks for
  on('recorded_caps', () => {
    const text = given.text(1);
    const { cred } = tasks.current;
    const own = (set: string): bigint => memory.readU64(cred + structs.of('cred').offset(`cap_${set}`));
    for (const [n, set] of SETS.entries()) {
      const value = text === '' ? (inMemory(given.int(1), set) ?? own(set)) : capabilities(fieldText(text, set));
      memory.writeU64(args.addr(0) + U64 * n, value);
    }
  });
  /** `struct __user_cap_data_struct`, the lower halves, then the upper ones: of a program that executes. */
  const inMemory = (user: Addr, set: (typeof SETS)[number]): bigint | undefined => {
    const at = user + USER_CAP_DATA[set];
    try {
      return user === 0
        ? undefined
        : BigInt(memory.readU32(at)) | (BigInt(memory.readU32(at + USER_CAP_DATA.sizeof)) << 32n);
    } catch (error) {
      if (error instanceof GuestFault) return undefined;
      throw error;
    }
  };
  on('cap_set', () => {
    const put = (cred: Addr, set: (typeof SETS)[number], n: number): void =>
      memory.writeU64(cred + structs.of('cred').offset(`cap_${set}`), memory.readU64(args.addr(1) + U64 * n));
    for (const [n, set] of SETS.entries()) put(args.addr(0), set, n);
  });
  // the task that capget(2) asks of
  on('capget_target', () => {
    const pid = numberOf(fieldText(given.text(0), 'pid')) ?? 0;
    args.retAddr((pid === 0 ? tasks.current : (tasks.find(pid) ?? tasks.current)).address);
  });
}
