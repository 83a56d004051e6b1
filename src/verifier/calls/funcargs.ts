/** Arguments of the program's functions as BTF declares them (btf_prepare_func_args(), btf_check_subprog_call()). */
import { type Btf, type BtfParam, type BtfType, isEnum } from '../../btf/index.ts';
import { kindText } from '../access/btfctx.ts';
import { skipModifiers, structIdsMatch } from '../access/btfwalk.ts';
import type { Subprog, SubprogArg } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import { Reject } from '../env/reject.ts';
import { checkContextTag, isContextType } from '../prep/ctxtype.ts';
import { DYNPTR_INVALID } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { checkArgOffset } from './argtypes.ts';
import { checkDynptr } from './dynptr.ts';
import { checkHelperMem } from './helpermem.ts';

const plain = (kind: SubprogArg['kind']): SubprogArg => ({
  kind,
  memSize: 0,
  btfId: 0,
  nullable: false,
  trusted: false,
  untrusted: false,
});

function tagsOf(env: Env, btf: Btf, func: number, n: number, isGlobal: boolean): Set<string> {
  const tags = new Set<string>();
  for (const t of btf.types()) {
    if (t.kind !== 'decl_tag' || t.type !== func || t.component !== n || !t.name.startsWith('arg:')) continue;
    const tag = t.name.slice(4);
    if (!isGlobal) env.fail('EOPNOTSUPP', `arg#${n} type tag is not supported in static functions`);
    if (!['ctx', 'trusted', 'nonnull', 'nullable', 'arena'].includes(tag))
      env.fail('EOPNOTSUPP', `arg#${n} has unsupported set of tags`);
    tags.add(tag);
  }
  return tags;
}

function globalPointer(env: Env, btf: Btf, t: BtfType & { kind: 'ptr' }, n: number, tags: Set<string>): SubprogArg {
  const target = skipModifiers(btf, t.type);
  let memSize: number;
  try {
    memSize = btf.sizeOf(target.id);
  } catch {
    return env.fail(
      'EINVAL',
      `arg#${n} reference type('${kindText(target.kind)} ${target.name}') size cannot be determined: -22`,
    );
  }
  return { ...plain('mem'), memSize, nullable: !tags.has('nonnull') };
}

function kernelPointer(env: Env, btf: Btf, t: BtfType & { kind: 'ptr' }, n: number, nullable: boolean): SubprogArg {
  const target = skipModifiers(btf, t.type);
  const name = target.name.replace(/___[^_].*$/, '');
  if (!name) env.fail('EINVAL', `arg#${n} is pointer to unnamed type`);
  const id =
    target.kind === 'struct' || target.kind === 'union' || target.kind === 'fwd'
      ? env.kernel.vmlinux?.findByName(name, target.kind === 'union' ? 'union' : 'struct')
      : 0;
  if (!id)
    env.fail('ENOENT', `arg#${n} reference type('${kindText(target.kind)} ${target.name}') not found in kernel BTF`);
  return { ...plain('btf'), btfId: id, trusted: true, nullable };
}

function prepareArg(env: Env, btf: Btf, param: BtfParam, n: number, fn: BtfType, isGlobal: boolean): SubprogArg {
  const tags = tagsOf(env, btf, fn.id, n, isGlobal);
  const t = resolveModifiers(btf, param.type);
  const badTags = (): never => env.fail('EINVAL', `arg#${n} has invalid combination of tags`);
  if (t.kind === 'ptr') {
    if (tags.has('ctx') || isContextType(env, btf, t)) {
      if ([...tags].some((x) => x !== 'ctx')) badTags();
      if (tags.has('ctx')) checkContextTag(env, btf, t, n);
      return plain('ctx');
    }
    const target = skipModifiers(btf, t.type);
    if (target.kind === 'struct' && target.name === 'bpf_dynptr') {
      if (tags.size > 0) badTags();
      return plain('dynptr');
    }
    if (tags.has('trusted')) {
      if (tags.has('nonnull')) badTags();
      return kernelPointer(env, btf, t, n, tags.has('nullable'));
    }
    if (tags.has('arena')) {
      if (tags.size > 1) env.fail('EINVAL', `arg#${n} arena cannot be combined with any other tags`);
      return plain('arena');
    }
    if (isGlobal) {
      if (tags.has('nullable')) badTags();
      return globalPointer(env, btf, t, n, tags);
    }
  }
  if (tags.size > 0) env.fail('EINVAL', `arg#${n} has pointer tag, but is not a pointer type`);
  if (t.kind === 'int' || isEnum(t)) return plain('scalar');
  if (!isGlobal) env.quit('EINVAL');
  return env.fail('EINVAL', `Arg#${n} type ${kindText(t.kind)} in ${fn.name}() is not supported yet.`);
}

/** Modifiers off, typedefs too. */
const resolveModifiers = (btf: Btf, id: number): BtfType => skipModifiers(btf, id);

/** Derives the arguments once. @throws Reject with what BTF is missing */
export function prepareArgs(env: Env, n: number): readonly SubprogArg[] {
  const subprog = env.subprogs[n] as Subprog;
  if (subprog.argsCached) return subprog.args;
  const { btf, funcInfo } = env.input;
  if (!btf || !funcInfo) env.quit('EFAULT');
  const typeId = funcInfo[n]?.typeId;
  if (!typeId) {
    if (!subprog.isGlobal) env.quit('EINVAL');
    env.fail('EFAULT', 'Global functions need valid BTF');
  }
  const fn = btf.typeById(typeId);
  const proto = fn.kind === 'func' ? btf.typeById(fn.type) : undefined;
  if (proto?.kind !== 'func_proto') env.fail('EFAULT', `BTF of func#${n} doesn't point to KIND_FUNC`);
  const fail = (line: string): never => (subprog.isGlobal ? env.fail('EINVAL', line) : env.quit('EINVAL'));
  if (proto.params.length > 5)
    fail(`Global function ${fn.name}() with ${proto.params.length} > 5 args. Buggy compiler.`);
  const ret = skipModifiers(btf, proto.type);
  if (ret.kind !== 'int' && !isEnum(ret))
    fail(`Global function ${fn.name}() doesn't return scalar. Only those are supported.`);
  subprog.args = proto.params.map((param, at) => prepareArg(env, btf, param, at, fn, subprog.isGlobal));
  subprog.argsCached = true;
  return subprog.args;
}

function checkMemArg(env: Env, regno: number, arg: SubprogArg, n: number): void {
  const reg = env.reg(regno);
  checkArgOffset(env, reg, regno, false, false);
  if (!reg.isNull) {
    // a pointer that may be null is checked as if it were not
    const { type } = reg;
    if (R.mayBeNull(type)) reg.type &= ~R.PTR_MAYBE_NULL;
    try {
      checkHelperMem(env, { regno, size: arg.memSize, write: false, zeroOk: true });
      checkHelperMem(env, { regno, size: arg.memSize, write: true, zeroOk: true });
    } catch (e) {
      throw e instanceof Reject ? new Reject('EINVAL', e.message) : e;
    } finally {
      reg.type = type;
    }
  }
  if (!arg.nullable && (R.mayBeNull(reg.type) || reg.isNull)) env.fail('EINVAL', `arg#${n} is expected to be non-NULL`);
}

function checkArg(env: Env, n: number, arg: SubprogArg): void {
  const regno = n + 1;
  const reg = env.reg(regno);
  switch (arg.kind) {
    case 'scalar':
      if (reg.type !== R.SCALAR_VALUE) env.fail('EINVAL', `R${regno} is not a scalar`);
      return;
    case 'ctx':
      checkArgOffset(env, reg, regno, false, false);
      if (reg.type !== R.PTR_TO_CTX) env.fail('EINVAL', `arg#${n} expects pointer to ctx`);
      return;
    case 'mem':
      checkMemArg(env, regno, arg, n);
      return;
    case 'arena':
      if (reg.type !== R.PTR_TO_ARENA && reg.type !== R.SCALAR_VALUE)
        env.fail('EINVAL', `R${regno} is not a pointer to arena or scalar.`);
      return;
    case 'dynptr':
      checkArgOffset(env, reg, regno, false, true);
      checkDynptr(env, reg, regno, -1, { uninit: false, readOnly: true, type: DYNPTR_INVALID });
      return;
    default: {
      if (reg.isNull && arg.nullable) return;
      const flags = arg.nullable ? reg.type & ~R.PTR_MAYBE_NULL : reg.type;
      const ok = [R.PTR_TO_BTF_ID, R.PTR_TO_BTF_ID | R.PTR_TRUSTED, R.PTR_TO_BTF_ID | R.MEM_RCU];
      if (!ok.includes(flags))
        env.fail('EACCES', `R${regno} type=${R.typeText(reg.type)} expected=${ok.map(R.typeText).join(', ')}`);
      const { vmlinux } = env.kernel;
      if (
        !vmlinux ||
        !reg.btf ||
        !structIdsMatch(env.sayLine, reg.btf, reg.btfId, reg.off, vmlinux, arg.btfId, false)
      ) {
        env.fail(
          'EACCES',
          `R${regno} is of type ${reg.btf?.typeById(reg.btfId).name} but ${vmlinux?.typeById(arg.btfId).name} is expected`,
        );
      }
      checkArgOffset(env, reg, regno, false, false);
    }
  }
}

/** Whether the current registers fit a function's BTF: undefined where they do, else the errno. A static function that they do not fit is walked anyway. */
export function checkSubprogArgs(env: Env, n: number): string | undefined {
  const subprog = env.subprogs[n] as Subprog;
  if (!env.input.funcInfo || !env.input.btf) return 'EINVAL';
  if (!env.input.funcInfo[n]?.typeId) return 'EFAULT';
  if (subprog.unreliable) return 'EINVAL';
  try {
    prepareArgs(env, n).forEach((arg, at) => {
      checkArg(env, at, arg);
    });
    return undefined;
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    subprog.unreliable = true;
    return e.errno;
  }
}
