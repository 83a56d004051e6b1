/** `struct bpf_reg_state`: one register, or one spilled stack slot. */
import type { Btf } from '../../btf/index.ts';
import { type Bounds, known, knownImm, sameBounds, UNKNOWN, ZERO } from '../domain/bounds.ts';
import { formatTnum } from '../domain/tnum.ts';
import type { MapFacts } from '../kernel.ts';
import { NOT_INIT, SCALAR_VALUE } from './regtype.ts';

export const LIVE_NONE = 0;
export const LIVE_READ32 = 1;
export const LIVE_READ64 = 2;
export const LIVE_READ = LIVE_READ32 | LIVE_READ64;
export const LIVE_WRITTEN = 4;
export const LIVE_DONE = 8;

/** In `id`: the register is its linked one plus the constant in `off`. */
export const ADD_CONST = 0x8000_0000 | 0;
/** In `range`: a packet pointer compared equal to, or beyond, the packet's end. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;
/** In `subregDef`: the whole register was defined. */
export const DEF_NOT_SUBREG = 0;

export const ITER_INVALID = 0;
export const ITER_ACTIVE = 1;
export const ITER_DRAINED = 2;

export const DYNPTR_INVALID = 0;
export const DYNPTR_LOCAL = 1;
export const DYNPTR_RINGBUF = 2;
export const DYNPTR_SKB = 3;
export const DYNPTR_XDP = 4;

/** Fields are declared only: the constructor gives each its one first value, as this is made by the million. */
export class Reg {
  declare type: number;
  /** fixed part of a pointer's offset, s32; of a linked scalar with ADD_CONST, its distance */
  declare off: number;
  /** packet pointers: bytes known to be there */
  declare range: number;
  /** map pointers, map values and keys */
  declare map: MapFacts | undefined;
  /** which lookup of an inner map gave it */
  declare mapUid: number;
  /** PTR_TO_BTF_ID, iterators */
  declare btf: Btf | undefined;
  declare btfId: number;
  /** PTR_TO_MEM */
  declare memSize: number;
  declare dynptrId: number;
  declare dynptrType: number;
  declare dynptrFirst: boolean;
  declare iterState: number;
  declare iterDepth: number;
  declare subprog: number;
  /** scalars: the value; pointers: the variable part of the offset */
  declare v: Bounds;
  declare id: number;
  declare refObjId: number;
  /** the same register in the state from which this one grew */
  declare parent: Reg | undefined;
  /** PTR_TO_STACK: which frame's stack */
  declare frameno: number;
  /** instruction + 1 that last wrote the low half only */
  declare subregDef: number;
  declare live: number;
  declare precise: boolean;

  /** A copy, links included, or what is not initialised. */
  constructor(from?: Reg) {
    if (from === undefined) {
      this.type = NOT_INIT;
      this.off = 0;
      this.range = 0;
      this.map = undefined;
      this.mapUid = 0;
      this.btf = undefined;
      this.btfId = 0;
      this.memSize = 0;
      this.dynptrId = 0;
      this.dynptrType = DYNPTR_INVALID;
      this.dynptrFirst = false;
      this.iterState = ITER_INVALID;
      this.iterDepth = 0;
      this.subprog = 0;
      this.v = ZERO;
      this.id = 0;
      this.refObjId = 0;
      this.parent = undefined;
      this.frameno = 0;
      this.subregDef = 0;
      this.live = LIVE_NONE;
      this.precise = false;
    } else {
      this.type = from.type;
      this.off = from.off;
      this.range = from.range;
      this.map = from.map;
      this.mapUid = from.mapUid;
      this.btf = from.btf;
      this.btfId = from.btfId;
      this.memSize = from.memSize;
      this.dynptrId = from.dynptrId;
      this.dynptrType = from.dynptrType;
      this.dynptrFirst = from.dynptrFirst;
      this.iterState = from.iterState;
      this.iterDepth = from.iterDepth;
      this.subprog = from.subprog;
      this.v = from.v;
      this.id = from.id;
      this.refObjId = from.refObjId;
      this.parent = from.parent;
      this.frameno = from.frameno;
      this.subregDef = from.subregDef;
      this.live = from.live;
      this.precise = from.precise;
    }
  }

  /** Everything that describes the value, without liveness links. */
  assignValue(from: Reg): void {
    this.type = from.type;
    this.off = from.off;
    this.range = from.range;
    this.map = from.map;
    this.mapUid = from.mapUid;
    this.btf = from.btf;
    this.btfId = from.btfId;
    this.memSize = from.memSize;
    this.dynptrId = from.dynptrId;
    this.dynptrType = from.dynptrType;
    this.dynptrFirst = from.dynptrFirst;
    this.iterState = from.iterState;
    this.iterDepth = from.iterDepth;
    this.subprog = from.subprog;
    this.v = from.v;
    this.id = from.id;
    this.refObjId = from.refObjId;
    this.frameno = from.frameno;
    this.precise = from.precise;
  }

  /** `*this = *from`, links included. */
  assign(from: Reg): this {
    this.assignValue(from);
    this.parent = from.parent;
    this.subregDef = from.subregDef;
    this.live = from.live;
    return this;
  }

  /** `copy_register_state`: the value moves, the place keeps its own liveness chain. */
  copyFrom(from: Reg): void {
    const { parent, live } = this;
    this.assign(from);
    this.parent = parent;
    this.live = live;
  }

  clone(): Reg {
    return new Reg(this);
  }

  /** Forgets everything but the place's own links. */
  clear(): void {
    this.type = NOT_INIT;
    this.clearPointer();
    this.v = UNKNOWN;
    this.frameno = 0;
    this.precise = false;
  }

  /** Fields that say what is pointed to. */
  clearPointer(): void {
    this.off = 0;
    this.range = 0;
    this.map = undefined;
    this.mapUid = 0;
    this.btf = undefined;
    this.btfId = 0;
    this.memSize = 0;
    this.dynptrId = 0;
    this.dynptrType = DYNPTR_INVALID;
    this.dynptrFirst = false;
    this.iterState = ITER_INVALID;
    this.iterDepth = 0;
    this.subprog = 0;
    this.id = 0;
    this.refObjId = 0;
  }

  /** `__mark_reg_known`: the value, the type kept, ids dropped. */
  markKnown(value: bigint): void {
    this.clearPointer();
    this.v = known(value);
  }

  markConst(imm: number): void {
    this.markKnownScalar(knownImm(imm));
  }

  markKnownScalar(v: Bounds): void {
    this.clearPointer();
    this.type = SCALAR_VALUE;
    this.v = v;
  }

  /** `__mark_reg_const_zero` is `markKnownScalar(ZERO)` with this precision. */
  markUnknownImprecise(): void {
    this.clear();
    this.type = SCALAR_VALUE;
    this.v = UNKNOWN;
  }

  get isScalarZero(): boolean {
    return this.type === SCALAR_VALUE && this.v === ZERO;
  }
  /** `register_is_null` */
  get isNull(): boolean {
    return this.type === SCALAR_VALUE && this.v.isZero;
  }
  get isConstScalar(): boolean {
    return this.type === SCALAR_VALUE && this.v.isConst;
  }
  get varOff(): string {
    return formatTnum(this.v.tnum);
  }
}

/** Whether two registers point to the same: memcmp up to var_off. */
export function samePointee(a: Reg, b: Reg): boolean {
  return (
    a.type === b.type &&
    a.off === b.off &&
    a.range === b.range &&
    a.map === b.map &&
    a.mapUid === b.mapUid &&
    a.btf === b.btf &&
    a.btfId === b.btfId &&
    a.memSize === b.memSize &&
    a.dynptrId === b.dynptrId &&
    a.subprog === b.subprog
  );
}

/** Whether two registers hold the same description, apart from liveness (memcmp up to `id`, and beyond up to `parent`). */
export function sameValueUpToId(a: Reg, b: Reg): boolean {
  return (
    samePointee(a, b) &&
    a.dynptrType === b.dynptrType &&
    a.dynptrFirst === b.dynptrFirst &&
    a.iterState === b.iterState &&
    a.iterDepth === b.iterDepth &&
    sameBounds(a.v, b.v)
  );
}
