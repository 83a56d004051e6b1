/** Capabilities beyond those of bpf(2). */
import type { Env } from './env.ts';

/** CAP_SYS_BOOT comes with the rest of root's capabilities. */
export const isCapable = (env: Env): boolean => env.input.caps.sysAdmin;
