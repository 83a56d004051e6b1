/** One kernel function that programs may call. */
export interface KfuncRow {
  readonly name: string;
  /** flags without KF_, separated by spaces */
  readonly flags: string;
  /** hooks (`enum btf_kfunc_hook`) whose sets have it */
  readonly hooks: string;
  /** a filter that the set was registered with */
  readonly only?: 'lsm' | 'iter' | 'kprobe_session';
}

export const kfunc = (name: string, flags: string, hooks: string, more: Pick<KfuncRow, 'only'> = {}): KfuncRow => ({
  name,
  flags,
  hooks,
  ...more,
});
