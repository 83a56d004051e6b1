/** Every call that the door answers, by number: one row each, in the file of its family. */
import { SYS } from '../numbers.ts';
import { BPF } from './bpf.ts';
import type { Handler } from './call.ts';
import { DESCRIPTORS } from './descriptors.ts';
import { IDENTITY } from './identity.ts';
import { PATHS } from './paths.ts';
import { SLEEPS } from './sleeps.ts';
import { SOCKETS } from './sockets.ts';

const FAMILIES: Readonly<Record<string, Handler>> = {
  ...BPF,
  ...DESCRIPTORS,
  ...PATHS,
  ...IDENTITY,
  ...SOCKETS,
  ...SLEEPS,
};
const numbers: Readonly<Record<string, number>> = SYS;

export const HANDLERS: ReadonlyMap<number, Handler> = new Map(
  Object.entries(FAMILIES).map(([name, handler]) => [numbers[name] as number, handler]),
);
