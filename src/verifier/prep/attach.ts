/** What the program attaches to, by BTF id (check_attach_btf_id()). */
import { type Btf, type BtfFunc, type BtfFuncProto, type BtfType, isEnum } from '../../btf/index.ts';
import { argOffset, kindText } from '../access/btfctx.ts';
import { skipModifiers } from '../access/btfwalk.ts';
import type { CtxArgInfo, Env } from '../env/env.ts';
import type { StructOpsMember } from '../kernel.ts';
import { ATTACH, PROG } from '../kinds.ts';
import * as R from '../state/regtype.ts';
import type { AttachProg } from '../types.ts';

const MAX_ARGS = 12;

const sleepableAttach: readonly number[] = [
  ATTACH.TRACE_FENTRY,
  ATTACH.TRACE_FEXIT,
  ATTACH.MODIFY_RETURN,
  ATTACH.TRACE_ITER,
];

function mayBeSleepable(env: Env): boolean {
  const { type, expectedAttachType: eat } = env.input;
  if (type === PROG.TRACING) return sleepableAttach.includes(eat);
  if (type === PROG.LSM) return eat !== ATTACH.LSM_CGROUP;
  return type === PROG.KPROBE || type === PROG.STRUCT_OPS || type === PROG.SYSCALL;
}

function checkSyscall(env: Env): void {
  if (env.input.type === PROG.SYSCALL && !env.sleepable) env.fail('EINVAL', 'Syscall programs can only be sleepable');
}

const tracingTypes: readonly number[] = [PROG.TRACING, PROG.LSM, PROG.EXT];

function prototype(env: Env, t: BtfType): void {
  const btf = env.attachBtf;
  const proto = btf && t.kind === 'func' ? btf.typeById(t.type) : undefined;
  if (proto?.kind !== 'func_proto') env.fail('EINVAL', `attach_btf_id ${env.input.attachBtfId} is not a function`);
  env.attachProto = proto;
  env.attachReturnsVoid = proto.type === 0;
}

/** raw_tp: the typedef `btf_trace_NAME` of a pointer to the tracepoint's prototype. */
function tracepoint(env: Env, t: BtfType, id: number): void {
  const btf = env.attachBtf;
  const prefix = 'btf_trace_';
  if (t.kind !== 'typedef') env.fail('EINVAL', `attach_btf_id ${id} is not a typedef`);
  if (!t.name.startsWith(prefix)) env.fail('EINVAL', `attach_btf_id ${id} points to wrong type name ${t.name}`);
  env.attachName = t.name.slice(prefix.length);
  const ptr = btf?.typeById(t.type);
  const proto = ptr?.kind === 'ptr' ? btf?.typeById(ptr.type) : undefined;
  if (proto?.kind !== 'func_proto') env.quit('EINVAL');
  env.attachProto = proto;
  env.attachReturnsVoid = proto.type === 0;
}

/** Functions that tracing needs for itself. */
const denied = new Set([
  'migrate_disable',
  'migrate_enable',
  'rcu_read_unlock_strict',
  'preempt_count_add',
  'preempt_count_sub',
  '__rcu_read_lock',
  '__rcu_read_unlock',
]);

/** Functions that do not return: `noreturn_deny`, as far as this configuration has them. */
const noreturn = new Set([
  '__ia32_sys_exit',
  '__ia32_sys_exit_group',
  '__x64_sys_exit',
  '__x64_sys_exit_group',
  '__module_put_and_kthread_exit',
  'do_exit',
  'do_group_exit',
  'kthread_complete_and_exit',
  'kthread_exit',
  'make_task_dead',
]);
const behindReturn: readonly number[] = [ATTACH.TRACE_FEXIT, ATTACH.MODIFY_RETURN];

/** `btf_distill_func_proto`: what a trampoline can pass on. */
function checkModel(env: Env, name: string): void {
  const { attachBtf: btf, attachProto: proto } = env;
  if (!btf || !proto) return;
  if (proto.params.length > MAX_ARGS)
    env.fail('EINVAL', `The function ${name} has ${proto.params.length} arguments. Too many.`);
  const ret = skipModifiers(btf, proto.type);
  if (ret.kind !== 'void' && ret.kind !== 'ptr' && ret.kind !== 'int' && !isEnum(ret)) {
    env.fail('EINVAL', `The function ${name} return type ${kindText(ret.kind)} is unsupported.`);
  }
  proto.params.forEach((param, n) => {
    if (n === proto.params.length - 1 && param.type === 0)
      env.fail('EINVAL', `The function ${name} with variable args is unsupported.`);
    const t = skipModifiers(btf, param.type);
    const size = t.kind === 'ptr' ? 8 : 'size' in t ? t.size : -1;
    const ok = t.kind === 'ptr' || t.kind === 'int' || isEnum(t) || t.kind === 'struct';
    if (!ok || size < 0 || size > 16)
      env.fail('EINVAL', `The function ${name} arg${n} type ${kindText(t.kind)} is unsupported.`);
    if (size === 0) env.fail('EINVAL', `The function ${name} has malformed void argument.`);
  });
}

function checkSleepable(env: Env, name: string): void {
  const { expectedAttachType: eat } = env.input;
  if (!env.sleepable) {
    if (env.input.type !== PROG.TRACING || eat !== ATTACH.MODIFY_RETURN) return;
    const ok = name.startsWith('security_') || (env.kernel.mayReplaceResult?.(name) ?? true);
    if (!ok) env.fail('EINVAL', `${name}() is not modifiable`);
    return;
  }
  const { type } = env.input;
  const ok = env.kernel.maySleepAt?.(name, type) ?? true;
  if (!ok) env.fail('EINVAL', `${name} is not sleepable`);
}

/** `check_struct_ops_btf_id`: the program is a member of a kernel structure of functions. */
function structOps(env: Env): void {
  const { attachBtfId: id, expectedAttachType: index, gpl } = env.input;
  const btf = env.kernel.vmlinux;
  if (!gpl) env.fail('EINVAL', 'struct ops programs must have a GPL compatible license');
  if (!id) env.quit('ENOTSUPP');
  const member = env.kernel.structOpsMember?.(id, index);
  if (!btf || !member) env.fail('ENOTSUPP', `attach_btf_id ${id} is not a supported struct`);
  const proto = btf.typeById(member.proto);
  if (proto.kind !== 'func_proto')
    env.fail('EINVAL', `attach to invalid member ${member.name}(@idx ${index}) of struct ${member.struct}`);
  if (member.unsupported)
    env.fail('ENOTSUPP', `attach to unsupported member ${member.name} of struct ${member.struct}`);
  env.attachBtf = btf;
  env.attachProto = proto;
  env.attachName = member.name;
  env.attachStruct = member.struct;
  env.attachReturnsVoid = proto.type === 0;
  nullableArgs(env, btf, proto, member);
}

/** The stub's parameter names say what may be null. */
function nullableArgs(env: Env, btf: Btf, proto: BtfFuncProto, member: StructOpsMember): void {
  const stub = btf.typeById(btf.findByName(`${member.struct}__${member.name}`, 'func'));
  const params = stub.kind === 'func' ? btf.typeById(stub.type) : undefined;
  if (params?.kind !== 'func_proto') return;
  const args = new Map<number, CtxArgInfo>();
  params.params.forEach((param, n) => {
    const ptr = skipModifiers(btf, param.type);
    if (!param.name.endsWith('__nullable') || ptr.kind !== 'ptr') return;
    const btfId = skipModifiers(btf, ptr.type).id;
    args.set(argOffset(btf, proto, n), {
      type: R.PTR_TO_BTF_ID | R.PTR_TRUSTED | R.PTR_MAYBE_NULL,
      btf,
      btfId,
    });
  });
  env.ctxArgInfo = (off) => args.get(off);
}

function iterator(env: Env, name: string): void {
  const target = env.kernel.iterTarget?.(name);
  const btf = env.kernel.vmlinux;
  env.ctxArgInfo = (off) => {
    const arg = target?.(off);
    const base = arg && R.typeByName(arg.regType);
    if (!arg || base === undefined) return undefined;
    const type = base | R.flagsOf(arg.regFlags);
    return arg.btfType && btf ? { type, btf, btfId: btf.findByName(arg.btfType, 'struct') } : { type };
  };
}

/** attach types of programs that go on a function */
const onFunction: readonly number[] = [
  ATTACH.TRACE_FENTRY,
  ATTACH.TRACE_FEXIT,
  ATTACH.MODIFY_RETURN,
  ATTACH.LSM_MAC,
  ATTACH.LSM_CGROUP,
];

/** `bpf_check_attach_target` where the target is a function of a program. */
function toProgram(env: Env, target: AttachProg, t: BtfType): void {
  const { expectedAttachType: eat, attachBtfId: id, type } = env.input;
  const { isExtension } = target;
  const n = target.funcs.findIndex((func) => func.typeId === id);
  if (n < 0) env.fail('EINVAL', `Subprog ${t.name} doesn't exist`);
  if (target.funcs[n]?.isExceptionCb)
    env.fail('EINVAL', `${isExtension ? 'Extension' : 'FENTRY/FEXIT'} programs cannot attach to exception callback`);
  if (!target.isJited) env.fail('EINVAL', 'Can attach to only JITed progs');
  if (!isExtension && target.isNested) env.fail('EINVAL', 'Cannot nest tracing program attach more than once');
  const isTracing =
    target.expectedAttachType === ATTACH.TRACE_FENTRY || target.expectedAttachType === ATTACH.TRACE_FEXIT;
  if (isExtension && target.type === PROG.TRACING && isTracing) env.fail('EINVAL', 'Cannot extend fentry/fexit');
  if (!isExtension && type === PROG.TRACING && eat === ATTACH.TRACE_RAW_TP)
    env.fail('EINVAL', 'Only FENTRY/FEXIT progs are attachable to another BPF prog');
  if (!isExtension && !onFunction.includes(eat)) env.quit('EINVAL');
  if (t.kind !== 'func') env.fail('EINVAL', `attach_btf_id ${id} is not a function`);
  prototype(env, t);
  if (isExtension) matches(env, t);
  if (!isExtension && eat === ATTACH.MODIFY_RETURN) env.fail('EINVAL', "can't modify return codes of BPF programs");
}

/** `btf_check_type_match`: the extension's own function has the target's prototype. */
function matches(env: Env, target: BtfFunc): void {
  const { name } = target;
  const { btf, funcInfo } = env.input;
  const own = btf?.typeById(funcInfo?.[0]?.typeId ?? 0);
  const [theirs, theirBtf] = [env.attachProto, env.attachBtf];
  if (btf === undefined || own?.kind !== 'func' || theirs === undefined || theirBtf === undefined) env.quit('EINVAL');
  const proto = btf.typeById(own.type);
  if (proto.kind !== 'func_proto') env.quit('EINVAL');
  for (const func of [own, target])
    if (func.linkage === 'static') env.fail('EINVAL', `${func.name}() is not a global function`);
  if (proto.params.length !== theirs.params.length)
    env.fail(
      'EINVAL',
      `${own.name}() has ${proto.params.length} args while ${name}() has ${theirs.params.length} args`,
    );
  const kindOf = (of: Btf, typeId: number): BtfType => skipModifiers(of, typeId);
  const [ret, wanted] = [kindOf(btf, proto.type), kindOf(theirBtf, theirs.type)];
  if (ret.kind !== wanted.kind)
    env.fail(
      'EINVAL',
      `Return type ${kindText(ret.kind)} of ${own.name}() doesn't match type ${kindText(wanted.kind)} of ${name}()`,
    );
  proto.params.forEach((param, n) => {
    const [mine, other] = [kindOf(btf, param.type), kindOf(theirBtf, theirs.params[n]?.type ?? 0)];
    if (mine.kind !== other.kind || ('size' in mine && 'size' in other && mine.size !== other.size))
      env.fail(
        'EINVAL',
        `arg${n} in ${own.name}() is ${kindText(mine.kind)} while ${name}() has ${kindText(other.kind)}`,
      );
  });
}

export function checkAttach(env: Env): void {
  const { type, expectedAttachType: eat, attachBtfId: id } = env.input;
  if (type === PROG.SYSCALL) {
    checkSyscall(env);
    return;
  }
  if (env.sleepable && !mayBeSleepable(env)) {
    env.fail('EINVAL', 'Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable');
  }
  if (type === PROG.STRUCT_OPS) {
    structOps(env);
    return;
  }
  const target = env.input.attachProg;
  const isExtension = type === PROG.EXT || (target?.isExtension ?? false);
  if (!tracingTypes.includes(type) && !isExtension) return;
  if (!id) env.fail('EINVAL', 'Tracing programs must provide btf_id');
  const btf = target ? target.btf : env.kernel.vmlinux;
  if (!btf) env.fail('EINVAL', 'Tracing program can only be attached to another program annotated with BTF');
  if (id >= btf.typeCount) env.fail('EINVAL', `attach_btf_id ${id} is invalid`);
  env.attachBtf = btf;
  const t = btf.typeById(id);
  if (!t.name) env.fail('EINVAL', `attach_btf_id ${id} doesn't have a name`);
  env.attachName = t.name;
  if (target) {
    toProgram(env, target, t);
    return;
  }
  if (isExtension) env.fail('EINVAL', 'Cannot replace kernel functions');
  if (eat === ATTACH.TRACE_RAW_TP) {
    tracepoint(env, t, id);
    return;
  }
  if (eat !== ATTACH.TRACE_ITER && !onFunction.includes(eat)) env.quit('EINVAL');
  if (t.kind !== 'func') env.fail('EINVAL', `attach_btf_id ${id} is not a function`);
  prototype(env, t);
  if (type === PROG.TRACING && eat === ATTACH.TRACE_ITER) {
    if (!t.name.startsWith('bpf_iter_')) env.quit('EINVAL');
    iterator(env, t.name);
    return;
  }
  checkModel(env, t.name);
  if (env.kernel.symbolAddress(t.name) === undefined)
    env.fail('ENOENT', `The address of function ${t.name} cannot be found`);
  checkSleepable(env, t.name);
  if (type === PROG.LSM) {
    if (!env.input.gpl) env.fail('EINVAL', 'LSM programs must have a GPL compatible license');
    const hook = env.kernel.lsmHook?.(t.name);
    if (hook?.isDisabled) env.fail('EINVAL', `attach_btf_id ${id} points to disabled hook ${t.name}`);
    if (!hook) env.fail('EINVAL', `attach_btf_id ${id} points to wrong type name ${t.name}`);
  } else if (type === PROG.TRACING && denied.has(t.name)) env.quit('EINVAL');
  else if (behindReturn.includes(env.input.expectedAttachType) && noreturn.has(t.name))
    env.fail('EINVAL', 'Attaching fexit/fmod_ret to __noreturn functions is rejected.');
}
