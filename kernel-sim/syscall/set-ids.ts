/**
 * What the system calls that set ids do to the new credentials, where the recording says that they succeeded:
 * setuid(2), setreuid(2), setresuid(2), setfsuid(2) and their kin for groups; the capabilities follow
 * capabilities(7), "Effect of user ID changes on capabilities".
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { Creds, IdField } from '../task/creds.ts';

const CAP_SETGID = 1n << 6n;
const CAP_SETUID = 1n << 7n;
/** CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE */
const FS_CAPS = 0x1fn | (1n << 9n) | (1n << 27n) | (1n << 32n);
/** -1: as it was */
const KEEP = 0xffff_ffff;

/** The four ids of one kind: real, saved, effective, of file access. */
interface Kind {
  readonly real: IdField;
  readonly saved: IdField;
  readonly effective: IdField;
  readonly fs: IdField;
  readonly capability: bigint;
}
const USER: Kind = { real: 'uid', saved: 'suid', effective: 'euid', fs: 'fsuid', capability: CAP_SETUID };
const GROUP: Kind = { real: 'gid', saved: 'sgid', effective: 'egid', fs: 'fsgid', capability: CAP_SETGID };

type Change = (creds: Creds, cred: Addr, kind: Kind, ids: readonly [number, number, number]) => void;

const capable = (creds: Creds, cred: Addr, kind: Kind): boolean =>
  (creds.caps(cred, 'cap_effective') & kind.capability) !== 0n;

const set: Change = (creds, cred, kind, [id]) => {
  if (capable(creds, cred, kind)) {
    creds.setId(cred, kind.real, id);
    creds.setId(cred, kind.saved, id);
  }
  creds.setId(cred, kind.effective, id);
};
const setRe: Change = (creds, cred, kind, [real, effective]) => {
  const old = creds.id(cred, kind.real);
  if (real !== KEEP) creds.setId(cred, kind.real, real);
  if (effective !== KEEP) creds.setId(cred, kind.effective, effective);
  if (real !== KEEP || (effective !== KEEP && effective !== old))
    creds.setId(cred, kind.saved, creds.id(cred, kind.effective));
};
const setRes: Change = (creds, cred, kind, ids) => {
  [kind.real, kind.effective, kind.saved].forEach((field, n) => {
    if (ids[n] !== KEEP) creds.setId(cred, field, ids[n]!);
  });
};
/** It reports no error: the caller's ids and capabilities say whether anything changes. */
const setFs: Change = (creds, cred, kind, [id]) => {
  const own = [kind.real, kind.saved, kind.effective, kind.fs].some((field) => creds.id(cred, field) === id);
  if (id !== KEEP && (own || capable(creds, cred, kind))) creds.setId(cred, kind.fs, id);
};

const CALLS: Readonly<Record<string, readonly [change: Change, kind: Kind]>> = {
  setuid: [set, USER],
  setgid: [set, GROUP],
  setreuid: [setRe, USER],
  setregid: [setRe, GROUP],
  setresuid: [setRes, USER],
  setresgid: [setRes, GROUP],
  setfsuid: [setFs, USER],
  setfsgid: [setFs, GROUP],
};
export const ID_CALLS: readonly string[] = Object.keys(CALLS);

/** Whether a call needs its capability: an id is none that the task has already. */
export function asksForIds(creds: Creds, name: string, cred: Addr, ids: readonly number[]): boolean {
  const { real, effective, saved } = CALLS[name]![1];
  const own = [real, effective, saved].map((field) => creds.id(cred, field));
  return ids.some((id) => id !== KEEP && !own.includes(id));
}

/** Changes `cred`, which nobody else has yet, as the call `name` does. */
export function setIds(creds: Creds, name: string, cred: Addr, ids: readonly [number, number, number]): void {
  const [change, kind] = CALLS[name]!;
  const ranks = (): number[] => [USER.real, USER.effective, USER.saved].map((field) => creds.id(cred, field));
  const before = ranks();
  const fsBefore = creds.id(cred, 'fsuid');
  change(creds, cred, kind, ids);
  if (change !== setFs) creds.setId(cred, kind.fs, creds.id(cred, kind.effective));
  if (kind !== USER) return;
  const permitted = (): bigint => creds.caps(cred, 'cap_permitted');
  const effective = (caps: bigint): void => creds.setCaps(cred, 'cap_effective', caps);
  if (change === setFs) {
    const fs = creds.id(cred, 'fsuid');
    const caps = creds.caps(cred, 'cap_effective');
    if (fsBefore === 0 && fs !== 0) effective(caps & ~FS_CAPS);
    if (fsBefore !== 0 && fs === 0) effective(caps | (permitted() & FS_CAPS));
    return;
  }
  const after = ranks();
  if (before.includes(0) && !after.includes(0)) {
    creds.setCaps(cred, 'cap_permitted', 0n);
    effective(0n);
  }
  if (before[1] === 0 && after[1] !== 0) effective(0n);
  if (before[1] !== 0 && after[1] === 0) effective(permitted());
}
