/** Sections that the current path is in: what may sleep there, and which pointers are protected. */
import type { Env } from './env.ts';

/** `in_sleepable` */
export const inSleepable = (env: Env): boolean => env.sleepable || env.cur.inSleepable;

/** `in_rcu_cs` */
export const inRcu = (env: Env): boolean =>
  env.cur.activeRcuLock || env.cur.activeLock.owner !== undefined || !inSleepable(env);
