/**
 * What goes into the JIT and what comes out.
 *
 * The JIT knows no kernel: addresses, CPU features and mitigations are given as data. Its input is
 * the program after the verifier's rewrites, so immediates are final (map addresses in wide loads,
 * helper offsets from `__bpf_call_base` in calls, BPF_TAIL_CALL for helper 12, BPF_PROBE_MEM modes).
 */
import { EmuError } from '../errors/index.ts';
import type { Insn } from '../isa/index.ts';

/** Linux's variants of what is emitted: CPU features and mitigations. */
export interface JitFeatures {
  /** endbr64 at entries and after the prologue (CONFIG_X86_KERNEL_IBT) */
  readonly ibt: boolean;
  /** indirect jumps through a thunk, or (AMD's variant) behind an lfence */
  readonly retpoline: boolean | 'lfence';
  /** the thunk's symbol; `__x86_indirect_thunk_rcx` where absent */
  readonly indirectThunk?: string;
  /** returns by a jump to a thunk */
  readonly rethunk: boolean;
  /** the return thunk's symbol (`srso_return_thunk`, `its_return_thunk`); `__x86_return_thunk` where absent */
  readonly returnThunk?: string;
  /** BMI2: shlx/shrx/sarx for variable shifts */
  readonly bmi2: boolean;
}

/** Debian's 6.12 amd64 kernel with `mitigations=off` on a CPU of the last decade. */
export const DEFAULT_FEATURES: JitFeatures = { ibt: true, retpoline: false, rethunk: false, bmi2: true };

/** Offsets in kernel structures that an indirect tail call reads; a kernel's BTF has them. */
export interface JitLayout {
  /** `struct bpf_array`: map.max_entries */
  readonly arrayMaxEntries: number;
  /** `struct bpf_array`: ptrs */
  readonly arrayPtrs: number;
  /** `struct bpf_prog`: bpf_func */
  readonly progBpfFunc: number;
}

/** Debian's 6.12 amd64 configuration. */
export const LAYOUT_6_12: JitLayout = { arrayMaxEntries: 0x24, arrayPtrs: 0x108, progBpfFunc: 0x30 };

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
   *  instruction relative to the next instruction of the whole program, as in xlated; so is the first
   *  `imm` of a wide load with src BPF_PSEUDO_FUNC */
  readonly funcs: readonly JitFunc[];
  readonly features: JitFeatures;
  /** called once with each function's final length in bytes; answers each function's address */
  readonly place: (lengths: readonly number[]) => readonly bigint[];
  /** `__bpf_call_base`: a helper call's target is this plus imm */
  readonly callBase: bigint;
  /** address of a kernel symbol that an instruction names: thunks, `this_cpu_off` (an offset) */
  readonly symbol: (name: string) => bigint;
  /** converted from classic BPF: no room for the tail-call counter */
  readonly classic?: boolean;
  /** direct tail calls: BPF_TAIL_CALL with `imm` n jumps to the program in slot `key` of map n - 1 here */
  readonly pokes?: readonly { readonly mapIndex: number; readonly key: number }[];
  /** {@link LAYOUT_6_12} where absent */
  readonly layout?: JitLayout;
  /** `bpf_arena_get_kern_vm_start` and `_user_vm_start` of the program's arena */
  readonly arena?: { readonly kernVmStart: bigint; readonly userVmStart: bigint };
}

/** A direct tail call that is patched when the slot is set (`struct bpf_jit_poke_descriptor`). */
export interface JitPoke {
  /** function index */
  readonly func: number;
  /** offset of the five bytes that become `jmp target` when the slot is set */
  readonly target: number;
  /** offset of the `jmp` that skips the call while the slot is empty, and of where it goes */
  readonly bypass: number;
  readonly bypassTo: number;
  /** what a jump to another program adds to its entry, X86_TAIL_CALL_OFFSET */
  readonly adjust: number;
  readonly mapIndex: number;
  readonly key: number;
}

/** What `ex_handler_bpf` does at a fault: zero a register (x86 number) and go on at `resume`. */
export interface ExtableEntry {
  readonly at: number;
  readonly resume: number;
  /** register to zero, or -1 for stores */
  readonly reg: number;
}

export interface JitedFunc {
  readonly name: string;
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /**
   * For each BPF slot of the function, the offset of its first byte; one more entry for the end. The first is
   * the prologue's length (Linux's line info counts the prologue to the first instruction: see {@link lineOffset});
   * the second slot of a wide load has the offset behind it.
   */
  readonly insnOffsets: Uint32Array;
  readonly extable: readonly ExtableEntry[];
}

/** Where `jited_line_info` places the line of a slot. */
export const lineOffset = (func: JitedFunc, slot: number): number =>
  slot === 0 ? 0 : (func.insnOffsets[slot] as number);

export interface JitOutput {
  readonly funcs: readonly JitedFunc[];
  readonly pokes: readonly JitPoke[];
}

/** A program that cannot be compiled: an instruction without a lowering, or one that came unrewritten. */
export class JitError extends EmuError {
  override readonly name = 'JitError';
  constructor(message: string) {
    super('ERR_JIT', message);
  }
}
