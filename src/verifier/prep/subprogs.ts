/**
 * Where functions begin, and that no jump leaves its function (add_subprog_and_kfunc(), check_subprogs()).
 */
import * as I from '../../isa/index.ts';
import { addKfunc } from '../calls/kfunc/table.ts';
import { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';

const MAX_SUBPROGS = 256;
const FUNC_TAIL_CALL = 12;

export const isPseudoFunc = (insn: I.Insn): boolean => insn.code === I.LD_IMM64 && insn.src === I.BPF_PSEUDO_FUNC;
export const isPseudoCall = (insn: I.Insn): boolean =>
  insn.code === (I.BPF_JMP | I.BPF_CALL) && insn.src === I.BPF_PSEUDO_CALL;
export const isKfuncCall = (insn: I.Insn): boolean =>
  insn.code === (I.BPF_JMP | I.BPF_CALL) && insn.src === I.BPF_PSEUDO_KFUNC_CALL;
export const isHelperCall = (insn: I.Insn): boolean => insn.code === (I.BPF_JMP | I.BPF_CALL) && insn.src === 0;

/** Index of the function that starts at `start`, -1 where none does. */
export const findSubprog = (env: Env, start: number): number => env.subprogs.findIndex((s) => s.start === start);
/** Index of the function that holds an instruction. */
export function containingSubprog(env: Env, idx: number): number {
  let n = env.subprogs.length - 1;
  while (n > 0 && (env.subprogs[n] as Subprog).start > idx) n--;
  return n;
}
export const subprogEnd = (env: Env, n: number): number => env.subprogs[n + 1]?.start ?? env.insns.length;

export function addSubprog(env: Env, start: number): void {
  if (start < 0 || start >= env.insns.length) env.fail('EINVAL', 'call to invalid destination');
  if (findSubprog(env, start) >= 0) return;
  if (env.subprogs.length >= MAX_SUBPROGS) env.fail('E2BIG', 'too many subprograms');
  env.subprogs.push(new Subprog(start));
  env.subprogs.sort((a, b) => a.start - b.start);
}

export function discoverSubprogs(env: Env): void {
  addSubprog(env, 0);
  env.insns.forEach((insn, idx) => {
    const local = isPseudoFunc(insn) || isPseudoCall(insn);
    if (!local && !isKfuncCall(insn)) return;
    if (!env.bpfCapable)
      env.fail('EPERM', 'loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN');
    if (local) addSubprog(env, idx + insn.imm + 1);
    else addKfunc(env, insn.imm, insn.off);
  });
}

const TAG = 'exception_callback:';

/** The function that runs when the program throws: named by a tag on the main function's BTF. */
export function findExceptionCallback(env: Env): void {
  const { btf, funcInfo } = env.input;
  const main = funcInfo?.[0];
  if (!btf || !funcInfo || !main) return;
  const tags = [...btf.types()].filter(
    (t) => t.kind === 'decl_tag' && t.type === main.typeId && t.component === -1 && t.name.startsWith(TAG),
  );
  if (tags.length > 1) env.fail('EEXIST', 'multiple exception callback tags for main subprog');
  const name = tags[0]?.name.slice(TAG.length);
  if (name === undefined) return;
  const id = btf.findByName(name, 'func');
  if (!id) env.fail('ENOENT', `exception callback '${name}' could not be found in BTF`);
  const fn = btf.typeById(id);
  if (fn.kind !== 'func' || fn.linkage !== 'global')
    env.fail('EINVAL', `exception callback '${name}' must have global linkage`);
  const start = funcInfo.find((record) => record.typeId === id)?.insnOff;
  if (start === undefined) env.fail('EINVAL', 'exception callback type id not found in func_info');
  if (start === 0) env.fail('EINVAL', 'invalid exception callback insn_off in func_info: 0');
  addSubprog(env, start);
  env.exceptionCallback = findSubprog(env, start);
  const subprog = env.subprogs[env.exceptionCallback] as Subprog;
  subprog.isCallback = true;
  subprog.isAsyncCallback = true;
  subprog.isExceptionCb = true;
}

export function printSubprogs(env: Env): void {
  if (!env.log.everyInsn) return;
  env.subprogs.forEach((s, n) => {
    env.say(`func#${n} @${s.start}`);
  });
}

export function checkJumps(env: Env): void {
  let n = 0;
  let subprog = env.subprogs[0] as Subprog;
  let end = subprogEnd(env, 0);
  env.insns.forEach((insn, idx) => {
    const { code } = insn;
    const cls = I.bpfClass(code);
    if (isHelperCall(insn) && insn.imm === FUNC_TAIL_CALL) {
      subprog.hasTailCall = true;
      subprog.tailCallReachable = true;
    }
    if (cls === I.BPF_LD && (I.bpfMode(code) === I.BPF_ABS || I.bpfMode(code) === I.BPF_IND)) subprog.hasLdAbs = true;
    const op = I.bpfOp(code);
    if ((cls === I.BPF_JMP || cls === I.BPF_JMP32) && op !== I.BPF_EXIT && op !== I.BPF_CALL) {
      const target = (idx + 1 + (code === (I.BPF_JMP32 | I.BPF_JA) ? insn.imm : insn.off)) | 0;
      if (target < subprog.start || target >= end)
        env.fail('EINVAL', `jump out of range from insn ${idx} to ${target}`);
    }
    if (idx !== end - 1) return;
    if (code !== (I.BPF_JMP | I.BPF_EXIT) && code !== (I.BPF_JMP32 | I.BPF_JA) && code !== (I.BPF_JMP | I.BPF_JA)) {
      env.fail('EINVAL', 'last insn is not an exit or jmp');
    }
    n++;
    const next = env.subprogs[n];
    if (next) {
      subprog = next;
      end = subprogEnd(env, n);
    }
  });
}
