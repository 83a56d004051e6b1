/**
 * What the verifier needs to know of the kernel, as data. `kernel-sim/bpf` fills it from its
 * tables; a test may fill it by hand. Nothing here executes anything.
 */
import type { Btf } from '../btf/index.ts';
import type { Insn } from '../isa/index.ts';

/**
 * Base types of helper arguments, named as in include/linux/bpf.h (`enum bpf_arg_type`).
 * Modifiers that Linux ORs in are separate fields of {@link HelperArg}.
 */
export type ArgType =
  | 'ARG_DONTCARE'
  | 'ARG_CONST_MAP_PTR'
  | 'ARG_PTR_TO_MAP_KEY'
  | 'ARG_PTR_TO_MAP_VALUE'
  | 'ARG_PTR_TO_MEM'
  | 'ARG_PTR_TO_ARENA'
  | 'ARG_CONST_SIZE'
  | 'ARG_CONST_SIZE_OR_ZERO'
  | 'ARG_PTR_TO_CTX'
  | 'ARG_ANYTHING'
  /** any scalar, never a pointer, whatever the loader's capabilities */
  | 'ARG_SCALAR'
  | 'ARG_PTR_TO_SPIN_LOCK'
  | 'ARG_PTR_TO_SOCK_COMMON'
  | 'ARG_PTR_TO_SOCKET'
  | 'ARG_PTR_TO_BTF_ID'
  | 'ARG_PTR_TO_RINGBUF_MEM'
  | 'ARG_CONST_ALLOC_SIZE_OR_ZERO'
  | 'ARG_PTR_TO_BTF_ID_SOCK_COMMON'
  | 'ARG_PTR_TO_PERCPU_BTF_ID'
  | 'ARG_PTR_TO_FUNC'
  | 'ARG_PTR_TO_STACK'
  | 'ARG_PTR_TO_CONST_STR'
  | 'ARG_PTR_TO_TIMER'
  | 'ARG_KPTR_XCHG_DEST'
  | 'ARG_PTR_TO_DYNPTR';

/** Type flags, `enum bpf_type_flag`; also used on register types and return types. */
export type TypeFlag =
  | 'PTR_MAYBE_NULL'
  | 'MEM_RDONLY'
  | 'MEM_RINGBUF'
  | 'MEM_USER'
  | 'MEM_PERCPU'
  | 'OBJ_RELEASE'
  | 'PTR_UNTRUSTED'
  | 'MEM_UNINIT'
  | 'DYNPTR_TYPE_LOCAL'
  | 'DYNPTR_TYPE_RINGBUF'
  | 'DYNPTR_TYPE_SKB'
  | 'DYNPTR_TYPE_XDP'
  | 'MEM_FIXED_SIZE'
  | 'MEM_ALLOC'
  | 'PTR_TRUSTED'
  | 'MEM_RCU'
  | 'NON_OWN_REF'
  | 'MEM_WRITE'
  | 'MEM_ALIGNED';

export interface HelperArg {
  readonly type: ArgType;
  readonly flags: readonly TypeFlag[];
  /** MEM_FIXED_SIZE: bytes */
  readonly size?: number;
  /** ARG_PTR_TO_BTF_ID: struct name */
  readonly btfType?: string;
}

export type RetType =
  | 'RET_INTEGER'
  | 'RET_VOID'
  | 'RET_PTR_TO_MAP_VALUE'
  | 'RET_PTR_TO_SOCKET'
  | 'RET_PTR_TO_TCP_SOCK'
  | 'RET_PTR_TO_SOCK_COMMON'
  | 'RET_PTR_TO_MEM'
  | 'RET_PTR_TO_MEM_OR_BTF_ID'
  | 'RET_PTR_TO_BTF_ID';

/** `struct bpf_func_proto`. */
export interface HelperProto {
  readonly id: number;
  /** without `bpf_`, as `enum bpf_func_id` */
  readonly name: string;
  readonly gplOnly: boolean;
  readonly pktAccess: boolean;
  readonly mightSleep: boolean;
  readonly args: readonly HelperArg[];
  readonly ret: RetType;
  readonly retFlags: readonly TypeFlag[];
  readonly retBtfType?: string;
  /** function whose address a call gets; differs from the name where program types have variants */
  readonly symbol?: string;
  /** allow_fastcall: the call keeps the registers that bpf_fastcall patterns spill */
  readonly fastcall?: boolean;
  /** which list of functions `allowed()` asks: {@link VerifierKernel.helperAllowed} */
  readonly allowed?: string;
}

/** What of a program, besides its types, decides which helpers and kfuncs it has. */
export interface HelperScope {
  readonly caps?: {
    readonly bpf: boolean;
    readonly perfmon: boolean;
    readonly netAdmin: boolean;
    readonly sysAdmin: boolean;
  };
  readonly sleepable?: boolean;
  /** kernel function that it attaches to, or for struct_ops the structure's name */
  readonly attachName?: string;
  /** struct_ops: the function of the structure that it implements */
  readonly member?: string;
}

/** Why a helper may not be called: Linux prints a different line for each. */
export type HelperLookup =
  | { readonly ok: true; readonly proto: HelperProto }
  | { readonly ok: false; readonly reason: 'invalid' | 'unknown' };

/** Facts of one map, `struct bpf_map` as the verifier reads it. */
export interface MapFacts {
  readonly id: number;
  /** `enum bpf_map_type` */
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly frozen: boolean;
  /** map-in-map: the template */
  readonly inner?: MapFacts;
  readonly btf?: Btf;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  /** guest address of `struct bpf_map`, for ld_imm64 */
  readonly address: bigint;
  /** arrays of one element (and others with direct values): guest address of the first value's first byte */
  readonly valueAddress?: bigint;
  /** frozen read-only array: reads a constant of `size` bytes at `off`, for constant folding */
  readonly readConst?: (off: number, size: number) => bigint | undefined;
  /** whoever made the map need not fear speculation; true where absent */
  readonly bypassSpecV1?: boolean;
  /** arena: where user space has it mapped */
  readonly userAddress?: bigint;
  /** prog array: whether slots may be patched directly, owner type fixed so far ... */
  readonly ownerProgType?: number;
}

/** `struct bpf_insn_access_aux` and verdict for one access to the context. */
export interface CtxAccess {
  /** register type that a load gives: 'SCALAR_VALUE', 'PTR_TO_PACKET', 'PTR_TO_SOCKET', 'PTR_TO_BTF_ID' ... */
  readonly regType: string;
  readonly regFlags?: readonly TypeFlag[];
  readonly btfType?: string;
  /** narrow loads: the field's own size */
  readonly ctxFieldSize?: number;
  /** load is sign-extended */
  readonly ldsx?: boolean;
  /** the field is read-only memory of this size */
  readonly memSize?: number;
}

/** One program type's context: `struct bpf_verifier_ops` without the helper table. */
export interface ContextModel {
  /** is_valid_access: undefined means "invalid bpf_context access" */
  access(off: number, size: number, write: boolean, expectedAttachType: number): CtxAccess | undefined;
  /** convert_ctx_access: instructions of the kernel's layout that replace `insn`; undefined where nothing is converted */
  convert?(insn: Insn, target: { size: number }): Insn[] | undefined;
  /** gen_prologue: instructions in front of the first one */
  prologue?(directWrite: boolean, first: Insn): Insn[] | undefined;
  /** gen_ld_abs */
  genLdAbs?(insn: Insn): Insn[] | undefined;
  /** largest offset + 1, for messages */
  readonly size: number;
  /** the C type of the context, for BTF argument checks */
  readonly userType?: string;
}

/** A kernel function that programs may call by BTF id. */
export interface KfuncFacts {
  readonly btfId: number;
  readonly name: string;
  readonly address: bigint;
  /** KF_ACQUIRE, KF_RELEASE, KF_RET_NULL, KF_TRUSTED_ARGS, KF_SLEEPABLE, KF_DESTRUCTIVE, KF_RCU, KF_ITER_* ... */
  readonly flags: readonly string[];
}

export interface VerifierKernel {
  /** `get_func_proto` of the program's type */
  helper(id: number, progType: number, expectedAttachType: number, scope?: HelperScope): HelperLookup;
  /** `fn->allowed(prog)` of a prototype that has one */
  helperAllowed?(proto: HelperProto, expectedAttachType: number, scope: HelperScope): boolean;
  /** name for messages, `func_id_name()` without `bpf_`; 'unknown' where out of range */
  helperName(id: number): string;
  /** address of the helper's text: call immediates become this minus {@link callBase} */
  helperAddress(id: number): bigint | undefined;
  /** address of a prototype's own function, where program types have variants */
  protoAddress?(proto: HelperProto): bigint | undefined;
  /** address of `__bpf_call_base` */
  readonly callBase: bigint;
  context(progType: number, expectedAttachType: number): ContextModel | undefined;
  /** what lies behind PTR_TO_SOCKET, PTR_TO_SOCK_COMMON, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK */
  pointer?(regType: string): ContextModel | undefined;
  /** `map_gen_lookup`: what takes the place of a call of map_lookup_elem */
  mapGenLookup?(map: MapFacts): Insn[] | undefined;
  /** address of `map->ops->map_…`, which a call of the helper becomes */
  mapOp?(
    map: MapFacts,
    op: 'lookup' | 'update' | 'delete' | 'push' | 'pop' | 'peek' | 'redirect' | 'for_each' | 'lookup_percpu',
  ): bigint | undefined;
  /** address of the `struct btf_struct_meta` of a type in the program's BTF: what bpf_obj_new and its kin are passed */
  structMeta?(btf: Btf, typeId: number): bigint;
  mapByFd(fd: number): MapFacts | undefined;
  /** whether a descriptor is open at all; where absent, only the standard streams are */
  isOpenFd?(fd: number): boolean;
  kfunc(btfId: number, progType: number): KfuncFacts | undefined;
  /** the kernel's BTF, where one is active */
  readonly vmlinux: Btf | undefined;
  /** address of a kernel symbol, for ksym loads and rewrites that name one */
  symbolAddress(name: string): bigint | undefined;
  /** per-CPU offset of a symbol, for rewrites that read per-CPU data */
  readonly cpus: number;
  /** nr_cpu_ids: CPUs that the kernel was built or booted for, at least {@link cpus} */
  readonly possibleCpus?: number;
  /** whether a sleepable program may attach to a function of the kernel; all may where absent */
  maySleepAt?(func: string, progType: number): boolean;
  /** may an fmod_ret program replace what a function of the kernel returns; security hooks are not asked about */
  mayReplaceResult?(func: string): boolean;
  /** an LSM hook, by its `bpf_lsm_…` function; undefined where the function is none */
  lsmHook?(func: string): LsmHook | undefined;
  /** what a raw tracepoint's argument may be besides a valid pointer: null, or an errno in a pointer's clothes */
  rawTracepointArg?(event: string, index: number): 'null' | 'error' | undefined;
  /** a BPF iterator's target (`bpf_iter_task`): context arguments by offset that are more than their BTF says */
  iterTarget?(func: string): ((off: number) => IterArg | undefined) | undefined;
  /** member of a struct_ops type, by the BTF id of the type and the member's index (expected_attach_type) */
  structOpsMember?(btfId: number, member: number): StructOpsMember | undefined;
}

/** An argument of an iterator program's context. */
export interface IterArg {
  readonly regType: string;
  readonly regFlags?: readonly TypeFlag[];
  readonly btfType?: string;
}

/** An LSM hook, as programs on it see it (kernel/bpf/bpf_lsm.c). */
export interface LsmHook {
  /** no program may attach */
  readonly isDisabled: boolean;
  readonly isSleepable: boolean;
  /** its arguments are whole: not half initialised, nor half gone */
  readonly isTrusted: boolean;
  /** it answers yes or no, instead of 0 or an errno */
  readonly isBool: boolean;
}

/** What a struct_ops program implements. */
export interface StructOpsMember {
  /** BTF id of the member's func_proto */
  readonly proto: number;
  readonly struct: string;
  readonly name: string;
  /** the kernel refuses programs for it */
  readonly unsupported?: boolean;
}
