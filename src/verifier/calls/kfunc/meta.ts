/** What one call of a kernel function is about (`struct bpf_kfunc_call_arg_meta`). */
import type { Btf, BtfFuncProto, BtfParam } from '../../../btf/index.ts';
import type { SpecialField } from '../../access/record.ts';
import type { KfuncDesc } from '../../env/aux.ts';
import type { MapFacts } from '../../kernel.ts';
import { DYNPTR_INVALID } from '../../state/reg.ts';

export class KfuncMeta {
  readonly name: string;
  readonly btf: Btf;
  readonly proto: BtfFuncProto;
  readonly flags: ReadonlySet<string>;
  refObjId = 0;
  releaseRegno = 0;
  r0Size = 0;
  r0ReadOnly = false;
  constant: bigint | undefined;
  retBtfId = 0;
  subprog = 0;
  argBtf: Btf | undefined;
  argBtfId = 0;
  argOwningRef = false;
  listHead: SpecialField | undefined;
  rbRoot: SpecialField | undefined;
  dynptrId = 0;
  dynptrType = DYNPTR_INVALID;
  dynptrRef = 0;
  iterSpi = 0;
  iterFrame = 0;
  map: MapFacts | undefined;
  mapUid = 0;

  constructor(desc: KfuncDesc, btf: Btf) {
    this.name = desc.facts.name;
    this.btf = btf;
    this.proto = desc.proto;
    this.flags = new Set(desc.facts.flags);
  }

  has(flag: string): boolean {
    return this.flags.has(flag);
  }
  get isIterNew(): boolean {
    return this.has('KF_ITER_NEW');
  }
  get isIterNext(): boolean {
    return this.has('KF_ITER_NEXT');
  }
  get isIterDestroy(): boolean {
    return this.has('KF_ITER_DESTROY');
  }
  get isIter(): boolean {
    return this.isIterNew || this.isIterNext || this.isIterDestroy;
  }
  get isRelease(): boolean {
    return this.has('KF_RELEASE');
  }
  /** KF_RELEASE implies KF_TRUSTED_ARGS */
  get trustedArgs(): boolean {
    return this.has('KF_TRUSTED_ARGS') || this.isRelease;
  }
  get rcuArgs(): boolean {
    return this.has('KF_RCU');
  }
}

/** Conventions of parameter names, Documentation/bpf/kfuncs.rst section 2.2. */
export const hasSuffix = (param: BtfParam, suffix: string): boolean => param.name.endsWith(suffix);
