/** What the walk keeps of each instruction and subprogram, beyond what it hands to the rewrites. */
import type { BtfFuncProto } from '../../btf/index.ts';
import type { KfuncFacts, MapFacts } from '../kernel.ts';
import type { InsnAux, SubprogInfo } from '../types.ts';

export class Aux implements InsnAux {
  seen = false;
  ptrType?: string;
  mapIndex?: number;
  mapOff?: number;
  mapPtr?: MapFacts | 'poison';
  mapPtrUnpriv?: boolean;
  mapKey?: bigint | 'poison';
  ctxFieldSize?: number;
  aluState?: number;
  aluLimit?: number;
  sanitizeStackSpill?: boolean;
  needsZext?: boolean;
  zextDst?: boolean;
  loopInline?: { callbackSubprog: number };
  kfunc?: NonNullable<InsnAux['kfunc']>;
  btfVarAddress?: bigint;
  storageGetFuncAtomic?: boolean;
  isIterNext?: boolean;
  callWithPercpuAllocPtr?: boolean;
  origIdx: number;

  /** base type and flags behind `ptrType` */
  ptrTypeBits = 0;
  /** ld_imm64: the immediate once resolved, for the log */
  imm64?: bigint;
  /** ld_imm64 of a kernel variable */
  btfVar?: { type: number; btfId: number; memSize: number };
  prunePoint = false;
  jmpPoint = false;
  forceCheckpoint = false;
  callsCallback = false;
  /** bpf_loop: callback all calls agree on, and whether flags were zero at each */
  loopState?: { initialized: boolean; fits: boolean; callbackSubprog: number };
  fastcallPattern = false;
  fastcallSpills = 0;

  constructor(origIdx: number) {
    this.origIdx = origIdx;
  }
}

/** How BTF describes an argument of a global subprogram, `struct bpf_subprog_arg_info`. */
export interface SubprogArg {
  kind: string;
  memSize: number;
  btfId: number;
  nullable: boolean;
  trusted: boolean;
  untrusted: boolean;
}

export class Subprog implements SubprogInfo {
  start: number;
  stackDepth = 0;
  fastcallStackOff = 0;
  hasTailCall = false;
  tailCallReachable = false;
  hasLdAbs = false;
  isCallback = false;
  isAsyncCallback = false;
  isExceptionCb = false;
  name = '';
  isGlobal = false;
  /** BTF of its prototype does not match how it is called */
  unreliable = false;
  argsCached = false;
  args: SubprogArg[] = [];
  changesPktData = false;
  keepFastcallStack = false;
  called = false;
  verified = false;

  constructor(start: number) {
    this.start = start;
  }
}

/** Key of a kernel function: its BTF id, and an offset that names a module's BTF. */
export const kfuncKey = (btfId: number, off: number): number => off * 0x1_0000_0000 + btfId;

export interface KfuncDesc {
  readonly facts: KfuncFacts;
  readonly proto: BtfFuncProto;
}
