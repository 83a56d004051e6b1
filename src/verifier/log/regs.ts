/** Registers, slots and whole frames as the log shows them (kernel/bpf/log.c, print_verifier_state()). */
import type { Bounds } from '../domain/bounds.ts';
import { carry } from '../domain/pair.ts';
import { formatTnum, isUnknown } from '../domain/tnum.ts';
import { S32_MAX, S32_MIN } from '../domain/u64.ts';
import { ADD_CONST, LIVE_DONE, LIVE_READ, LIVE_WRITTEN, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { SLOT_CHARS, SLOT_SIZE, STACK_DYNPTR, STACK_INVALID, STACK_ITER, STACK_SPILL } from '../state/stack.ts';
import type { FuncState } from '../state/state.ts';

const hex = (hi: number, lo: number): string =>
  hi === 0 ? `0x${(lo >>> 0).toString(16)}` : `0x${(hi >>> 0).toString(16)}${(lo >>> 0).toString(16).padStart(8, '0')}`;
/** Decimal where it fits 16 bits, hexadecimal beyond. */
const unumText = (hi: number, lo: number): string => (hi === 0 && lo >= 0 && lo <= 65535 ? `${lo}` : hex(hi, lo));
const snumText = (hi: number, lo: number): string =>
  hi === lo >> 31 && lo >= -32768 && lo <= 32767 ? `${lo}` : hex(hi, lo);
/** An int32, sign-extended. */
const s32Text = (n: number): string => snumText(n >> 31, n);

const LIVENESS = Array.from(
  { length: 16 },
  (_, live) =>
    (live & (LIVE_READ | LIVE_WRITTEN | LIVE_DONE) ? '_' : '') +
    (live & LIVE_READ ? 'r' : '') +
    (live & LIVE_WRITTEN ? 'w' : '') +
    (live & LIVE_DONE ? 'D' : ''),
);
const liveness = (live: number): string => LIVENESS[live] as string;

/** A fixed offset on top of a constant one. */
function stackText(v: Bounds, off: number): string {
  const lo = (v.valueLo + off) | 0;
  return snumText((v.valueHi + (off >> 31) + carry(lo, off)) | 0, lo);
}

/** One end of a range, as it is printed: 32-bit values keep their sign only in decimal. */
interface End {
  readonly name: string;
  readonly signed: boolean;
  readonly hi: number;
  readonly lo: number;
}

/** smin, smax, umin, umax and their 32-bit forms, undefined where they say nothing. */
function endsOf(v: Bounds): (End | undefined)[] {
  const end = (name: string, hi: number, lo: number): End => ({ name, signed: name.startsWith('s'), hi, lo });
  const s32 = (name: string, n: number): End => end(name, n >= -32768 ? n >> 31 : 0, n);
  return [
    v.sminHi === S32_MIN && v.sminLo === 0 ? undefined : end('smin', v.sminHi, v.sminLo),
    v.smaxHi === S32_MAX && v.smaxLo === -1 ? undefined : end('smax', v.smaxHi, v.smaxLo),
    v.uminHi === 0 && v.uminLo === 0 ? undefined : end('umin', v.uminHi, v.uminLo),
    v.umaxHi === -1 && v.umaxLo === -1 ? undefined : end('umax', v.umaxHi, v.umaxLo),
    v.s32min === S32_MIN ? undefined : s32('smin32', v.s32min),
    v.s32max === S32_MAX ? undefined : s32('smax32', v.s32max),
    v.u32minBits === 0 ? undefined : end('umin32', 0, v.u32minBits),
    v.u32maxBits === -1 ? undefined : end('umax32', 0, v.u32maxBits),
  ];
}

/** `smin=smin32=0,smax=umax=15`: ranges that say something, equal ones joined. */
function ranges(v: Bounds): string[] {
  const ends = endsOf(v);
  const out: string[] = [];
  for (let n = 0; n < ends.length; n++) {
    const first = ends[n];
    if (!first) continue;
    let text = `${first.name}=`;
    for (let m = n + 2; m < ends.length; m += 2) {
      const other = ends[m];
      if (!other || other.hi !== first.hi || other.lo !== first.lo) continue;
      if ((other.signed && other.hi < 0) !== (first.signed && first.hi < 0)) continue;
      ends[m] = undefined;
      text += `${other.name}=`;
    }
    out.push(text + (first.signed ? snumText(first.hi, first.lo) : unumText(first.hi, first.lo)));
  }
  return out;
}

export const dynptrTypeText = (type: number): string => ['', 'local', 'ringbuf', 'skb', 'xdp'][type] || '<unknown>';
export const iterStateText = (state: number): string => ['<invalid>', 'active', 'drained'][state] ?? '<unknown>';
/** `bpf_iter_num` is printed without its prefix. */
export const iterTypeText = (name: string): string => name.replace(/^bpf_iter_/, '');

const btfName = (reg: Reg): string => (reg.btf && reg.btfId ? reg.btf.typeById(reg.btfId).name : '');

/** `print_reg_state` */
export function regText(reg: Reg, frameno: number): string {
  const { type, v } = reg;
  if (type === R.SCALAR_VALUE) {
    const precise = reg.precise ? 'P' : '';
    if (v.isConst) return precise + snumText(v.valueHi, v.valueLo);
    return `${precise}scalar(${details(reg)})`;
  }
  let head = R.typeText(type);
  if (type === R.PTR_TO_ARENA) return head;
  if (type === R.PTR_TO_STACK) {
    if (reg.frameno !== frameno) head += `[${reg.frameno}]`;
    if (v.isConst) return head + stackText(v, reg.off);
  }
  if (R.baseType(type) === R.PTR_TO_BTF_ID) head += btfName(reg);
  return `${head}(${details(reg)})`;
}

function details(reg: Reg): string {
  const { type, v } = reg;
  const parts: string[] = [];
  if (reg.id) {
    const linked = reg.id & ADD_CONST ? (reg.off < 0 ? `${reg.off}` : `+${reg.off}`) : '';
    parts.push(`id=${reg.id & ~ADD_CONST}${linked}`);
  }
  if (reg.refObjId) parts.push(`ref_obj_id=${reg.refObjId}`);
  if (R.isNonOwningRef(type)) parts.push('non_own_ref');
  if (R.isMapPointer(type) && reg.map) {
    if (reg.map.name) parts.push(`map=${reg.map.name}`);
    parts.push(`ks=${reg.map.keySize}`, `vs=${reg.map.valueSize}`);
  }
  if (type !== R.SCALAR_VALUE && reg.off) parts.push(`off=${s32Text(reg.off)}`);
  if (R.isPacketPointer(type)) parts.push(`r=${unumText(reg.range >> 31, reg.range)}`);
  if (R.baseType(type) === R.PTR_TO_MEM) parts.push(`sz=${unumText(0, reg.memSize)}`);
  if (type === R.CONST_PTR_TO_DYNPTR) parts.push(`type=${dynptrTypeText(reg.dynptrType)}`);
  if (v.isConst) {
    if (!v.isZero) parts.push(`imm=${snumText(v.valueHi, v.valueLo)}`);
  } else {
    parts.push(...ranges(v));
    if (!isUnknown(v.tnum)) parts.push(`var_off=${formatTnum(v.tnum)}`);
  }
  return parts.join(',');
}

/** What is to be printed of a frame: all of it, or what changed. */
export interface Selection {
  readonly regs: number;
  /** slots 0..31 and 32..63 */
  readonly slotsLow: number;
  readonly slotsHigh: number;
}
export const ALL: Selection = { regs: -1, slotsLow: -1, slotsHigh: -1 };

const slotSelected = (s: Selection, spi: number): boolean =>
  ((spi < 32 ? s.slotsLow >>> spi : s.slotsHigh >>> (spi - 32)) & 1) === 1;

/** A frame's line, from its leading blank (or `frame1:`) to the line end. */
export function frameText(frame: FuncState, select: Selection): string {
  let out = frame.frameno ? ` frame${frame.frameno}:` : '';
  for (let i = 0; i < frame.regs.length; i++) {
    const reg = frame.reg(i);
    if (reg.type === R.NOT_INIT || !((select.regs >>> i) & 1)) continue;
    out += ` R${i}${liveness(reg.live)}=${regText(reg, frame.frameno)}`;
  }
  const slots = (select.slotsLow | select.slotsHigh) === 0 ? 0 : frame.stack.length;
  for (let spi = 0; spi < slots; spi++) {
    if (!slotSelected(select, spi)) continue;
    const slot = frame.slot(spi);
    if (slot.isAll(STACK_INVALID)) continue;
    let types = '';
    let spilled = -1;
    for (let n = 0; n < SLOT_SIZE; n++) {
      if (spilled < 0 && slot.typeAt(n) === STACK_SPILL) spilled = n;
      types += SLOT_CHARS[slot.typeAt(n)];
    }
    let reg = slot.reg;
    const at = (n: number): string => ` fp${-(n + 1) * SLOT_SIZE}${liveness(reg.live)}=`;
    switch (slot.last) {
      case STACK_SPILL:
        out += at(spi) + types.slice(0, spilled) + regText(reg, frame.frameno);
        break;
      case STACK_DYNPTR: {
        spi++;
        reg = frame.slot(spi).reg;
        const parts: string[] = [];
        if (reg.id) parts.push(`id=${reg.id}`);
        if (reg.refObjId) parts.push(`ref_id=${reg.refObjId}`);
        // the field shares its place with the mark of the first slot
        if (reg.dynptrFirst) parts.push('dynptr_id=1');
        out += `${at(spi)}dynptr_${dynptrTypeText(reg.dynptrType)}(${parts.join(',')})`;
        break;
      }
      case STACK_ITER:
        if (!reg.refObjId) break;
        out += `${at(spi)}iter_${iterTypeText(btfName(reg))}(ref_id=${reg.refObjId},state=${iterStateText(reg.iterState)},depth=${reg.iterDepth})`;
        break;
      default:
        out += at(spi) + types;
    }
  }
  if (frame.refs.length > 0 && frame.refs[0]?.id) out += ` refs=${frame.refs.map((r) => r.id).join(',')}`;
  if (frame.inCallback) out += ' cb';
  if (frame.inAsyncCallback) out += ' async_cb';
  return `${out}\n`;
}
