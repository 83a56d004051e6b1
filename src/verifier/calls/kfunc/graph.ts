/** Lists and trees of the program's own objects: roots, nodes, who owns them (process_kf_arg_ptr_to_graph_root() and kin). */
import { structIdsMatch } from '../../access/btfwalk.ts';
import { type FieldKind, fieldAt, type SpecialField } from '../../access/record.ts';
import type { Env } from '../../env/env.ts';
import { isKfuncCall } from '../../prep/subprogs.ts';
import { recordOf } from '../../state/nullness.ts';
import type { Reg } from '../../state/reg.ts';
import * as R from '../../state/regtype.ts';
import type { KfuncMeta } from './meta.ts';

function constantOffset(env: Env, reg: Reg, regno: number, kind: string): number {
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${regno} doesn't have constant offset. ${kind} has to be at the constant offset`);
  return reg.off + Number(BigInt.asIntN(64, reg.v.tnum.value));
}

/** The lock beside the root must be held. */
function checkLocked(env: Env, reg: Reg, fields: readonly SpecialField[], kind: string): void {
  const owner = reg.type === R.PTR_TO_MAP_VALUE ? reg.map : reg.btf;
  const { activeLock } = env.cur;
  const same = activeLock.owner === owner && activeLock.id === reg.id;
  if (activeLock.owner && same) return;
  if (activeLock.owner) env.say('held lock and object are not in the same allocation');
  const lock = fields.find((f) => f.kind === 'bpf_spin_lock');
  env.fail('EINVAL', `bpf_spin_lock at off=${lock?.offset ?? -22} must be held for ${kind}`);
}

export function processRoot(env: Env, reg: Reg, regno: number, kind: FieldKind): SpecialField {
  const off = constantOffset(env, reg, regno, kind);
  const fields = recordOf(env, reg);
  const field = fieldAt(fields, off);
  if (field?.kind !== kind) env.fail('EINVAL', `${kind} not found at offset=${off >>> 0}`);
  checkLocked(env, reg, fields, kind);
  return field;
}

const btfOfRoot = (root: SpecialField, reg: Reg): NonNullable<Reg['btf']> =>
  root.btf ?? (reg.btf as NonNullable<Reg['btf']>);

export function processNode(
  env: Env,
  meta: KfuncMeta,
  reg: Reg,
  regno: number,
  root: SpecialField | undefined,
  rootKind: FieldKind,
  kind: FieldKind,
): void {
  const off = constantOffset(env, reg, regno, kind);
  if (fieldAt(recordOf(env, reg), off)?.kind !== kind) env.fail('EINVAL', `${kind} not found at offset=${off >>> 0}`);
  const contains = root?.contains;
  if (!root || !contains || !reg.btf) env.fail('EFAULT', 'verifier internal error: no root for this node');
  const btf = btfOfRoot(root, reg);
  const element = btf.typeById(contains.typeId).name;
  if (!structIdsMatch(env.sayLine, reg.btf, reg.btfId, 0, btf, contains.typeId, true)) {
    env.fail(
      'EINVAL',
      `operation on ${rootKind} expects arg#1 ${kind} at offset=${contains.nodeOffset} in struct ${element}, ` +
        `but arg is at offset=${off} in struct ${reg.btf.typeById(reg.btfId).name}`,
    );
  }
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
  if (off !== contains.nodeOffset)
    env.fail(
      'EINVAL',
      `arg#1 offset=${off}, but expected ${kind} at offset=${contains.nodeOffset} in struct ${element}`,
    );
}

/** `mark_reg_graph_node`: a pointer to the node inside its object. */
export function setNode(reg: Reg, root: SpecialField): void {
  const { contains } = root;
  if (!contains) return;
  reg.markKnown(0n);
  reg.type = R.PTR_TO_BTF_ID | R.MEM_ALLOC;
  reg.btf = root.btf;
  reg.btfId = contains.typeId;
  reg.off = contains.nodeOffset;
}

/** `ref_set_non_owning`: valid while the lock is held. */
export function setNonOwning(env: Env, reg: Reg): void {
  const refcounted = recordOf(env, reg).some((f) => f.kind === 'bpf_refcount');
  reg.type |= R.NON_OWN_REF;
  if (refcounted) reg.type |= R.MEM_RCU;
}

/** The object now belongs to the list or tree. */
export function giveAway(env: Env, id: number): boolean {
  if (!id || !env.frame.refs.some((r) => r.id === id)) return false;
  env.cur.forEachReg((reg) => {
    if (reg.refObjId !== id) return;
    reg.refObjId = 0;
    setNonOwning(env, reg);
  });
  return true;
}

/** In a comparison callback of a tree, which runs with its lock held. */
export function inTreeCallback(env: Env): boolean {
  const { frame } = env;
  if (!frame.inCallback) return false;
  const insn = env.insn(frame.callsite);
  return isKfuncCall(insn) && /^bpf_rbtree_/.test(env.kfuncAt(insn)?.name ?? '');
}
