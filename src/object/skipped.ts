/** Programs that are passed over because the kernel, or this model of it, lacks what they attach to. */
import { type EmuError, KernelError, NotModelledError } from '../errors/index.ts';
import { ObjectError } from './error.ts';

export interface SkippedProgram {
  readonly program: string;
  readonly why: string;
}

/** errno of bpf(2) and perf_event_open(2) where what is named is not there */
const ABSENT: readonly string[] = ['ENOENT', 'ESRCH', 'ENODEV', 'ENOTSUPP', 'EOPNOTSUPP', 'EADDRNOTAVAIL'];

/** Whether an error says that something is missing, and nothing is wrong with the program itself. */
export const isAbsence = (error: unknown): error is EmuError =>
  error instanceof ObjectError || (error instanceof KernelError && ABSENT.includes(error.errno));

/** Whether an error says that this model lacks something that Linux has. */
export const isUnmodelled = (error: unknown): error is EmuError => error instanceof NotModelledError;

/** Whether an error says that another program has the place already: a device has one of XDP. */
export const isTaken = (error: unknown): error is EmuError => error instanceof KernelError && error.errno === 'EBUSY';
