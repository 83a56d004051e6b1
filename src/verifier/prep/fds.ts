/** Descriptors that instructions name. */
import type { Env } from '../env/env.ts';

/** Whether a descriptor is open, whatever is behind it. */
export const isOpen = (env: Env, fd: number): boolean => env.kernel.isOpenFd?.(fd) ?? (fd >= 0 && fd <= 2);
