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

/** What a pointer or an object on the stack is of. A published one is never changed: a register that learns more gets its own. */
class Pointee {
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

  constructor(from?: Pointee) {
    this.map = from === undefined ? undefined : from.map;
    this.mapUid = from === undefined ? 0 : from.mapUid;
    this.btf = from === undefined ? undefined : from.btf;
    this.btfId = from === undefined ? 0 : from.btfId;
    this.memSize = from === undefined ? 0 : from.memSize;
    this.dynptrId = from === undefined ? 0 : from.dynptrId;
    this.dynptrType = from === undefined ? DYNPTR_INVALID : from.dynptrType;
    this.dynptrFirst = from === undefined ? false : from.dynptrFirst;
    this.iterState = from === undefined ? ITER_INVALID : from.iterState;
    this.iterDepth = from === undefined ? 0 : from.iterDepth;
    this.subprog = from === undefined ? 0 : from.subprog;
  }
}
const NO_POINTEE = new Pointee();

/** Fields are declared only: the constructor gives each its one first value, as this is made by the million. */
export class Reg {
  declare type: number;
  /** fixed part of a pointer's offset, s32; of a linked scalar with ADD_CONST, its distance */
  declare off: number;
  /** packet pointers: bytes known to be there */
  declare range: number;
  /** what is pointed to; shared by copies */
  declare pointee: Pointee;
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
      this.pointee = NO_POINTEE;
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
      this.pointee = from.pointee;
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
    this.pointee = from.pointee;
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
    this.pointee = NO_POINTEE;
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

  private ownPointee(): Pointee {
    this.pointee = new Pointee(this.pointee);
    return this.pointee;
  }
  get map(): MapFacts | undefined {
    return this.pointee.map;
  }
  set map(map: MapFacts | undefined) {
    if (this.pointee.map !== map) this.ownPointee().map = map;
  }
  get mapUid(): number {
    return this.pointee.mapUid;
  }
  set mapUid(mapUid: number) {
    if (this.pointee.mapUid !== mapUid) this.ownPointee().mapUid = mapUid;
  }
  get btf(): Btf | undefined {
    return this.pointee.btf;
  }
  set btf(btf: Btf | undefined) {
    if (this.pointee.btf !== btf) this.ownPointee().btf = btf;
  }
  get btfId(): number {
    return this.pointee.btfId;
  }
  set btfId(btfId: number) {
    if (this.pointee.btfId !== btfId) this.ownPointee().btfId = btfId;
  }
  get memSize(): number {
    return this.pointee.memSize;
  }
  set memSize(memSize: number) {
    if (this.pointee.memSize !== memSize) this.ownPointee().memSize = memSize;
  }
  get dynptrId(): number {
    return this.pointee.dynptrId;
  }
  set dynptrId(dynptrId: number) {
    if (this.pointee.dynptrId !== dynptrId) this.ownPointee().dynptrId = dynptrId;
  }
  get dynptrType(): number {
    return this.pointee.dynptrType;
  }
  set dynptrType(dynptrType: number) {
    if (this.pointee.dynptrType !== dynptrType) this.ownPointee().dynptrType = dynptrType;
  }
  get dynptrFirst(): boolean {
    return this.pointee.dynptrFirst;
  }
  set dynptrFirst(dynptrFirst: boolean) {
    if (this.pointee.dynptrFirst !== dynptrFirst) this.ownPointee().dynptrFirst = dynptrFirst;
  }
  get iterState(): number {
    return this.pointee.iterState;
  }
  set iterState(iterState: number) {
    if (this.pointee.iterState !== iterState) this.ownPointee().iterState = iterState;
  }
  get iterDepth(): number {
    return this.pointee.iterDepth;
  }
  set iterDepth(iterDepth: number) {
    if (this.pointee.iterDepth !== iterDepth) this.ownPointee().iterDepth = iterDepth;
  }
  get subprog(): number {
    return this.pointee.subprog;
  }
  set subprog(subprog: number) {
    if (this.pointee.subprog !== subprog) this.ownPointee().subprog = subprog;
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

const samePointer = (a: Pointee, b: Pointee): boolean =>
  a.map === b.map &&
  a.mapUid === b.mapUid &&
  a.btf === b.btf &&
  a.btfId === b.btfId &&
  a.memSize === b.memSize &&
  a.dynptrId === b.dynptrId &&
  a.subprog === b.subprog;

const sameObject = (a: Pointee, b: Pointee): boolean =>
  a.dynptrType === b.dynptrType &&
  a.dynptrFirst === b.dynptrFirst &&
  a.iterState === b.iterState &&
  a.iterDepth === b.iterDepth;

/** Whether two registers point to the same: memcmp up to var_off. */
export const samePointee = (a: Reg, b: Reg): boolean =>
  a.type === b.type &&
  a.off === b.off &&
  a.range === b.range &&
  (a.pointee === b.pointee || samePointer(a.pointee, b.pointee));

/** Whether two registers hold the same description, apart from liveness (memcmp up to `id`, and beyond up to `parent`). */
export const sameValueUpToId = (a: Reg, b: Reg): boolean =>
  a.type === b.type &&
  a.off === b.off &&
  a.range === b.range &&
  (a.pointee === b.pointee || (samePointer(a.pointee, b.pointee) && sameObject(a.pointee, b.pointee))) &&
  sameBounds(a.v, b.v);
