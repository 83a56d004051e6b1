/** References that a program must give back: acquired by some calls, released by others (acquire_reference_state() and kin). */
import type { Env } from '../env/env.ts';

export function acquireReference(env: Env, insnIdx: number): number {
  const { frame } = env;
  const id = ++env.idGen;
  frame.refs.push({ id, insnIdx, callbackRef: frame.inCallback ? frame.frameno : 0 });
  return id;
}

/** Releases and makes all pointers to it unusable; false where it is not held here. */
export function releaseReference(env: Env, id: number): boolean {
  if (!env.frame.releaseRef(id)) return false;
  env.cur.forEachReg((reg) => {
    if (reg.refObjId === id) env.invalidate(reg);
  });
  return true;
}

/** Says which references would leak at this exit; true where none does. */
export function checkReferenceLeak(env: Env, exception: boolean): boolean {
  const frame = exception ? env.cur.frameAt(0) : env.frame;
  if (!exception && frame.frameno && !frame.inCallback) return true;
  let ok = true;
  for (const ref of frame.refs) {
    if (!exception && frame.inCallback && ref.callbackRef !== frame.frameno) continue;
    env.say(`Unreleased reference id=${ref.id} alloc_insn=${ref.insnIdx}`);
    ok = false;
  }
  return ok;
}
