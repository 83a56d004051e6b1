/**
 * What an attach kind is: a row of `src/uapi/attach.ts`, which bpf(2), `src/object` and the parity page read, and a small
 * file beside this one that knows the place in the kernel where such programs hang.
 */
import { nested, required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import type { AttachKindRow, LinkCommand, LinkTypeName } from '../../../src/uapi/index.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment } from './attachment.ts';

/** BPF_LINK_CREATE: `union bpf_attr.link_create`, the parts of its union by name. */
export interface LinkCreateAttrs {
  /** descriptor of the program; of the map for struct_ops */
  readonly prog: number | { readonly fd: number };
  /** what to attach to, where the kind has one (`LINK_TARGETS`): a descriptor, or the index of a device */
  readonly target?: number;
  readonly attachType?: number | string;
  readonly flags?: number;
  /** what bpf_get_attach_cookie gives */
  readonly cookie?: bigint;
  /** BTF id of what a tracing program is moved to */
  readonly targetBtfId?: number;
  readonly kprobeMulti?: {
    /** functions by name, or by address */
    readonly symbols?: readonly string[];
    readonly addresses?: readonly bigint[];
    readonly flags?: number;
    readonly cookies?: readonly bigint[];
  };
  readonly uprobeMulti?: {
    readonly path: string;
    readonly offsets: readonly bigint[];
    readonly refCtrOffsets?: readonly bigint[];
    readonly cookies?: readonly bigint[];
    readonly flags?: number;
    readonly pid?: number;
  };
  readonly netfilter?: {
    readonly pf: number;
    readonly hooknum: number;
    readonly priority: number;
    readonly flags?: number;
  };
  /** tcx and netkit: where among the programs of a device */
  readonly relative?: { readonly fdOrId: number; readonly expectedRevision?: bigint };
  /** `union bpf_iter_link_info`, as bytes */
  readonly iterInfo?: Uint8Array;
}

export const LINK_CREATE_ATTRS: Schema<LinkCreateAttrs> = {
  prog: required(is.fdOrHandle),
  target: is.bits32,
  attachType: is.nameOrNumber,
  flags: is.bits32,
  cookie: is.u64,
  targetBtfId: is.bits32,
  kprobeMulti: nested<NonNullable<LinkCreateAttrs['kprobeMulti']>>({
    symbols: is.listOf(is.text),
    addresses: is.listOf(is.u64),
    flags: is.bits32,
    cookies: is.listOf(is.u64),
  }),
  uprobeMulti: nested<NonNullable<LinkCreateAttrs['uprobeMulti']>>({
    path: required(is.text),
    offsets: required(is.listOf(is.u64)),
    refCtrOffsets: is.listOf(is.u64),
    cookies: is.listOf(is.u64),
    flags: is.bits32,
    pid: is.bits32,
  }),
  netfilter: nested<NonNullable<LinkCreateAttrs['netfilter']>>({
    pf: required(is.bits32),
    hooknum: required(is.bits32),
    priority: required(is.bits32),
    flags: is.bits32,
  }),
  relative: nested<NonNullable<LinkCreateAttrs['relative']>>({
    fdOrId: required(is.bits32),
    expectedRevision: is.u64,
  }),
  iterInfo: is.bytes,
};

/** A program that is to be attached, and where. */
export interface AttachRequest {
  readonly state: BpfState;
  readonly prog: BpfProg;
  readonly command: LinkCommand;
  /** as the command gives it; the program's own where it gives none */
  readonly attachType: number;
  readonly attrs: LinkCreateAttrs;
  /** BPF_RAW_TRACEPOINT_OPEN: the tracepoint */
  readonly name?: string;
}

/** BPF_PROG_ATTACH, _DETACH and _QUERY: programs that hang in a place without a link. */
export interface DirectRequest {
  readonly state: BpfState;
  readonly attachType: number;
  /** descriptor or index of what to attach to */
  readonly target: number;
  readonly flags: number;
  /** the program; undefined where a detach names none */
  readonly prog: BpfProg | undefined;
  /** BPF_F_REPLACE: the program whose place it takes */
  readonly replace?: BpfProg;
  readonly relative?: { readonly fdOrId: number; readonly expectedRevision?: bigint };
}
export interface QueryResult {
  readonly attachFlags: number;
  readonly programs: readonly {
    readonly prog: BpfProg;
    readonly attachFlags?: number;
    readonly linkId?: number;
  }[];
  readonly revision?: bigint;
}
export interface DirectAttach {
  attach(request: DirectRequest): void;
  detach(request: DirectRequest): void;
  query(request: Omit<DirectRequest, 'prog' | 'replace'>): QueryResult;
}

/** What a kind does: the body of its row. */
export interface AttachBody {
  /** @throws KernelError, BpfError */
  readonly attach: (request: AttachRequest) => Attachment;
  readonly direct?: DirectAttach;
}

/** A row of `src/uapi/attach.ts` with its body. */
export interface AttachKind extends AttachKindRow, AttachBody {
  readonly link: LinkTypeName;
}
