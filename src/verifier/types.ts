/** What goes into the verifier and what comes out: the boundary to bpf(2) and to the rewrites. */
import type { Btf } from '../btf/index.ts';
import type { Insn } from '../isa/index.ts';
import type { KfuncFacts, MapFacts, VerifierKernel } from './kernel.ts';

/** Capabilities of the loader, as the verifier asks for them. */
export interface Caps {
  readonly bpf: boolean;
  readonly perfmon: boolean;
  readonly netAdmin: boolean;
  readonly sysAdmin: boolean;
}

/** `struct bpf_func_info` */
export interface FuncInfo {
  insnOff: number;
  typeId: number;
}

/** `struct bpf_line_info` */
export interface LineInfo {
  insnOff: number;
  fileNameOff: number;
  lineOff: number;
  /** line << 10 | column */
  lineCol: number;
}

/** What the verifier gives up at, where it is not Linux's. */
export interface VerifierLimits {
  /** instructions processed; Linux's BPF_COMPLEXITY_LIMIT_INSNS is 1000000 */
  readonly insns?: number;
  /** jumps that wait to be followed; Linux's BPF_COMPLEXITY_LIMIT_JMP_SEQ is 8192 */
  readonly jumps?: number;
}

export interface VerifierInput {
  readonly insns: readonly Insn[];
  readonly name: string;
  /** `enum bpf_prog_type` */
  readonly type: number;
  /** `enum bpf_attach_type` */
  readonly expectedAttachType: number;
  /** prog_flags of BPF_PROG_LOAD: BPF_F_STRICT_ALIGNMENT, BPF_F_SLEEPABLE ... */
  readonly flags: number;
  /** licence is GPL-compatible */
  readonly gpl: boolean;
  readonly caps: Caps;
  /** log_level of BPF_PROG_LOAD: bits 1 branch, 2 every instruction, 4 statistics */
  readonly logLevel: number;
  /** room for the log in bytes; more than that is ENOSPC, and the end of the log is given. Where absent, 128 MiB without that errno */
  readonly logSize?: number;
  readonly btf?: Btf;
  readonly funcInfo?: readonly FuncInfo[];
  readonly lineInfo?: readonly LineInfo[];
  /** BTF id in the kernel's BTF (or of `attachProg`) of what the program attaches to */
  readonly attachBtfId?: number;
  /** the program whose function it attaches to, or replaces */
  readonly attachProg?: AttachProg;
  readonly fdArray?: readonly number[];
  /** the kernel mitigates Spectre v1 and v4; the modelled one runs with mitigations=off */
  readonly mitigations?: boolean;
  readonly limits?: VerifierLimits;
  /** counts, for each instruction, how often the verifier processed it: what makes a program too large */
  readonly visits?: Uint32Array;
  readonly kernel: VerifierKernel;
}

/** What is asked of a program that another attaches to (`bpf_check_attach_target`). */
export interface AttachProg {
  /** the program that is verified takes a function's place (BPF_PROG_TYPE_EXT): `type` and attach type of the input are the target's */
  readonly isExtension: boolean;
  readonly type: number;
  readonly expectedAttachType: number;
  /** undefined where it was loaded without */
  readonly btf?: Btf;
  /** its functions, the main one first: BTF id of each */
  readonly funcs: readonly { readonly typeId: number; readonly isExceptionCb: boolean }[];
  readonly isJited: boolean;
  /** it is a tracing program that attaches to a program itself */
  readonly isNested: boolean;
}

/** alu_state of `struct bpf_insn_aux_data`: which operand of pointer arithmetic gets a mask, and how. */
export const ALU_SANITIZE_SRC = 1;
export const ALU_SANITIZE_DST = 2;
export const ALU_NEG_VALUE = 4;
export const ALU_NON_POINTER = 8;
export const ALU_IMMEDIATE = 16;

/** Arithmetic under speculation. */
export interface AluSanitation {
  /** ALU_*, 0 or absent where nothing is masked */
  aluState?: number;
  /** bytes that the pointer may move */
  aluLimit?: number;
}

/** `struct bpf_insn_aux_data`: what the walk learned of an instruction, for the rewrites. */
export interface InsnAux extends AluSanitation {
  seen: boolean;
  /** register type through which a load or store goes: 'PTR_TO_CTX', 'PTR_TO_BTF_ID' ... with flags appended as Linux combines them */
  ptrType?: string;
  /** ld_imm64 of a map or map value: index in usedMaps, and offset for values */
  mapIndex?: number;
  mapOff?: number;
  /** map-typed helper calls: the map, 'poison' where paths disagree */
  mapPtr?: MapFacts | 'poison';
  mapPtrUnpriv?: boolean;
  /** tail call with a constant key: key + 1 bookkeeping is the rewrite's */
  mapKey?: bigint | 'poison';
  ctxFieldSize?: number;
  sanitizeStackSpill?: boolean;
  /** 64-bit arithmetic on an arena pointer, which is 32 bits wide */
  needsZext?: boolean;
  /** the upper half of what the instruction defines by its lower is used */
  zextDst?: boolean;
  /** bpf_loop whose flags are zero and callback known */
  loopInline?: { callbackSubprog: number };
  /** kfunc calls, ids of types in bpf_obj_new and others */
  kfunc?: {
    btfId: number;
    /** size of the object of bpf_obj_new and its kin; offset of the node in bpf_list_push_*, bpf_rbtree_add */
    arg?: bigint;
    facts?: KfuncFacts;
    /** the object's type in the program's BTF, where it has fields that the kernel looks after (`kptr_struct_meta`) */
    metaType?: number;
  };
  /** ld_imm64 pseudo BTF id resolved: address */
  btfVarAddress?: bigint;
  storageGetFuncAtomic?: boolean;
  isIterNext?: boolean;
  callWithPercpuAllocPtr?: boolean;
  /** index of the instruction in the program as loaded */
  origIdx: number;
}

/** `struct bpf_subprog_info` */
export interface SubprogInfo {
  start: number;
  stackDepth: number;
  hasTailCall: boolean;
  tailCallReachable: boolean;
  hasLdAbs: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  isExceptionCb: boolean;
  name: string;
}

/** The walk's result: the program with everything the rewrites and the JIT must know. */
export interface Verified {
  insns: Insn[];
  aux: InsnAux[];
  subprogs: SubprogInfo[];
  usedMaps: MapFacts[];
  /** instructions processed, the number in the log's last line */
  processed: number;
  /** instructions that read stack which was never written: loads without CAP_PERFMON are refused there */
  uninitReads: readonly number[];
  maxStackDepth: number;
  changesPktData: boolean;
  seenDirectWrite: boolean;
  /** the program calls bpf_throw() */
  seenException?: boolean;
  /** bytes of an iterator's read-only buffer (keys) and of the other (values) that are accessed */
  maxRdonlyAccess?: number;
  maxRdwrAccess?: number;
}

/**
 * The verdict, with the log; where the program was accepted, what it was found to be and what became of
 * it. `longest`: bytes that the log took at its longest, before what Linux takes back was taken back.
 */
export type Checked<T> =
  | {
      readonly ok: true;
      readonly log: string;
      readonly longest: number;
      readonly program: Verified;
      readonly rewritten: T;
    }
  | {
      readonly ok: false;
      readonly log: string;
      /** the log's end, which can be looked into without the whole being copied together */
      readonly tail: string;
      readonly longest: number;
      readonly errno: string;
    };
export type VerifyResult = Checked<undefined>;
