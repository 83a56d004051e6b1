/** Marking scalars: constant zero, identities that link copies of one value. */
import { ZERO } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import { ADD_CONST, type Reg } from './reg.ts';
import { SCALAR_VALUE } from './regtype.ts';

/** `__mark_reg_const_zero` */
export function markConstZero(env: Env, reg: Reg): void {
  reg.markKnownScalar(ZERO);
  reg.precise = !env.bpfCapable;
}

/** `assign_scalar_id_before_mov`: copies of an unknown value share an id, so that a test of one narrows all. */
export function assignScalarId(env: Env, reg: Reg): void {
  if (reg.type !== SCALAR_VALUE) return;
  if (reg.id & ADD_CONST) {
    reg.id = 0;
    reg.off = 0;
  }
  if (!reg.id && !reg.v.isConst) reg.id = ++env.idGen;
}
