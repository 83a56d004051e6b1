/**
 * Processors by QEMU's names, and what Linux 6.12 makes of each where it mitigates: measured with `-cpu NAME`
 * and without `mitigations=off`, on images of the JIT.
 */
export interface CpuModel {
  /** shlx, shrx and sarx */
  readonly bmi2: boolean;
  /** where returns go on a kernel that mitigates; absent: they return themselves */
  readonly returnThunk?: string;
}

/** Intel's Indirect Target Selection */
const ITS = { bmi2: true, returnThunk: 'its_return_thunk' };

const MODELS = {
  /** the last decade's, free of what needs a return thunk */
  max: { bmi2: true },
  qemu64: { bmi2: false },
  Haswell: ITS,
  'Skylake-Server': ITS,
  'Cascadelake-Server': ITS,
  'Icelake-Server': ITS,
  /** AMD's Speculative Return Stack Overflow */
  EPYC: { bmi2: true, returnThunk: 'srso_return_thunk' },
  'EPYC-Rome': { bmi2: true, returnThunk: 'srso_return_thunk' },
  'EPYC-Milan': { bmi2: true, returnThunk: 'srso_alias_return_thunk' },
} as const satisfies Record<string, CpuModel>;

export type CpuName = keyof typeof MODELS;
export const CPU_NAMES: readonly string[] = Object.keys(MODELS);

export const cpuModel = (name: CpuName): CpuModel => MODELS[name];
