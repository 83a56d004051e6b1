/**
 * Contexts described by the kernel's BTF: the arguments of the function, tracepoint, hook or
 * operation that a program attaches to (btf_ctx_access()).
 */

import type { Btf, BtfFuncProto, BtfType } from '../../btf/index.ts';
import { isComposite, isEnum } from '../../btf/index.ts';
import { MAX_ERRNO } from '../../errors/errno.ts';
import type { Env } from '../env/env.ts';
import { ATTACH, PROG } from '../kinds.ts';
import * as R from '../state/regtype.ts';
import type { CtxField } from './access.ts';
import { nameOf, skipModifiers } from './btfwalk.ts';

const MAX_ARGS = 12;

/** The program reads its context as a row of BTF-typed arguments. */
export function usesBtfContext(env: Env): boolean {
  const { type } = env.input;
  return type === PROG.TRACING || type === PROG.LSM || type === PROG.STRUCT_OPS;
}

/** Values that the attached function can return, where the program sees or gives it. */
export function funcRetRange(env: Env): readonly [number, number] | undefined {
  const { type, expectedAttachType } = env.input;
  if (type !== PROG.LSM || expectedAttachType !== ATTACH.LSM_MAC || env.attachReturnsVoid) return undefined;
  return env.kernel.lsmHook?.(env.attachName)?.isBool ? [0, 1] : [-MAX_ERRNO, 0];
}

/** Bytes of context that one argument takes; a function that returns nothing has none for it. */
function slotsOf(btf: Btf, typeId: number): number {
  const t = skipModifiers(btf, typeId);
  if (t.kind === 'ptr') return 8;
  return 'size' in t ? Math.ceil(t.size / 8) * 8 : 0;
}

/** Argument that lies at an offset; one past the last is the return value (btf_ctx_arg_idx()). */
function argIndex(btf: Btf, proto: BtfFuncProto, off: number): number {
  let end = 0;
  for (const [n, param] of proto.params.entries()) {
    end += slotsOf(btf, param.type);
    if (off >= 0 && off < end) return n;
  }
  const isReturn = off >= 0 && off < end + slotsOf(btf, proto.type);
  return isReturn ? proto.params.length : proto.params.length + 1;
}

/** Where an argument lies in the context (btf_ctx_arg_offset()). */
export const argOffset = (btf: Btf, proto: BtfFuncProto, n: number): number =>
  proto.params.slice(0, n).reduce((sum, param) => sum + slotsOf(btf, param.type), 0);

const isSmallInt = (t: BtfType): boolean => t.kind === 'int' && t.bits <= 64;

/** A pointer to a number is a number. */
function isIntPointer(btf: Btf, ptr: BtfType & { kind: 'ptr' }): boolean {
  return skipModifiers(btf, ptr.type).kind === 'int';
}

const article: Readonly<Record<string, string>> = {
  struct: 'STRUCT',
  union: 'UNION',
  int: 'INT',
  enum: 'ENUM',
  enum64: 'ENUM64',
  ptr: 'PTR',
  void: 'UNKNOWN',
  func_proto: 'FUNC_PROTO',
  array: 'ARRAY',
  fwd: 'FWD',
  typedef: 'TYPEDEF',
  float: 'FLOAT',
};
export const kindText = (kind: string): string => article[kind] ?? kind.toUpperCase();

/** The value at an offset of the context. */
interface Value {
  readonly typeId: number;
  readonly index: number;
  readonly name: string;
  readonly isReturn: boolean;
}

/** A line about the attached function; what follows is no valid access. */
function complain(env: Env, text: string): undefined {
  env.say(`func '${env.attachName}' ${text}`);
}

function valueAt(env: Env, btf: Btf, proto: BtfFuncProto, off: number): Value | undefined {
  const { expectedAttachType: eat } = env.input;
  if (off % 8) return complain(env, `offset ${off} is not multiple of 8`);
  const index = argIndex(btf, proto, off);
  // a tracepoint's prototype begins with its private data
  const params = eat === ATTACH.TRACE_RAW_TP ? proto.params.slice(1) : proto.params;
  const param = params[index];
  if (param) return { typeId: param.type, index, name: param.name, isReturn: false };
  const result = { typeId: proto.type, index, name: '', isReturn: true };
  if (index === params.length) {
    if (eat === ATTACH.LSM_MAC || eat === ATTACH.LSM_CGROUP || eat === ATTACH.TRACE_FEXIT) return result;
    if (eat === ATTACH.MODIFY_RETURN) {
      const t = skipModifiers(btf, proto.type);
      if (isSmallInt(t)) return result;
      env.say(`ret type ${kindText(t.kind)} not allowed for fmod_ret`);
      return undefined;
    }
  }
  return complain(env, `doesn't have ${index + 1}-th argument`);
}

/** Tracing programs only read, and only whole fields; LSM programs are not asked. */
function isTracingAccess(off: number, size: number, write: boolean): boolean {
  return off >= 0 && off < 8 * MAX_ARGS && !write && off % size === 0;
}

/** @returns undefined where the access is not valid */
export function btfContextAccess(env: Env, off: number, size: number, write: boolean): CtxField | undefined {
  if (env.input.type !== PROG.LSM && !isTracingAccess(off, size, write)) return undefined;
  const { attachProto: proto, attachBtf: btf } = env;
  if (!proto || !btf) return undefined;
  const value = valueAt(env, btf, proto, off);
  if (!value) return undefined;
  const scalar: CtxField = { type: R.SCALAR_VALUE, fieldSize: 0 };
  const t = skipModifiers(btf, value.typeId);
  if (isSmallInt(t) || isEnum(t) || t.kind === 'struct') {
    const retRange = value.isReturn ? funcRetRange(env) : undefined;
    return retRange ? { ...scalar, retRange } : scalar;
  }
  const arg = `arg${value.index}`;
  if (t.kind !== 'ptr')
    return complain(env, `${arg} '${nameOf(t)}' has type ${kindText(t.kind)}. Only pointer access is allowed`);
  if (size !== 8) return complain(env, `size ${size} must be 8`);
  const info = env.ctxArgInfo?.(off);
  if (info && R.baseType(info.type) === R.PTR_TO_BUF) return { type: info.type, fieldSize: 0 };
  if (t.type === 0 || isIntPointer(btf, t)) return scalar;
  if (info) return { type: info.type, fieldSize: 0, btf: info.btf ?? btf, btfId: info.btfId ?? 0 };
  const special = env.input.expectedAttachType === ATTACH.TRACE_RAW_TP ? rawTpArg(env, value.index) : undefined;
  let type = R.PTR_TO_BTF_ID;
  if (trustsArguments(env)) type |= R.PTR_TRUSTED;
  if (special === 'null' || value.name.endsWith('__nullable')) type |= R.PTR_MAYBE_NULL;
  const first = btf.typeById(t.type);
  if (first.kind === 'type_tag' && first.name === 'user') type |= R.MEM_USER;
  if (first.kind === 'type_tag' && first.name === 'percpu') type |= R.MEM_PERCPU;
  const kernels = contextOfKernel(env, nameOf(skipModifiers(btf, t.type)));
  if (kernels) return { type, fieldSize: 0, ...kernels };
  const target = skipModifiers(btf, t.type);
  if (!isComposite(target)) return complain(env, `${arg} type ${kindText(target.kind)} is not a struct`);
  complain(env, `${arg} has btf_id ${target.id} type ${kindText(target.kind)} '${nameOf(target)}'`);
  if (special === 'error') {
    env.log.write(`marking pointer ${arg} as scalar as it may encode error`);
    return scalar;
  }
  return { type, fieldSize: 0, btf, btfId: promoted(env, btf, target.id) };
}

/** `bpf_ctx_convert`: what programs are passed, as they call it and as the kernel has it. */
const CONTEXTS: Readonly<Record<string, string>> = {
  __sk_buff: 'sk_buff',
  xdp_md: 'xdp_buff',
  bpf_sock: 'sock',
  bpf_sock_addr: 'bpf_sock_addr_kern',
  bpf_sock_ops: 'bpf_sock_ops_kern',
  sk_msg_md: 'sk_msg',
  bpf_sk_lookup: 'bpf_sk_lookup_kern',
  sk_reuseport_md: 'sk_reuseport_kern',
  bpf_sysctl: 'bpf_sysctl_kern',
  bpf_sockopt: 'bpf_sockopt_kern',
};
/** A context of the program that is attached to is the kernel's own structure to who watches it. */
function contextOfKernel(env: Env, name: string): { readonly btf: Btf; readonly btfId: number } | undefined {
  const { vmlinux } = env.kernel;
  const own = env.input.attachProg === undefined ? undefined : CONTEXTS[name];
  const btfId = own === undefined ? 0 : (vmlinux?.findByName(own, 'struct') ?? 0);
  return vmlinux && btfId > 0 ? { btf: vmlinux, btfId } : undefined;
}

/** What a tracepoint's argument may be besides a valid pointer. */
const rawTpArg = (env: Env, index: number): 'null' | 'error' | undefined =>
  env.kernel.rawTracepointArg?.(env.attachName, index);

/** TCP congestion control is given its sockets as TCP sockets. */
function promoted(env: Env, btf: Btf, id: number): number {
  if (env.attachStruct !== 'tcp_congestion_ops' || btf.typeById(id).name !== 'sock') return id;
  return btf.findByName('tcp_sock', 'struct') || id;
}

/** `prog_args_trusted` */
function trustsArguments(env: Env): boolean {
  const { type, expectedAttachType: eat } = env.input;
  switch (type) {
    case PROG.TRACING:
      return eat === ATTACH.TRACE_RAW_TP || eat === ATTACH.TRACE_ITER;
    case PROG.LSM:
      return env.kernel.lsmHook?.(env.attachName)?.isTrusted ?? true;
    case PROG.STRUCT_OPS:
      return true;
    default:
      return false;
  }
}
