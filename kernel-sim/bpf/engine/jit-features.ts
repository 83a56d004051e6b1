/** What Linux's JIT emits on a processor: arch/x86/net/bpf_jit_comp.c asks CPU features and mitigations. */
import type { JitFeatures } from '../../../src/jit/index.ts';
import { type CpuName, cpuModel } from '../../data/cpus.ts';

export function jitFeatures(cpu: CpuName, mitigations: boolean): JitFeatures {
  const { bmi2, returnThunk } = cpuModel(cpu);
  const plain = { ibt: true, bmi2, retpoline: mitigations };
  return mitigations && returnThunk ? { ...plain, rethunk: true, returnThunk } : { ...plain, rethunk: false };
}
