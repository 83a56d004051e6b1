/** What a context model is made for: the kernel that runs and the program's loader. */
import { BPF_CALL, BPF_JMP, type Insn, insn } from '../../../src/isa/index.ts';
import type { HelperScope } from '../../../src/verifier/kernel.ts';
import type { StructLayout } from '../../core/field-layout.ts';

export interface ContextEnv {
  readonly layout: StructLayout;
  /** address of a kernel symbol */
  readonly symbol: (name: string) => bigint | undefined;
  /** `__bpf_call_base` */
  readonly callBase: bigint;
  /** `enum bpf_attach_type` */
  readonly attach: number;
  readonly scope: HelperScope;
}

/** Without a scope the loader has every capability. */
export const capable = (env: ContextEnv, cap: 'bpf' | 'perfmon' | 'netAdmin'): boolean => env.scope.caps?.[cap] ?? true;

/** BPF_EMIT_CALL: a call of a kernel function by its distance from `__bpf_call_base`. */
export const emitCall = (env: ContextEnv, name: string): Insn =>
  insn(BPF_JMP | BPF_CALL, 0, 0, 0, Number(BigInt.asIntN(32, (env.symbol(name) ?? env.callBase) - env.callBase)));
