/** Stack that chains of calls need together (check_max_stack_depth()). */

import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import { findSubprog, isKfuncCall, isPseudoCall, isPseudoFunc, subprogEnd } from '../prep/subprogs.ts';
import { MAX_BPF_STACK } from '../state/stack.ts';
import { MAX_CALL_FRAMES } from '../state/state.ts';

/** the JIT aligns frames to 16 bytes */
const rounded = (subprog: Subprog): number => Math.ceil(subprog.stackDepth / 16) * 16;
const TAIL_CALL_LIMIT = 256;

class Chains {
  readonly #env: Env;
  readonly #chain: number[] = [];
  readonly #known = new Map<string, boolean>();
  deepest = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Chains that share a function at one depth go on alike: the first is followed, the rest take its answer. */
  enter(n: number, depth: number, underTailCall: boolean): boolean {
    const inCallback = this.#chain.some((c) => this.#env.subprogs[c]?.isCallback);
    const key = `${n} ${depth} ${this.#chain.length} ${inCallback}`;
    let tail = this.#known.get(key);
    if (tail === undefined) {
      tail = this.#follow(n, depth, underTailCall);
      this.#known.set(key, tail);
    }
    tail ||= underTailCall;
    // whoever is on the way to a tail call keeps its counter
    if (tail) for (const caller of this.#chain) this.#markReachable(caller);
    return tail;
  }

  #follow(n: number, depth: number, underTailCall: boolean): boolean {
    const env = this.#env;
    const subprog = env.subprogs[n] as Subprog;
    if (n && subprog.hasTailCall && depth >= TAIL_CALL_LIMIT) {
      env.fail('EACCES', `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`);
    }
    const total = depth + rounded(subprog);
    if (total > MAX_BPF_STACK)
      env.fail('EACCES', `combined stack size of ${this.#chain.length + 1} calls is ${total}. Too large`);
    this.deepest = Math.max(this.deepest, total);
    let tail = underTailCall;
    for (let idx = subprog.start; idx < subprogEnd(env, n); idx++) {
      const insn = env.insn(idx);
      if (isKfuncCall(insn) && env.kfuncAt(insn)?.name === 'bpf_throw') {
        const inCallback = subprog.isCallback || this.#chain.some((c) => env.subprogs[c]?.isCallback);
        if (inCallback) env.fail('EINVAL', `bpf_throw kfunc (insn ${idx}) cannot be called from callback subprog ${n}`);
      }
      if (!isPseudoCall(insn) && !isPseudoFunc(insn)) continue;
      const callee = findSubprog(env, idx + insn.imm + 1);
      const target = env.subprogs[callee] as Subprog;
      if (target.isAsyncCallback) {
        if (target.hasTailCall) env.fail('EFAULT', 'verifier bug. subprog has tail_call and async cb');
        if (!isPseudoCall(insn)) continue;
      }
      if (target.isExceptionCb && isPseudoCall(insn))
        env.fail('EINVAL', `insn ${idx} cannot call exception cb directly`);
      this.#chain.push(n);
      if (target.hasTailCall) tail = true;
      if (this.#chain.length >= MAX_CALL_FRAMES)
        env.fail('E2BIG', `the call stack of ${this.#chain.length} frames is too deep !`);
      tail = this.enter(callee, total, tail);
      this.#chain.pop();
    }
    return tail;
  }

  #markReachable(n: number): void {
    const subprog = this.#env.subprogs[n] as Subprog;
    if (subprog.isExceptionCb) this.#env.fail('EINVAL', 'cannot tail call within exception cb');
    subprog.tailCallReachable = true;
  }
}

/** @returns bytes of the deepest chain */
export function checkStackDepth(env: Env): number {
  const chains = new Chains(env);
  env.subprogs.forEach((subprog, n) => {
    if (n === 0 || subprog.isAsyncCallback) chains.enter(n, 0, false);
  });
  return chains.deepest;
}
