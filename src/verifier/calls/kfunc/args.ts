/** Arguments of a kernel function, as its BTF declares them (check_kfunc_args()). */

import type { BtfParam, BtfType } from '../../../btf/index.ts';
import { kindText } from '../../access/btfctx.ts';
import { skipModifiers, structIdsMatch } from '../../access/btfwalk.ts';
import type { Env } from '../../env/env.ts';
import { ATTACH, PROG } from '../../kinds.ts';
import { kernelContextType } from '../../prep/ctxtype.ts';
import { markChainPrecision } from '../../prune/precision.ts';
import { isTrusted, markNonNull, recordOf } from '../../state/nullness.ts';
import { DYNPTR_INVALID, DYNPTR_SKB, DYNPTR_XDP, type Reg } from '../../state/reg.ts';
import * as R from '../../state/regtype.ts';
import { checkArgOffset } from '../argtypes.ts';
import { checkConstString } from '../conststr.ts';
import { checkDynptr, dynptrIdOf, dynptrRefOf, dynptrTypeOf } from '../dynptr.ts';
import { checkHelperMem, checkSizeArg } from '../helpermem.ts';
import { inTreeCallback, processNode, processRoot } from './graph.ts';
import { processIter } from './iter.ts';
import { type ArgKind, isMemSize, isScalarType, kindOfArg, structOfReg } from './kinds.ts';
import { hasSuffix, type KfuncMeta } from './meta.ts';

function scalarArg(env: Env, meta: KfuncMeta, param: BtfParam, reg: Reg, regno: number): void {
  if (reg.type !== R.SCALAR_VALUE) env.fail('EINVAL', `R${regno} is not a scalar`);
  if (hasSuffix(param, '__k')) {
    if (meta.constant !== undefined)
      env.fail('EFAULT', 'verifier internal error: only one constant argument permitted');
    if (!reg.v.isConst) env.fail('EINVAL', `R${regno} must be a known constant`);
    markChainPrecision(env, regno);
    meta.constant = reg.v.tnum.value;
    return;
  }
  const readOnly = param.name === 'rdonly_buf_size';
  if (!readOnly && param.name !== 'rdwr_buf_size') return;
  if (readOnly) meta.r0ReadOnly = true;
  if (meta.r0Size) {
    env.log.write('2 or more rdonly/rdwr_buf_size parameters for kfunc');
    env.quit('EINVAL');
  }
  if (!reg.v.isConst) env.fail('EINVAL', `R${regno} is not a const`);
  meta.r0Size = Number(reg.v.tnum.value);
  markChainPrecision(env, regno);
}

/** A pointer that may be null is checked as if it were not. */
function asNonNull(env: Env, reg: Reg, check: () => void): void {
  if (!R.mayBeNull(reg.type)) {
    check();
    return;
  }
  const saved = reg.clone();
  markNonNull(env, reg);
  check();
  reg.assign(saved);
}

function memArg(env: Env, meta: KfuncMeta, target: BtfType, reg: Reg, n: number): void {
  let size = 0;
  try {
    size = meta.btf.sizeOf(target.id);
  } catch {
    env.fail(
      'EINVAL',
      `arg#${n} reference type('${kindText(target.kind)} ${target.name}') size cannot be determined: -22`,
    );
  }
  if (reg.isNull) return;
  asNonNull(env, reg, () => {
    checkHelperMem(env, { regno: n + 1, size, write: false, zeroOk: true });
    checkHelperMem(env, { regno: n + 1, size, write: true, zeroOk: true });
  });
}

function memSizeArg(env: Env, meta: KfuncMeta, param: BtfParam, reg: Reg, n: number): void {
  const sizeRegno = n + 2;
  const size = env.reg(sizeRegno);
  if (!reg.isNull || !hasSuffix(param, '__opt')) {
    try {
      asNonNull(env, reg, () => {
        checkSizeArg(env, sizeRegno, false, true, undefined);
        checkSizeArg(env, sizeRegno, true, true, undefined);
      });
    } catch (e) {
      env.say(`arg#${n} arg#${n + 1} memory, len pair leads to invalid memory access`);
      throw e;
    }
  }
  if (!isMemSize(meta.btf, meta.proto.params[n + 1], size, '__szk')) return;
  if (meta.constant !== undefined) env.fail('EFAULT', 'verifier internal error: only one constant argument permitted');
  if (!size.v.isConst) env.fail('EINVAL', `R${sizeRegno} must be a known constant`);
  meta.constant = size.v.tnum.value;
}

function dynptrArg(env: Env, meta: KfuncMeta, param: BtfParam, reg: Reg, regno: number, insnIdx: number): void {
  const uninit = hasSuffix(param, '__uninit');
  let type = DYNPTR_INVALID;
  let cloneRef = 0;
  if (meta.name === 'bpf_dynptr_from_skb') type = DYNPTR_SKB;
  else if (meta.name === 'bpf_dynptr_from_xdp') type = DYNPTR_XDP;
  else if (meta.name === 'bpf_dynptr_clone' && uninit) {
    type = meta.dynptrType;
    cloneRef = meta.dynptrRef;
  }
  checkDynptr(env, reg, regno, insnIdx, { uninit, readOnly: reg.type === R.CONST_PTR_TO_DYNPTR, type, cloneRef });
  if (uninit) return;
  meta.dynptrId = dynptrIdOf(env, reg);
  meta.dynptrType = dynptrTypeOf(env, reg);
  meta.dynptrRef = dynptrRefOf(env, reg);
}

const projections: Readonly<Record<string, string>> = { __sk_buff: 'sk_buff', xdp_md: 'xdp_buff' };
const INIT = '___init';

/** `process_kf_arg_ptr_to_btf_id` */
function structArg(env: Env, meta: KfuncMeta, wanted: BtfType, reg: Reg, n: number): void {
  const own = structOfReg(reg.type);
  const { vmlinux } = env.kernel;
  const isBtf = R.baseType(reg.type) === R.PTR_TO_BTF_ID;
  const unsafe = (R.typeFlags(reg.type) & ~(R.MEM_ALLOC | R.PTR_TRUSTED | R.NON_OWN_REF)) !== 0;
  if ((!isBtf || (unsafe && !(reg.type & R.MEM_RCU))) && !own) {
    const expected = R.baseType(reg.type) | (R.typeFlags(reg.type) & (R.MEM_ALLOC | R.PTR_TRUSTED | R.NON_OWN_REF));
    env.fail('EINVAL', `arg#${n} is ${R.typeText(reg.type)} expected ${R.typeText(expected)} or socket`);
  }
  const btf = isBtf ? reg.btf : vmlinux;
  if (!btf) env.quit('EFAULT');
  const id = isBtf ? reg.btfId : btf.findByName(own ?? '', 'struct');
  const given = skipModifiers(btf, id);
  const alias = given.name !== wanted.name && (given.name === wanted.name + INIT || wanted.name === given.name + INIT);
  const strict = (meta.isRelease && reg.refObjId !== 0) || alias;
  if (
    structIdsMatch(env.sayLine, btf, given.id, reg.off, meta.btf, wanted.id, strict) ||
    projections[wanted.name] === given.name
  )
    return;
  env.fail(
    'EINVAL',
    `kernel function ${meta.name} args#${n} expected pointer to ${kindText(wanted.kind)} ${wanted.name} but R${n + 1} has a pointer to ${kindText(given.kind)} ${given.name}`,
  );
}

/**
 * `reg->map_ptr` shares its place with what other pointers have there (`struct bpf_reg_state`): one of them is taken for a
 * map, and is then judged as the structure that it is.
 */
const hasMapWord = (reg: Reg): boolean =>
  reg.map !== undefined || R.baseType(reg.type) === R.PTR_TO_BTF_ID || reg.range + reg.memSize + reg.subprog > 0;

function mapArg(env: Env, meta: KfuncMeta, reg: Reg, regno: number): void {
  if (!hasMapWord(reg)) env.fail('EINVAL', `pointer in R${regno} isn't map pointer`);
  if (!reg.map) return;
  const hasWq = env.records.ofMap(reg.map).some((f) => f.kind === 'bpf_wq');
  if (meta.map && hasWq && (meta.map !== reg.map || meta.mapUid !== reg.mapUid)) {
    env.fail(
      'EINVAL',
      `workqueue pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${reg.mapUid}`,
    );
  }
  meta.map = reg.map;
  meta.mapUid = reg.mapUid;
}

/** Trust that the function demands of structures. */
function checkTrust(env: Env, meta: KfuncMeta, reg: Reg, regno: number): void {
  if ((!meta.trustedArgs && !meta.rcuArgs) || isTrusted(reg)) return;
  if (!meta.rcuArgs) env.fail('EINVAL', `R${regno} must be referenced or trusted`);
  if (!(reg.type & R.MEM_RCU)) env.fail('EINVAL', `R${regno} must be a rcu pointer`);
}

const ALLOC = R.PTR_TO_BTF_ID | R.MEM_ALLOC;

function allocArg(env: Env, meta: KfuncMeta, reg: Reg, n: number): void {
  if (reg.type === ALLOC) {
    if (meta.name !== 'bpf_obj_drop_impl') env.fail('EINVAL', `arg#${n} expected for bpf_obj_drop_impl()`);
  } else if (reg.type === (ALLOC | R.MEM_PERCPU)) {
    if (meta.name !== 'bpf_percpu_obj_drop_impl')
      env.fail('EINVAL', `arg#${n} expected for bpf_percpu_obj_drop_impl()`);
  } else env.fail('EINVAL', `arg#${n} expected pointer to allocated object`);
  if (!reg.refObjId) env.fail('EINVAL', 'allocated object must be referenced');
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
}

function checkRootHolder(env: Env, reg: Reg, n: number): void {
  if (reg.type !== R.PTR_TO_MAP_VALUE && reg.type !== ALLOC)
    env.fail('EINVAL', `arg#${n} expected pointer to map value or allocated object`);
  if (reg.type === ALLOC && !reg.refObjId) env.fail('EINVAL', 'allocated object must be referenced');
}

function checkNodeHolder(env: Env, meta: KfuncMeta, reg: Reg, n: number): void {
  if (meta.name === 'bpf_rbtree_remove') {
    if (!R.isNonOwningRef(reg.type) || reg.refObjId)
      env.fail('EINVAL', 'rbtree_remove node input must be non-owning ref');
    if (inTreeCallback(env)) env.fail('EINVAL', 'rbtree_remove not allowed in rbtree cb');
    return;
  }
  if (reg.type !== ALLOC) env.fail('EINVAL', `arg#${n} expected pointer to allocated object`);
  if (!reg.refObjId) env.fail('EINVAL', 'allocated object must be referenced');
}

function refcountedArg(env: Env, meta: KfuncMeta, reg: Reg, n: number): void {
  if (!R.isPtrToAllocObject(reg.type)) env.fail('EINVAL', `arg#${n} is neither owning or non-owning ref`);
  if (!R.isNonOwningRef(reg.type)) meta.argOwningRef = true;
  if (!recordOf(env, reg).some((f) => f.kind === 'bpf_refcount'))
    env.fail('EINVAL', `arg#${n} doesn't point to a type with bpf_refcount field`);
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
}

/** `process_wq_func` */
function wqArg(env: Env, meta: KfuncMeta, reg: Reg, n: number): void {
  const { map } = reg;
  if (reg.type !== R.PTR_TO_MAP_VALUE || !map) env.fail('EINVAL', `arg#${n} doesn't point to a map value`);
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${n + 1} doesn't have constant offset. bpf_wq has to be at the constant offset`);
  if (!map.btf) env.fail('EINVAL', `map '${map.name}' has to have BTF in order to use bpf_wq`);
  const field = env.records.ofMap(map).find((f) => f.kind === 'bpf_wq');
  if (!field) env.fail('EINVAL', `map '${map.name}' has no valid bpf_wq`);
  const off = reg.off + reg.v.sminNumber;
  if (field.offset !== off)
    env.fail('EINVAL', `off ${off} doesn't point to 'struct bpf_wq' that is at ${field.offset}`);
  meta.mapUid = reg.mapUid;
  meta.map = map;
}

/** css_task iterators take a lock that only some contexts may. */
function checkCssTask(env: Env): void {
  const { type, expectedAttachType } = env.input;
  const ok = type === PROG.LSM || (type === PROG.TRACING && expectedAttachType === ATTACH.TRACE_ITER) || env.sleepable;
  if (!ok) env.fail('EINVAL', 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs');
}

interface Arg {
  readonly kind: ArgKind;
  readonly param: BtfParam;
  readonly ptr: BtfType;
  readonly target: BtfType;
  readonly reg: Reg;
  readonly n: number;
}

function checkPointer(env: Env, meta: KfuncMeta, a: Arg, insnIdx: number): void {
  const { reg, n } = a;
  const regno = n + 1;
  switch (a.kind) {
    case 'ctx':
      if (reg.type !== R.PTR_TO_CTX)
        env.fail('EINVAL', `arg#${n} expected pointer to ctx, but got ${R.typeText(reg.type)}`);
      if (meta.name === 'bpf_cast_to_kern_ctx') meta.retBtfId = kernelContextType(env, meta.btf) || env.quit('EINVAL');
      return;
    case 'alloc':
      allocArg(env, meta, reg, n);
      return;
    case 'dynptr':
      dynptrArg(env, meta, a.param, reg, regno, insnIdx);
      return;
    case 'iter':
      if (meta.name === 'bpf_iter_css_task_new') checkCssTask(env);
      processIter(env, meta, reg, n, insnIdx);
      return;
    case 'list_head':
      checkRootHolder(env, reg, n);
      meta.listHead = processRoot(env, reg, regno, 'bpf_list_head');
      return;
    case 'rb_root':
      checkRootHolder(env, reg, n);
      meta.rbRoot = processRoot(env, reg, regno, 'bpf_rb_root');
      return;
    case 'list_node':
      checkNodeHolder(env, meta, reg, n);
      processNode(env, meta, reg, regno, meta.listHead, 'bpf_list_head', 'bpf_list_node');
      return;
    case 'rb_node':
      checkNodeHolder(env, meta, reg, n);
      processNode(env, meta, reg, regno, meta.rbRoot, 'bpf_rb_root', 'bpf_rb_node');
      return;
    case 'map': {
      const { vmlinux } = env.kernel;
      if (vmlinux) structArg(env, meta, vmlinux.typeById(vmlinux.findByName('bpf_map', 'struct')), reg, n);
      return;
    }
    case 'btf':
      structArg(env, meta, a.target, reg, n);
      return;
    case 'mem':
      memArg(env, meta, a.target, reg, n);
      return;
    case 'mem_size':
      memSizeArg(env, meta, a.param, reg, n);
      return;
    case 'callback':
      if (reg.type !== R.PTR_TO_FUNC) env.fail('EINVAL', `arg${n} expected pointer to func`);
      meta.subprog = reg.subprog;
      return;
    case 'refcounted':
      refcountedArg(env, meta, reg, n);
      return;
    case 'const_str':
      if (reg.type !== R.PTR_TO_MAP_VALUE) env.fail('EINVAL', `arg#${n} doesn't point to a const string`);
      checkConstString(env, reg, regno);
      return;
    case 'wq':
      wqArg(env, meta, reg, n);
      return;
    case 'null':
      return;
  }
}

/** One pointer argument; returns whether it took the next one, its size, too. */
function pointerArg(env: Env, meta: KfuncMeta, param: BtfParam, ptr: BtfType, n: number, insnIdx: number): boolean {
  const regno = n + 1;
  const reg = env.reg(regno);
  if (ptr.kind !== 'ptr') env.fail('EINVAL', `Unrecognized arg#${n} type ${kindText(ptr.kind)}`);
  if ((meta.trustedArgs || meta.rcuArgs) && (reg.isNull || R.mayBeNull(reg.type)) && !hasSuffix(param, '__nullable')) {
    env.fail('EACCES', `Possibly NULL pointer passed to trusted arg${n}`);
  }
  if (reg.refObjId) {
    if (meta.isRelease && meta.refObjId)
      env.fail('EFAULT', `more than one arg with ref_obj_id R${regno} ${reg.refObjId} ${meta.refObjId}`);
    meta.refObjId = reg.refObjId;
    if (meta.isRelease) meta.releaseRegno = regno;
  }
  const target = skipModifiers(meta.btf, ptr.type);
  const kind = kindOfArg(env, meta, ptr, target, n, reg);
  if (kind === 'null') return false;
  if (kind === 'map') mapArg(env, meta, reg, regno);
  if (kind === 'map' || kind === 'alloc' || kind === 'btf') checkTrust(env, meta, reg, regno);
  checkArgOffset(env, reg, regno, meta.isRelease && reg.refObjId !== 0, false);
  checkPointer(env, meta, { kind, param, ptr, target, reg, n }, insnIdx);
  return kind === 'mem_size';
}

export function checkKfuncArgs(env: Env, meta: KfuncMeta, insnIdx: number): void {
  const { params } = meta.proto;
  if (params.length > 5) env.fail('EINVAL', `Function ${meta.name} has ${params.length} > 5 args`);
  for (let n = 0; n < params.length; n++) {
    const param = params[n] as BtfParam;
    if (hasSuffix(param, '__ign')) continue;
    const t = skipModifiers(meta.btf, param.type);
    if (isScalarType(t)) scalarArg(env, meta, param, env.reg(n + 1), n + 1);
    else if (pointerArg(env, meta, param, t, n, insnIdx)) n++;
  }
  if (meta.isRelease && !meta.releaseRegno)
    env.fail('EINVAL', `release kernel function ${meta.name} expects refcounted PTR_TO_BTF_ID`);
}
