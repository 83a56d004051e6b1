/** Arguments that are memory rather than a path: what a call reads or fills. Other strings are NUL-terminated. */
import { syscallNamed } from '../../../kernel-sim/index.ts';

/** Calls and their arguments (from 0) that hold data. */
const DATA: Readonly<Record<string, number>> = {
  read: 1,
  write: 1,
  pread64: 1,
  pwrite64: 1,
  recvfrom: 1,
  sendto: 1,
  getrandom: 0,
  readlink: 1,
  readlinkat: 2,
};

const byNumber = new Int8Array(512).fill(-1);
for (const [name, index] of Object.entries(DATA)) byNumber[syscallNamed(name)?.nr ?? byNumber.length] = index;

/** The argument of call `nr` that holds data; -1: none. */
export const dataArg = (nr: number): number => byNumber[nr] ?? -1;
