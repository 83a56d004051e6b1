/** Calls of kernel functions: fixup_kfunc_call() of kernel/bpf/verifier.c, Linux 6.12. */
import type { Insn } from '../../isa/index.ts';
import { PROG } from '../kinds.ts';
import type { InsnAux } from '../types.ts';
import { callImm, ldImm64, mov64, mov64Imm } from './build.ts';
import { type Draft, inlines, type Patch, RewriteError } from './draft.ts';

/** What a fix-up may ask. */
interface Site {
  readonly draft: Draft;
  readonly aux: InsnAux;
  /** the call, with its address */
  readonly call: Insn;
  readonly progAux: bigint;
}

/** Where the fields of an object's type are described (`struct btf_struct_meta`); 0 where the kernel looks after none. */
function meta({ draft, aux }: Site): bigint {
  const { input, kernel } = draft;
  const type = aux.kfunc?.metaType;
  return type === undefined || input.btf === undefined ? 0n : (kernel.structMeta?.(input.btf, type) ?? 0n);
}
const arg = ({ aux }: Site): number => Number(aux.kfunc?.arg ?? 0n);

type Fixup = (site: Site) => Insn[];
const create: Fixup = (site) => [mov64Imm(1, arg(site)), ...ldImm64(2, meta(site)), site.call];
const drop: Fixup = (site) => [...ldImm64(2, meta(site)), site.call];
const insertAt =
  (metaReg: number, offsetReg: number): Fixup =>
  (site) => [...ldImm64(metaReg, meta(site)), mov64Imm(offsetReg, arg(site)), site.call];
const cast: Fixup = ({ draft, aux, call }) => (inlines(draft, aux.kfunc?.facts?.name ?? '') ? [mov64(0, 1)] : [call]);

/** Functions that get arguments which no program may pass. */
const SPECIAL: Readonly<Record<string, Fixup>> = {
  bpf_obj_new_impl: create,
  bpf_percpu_obj_new_impl: create,
  bpf_obj_drop_impl: drop,
  bpf_percpu_obj_drop_impl: drop,
  bpf_refcount_acquire_impl: drop,
  bpf_list_push_front_impl: insertAt(3, 4),
  bpf_list_push_back_impl: insertAt(3, 4),
  bpf_rbtree_add_impl: insertAt(4, 5),
  bpf_cast_to_kern_ctx: cast,
  bpf_rdonly_cast: cast,
  bpf_wq_set_callback_impl: ({ call, progAux }) => [...ldImm64(4, progAux), call],
};

/** Programs that may write to packets (may_access_direct_pkt_data()). */
const PACKET_WRITERS: readonly number[] = [
  PROG.SCHED_CLS,
  PROG.SCHED_ACT,
  PROG.XDP,
  PROG.LWT_XMIT,
  PROG.SK_SKB,
  PROG.SK_MSG,
  PROG.CGROUP_SOCKOPT,
];

/** specialize_kfunc(): a packet's dynptr is read-only where the program may not write to packets. */
const specialized = (name: string, type: number): string =>
  name === 'bpf_dynptr_from_skb' && !PACKET_WRITERS.includes(type) ? 'bpf_dynptr_from_skb_rdonly' : name;

export function kfuncCall(draft: Draft, insn: Insn, aux: InsnAux, progAux: bigint): Patch {
  if (insn.imm === 0) throw new RewriteError('EINVAL', 'invalid kernel function call not eliminated in verifier pass');
  const { kernel, input } = draft;
  const facts = aux.kfunc?.facts ?? kernel.kfunc(insn.imm, input.type);
  if (facts === undefined)
    throw new RewriteError(
      'EFAULT',
      `verifier internal error: kernel function descriptor not found for func_id ${insn.imm}`,
    );
  const name = specialized(facts.name, input.type);
  const at = name === facts.name ? facts.address : (kernel.symbolAddress(name) ?? facts.address);
  const call = { ...insn, imm: callImm(at, kernel.callBase) };
  const special = insn.off === 0 ? SPECIAL[facts.name] : undefined;
  return { insns: special ? special({ draft, aux, call, progAux }) : [call] };
}
