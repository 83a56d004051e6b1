/** Packet data: bounds come from comparisons with the packet's end (check_packet_access(), find_good_pkt_pointers()). */
import * as I from '../../isa/index.ts';
import type { Env } from '../env/env.ts';
import { PROG } from '../kinds.ts';
import { AT_PKT_END, BEYOND_PKT_END, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { VerifierState } from '../state/state.ts';
import { fits, NEGATIVE_MIN } from './region.ts';

const MAX_PACKET_OFF = 0xffffn;

/** Types whose packets are read-only. */
const readers: readonly number[] = [
  PROG.LWT_IN,
  PROG.LWT_OUT,
  PROG.LWT_SEG6LOCAL,
  PROG.SK_REUSEPORT,
  PROG.FLOW_DISSECTOR,
  PROG.CGROUP_SKB,
];
const writers: readonly number[] = [PROG.SCHED_CLS, PROG.SCHED_ACT, PROG.XDP, PROG.LWT_XMIT, PROG.SK_SKB, PROG.SK_MSG];

/** `may_access_direct_pkt_data`; `pktAccess`: of the helper that is to access it. */
export function mayAccessPacket(env: Env, write: boolean, pktAccess?: boolean): boolean {
  const { type } = env.input;
  if (readers.includes(type)) return !write && (pktAccess ?? true);
  if (writers.includes(type)) {
    if (pktAccess !== undefined) return pktAccess;
    env.seenDirectWrite = true;
    return true;
  }
  if (type === PROG.CGROUP_SOCKOPT) {
    if (write) env.seenDirectWrite = true;
    return true;
  }
  return false;
}

export function checkPacketAccess(env: Env, reg: Reg, regno: number, off: number, size: number, zeroOk: boolean): void {
  if (reg.v.sminHi < 0) env.fail('EACCES', `R${regno} ${NEGATIVE_MIN}`);
  const outside = `R${regno} offset is outside of the packet`;
  if (reg.range < 0) env.fail('EINVAL', outside);
  if (!fits(env, reg, regno, off, size, reg.range, zeroOk)) env.fail('EACCES', outside);
  env.maxPktOffset = Math.max(env.maxPktOffset, off + reg.v.umaxNumber + size - 1);
}

/** After a call that may move the packet. */
export function clearPacketPointers(env: Env): void {
  env.cur.forEachReg((reg) => {
    const slice = R.baseType(reg.type) === R.PTR_TO_MEM && (reg.type & (R.DYNPTR_TYPE_SKB | R.DYNPTR_TYPE_XDP)) !== 0;
    if (slice || R.isPacketPointerOrEnd(reg.type)) env.invalidate(reg);
  });
}

/** `dst` was found to lie within the packet: pointers of its id may reach as far. */
function learnRange(state: VerifierState, dst: Reg, type: number, openRange: boolean): void {
  const off = dst.off;
  if (off < 0 || (off === 0 && openRange)) return;
  const { umax } = dst.v;
  if (umax > MAX_PACKET_OFF || umax + BigInt(off) > MAX_PACKET_OFF) return;
  const range = openRange ? off + 1 : off;
  state.forEachReg((reg) => {
    if (reg.type === type && reg.id === dst.id) reg.range = Math.max(reg.range, range);
  });
}

/** Remembers which side of the end a pointer is on, so that the same test need not be repeated. */
function markPacketEnd(state: VerifierState, regno: number, openRange: boolean): void {
  const reg = state.frame.reg(regno);
  if (reg.type !== R.PTR_TO_PACKET) return;
  reg.range = openRange ? BEYOND_PKT_END : AT_PKT_END;
}

type Side = 'this' | 'other';
/** op → where `packet OP end` shows that the pointer is inside, and whether strictly */
const rules: Readonly<Record<number, { inside: Side; open: boolean }>> = {
  [I.BPF_JGT]: { inside: 'this', open: false },
  [I.BPF_JLT]: { inside: 'other', open: true },
  [I.BPF_JGE]: { inside: 'this', open: true },
  [I.BPF_JLE]: { inside: 'other', open: false },
};
const mirrored: Readonly<Record<number, number>> = {
  [I.BPF_JGT]: I.BPF_JLT,
  [I.BPF_JLT]: I.BPF_JGT,
  [I.BPF_JGE]: I.BPF_JLE,
  [I.BPF_JLE]: I.BPF_JGE,
};

const isStart = (reg: Reg): boolean => reg.type === R.PTR_TO_PACKET && reg.off === 0 && reg.v.isZero;

/** `try_match_pkt_pointers`: a comparison of a packet pointer with its end; false where it is none. */
export function matchPacketPointers(
  insn: I.Insn,
  dst: Reg,
  src: Reg | undefined,
  here: VerifierState,
  there: VerifierState,
): boolean {
  if (I.bpfSrc(insn.code) !== I.BPF_X || !src || I.bpfClass(insn.code) === I.BPF_JMP32) return false;
  const op = I.bpfOp(insn.code);
  const ends = (a: Reg, b: Reg): boolean =>
    (a.type === R.PTR_TO_PACKET && b.type === R.PTR_TO_PACKET_END) || (a.type === R.PTR_TO_PACKET_META && isStart(b));
  let [ptr, regno, rel] = [dst, insn.dst, op];
  if (!ends(dst, src)) {
    if (!ends(src, dst)) return false;
    [ptr, regno, rel] = [src, insn.src, mirrored[op] ?? op];
  }
  const rule = rules[rel];
  if (!rule) return false;
  const [inside, outside] = rule.inside === 'this' ? [here, there] : [there, here];
  learnRange(inside, ptr, ptr.type, rule.open);
  markPacketEnd(outside, regno, !rule.open);
  return true;
}

/** `is_pkt_ptr_branch_taken` */
export function decidePacket(dst: Reg, src: Reg, op: number): boolean | undefined {
  let pkt = dst;
  let rel = op;
  if (src.type !== R.PTR_TO_PACKET_END) {
    if (dst.type !== R.PTR_TO_PACKET_END) return undefined;
    pkt = src;
    rel = mirrored[op] ?? op;
  }
  if (pkt.range >= 0) return undefined;
  switch (rel) {
    case I.BPF_JLE:
    case I.BPF_JGT:
      return pkt.range === BEYOND_PKT_END ? rel === I.BPF_JGT : undefined;
    case I.BPF_JLT:
    case I.BPF_JGE:
      return pkt.range === BEYOND_PKT_END || pkt.range === AT_PKT_END ? rel === I.BPF_JGE : undefined;
    default:
      return undefined;
  }
}
