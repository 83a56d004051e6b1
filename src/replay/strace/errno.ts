/** Error names to numbers (asm-generic/errno-base.h, errno.h), for results of calls. */
import { ERRNO } from '../../../kernel-sim/index.ts';

/** Errors that only strace shows: the kernel restarts such calls itself (include/linux/errno.h). */
const RESTART: Readonly<Record<string, number>> = {
  ERESTARTSYS: 512,
  ERESTARTNOINTR: 513,
  ERESTARTNOHAND: 514,
  ERESTART_RESTARTBLOCK: 516,
};

export const errnoNumber = (name: string): number | undefined =>
  (ERRNO as Readonly<Record<string, number>>)[name] ?? RESTART[name];
