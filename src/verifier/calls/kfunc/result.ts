/** What a kernel function returns (the second half of check_kfunc_call()). */
import { type Btf, isComposite } from '../../../btf/index.ts';
import { kindText } from '../../access/btfctx.ts';
import { skipModifiers } from '../../access/btfwalk.ts';
import { mayAccessPacket } from '../../access/packet.ts';
import type { Env } from '../../env/env.ts';
import { markRead, markZext } from '../../prune/liveness.ts';
import { mayHoldLock } from '../../state/nullness.ts';
import {
  DEF_NOT_SUBREG,
  DYNPTR_RINGBUF,
  DYNPTR_SKB,
  DYNPTR_XDP,
  LIVE_READ32,
  LIVE_READ64,
  LIVE_WRITTEN,
  type Reg,
} from '../../state/reg.ts';
import * as R from '../../state/regtype.ts';
import { acquireReference } from '../refs.ts';
import { setNode, setNonOwning } from './graph.ts';
import { iterOf } from './iter.ts';
import { isScalarStruct, isScalarType } from './kinds.ts';
import type { KfuncMeta } from './meta.ts';

const MAX_PERCPU_OBJ = 512;

function setR0Size(env: Env, size: number): void {
  const r0 = env.reg(0);
  r0.live |= LIVE_WRITTEN;
  r0.subregDef = size === 8 ? DEF_NOT_SUBREG : env.insnIdx + 1;
}

/** Arguments count as read once the call is through. */
export function markArgsRead(env: Env, meta: KfuncMeta): void {
  meta.proto.params.forEach((param, n) => {
    if (n >= 5) return;
    const t = skipModifiers(meta.btf, param.type);
    const reg = env.reg(n + 1);
    const wide = t.kind === 'ptr' || ('size' in t && t.size === 8);
    if (wide) markZext(env, reg);
    markRead(env, reg, reg.parent, wide ? LIVE_READ64 : LIVE_READ32);
  });
}

const dynptrFlag = (type: number): number =>
  type === DYNPTR_SKB
    ? R.DYNPTR_TYPE_SKB
    : type === DYNPTR_XDP
      ? R.DYNPTR_TYPE_XDP
      : type === DYNPTR_RINGBUF
        ? R.DYNPTR_TYPE_RINGBUF
        : R.DYNPTR_TYPE_LOCAL;

/** `kptr_struct_meta`: the call is told which fields of the object the kernel looks after, where there are any. */
export function rememberMeta(env: Env, btf: Btf | undefined, typeId: number): void {
  const { kfunc } = env.auxAt(env.insnIdx);
  if (kfunc && btf && env.records.ofType(btf, typeId).length > 0) kfunc.metaType = typeId;
}

/** bpf_obj_new, bpf_percpu_obj_new: an object of the program's own type. */
function newObject(env: Env, meta: KfuncMeta, r0: Reg, percpu: boolean): void {
  const id = meta.constant ?? 0n;
  if (id > 0xffff_ffffn) env.fail('EINVAL', 'local type ID argument must be in range [0, U32_MAX]');
  const { btf } = env.input;
  if (!btf) env.fail('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF');
  const typeId = Number(id);
  const t = typeId < btf.typeCount ? btf.typeById(typeId) : undefined;
  if (t?.kind !== 'struct') env.fail('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct');
  if (percpu) {
    if (t.size > MAX_PERCPU_OBJ)
      env.fail('EINVAL', `bpf_percpu_obj_new type size (${t.size}) is greater than ${MAX_PERCPU_OBJ}`);
    if (!isScalarStruct(env, btf, t))
      env.fail('EINVAL', 'bpf_percpu_obj_new type ID argument must be of a struct of scalars');
    if (env.records.ofType(btf, typeId).length > 0)
      env.fail('EINVAL', 'bpf_percpu_obj_new type ID argument must not contain special fields');
  }
  r0.markKnown(0n);
  r0.type = R.PTR_TO_BTF_ID | R.MEM_ALLOC | (percpu ? R.MEM_PERCPU : 0);
  r0.btf = btf;
  r0.btfId = typeId;
  const aux = env.auxAt(env.insnIdx);
  if (aux.kfunc) aux.kfunc.arg = BigInt(t.size);
  rememberMeta(env, btf, typeId);
}

/** Functions whose result the arguments decide; false where this is none of them. */
function special(env: Env, meta: KfuncMeta, r0: Reg): boolean {
  switch (meta.name) {
    case 'bpf_obj_new_impl':
      newObject(env, meta, r0, false);
      return true;
    case 'bpf_percpu_obj_new_impl':
      newObject(env, meta, r0, true);
      return true;
    case 'bpf_refcount_acquire_impl':
      r0.markKnown(0n);
      r0.type = R.PTR_TO_BTF_ID | R.MEM_ALLOC;
      r0.btf = meta.argBtf;
      r0.btfId = meta.argBtfId;
      rememberMeta(env, meta.argBtf, meta.argBtfId);
      return true;
    case 'bpf_list_pop_front':
    case 'bpf_list_pop_back':
      if (meta.listHead) setNode(r0, meta.listHead);
      return true;
    case 'bpf_rbtree_remove':
    case 'bpf_rbtree_first':
      if (meta.rbRoot) setNode(r0, meta.rbRoot);
      return true;
    case 'bpf_cast_to_kern_ctx':
      r0.markKnown(0n);
      r0.type = R.PTR_TO_BTF_ID | R.PTR_TRUSTED;
      r0.btf = meta.btf;
      r0.btfId = meta.retBtfId;
      return true;
    case 'bpf_rdonly_cast': {
      // the argument is a u64, types are found by u32
      const id = Number(BigInt.asUintN(32, meta.constant ?? 0n));
      const t = id < meta.btf.typeCount ? meta.btf.typeById(id) : undefined;
      if (!t || !isComposite(t)) env.fail('EINVAL', 'kfunc bpf_rdonly_cast type ID argument must be of a struct');
      r0.markKnown(0n);
      r0.type = R.PTR_TO_BTF_ID | R.PTR_UNTRUSTED;
      r0.btf = meta.btf;
      r0.btfId = id;
      return true;
    }
    case 'bpf_dynptr_slice':
    case 'bpf_dynptr_slice_rdwr': {
      const readOnly = meta.name === 'bpf_dynptr_slice';
      r0.markKnown(0n);
      r0.memSize = Number(meta.constant ?? 0n);
      r0.type = R.PTR_TO_MEM | dynptrFlag(meta.dynptrType) | (readOnly ? R.MEM_RDONLY : 0);
      if (!readOnly && !mayAccessPacket(env, true)) env.fail('EINVAL', 'the prog does not allow writes to packet data');
      r0.dynptrId = meta.dynptrId;
      return true;
    }
    default:
      return false;
  }
}

function pointer(env: Env, meta: KfuncMeta, r0: Reg, pointee: number): void {
  const { btf } = meta;
  const target = skipModifiers(btf, pointee);
  if (special(env, meta, r0)) return;
  if (target.kind === 'void') env.markUnknown(r0);
  else if (target.kind !== 'struct') {
    if (!meta.r0Size) {
      try {
        meta.r0Size = btf.sizeOf(target.id);
        meta.r0ReadOnly = true;
      } catch {
        env.fail(
          'EINVAL',
          `kernel function ${meta.name} returns pointer type ${kindText(target.kind)} ${target.name} is not supported`,
        );
      }
    }
    r0.markKnown(0n);
    r0.type = R.PTR_TO_MEM | (meta.r0ReadOnly ? R.MEM_RDONLY : 0);
    r0.memSize = meta.r0Size;
    if (meta.refObjId) r0.refObjId = meta.refObjId;
  } else {
    r0.markKnown(0n);
    r0.type = R.PTR_TO_BTF_ID;
    r0.btf = btf;
    r0.btfId = target.id;
    if (meta.isIterNext) r0.type |= iterOf(env.cur, meta).type & R.MEM_RCU ? R.MEM_RCU : R.PTR_TRUSTED;
  }
}

export function setKfuncResult(env: Env, meta: KfuncMeta): void {
  const r0 = env.reg(0);
  const t = skipModifiers(meta.btf, meta.proto.type);
  const acquires = meta.has('KF_ACQUIRE');
  const owns = ['bpf_obj_new_impl', 'bpf_percpu_obj_new_impl', 'bpf_refcount_acquire_impl'].includes(meta.name);
  if (acquires && !owns && !(t.kind === 'ptr' && isComposite(skipModifiers(meta.btf, t.type)))) {
    env.fail('EINVAL', 'acquire kernel function does not return PTR_TO_BTF_ID');
  }
  if (isScalarType(t)) {
    env.markUnknown(r0);
    setR0Size(env, 'size' in t ? t.size : 8);
    return;
  }
  if (t.kind !== 'ptr') return;
  pointer(env, meta, r0, t.type);
  // another reference to what is owned is always to be had
  const mayFail = meta.has('KF_RET_NULL') && !(meta.name === 'bpf_refcount_acquire_impl' && meta.argOwningRef);
  if (mayFail) {
    r0.type |= R.PTR_MAYBE_NULL;
    r0.id = ++env.idGen;
  }
  setR0Size(env, 8);
  if (acquires) {
    const id = acquireReference(env, env.insnIdx);
    if (mayFail) r0.id = id;
    r0.refObjId = id;
  } else if (meta.name === 'bpf_rbtree_first') setNonOwning(env, r0);
  if (mayHoldLock(env, r0) && !r0.id) r0.id = ++env.idGen;
}
