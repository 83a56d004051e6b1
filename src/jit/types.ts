/** What goes into the JIT and what comes out. */
import type { Insn } from '../isa/index.ts';

/** Linux's variants of what is emitted: CPU features and mitigations. */
export interface JitFeatures {
  /** endbr64 at entries and after the prologue (CONFIG_X86_KERNEL_IBT) */
  readonly ibt: boolean;
  /** indirect jumps through `__x86_indirect_thunk_*` */
  readonly retpoline: boolean;
  /** returns through `__x86_return_thunk` (or the address given) */
  readonly rethunk: boolean;
  /** BMI2: shlx/shrx/sarx for variable shifts */
  readonly bmi2: boolean;
}

/** One function of a program after the verifier's rewrites (`struct bpf_prog` of a subprogram). */
export interface JitFunc {
  readonly name: string;
  readonly insns: readonly Insn[];
  /** bytes of BPF stack, not yet rounded */
  readonly stackDepth: number;
  readonly tailCallReachable: boolean;
  readonly isExceptionCb?: boolean;
  readonly exceptionBoundary?: boolean;
}

export interface JitInput {
  /** entry function first; a call's `imm` with src BPF_PSEUDO_CALL is the index of its function's first
   *  instruction relative to the next instruction of the whole program, as in xlated */
  readonly funcs: readonly JitFunc[];
  readonly features: JitFeatures;
  /** called once with each function's final length in bytes; answers each function's address */
  readonly place: (lengths: readonly number[]) => readonly bigint[];
  /** `__bpf_call_base`: a helper call's target is this plus imm */
  readonly callBase: bigint;
  /** thunks and other symbols that variants call */
  readonly symbol: (name: string) => bigint;
}

/** A direct tail call that is patched when the slot is set (`struct bpf_jit_poke_descriptor`). */
export interface JitPoke {
  /** function index */
  readonly func: number;
  /** offsets in that function: the jump that goes to the target, and the bypass jump */
  readonly target: number;
  readonly bypass: number;
  readonly bypassTo: number;
  readonly mapIndex: number;
  readonly key: number;
}

export interface JitedFunc {
  readonly name: string;
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** for each BPF slot of the function, the offset of its first byte; one more entry for the end */
  readonly insnOffsets: Uint32Array;
  /** exception table: faulting offset, resume offset, destination register to zero (x86 number) or -1 */
  readonly extable: readonly { at: number; resume: number; reg: number }[];
}

export interface JitOutput {
  readonly funcs: readonly JitedFunc[];
  readonly pokes: readonly JitPoke[];
}
