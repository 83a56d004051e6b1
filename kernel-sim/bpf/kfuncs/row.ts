import type { Versioned } from '../../data/release.ts';

/** One kernel function that programs may call. */
export interface KfuncRow extends Versioned {
  readonly name: string;
  /** flags without KF_, separated by spaces */
  readonly flags: string;
  /** hooks (`enum btf_kfunc_hook`) whose sets have it */
  readonly hooks: string;
  /** a filter that the set was registered with */
  readonly only?: 'lsm' | 'iter' | 'kprobe_session';
}

export const kfunc = (
  name: string,
  flags: string,
  hooks: string,
  more: Pick<KfuncRow, 'only' | keyof Versioned> = {},
): KfuncRow => ({
  name,
  flags,
  hooks,
  ...more,
});
