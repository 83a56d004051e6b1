/** Data movement and the stack (Intel SDM vol. 1, 7.3.1; vol. 2A "ENTER", vol. 2B "MOV", "POP", "PUSH", "XCHG"). */

import { PREFIX } from '../../x86/index.ts';
import { conditionHandlers } from './conditions.ts';
import { type Context, type Handler, MEM, type Step } from './context.ts';

function push(x: Context, s: Step): 0 {
  let lo = x.read(s, 0);
  const { hi } = x;
  if (s.size !== 2 || s.sizes[0] !== 2) {
    x.push64(lo, hi);
    return 0;
  }
  lo &= 0xffff;
  const { r } = x;
  const sp = r[8] as number;
  const newLo = (sp - 2) | 0;
  const newHi = ((r[9] as number) - (sp >>> 0 < 2 ? 1 : 0)) | 0;
  x.memory.store16(newLo, newHi, lo);
  r[8] = newLo;
  r[9] = newHi;
  return 0;
}

/** A memory destination's address counts rsp after the pop. */
function pop(x: Context, s: Step): 0 {
  const { r } = x;
  const spLo = r[8] as number;
  const spHi = r[9] as number;
  const size = s.sizes[0] as number;
  const lo = x.load(spLo, spHi, size);
  const { hi } = x;
  x.addRsp(size);
  if (s.kinds[0] === MEM) {
    try {
      x.write(s, 0, lo, hi);
    } catch (error) {
      r[8] = spLo;
      r[9] = spHi;
      throw error;
    }
  } else x.write(s, 0, lo, hi);
  return 0;
}

/** enter imm16, imm8 with any nesting level. */
function enter(x: Context, s: Step): 0 {
  const { r } = x;
  const level = s.insn.imm2 & 31;
  const saved = [r[8] as number, r[9] as number, r[10] as number, r[11] as number];
  try {
    // the last byte of the new frame must be writable, as the store of a following push would find
    x.push64(saved[2] as number, saved[3] as number);
    const frameLo = r[8] as number;
    const frameHi = r[9] as number;
    if (level > 0) {
      for (let i = 1; i < level; i++) {
        const old = (saved[2] as number) >>> 0;
        const at = old - 8 * i;
        const lo = x.load(at | 0, at < 0 ? ((saved[3] as number) - 1) | 0 : (saved[3] as number), 8);
        x.push64(lo, x.hi);
      }
      x.push64(frameLo, frameHi);
    }
    const sp = (r[8] as number) >>> 0;
    const size = s.insn.immLo & 0xffff;
    const newLo = (sp - size) | 0;
    const newHi = ((r[9] as number) - (sp < size ? 1 : 0)) | 0;
    x.probeAt(newLo, newHi, 1);
    r[8] = newLo;
    r[9] = newHi;
    r[10] = frameLo;
    r[11] = frameHi;
  } catch (error) {
    r[8] = saved[0] as number;
    r[9] = saved[1] as number;
    throw error;
  }
  return 0;
}

function leave(x: Context): 0 {
  const { r } = x;
  const lo = x.load(r[10] as number, r[11] as number, 8);
  const { hi } = x;
  r[8] = r[10] as number;
  r[9] = r[11] as number;
  x.addRsp(8);
  r[10] = lo;
  r[11] = hi;
  return 0;
}

function xchg(x: Context, s: Step): 0 {
  x.probe(s, 0);
  const aLo = x.read(s, 0);
  const aHi = x.hi;
  const bLo = x.read(s, 1);
  const bHi = x.hi;
  x.write(s, 0, bLo, bHi); // first: a memory address may use the register
  x.write(s, 1, aLo, aHi);
  return 0;
}

const nothing: Handler = () => 0;

const touch: Handler = (x, s) => {
  x.read(s, 0);
  return 0;
};

export const moveHandlers: Readonly<Record<string, Handler>> = {
  ...conditionHandlers,
  mov: (x, s) => {
    const lo = x.read(s, 1);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
  lea: (x, s) => {
    const lo = x.effective(s);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
  xchg,
  push,
  pop,
  enter,
  leave,
  xlatb: (x, s) => {
    const { r } = x;
    const sum = ((r[6] as number) >>> 0) + ((r[0] as number) & 0xff);
    let lo = sum | 0;
    let hi = ((r[7] as number) + (sum > 0xffffffff ? 1 : 0)) | 0;
    if (s.insn.prefixes & PREFIX.ADDRSIZE) hi = 0;
    if (s.insn.segment !== 0) {
      lo = x.addSegment(s.insn.segment, lo, hi);
      hi = x.hi;
    }
    x.setReg(0, 1, x.load(lo, hi, 1), 0);
    return 0;
  },
  // a store that is not to stay in the cache is a store
  movnti: (x, s) => {
    const lo = x.read(s, 1);
    x.write(s, 0, lo, x.hi);
    return 0;
  },
  nop: nothing,
  pause: nothing,
  endbr64: nothing,
  endbr32: nothing,
  prefetch: nothing,
  prefetchw: nothing,
  prefetchwt1: nothing,
  prefetchnta: nothing,
  prefetcht0: nothing,
  prefetcht1: nothing,
  prefetcht2: nothing,
  lfence: nothing,
  mfence: nothing,
  sfence: nothing,
  // cache control is checked as a load of the line
  clflush: touch,
  clflushopt: touch,
  clwb: touch,
};
