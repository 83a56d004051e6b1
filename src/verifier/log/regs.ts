/** Registers, slots and whole frames as the log shows them (kernel/bpf/log.c, print_verifier_state()). */
import type { Bounds } from '../domain/bounds.ts';
import { formatTnum, isUnknown } from '../domain/tnum.ts';
import { S32_MAX, S32_MIN, S64_MAX, S64_MIN, s64, U32_MAX, U64_MAX, u64 } from '../domain/u64.ts';
import { ADD_CONST, LIVE_DONE, LIVE_READ, LIVE_WRITTEN, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { SLOT_CHARS, SLOT_SIZE, STACK_DYNPTR, STACK_INVALID, STACK_ITER, STACK_SPILL } from '../state/stack.ts';
import type { FuncState } from '../state/state.ts';

/** Decimal where it fits 16 bits, hexadecimal beyond. */
export const unum = (n: bigint): string => (n <= 65535n ? `${n}` : `0x${n.toString(16)}`);
export const snum = (n: bigint): string => (n >= -32768n && n <= 32767n ? `${n}` : `0x${u64(n).toString(16)}`);

const liveness = (live: number): string =>
  (live & (LIVE_READ | LIVE_WRITTEN | LIVE_DONE) ? '_' : '') +
  (live & LIVE_READ ? 'r' : '') +
  (live & LIVE_WRITTEN ? 'w' : '') +
  (live & LIVE_DONE ? 'D' : '');

/** 32-bit values keep their sign only in decimal. */
const snum32 = (n: number): bigint => (n >= -32768 && n <= 32767 ? BigInt(n) : BigInt(n >>> 0));

/** `smin=smin32=0,smax=umax=15`: ranges that say something, equal ones joined. */
function ranges(v: Bounds): string[] {
  const all: { name: string; value: bigint; omit: boolean }[] = [
    { name: 'smin', value: v.smin, omit: v.smin === S64_MIN },
    { name: 'smax', value: v.smax, omit: v.smax === S64_MAX },
    { name: 'umin', value: s64(v.umin), omit: v.umin === 0n },
    { name: 'umax', value: s64(v.umax), omit: v.umax === U64_MAX },
    { name: 'smin32', value: snum32(v.s32min), omit: v.s32min === S32_MIN },
    { name: 'smax32', value: snum32(v.s32max), omit: v.s32max === S32_MAX },
    { name: 'umin32', value: BigInt(v.u32min), omit: v.u32min === 0 },
    { name: 'umax32', value: BigInt(v.u32max), omit: v.u32max === U32_MAX },
  ];
  const out: string[] = [];
  all.forEach((first, n) => {
    if (first.omit) return;
    const signed = first.name.startsWith('s');
    let text = `${first.name}=`;
    for (let m = n + 2; m < all.length; m += 2) {
      const other = all[m] as (typeof all)[number];
      if (other.omit || other.value !== first.value) continue;
      if ((other.name.startsWith('s') && other.value < 0n) !== (signed && first.value < 0n)) continue;
      other.omit = true;
      text += `${other.name}=`;
    }
    out.push(text + (signed ? snum(first.value) : unum(u64(first.value))));
  });
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
    if (v.isConst) return precise + snum(s64(v.tnum.value));
    return `${precise}scalar(${details(reg)})`;
  }
  let head = R.typeText(type);
  if (type === R.PTR_TO_ARENA) return head;
  if (type === R.PTR_TO_STACK) {
    if (reg.frameno !== frameno) head += `[${reg.frameno}]`;
    if (v.isConst) return head + snum(s64(v.tnum.value + BigInt(reg.off)));
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
  if (type !== R.SCALAR_VALUE && reg.off) parts.push(`off=${snum(BigInt(reg.off))}`);
  if (R.isPacketPointer(type)) parts.push(`r=${unum(u64(BigInt(reg.range)))}`);
  if (R.baseType(type) === R.PTR_TO_MEM) parts.push(`sz=${unum(BigInt(reg.memSize))}`);
  if (type === R.CONST_PTR_TO_DYNPTR) parts.push(`type=${dynptrTypeText(reg.dynptrType)}`);
  if (v.isConst) {
    if (v.tnum.value) parts.push(`imm=${snum(s64(v.tnum.value))}`);
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
  for (let spi = 0; spi < frame.stack.length; spi++) {
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
