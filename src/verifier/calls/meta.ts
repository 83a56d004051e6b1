/** What the arguments of one call say, for its result (`struct bpf_call_arg_meta`). */

import type { Btf } from '../../btf/index.ts';
import type { RawMode } from '../access/access.ts';
import type { SpecialField } from '../access/record.ts';
import type { HelperProto, MapFacts } from '../kernel.ts';

export class CallMeta implements RawMode {
  readonly proto: HelperProto;
  readonly helper: string;
  map: MapFacts | undefined;
  mapUid = 0;
  rawMode = false;
  accessSize = 0;
  regno = 0;
  releaseRegno = 0;
  refObjId = 0;
  dynptrId = 0;
  memSize = 0;
  msizeMax = 0n;
  subprog = 0;
  retBtf: Btf | undefined;
  retBtfId = 0;
  kptr: SpecialField | undefined;

  constructor(proto: HelperProto) {
    this.proto = proto;
    this.helper = proto.name;
  }
}
