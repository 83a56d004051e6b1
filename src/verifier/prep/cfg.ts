/**
 * The control-flow graph: unreachable instructions, back edges, and where states are worth saving
 * (check_cfg()). A depth-first walk in Linux's order, so that the same defect is reported first.
 */
import * as I from '../../isa/index.ts';
import { isIterNext } from '../calls/kfunc/table.ts';
import { changesPacketData } from '../calls/packet.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import { containingSubprog, isHelperCall, isKfuncCall, isPseudoCall, isPseudoFunc } from './subprogs.ts';

const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

const syncCallbackHelpers = new Set(['for_each_map_elem', 'find_vma', 'loop', 'user_ringbuf_drain']);
export const isSyncCallbackHelper = (name: string): boolean => syncCallbackHelpers.has(name);

export const isMayGoto = (insn: I.Insn): boolean => insn.code === (I.BPF_JMP | I.BPF_JCOND);

export function callsSyncCallback(env: Env, insn: I.Insn): boolean {
  return (
    (isHelperCall(insn) && isSyncCallbackHelper(env.kernel.helperName(insn.imm))) ||
    (isKfuncCall(insn) && env.kfuncAt(insn)?.name === 'bpf_rbtree_add_impl')
  );
}
export function callsAsyncCallback(env: Env, insn: I.Insn): boolean {
  return (
    (isHelperCall(insn) && env.kernel.helperName(insn.imm) === 'timer_set_callback') ||
    (isKfuncCall(insn) && env.kfuncAt(insn)?.name === 'bpf_wq_set_callback_impl')
  );
}

class Walk {
  readonly #env: Env;
  readonly states: Uint8Array;
  readonly #stack: number[] = [];

  constructor(env: Env) {
    this.#env = env;
    this.states = new Uint8Array(env.insns.length);
  }

  from(start: number): void {
    this.states[start] = DISCOVERED;
    this.#stack.push(start);
    while (this.#stack.length > 0) {
      const idx = this.#stack[this.#stack.length - 1] as number;
      if (this.#visit(idx)) continue;
      this.states[idx] = EXPLORED;
      this.#stack.pop();
    }
  }

  #prune(idx: number): void {
    const aux = this.#env.aux[idx];
    if (aux) aux.prunePoint = true;
  }
  #jump(idx: number): void {
    const aux = this.#env.aux[idx];
    if (aux) aux.jmpPoint = true;
  }

  /** Follows an edge; true where its target is new and must be explored first. */
  #push(from: number, to: number, edge: number): boolean {
    const env = this.#env;
    if ((this.states[from] as number) >= (DISCOVERED | edge)) return false;
    if (to < 0 || to >= env.insns.length) env.fail('EINVAL', `jump out of range from insn ${from} to ${to}`);
    if (edge === BRANCH) {
      this.#prune(to);
      this.#jump(to);
    }
    const target = this.states[to] as number;
    if (target === 0) {
      this.states[from] = DISCOVERED | edge;
      this.states[to] = DISCOVERED;
      this.#stack.push(to);
      return true;
    }
    if ((target & 0xf0) === DISCOVERED) {
      if (env.bpfCapable) return false;
      env.log.write(env.source.text(from).replace(/^; /, `${from}: `));
      env.log.write(env.source.text(to).replace(/^; /, `${to}: `));
      env.fail('EINVAL', `back-edge from insn ${from} to ${to}`);
    }
    this.states[from] = DISCOVERED | edge;
    return false;
  }

  #visitCall(idx: number, insn: I.Insn, callee: boolean): boolean {
    const next = idx + (insn.code === I.LD_IMM64 ? 2 : 1);
    if (this.#push(idx, next, FALLTHROUGH)) return true;
    this.#prune(next);
    this.#jump(next);
    if (!callee) return false;
    const target = idx + insn.imm + 1;
    this.#prune(idx);
    this.#mergeEffects(idx, target);
    return this.#push(idx, target, BRANCH);
  }

  #mergeEffects(caller: number, callee: number): void {
    const env = this.#env;
    const from = env.subprogs[containingSubprog(env, callee)] as Subprog;
    const to = env.subprogs[containingSubprog(env, caller)] as Subprog;
    to.changesPktData ||= from.changesPktData;
  }

  #visit(idx: number): boolean {
    const env = this.#env;
    const insn = env.insn(idx);
    if (isPseudoFunc(insn)) return this.#visitCall(idx, insn, true);
    const cls = I.bpfClass(insn.code);
    if (cls !== I.BPF_JMP && cls !== I.BPF_JMP32)
      return this.#push(idx, idx + (insn.code === I.LD_IMM64 ? 2 : 1), FALLTHROUGH);
    switch (I.bpfOp(insn.code)) {
      case I.BPF_EXIT:
        return false;
      case I.BPF_CALL: {
        const aux = env.auxAt(idx);
        if (callsAsyncCallback(env, insn)) aux.prunePoint = true;
        if (callsSyncCallback(env, insn)) {
          aux.callsCallback = true;
          aux.forceCheckpoint = true;
          aux.prunePoint = true;
          aux.jmpPoint = true;
        }
        if (isHelperCall(insn) && changesPacketData(env.kernel.helperName(insn.imm))) {
          (env.subprogs[containingSubprog(env, idx)] as Subprog).changesPktData = true;
        }
        if (isKfuncCall(insn) && isIterNext(env, insn)) {
          aux.prunePoint = true;
          aux.forceCheckpoint = true;
        }
        return this.#visitCall(idx, insn, isPseudoCall(insn));
      }
      case I.BPF_JA: {
        if (I.bpfSrc(insn.code) !== I.BPF_K) env.quit('EINVAL');
        const target = idx + 1 + (cls === I.BPF_JMP ? insn.off : insn.imm);
        if (this.#push(idx, target, FALLTHROUGH)) return true;
        this.#prune(target);
        this.#jump(target);
        return false;
      }
      default: {
        const aux = env.auxAt(idx);
        aux.prunePoint = true;
        if (isMayGoto(insn)) aux.forceCheckpoint = true;
        if (this.#push(idx, idx + 1, FALLTHROUGH)) return true;
        return this.#push(idx, idx + insn.off + 1, BRANCH);
      }
    }
  }
}

export function checkCfg(env: Env): void {
  const walk = new Walk(env);
  walk.from(0);
  if (env.exceptionCallback !== undefined) walk.from((env.subprogs[env.exceptionCallback] as Subprog).start);
  for (let idx = 0; idx < env.insns.length; idx++) {
    if (walk.states[idx] !== EXPLORED) env.fail('EINVAL', `unreachable insn ${idx}`);
    if (env.insn(idx).code === I.LD_IMM64) {
      if (walk.states[idx + 1] !== 0) env.fail('EINVAL', `jump into the middle of ldimm64 insn ${idx}`);
      idx++;
    }
  }
  env.changesPktData = (env.subprogs[0] as Subprog).changesPktData;
}
