/**
 * Spills and fills around calls that clobber nothing but R0 (mark_fastcall_patterns()): they are
 * removed after the walk, if the program touches those slots nowhere else.
 */
import * as I from '../../isa/index.ts';
import { isAllowed, kfuncOf } from '../calls/kfunc/table.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import type { FuncState } from '../state/state.ts';
import { isHelperCall, isKfuncCall, subprogEnd } from './subprogs.ts';

const CALLER_SAVED = 0b111111;

/** Helpers that become instructions which leave those registers alone (verifier_inlines_helper_call()). */
const inlined: ReadonlySet<string> = new Set(['get_smp_processor_id']);
const fastKfuncs = new Set(['bpf_cast_to_kern_ctx', 'bpf_rdonly_cast']);

interface Call {
  /** R0 to R5 as bits */
  readonly clobbered: number;
  /** the pairs around it can go: the registers survive anyway */
  readonly survives: boolean;
}

const argBits = (count: number): number => ((1 << count) - 1) << 1;

/** Registers that the call at `idx` needs; undefined where it is no call of the kernel, or one that will be refused. */
function callAt(env: Env, idx: number): Call | undefined {
  const insn = env.insn(idx);
  if (isHelperCall(insn)) {
    const found = env.kernel.helper(insn.imm, env.input.type, env.input.expectedAttachType);
    if (!found.ok) return undefined;
    const { proto } = found;
    let clobbered = proto.ret === 'RET_VOID' ? 0 : 1;
    proto.args.forEach((arg, n) => {
      if (arg.type !== 'ARG_DONTCARE') clobbered |= 2 << n;
    });
    return { clobbered, survives: proto.fastcall === true && inlined.has(proto.name) };
  }
  const desc = isKfuncCall(insn) ? kfuncOf(env, insn) : undefined;
  if (!desc || !isAllowed(desc)) return undefined;
  const { proto } = desc;
  const clobbered = (proto.type === 0 ? 0 : 1) | argBits(proto.params.length);
  return { clobbered, survives: fastKfuncs.has(desc.facts.name) };
}

const SPILL = I.BPF_STX | I.BPF_MEM | I.BPF_DW;
const FILL = I.BPF_LDX | I.BPF_MEM | I.BPF_DW;

function markAround(env: Env, subprog: Subprog, idx: number, lowest: number): void {
  const call = callAt(env, idx);
  let wanted = call ? CALLER_SAVED & ~call.clobbered : 0;
  if (!call || !wanted) return;
  let off = lowest;
  let pairs = 0;
  for (; pairs < 6; pairs++, off += 8) {
    const spill = env.insns[idx - pairs - 1];
    const fill = env.insns[idx + pairs + 1];
    if (spill?.code !== SPILL || fill?.code !== FILL) break;
    if (spill.dst !== I.BPF_REG_FP || fill.src !== I.BPF_REG_FP || spill.src !== fill.dst) break;
    if (!((wanted >> spill.src) & 1) || spill.off !== off || fill.off !== off) break;
    wanted &= ~(1 << spill.src);
    env.auxAt(idx - pairs - 1).fastcallPattern = true;
    env.auxAt(idx + pairs + 1).fastcallPattern = true;
  }
  if (pairs === 0) return;
  // a later kernel may inline what this one calls: the pattern is known, but stays
  if (call.survives) env.auxAt(idx).fastcallSpills = pairs;
  else subprog.keepFastcallStack = true;
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
    for (let idx = subprog.start; idx < end; idx++) markAround(env, subprog, idx, lowest);
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
