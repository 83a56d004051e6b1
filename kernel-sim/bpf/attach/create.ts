/**
 * BPF_LINK_CREATE, BPF_RAW_TRACEPOINT_OPEN: from a program and a place to a link, by the row of its kind
 * (Linux 6.12 kernel/bpf/syscall.c; bpf(2)).
 */
import { checkOptions, required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import {
  attachType,
  attachTypeName,
  BPF_ATTACH_TYPE,
  type LinkCommand,
  BPF_PROG_TYPE as P,
  progTypeName,
} from '../../../src/uapi/index.ts';
import { asBpf, BpfError, NotModelledError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import {
  type AttachKind,
  type AttachRequest,
  type DirectAttach,
  LINK_CREATE_ATTRS,
  type LinkCreateAttrs,
} from './kind.ts';
import { BpfLink } from './link.ts';
import { structOpsLink } from './struct-ops.ts';
import { attachKind, linkType } from './table.ts';

export interface RawTracepointAttrs {
  readonly prog: number | { readonly fd: number };
  /** tracepoint; none for programs whose target was given at load */
  readonly name?: string;
  readonly cookie?: bigint;
}

const RAW_TRACEPOINT_ATTRS: Schema<RawTracepointAttrs> = {
  prog: required(is.fdOrHandle),
  name: is.text,
  cookie: is.u64,
};

/** Program types whose place was fixed when they were loaded. */
const FIXED_AT_LOAD: readonly number[] = [P.TRACING, P.LSM, P.EXT];

const fdOf = (given: number | { readonly fd: number }): number => (typeof given === 'object' ? given.fd : given);

/** @throws BpfError, ArgumentError */
export function createLink(state: BpfState, attrs: LinkCreateAttrs): BpfLink {
  const command = 'BPF_LINK_CREATE';
  checkOptions('attrs', attrs, LINK_CREATE_ATTRS);
  if (attrs.attachType !== undefined && attachType(attrs.attachType) === BPF_ATTACH_TYPE.STRUCT_OPS) {
    state.takesRoom.tell(command, undefined);
    return asBpf(command, () => structOpsLink(state, state.mapByFd(command, fdOf(attrs.prog))));
  }
  const prog = state.progByFd(command, fdOf(attrs.prog));
  const given = attrs.attachType === undefined ? prog.expectedAttachType : attachType(attrs.attachType);
  return link(command, { state, prog, command, attachType: given, attrs });
}

/** @throws BpfError, ArgumentError */
export function openRawTracepoint(state: BpfState, attrs: RawTracepointAttrs): BpfLink {
  const command = 'BPF_RAW_TRACEPOINT_OPEN';
  checkOptions('attrs', attrs, RAW_TRACEPOINT_ATTRS);
  const prog = state.progByFd(command, fdOf(attrs.prog));
  const { name, cookie } = attrs;
  if (FIXED_AT_LOAD.includes(prog.type) && name)
    throw new BpfError(command, 'EINVAL', 'the program knows what it attaches to: no name is taken');
  return link(command, {
    state,
    prog,
    command,
    attachType: prog.expectedAttachType,
    attrs: { prog: attrs.prog, ...(cookie === undefined ? {} : { cookie }) },
    ...(name === undefined ? {} : { name }),
  });
}

/** BPF_PROG_ATTACH and its kin for a program type and an attach type. @throws NotModelledError */
export function directOf(command: string, progType: number, type: number): DirectAttach {
  const direct = attachKind(progType, type)?.direct;
  if (direct === undefined) throw notModelled(command, progType, type);
  return direct;
}

function link(command: LinkCommand, request: AttachRequest): BpfLink {
  request.state.takesRoom.tell(command, undefined);
  const { state, prog } = request;
  const kind = kindFor(command, prog, FIXED_AT_LOAD.includes(prog.type) ? prog.expectedAttachType : request.attachType);
  const made = new BpfLink(
    kind,
    linkType(kind),
    prog,
    asBpf(command, () => kind.attach(request)),
  );
  made.freed.add(() => state.links.remove(made));
  state.links.add(made);
  return made;
}

function kindFor(command: LinkCommand, prog: BpfProg, type: number): AttachKind {
  const kind = attachKind(prog.type, type);
  const commands = kind?.commands ?? ['BPF_LINK_CREATE'];
  if (kind !== undefined && commands.includes(command)) return kind;
  const label = progTypeName(prog.type);
  if (command === 'BPF_RAW_TRACEPOINT_OPEN' && !FIXED_AT_LOAD.includes(prog.type))
    throw new BpfError(command, 'EINVAL', `${label} programs do not attach to raw tracepoints`);
  if (kind === undefined) throw notModelled(command, prog.type, type);
  throw new BpfError(command, 'EINVAL', `${label} programs are attached with ${commands.join(' or ')}`);
}

const notModelled = (command: string, progType: number, type: number): NotModelledError =>
  new NotModelledError(command, `attaching ${progTypeName(progType)} programs (${attachTypeName(type)})`);
