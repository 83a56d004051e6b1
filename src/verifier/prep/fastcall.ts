/**
 * Spills and fills around calls that clobber nothing but R0 (mark_fastcall_patterns()): they are
 * removed after the walk, if the program touches those slots nowhere else.
 */
import * as I from '../../isa/index.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import type { FuncState } from '../state/state.ts';
import { isHelperCall, isKfuncCall, subprogEnd } from './subprogs.ts';

const CALLER_SAVED = 0b111111;

/** Helpers that are inlined here, with the registers that they still clobber. */
const inlined: ReadonlyMap<string, number> = new Map([['get_smp_processor_id', 0]]);
const fastKfuncs = new Set(['bpf_cast_to_kern_ctx', 'bpf_rdonly_cast']);

/** Registers that the call at `idx` leaves alone, 0 where it is no such call. */
function preserved(env: Env, idx: number): number {
  const insn = env.insn(idx);
  if (isHelperCall(insn)) {
    const args = inlined.get(env.kernel.helperName(insn.imm));
    if (args === undefined) return 0;
    return CALLER_SAVED & ~1;
  }
  if (isKfuncCall(insn)) {
    const kfunc = env.kfuncAt(insn);
    if (kfunc && fastKfuncs.has(kfunc.name)) {
      const params = env.kfuncs.get(`${insn.imm}:${insn.off}`)?.proto.params.length ?? 0;
      let clobbered = 1;
      for (let n = 1; n <= params; n++) clobbered |= 1 << n;
      return CALLER_SAVED & ~clobbered;
    }
  }
  return 0;
}

const SPILL = I.BPF_STX | I.BPF_MEM | I.BPF_DW;
const FILL = I.BPF_LDX | I.BPF_MEM | I.BPF_DW;

function markAround(env: Env, subprog: Subprog, end: number, call: number, lowest: number): void {
  let wanted = preserved(env, call);
  if (!wanted) return;
  let off = lowest;
  let pairs = 0;
  for (let n = 1; call - n >= subprog.start && call + n < end; n++) {
    const spill = env.insn(call - n);
    const fill = env.insn(call + n);
    if (spill.code !== SPILL || fill.code !== FILL || spill.dst !== I.BPF_REG_FP || fill.src !== I.BPF_REG_FP) break;
    if (spill.src !== fill.dst || spill.off !== fill.off || spill.off !== off || off % 8 !== 0) break;
    if (!((wanted >> spill.src) & 1)) break;
    wanted &= ~(1 << spill.src);
    env.auxAt(call - n).fastcallPattern = true;
    env.auxAt(call + n).fastcallPattern = true;
    pairs++;
    off += 8;
  }
  if (pairs === 0) return;
  env.auxAt(call).fastcallSpills = pairs;
  subprog.fastcallStackOff = Math.min(subprog.fastcallStackOff, off);
}

export function markFastcalls(env: Env): void {
  env.subprogs.forEach((subprog, n) => {
    const end = subprogEnd(env, n);
    let lowest = 0;
    for (let idx = subprog.start; idx < end; idx++) {
      const insn = env.insn(idx);
      if (insn.code === SPILL && insn.dst === I.BPF_REG_FP) lowest = Math.min(lowest, insn.off);
    }
    // only patterns at the bottom of the stack can be taken away
    for (let idx = subprog.start; idx < end; idx++) markAround(env, subprog, end, idx, lowest);
  });
}

/** Any other access to those slots ends the contract for the whole function. */
export function checkFastcallContract(env: Env, frame: FuncState, insnIdx: number, off: number): void {
  const subprog = env.subprogs[frame.subprogno];
  if (!subprog || subprog.fastcallStackOff <= off || env.auxAt(insnIdx).fastcallPattern) return;
  subprog.fastcallStackOff = -0x8000;
  env.aux.forEach((aux, n) => {
    if (n >= subprog.start && n < subprogEnd(env, frame.subprogno)) {
      aux.fastcallPattern = false;
      aux.fastcallSpills = 0;
    }
  });
}
