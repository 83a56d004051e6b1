/** Scalars that are copies of one another, or differ by a constant: what is learned of one holds for all. */

import { addBits, addRanges64 } from '../domain/alu.ts';
import { type Bounds, knownHalves } from '../domain/bounds.ts';
import { S32_MAX, S32_MIN, U32_MAX } from '../domain/u64.ts';
import type { LinkedReg } from '../state/history.ts';
import { ADD_CONST, type Reg } from '../state/reg.ts';
import { SCALAR_VALUE } from '../state/regtype.ts';
import type { VerifierState } from '../state/state.ts';

const MAX_LINKED = 6;
const FP = 10;

/** Places whose scalar has the id; where there are too many, the rest lose it. */
export function collectLinked(state: VerifierState, id: number, out: LinkedReg[]): void {
  const wanted = id & ~ADD_CONST;
  for (let f = state.curframe; f >= 0; f--) {
    const frame = state.frameAt(f);
    for (let n = 0; n < FP; n++) {
      const reg = frame.reg(n);
      if ((reg.id & ~ADD_CONST) === wanted) take(reg, f, true, n, out);
    }
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const slot = frame.slot(spi);
      if ((slot.reg.id & ~ADD_CONST) === wanted && slot.isSpilled) take(slot.reg, f, false, spi, out);
    }
  }
}

function take(reg: Reg, frameno: number, isReg: boolean, index: number, out: LinkedReg[]): void {
  if (reg.type !== SCALAR_VALUE) return;
  if (out.length < MAX_LINKED) out.push({ frameno, isReg, index });
  else reg.id = 0;
}

/** Adds a signed distance without tightening the result. */
function shift(v: Bounds, delta: number): Bounds {
  const d = v.copy();
  const k = knownHalves(Math.floor(delta / 2 ** 32), delta | 0);
  const s32 = (x: number): boolean => x >= S32_MIN && x <= S32_MAX;
  const lo = d.s32min + k.s32min;
  const hi = d.s32max + k.s32max;
  d.s32min = s32(lo) && s32(hi) ? lo : S32_MIN;
  d.s32max = s32(lo) && s32(hi) ? hi : S32_MAX;
  const ulo = d.u32min + k.u32min;
  const uhi = d.u32max + k.u32max;
  d.u32min = uhi <= U32_MAX ? ulo : 0;
  d.u32max = Math.min(uhi, U32_MAX);
  addRanges64(d, k);
  addBits(d, k);
  return d;
}

/** Gives all linked places what is now known of one of them. */
export function syncLinked(state: VerifierState, from: Reg, linked: readonly LinkedReg[]): void {
  for (const place of linked) {
    const frame = state.frameAt(place.frameno);
    const reg = place.isReg ? frame.reg(place.index) : frame.slot(place.index).reg;
    if (reg.type !== SCALAR_VALUE || reg === from) continue;
    if ((reg.id & ~ADD_CONST) !== (from.id & ~ADD_CONST)) continue;
    const { subregDef, off, id } = reg;
    const apart = ((reg.id | from.id) & ADD_CONST) !== 0 && off !== from.off;
    reg.copyFrom(from);
    reg.subregDef = subregDef;
    if (!apart) continue;
    reg.off = off;
    reg.id = id;
    reg.v = shift(from.v, off - from.off);
  }
}
