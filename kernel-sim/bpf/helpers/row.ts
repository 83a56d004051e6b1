/**
 * The notation of the helper tables: `struct bpf_func_proto` as one line a prototype.
 *
 * A signature is `return(argument, …)`; an argument ends with its name as
 * include/uapi/linux/bpf.h documents it, and before that stands what the verifier asks of it:
 *
 *     ctx map key value mem socket sock_common btf_sock_common …    ARG_PTR_TO_… (ARG_CONST_MAP_PTR)
 *     size  size0  alloc_size0                     ARG_CONST_SIZE, …_OR_ZERO, ARG_CONST_ALLOC_SIZE_OR_ZERO
 *     u64 u32 s64 s32 int addr                     ARG_ANYTHING
 *     struct task_struct                           ARG_PTR_TO_BTF_ID of that structure
 *     const …  out …  inout …                      MEM_RDONLY; MEM_UNINIT | MEM_WRITE; MEM_WRITE
 *     aligned …  release …  local …  ringbuf …     MEM_ALIGNED, OBJ_RELEASE, DYNPTR_TYPE_…
 *     mem[20]   …?                                 MEM_FIXED_SIZE of 20 bytes; PTR_MAYBE_NULL
 *
 * Programs are names of program types or of groups ({@link GROUPS}), `type@attach|attach` for
 * some attach types and `type@!attach` for all but some. The first row that fits decides.
 */

import type { Versioned } from '../../data/release.ts';

export interface HelperRules extends Versioned {
  /** who may call it */
  readonly programs: string;
  readonly gpl?: true;
  readonly pkt?: true;
  readonly mightSleep?: true;
  /** the compiler may keep caller-saved registers over a call (bpf_fastcall) */
  readonly fastcall?: true;
  /** the capability that the loader needs besides those of the program type */
  readonly cap?: 'bpf' | 'perfmon' | 'sys_admin';
  /** this prototype is for sleepable programs */
  readonly sleepable?: true;
  /** function whose address the call gets; `bpf_` and the name unless given, null where only rewrites give one */
  readonly symbol?: string | null;
  /** members of a struct_ops structure whose programs may not call it */
  readonly notMembers?: readonly string[];
  /** LSM hooks and iterators that have this prototype */
  readonly hooks?: readonly string[];
  /** which list of functions `allowed()` asks */
  readonly allowed?: 'd_path' | 'ima_inode_hash' | 'sk_storage_tracing';
  /** configuration option without which the kernel lacks it */
  readonly config?: string;
}

export interface HelperRow extends HelperRules {
  readonly id: number;
  readonly name: string;
  readonly signature: string;
}

export const helper = (id: number, name: string, signature: string, rules: HelperRules): HelperRow => ({
  id,
  name,
  signature,
  ...rules,
});
