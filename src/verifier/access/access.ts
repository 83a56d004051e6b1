/** Shapes of accesses to memory, which the rules of each kind of pointer share. */
import type { Reg } from '../state/reg.ts';

export type Access = 'read' | 'write';

/** Who touches the stack: an instruction, or a helper through an argument. */
export type StackAccess = 'direct' | 'helper';

/** One load or store. */
export interface MemAccess {
  readonly insnIdx: number;
  readonly regno: number;
  /** the instruction's offset, without the pointer's own */
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  /** register loaded or stored, -1 for none */
  readonly value: number;
  readonly strict?: boolean;
  readonly signed?: boolean;
}

/** Memory that a helper will fill: remembered, to be marked as written after the call. */
export interface RawMode {
  rawMode: boolean;
  accessSize: number;
  regno: number;
}

/** What a field of the context is, once it may be accessed. */
export interface CtxField {
  readonly type: number;
  readonly fieldSize: number;
  readonly btf?: Reg['btf'];
  readonly btfId?: number;
  readonly memSize?: number;
  /** the attached function's return value lies in this range */
  readonly retRange?: readonly [number, number];
}
