/** The walk: every path, instruction by instruction (do_check()). */
import * as I from '../../isa/index.ts';
import { checkMemAccess } from '../access/mem.ts';
import { checkFuncCall, leaveFunction } from '../calls/func.ts';
import { checkHelperCall } from '../calls/helper.ts';
import { checkKfuncCall } from '../calls/kfunc/call.ts';
import { checkReferenceLeak } from '../calls/refs.ts';
import { saveAuxType } from '../env/auxtype.ts';
import type { Env } from '../env/env.ts';
import { checkSane } from '../env/sanity.ts';
import { readReg, writeReg } from '../prune/liveness.ts';
import { finishPath } from '../prune/loops.ts';
import { isVisited } from '../prune/visited.ts';
import { checkAlu } from './alu.ts';
import { checkAtomic } from './atomic.ts';
import { checkCondJump } from './jump.ts';
import { checkPacketLoad, checkWideLoad } from './load.ts';
import { checkReturnCode } from './retval.ts';

const sizes: Readonly<Record<number, number>> = { [I.BPF_B]: 1, [I.BPF_H]: 2, [I.BPF_W]: 4, [I.BPF_DW]: 8 };
const sizeOf = (insn: I.Insn): number => sizes[I.bpfSize(insn.code)] as number;
const reserved = (env: Env, what: string): never => env.fail('EINVAL', `BPF_${what} uses reserved fields`);

function load(env: Env, insn: I.Insn): void {
  const { type } = readReg(env, insn.src);
  writeReg(env, insn.dst);
  const signed = I.bpfMode(insn.code) === I.BPF_MEMSX;
  checkMemAccess(env, {
    insnIdx: env.insnIdx,
    regno: insn.src,
    off: insn.off,
    size: sizeOf(insn),
    write: false,
    value: insn.dst,
    signed,
  });
  saveAuxType(env, type, true);
  checkSane(env, env.reg(insn.dst), 'ldx');
}

function store(env: Env, insn: I.Insn, fromReg: boolean): void {
  if (fromReg && I.bpfMode(insn.code) === I.BPF_ATOMIC) {
    checkAtomic(env, insn);
    return;
  }
  const bad = I.bpfMode(insn.code) !== I.BPF_MEM || (fromReg ? insn.imm : insn.src) !== 0;
  if (bad) reserved(env, fromReg ? 'STX' : 'ST');
  if (fromReg) readReg(env, insn.src);
  const { type } = readReg(env, insn.dst);
  checkMemAccess(env, {
    insnIdx: env.insnIdx,
    regno: insn.dst,
    off: insn.off,
    size: sizeOf(insn),
    write: true,
    value: fromReg ? insn.src : -1,
  });
  saveAuxType(env, type, false);
}

function call(env: Env, insn: I.Insn): 'next' | 'throw' {
  const kfunc = insn.src === I.BPF_PSEUDO_KFUNC_CALL;
  const local = insn.src === I.BPF_PSEUDO_CALL;
  const form =
    I.bpfSrc(insn.code) === I.BPF_K &&
    (kfunc || insn.off === 0) &&
    (insn.src === 0 || local || kfunc) &&
    insn.dst === 0;
  if (!form || I.bpfClass(insn.code) === I.BPF_JMP32) reserved(env, 'CALL');
  if (env.cur.activeLock.owner) {
    const helper = insn.src === 0 && env.kernel.helperName(insn.imm) !== 'spin_unlock';
    const name = env.kfuncAt(insn)?.name ?? '';
    const graph =
      /^bpf_(list_push_(front|back)_impl|list_pop_(front|back)|rbtree_(remove|add_impl|first)|obj_new_impl|obj_drop_impl|refcount_acquire_impl|iter_num_(new|next|destroy))$/;
    if (helper || (kfunc && (insn.off !== 0 || !graph.test(name))))
      env.fail('EINVAL', 'function calls are not allowed while holding a lock');
  }
  let ends: 'next' | 'throw' = 'next';
  if (local) checkFuncCall(env, insn);
  else if (kfunc) ends = checkKfuncCall(env, insn);
  else checkHelperCall(env, insn);
  env.scratchReg(0);
  return ends;
}

/** Nothing may be held where the program ends. */
function checkHeld(env: Env, exception: boolean): void {
  const { cur } = env;
  if (cur.curframe === 0) {
    if (cur.activeLock.owner) env.fail('EINVAL', 'bpf_spin_unlock is missing');
    if (cur.activeRcuLock) env.fail('EINVAL', 'bpf_rcu_read_unlock is missing');
    const n = cur.activePreemptLock;
    if (n) env.fail('EINVAL', `${n} bpf_preempt_enable${n === 1 ? ' is' : '(s) are'} missing`);
  }
  if (!checkReferenceLeak(env, exception)) env.quit('EINVAL');
}

/** What comes after an instruction. */
type Next = 'step' | 'jumped' | 'returned' | 'end';

function exit(env: Env, exception: boolean): Next {
  checkHeld(env, exception);
  if (exception) return 'end';
  if (env.cur.curframe > 0) {
    leaveFunction(env);
    return 'returned';
  }
  checkReturnCode(env);
  return 'end';
}

function jump(env: Env, insn: I.Insn): Next {
  const op = I.bpfOp(insn.code);
  const jmp32 = I.bpfClass(insn.code) === I.BPF_JMP32;
  env.jmpsProcessed++;
  switch (op) {
    case I.BPF_CALL:
      return call(env, insn) === 'throw' ? exit(env, true) : 'step';
    case I.BPF_JA:
      if (I.bpfSrc(insn.code) !== I.BPF_K || insn.src || insn.dst || (jmp32 ? insn.off : insn.imm)) reserved(env, 'JA');
      env.insnIdx += 1 + (jmp32 ? insn.imm : insn.off);
      return 'jumped';
    case I.BPF_EXIT:
      if (I.bpfSrc(insn.code) !== I.BPF_K || insn.imm || insn.src || insn.dst || jmp32) reserved(env, 'EXIT');
      return exit(env, false);
    default:
      checkCondJump(env, insn);
      return 'step';
  }
}

function execute(env: Env, insn: I.Insn): Next {
  switch (I.bpfClass(insn.code)) {
    case I.BPF_ALU:
    case I.BPF_ALU64:
      checkAlu(env, insn);
      return 'step';
    case I.BPF_LDX:
      load(env, insn);
      return 'step';
    case I.BPF_STX:
      store(env, insn, true);
      return 'step';
    case I.BPF_ST:
      store(env, insn, false);
      return 'step';
    case I.BPF_LD: {
      const mode = I.bpfMode(insn.code);
      if (mode === I.BPF_ABS || mode === I.BPF_IND) checkPacketLoad(env, insn);
      else if (mode === I.BPF_IMM) {
        checkWideLoad(env, insn);
        env.insnIdx++;
        if (!env.cur.speculative) env.auxAt(env.insnIdx).seen = true;
      } else env.fail('EINVAL', 'invalid BPF_LD mode');
      return 'step';
    }
    default:
      return jump(env, insn);
  }
}

const speculation = (env: Env): string => (env.cur.speculative ? ' (speculative execution)' : '');

/** Ends the current path and takes up the next. */
function nextPath(env: Env): boolean {
  env.scratchAll();
  finishPath(env.cur);
  return env.popState();
}

export function walk(env: Env): void {
  let arrived = false;
  let previous = -1;
  for (;;) {
    env.beginInsn();
    env.prevInsnIdx = previous;
    const insn = env.insns[env.insnIdx];
    if (!insn) env.fail('EFAULT', `invalid insn idx ${env.insnIdx} insn_cnt ${env.insns.length}`);
    if (++env.insnProcessed > env.maxInsns)
      env.fail('E2BIG', `BPF program is too large. Processed ${env.insnProcessed} insn`);
    env.cur.lastInsnIdx = env.prevInsnIdx;
    if (env.visits !== undefined) env.visits[env.insnIdx] = (env.visits[env.insnIdx] as number) + 1;
    const aux = env.auxAt(env.insnIdx);
    let next: Next | undefined;
    if (aux.prunePoint && isVisited(env, env.insnIdx)) {
      if (env.log.walks) {
        if (arrived) env.say(`\nfrom ${env.prevInsnIdx} to ${env.insnIdx}${speculation(env)}: safe`);
        else env.say(`${env.insnIdx}: safe`);
      }
      next = 'end';
    }
    if (!next) {
      if (aux.jmpPoint) env.pushHistory(env.cur, 0, undefined);
      if (env.log.everyInsn && arrived) {
        env.log.write(`\nfrom ${env.prevInsnIdx} to ${env.insnIdx}${speculation(env)}:`);
        env.printState(env.frame, true);
        arrived = false;
      }
      if (env.log.walks) env.printInsn();
      // a path that no program takes makes nothing live: what only it reaches is dead code
      if (!env.cur.speculative) aux.seen = true;
      previous = env.insnIdx;
      next = execute(env, insn);
    }
    if (next === 'step') env.insnIdx++;
    else if (next === 'returned') arrived = true;
    else if (next === 'end') {
      if (!nextPath(env)) return;
      previous = env.prevInsnIdx;
      arrived = true;
    }
  }
}
