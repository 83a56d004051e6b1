/**
 * BPF_LINK_CREATE, BPF_RAW_TRACEPOINT_OPEN: from a program and a place to an attachment
 * (Linux 6.12 kernel/bpf/syscall.c; bpf(2)). What is patched where is the probes' business.
 */

import {
  BPF_ATTACH_TYPE as A,
  attachType,
  attachTypeName,
  BPF_LINK_TYPE as L,
  BPF_PROG_TYPE as P,
  progTypeName,
} from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import type { ProbeLink, TrampolinePoint } from '../../probe/types.ts';
import { BpfError, NotModelledError } from '../errors.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';
import { BpfLink } from './link.ts';

const LINK = 'BPF_LINK_CREATE';
const RAW_TP = 'BPF_RAW_TRACEPOINT_OPEN';

export interface LinkCreateAttrs {
  /** descriptor of the program; of the map for struct_ops */
  readonly prog: number | { readonly fd: number };
  /** what to attach to, where the attach type has one: descriptor of a perf event or program, index of a device */
  readonly target?: number;
  readonly attachType?: number | string;
  readonly flags?: number;
  /** what bpf_get_attach_cookie gives */
  readonly cookie?: bigint;
  readonly kprobeMulti?: {
    readonly symbols: readonly string[];
    readonly flags?: number;
    readonly cookies?: readonly bigint[];
  };
}

export interface RawTracepointAttrs {
  readonly prog: number | { readonly fd: number };
  /** tracepoint; none for programs whose target was given at load */
  readonly name?: string;
  readonly cookie?: bigint;
}

const fdOf = (given: number | { readonly fd: number }): number => (typeof given === 'object' ? given.fd : given);

/** A perf event as links see it. */
interface PerfTarget extends FdObject {
  setBpf(prog: BpfProg, cookie?: bigint): ProbeLink;
}
const isPerfTarget = (object: FdObject): object is PerfTarget => 'setBpf' in object;

/** Errors of the kernel's other parts as bpf(2) gives them. */
function asBpf<T>(command: string, attach: () => T): T {
  try {
    return attach();
  } catch (error) {
    if (error instanceof KernelError && !(error instanceof BpfError))
      throw new BpfError(command, error.errno, error.message);
    throw error;
  }
}

/** @throws BpfError */
export function createLink(state: BpfState, attrs: LinkCreateAttrs): BpfLink {
  const prog = state.progByFd(LINK, fdOf(attrs.prog));
  const given = attrs.attachType === undefined ? prog.expectedAttachType : attachType(attrs.attachType);
  return asBpf(LINK, () => {
    switch (prog.type) {
      case P.KPROBE:
        if (given === A.TRACE_KPROBE_MULTI || given === A.TRACE_KPROBE_SESSION) return kprobeMulti(state, prog, attrs);
        return perfLink(state, prog, attrs);
      case P.TRACEPOINT:
      case P.PERF_EVENT:
        return perfLink(state, prog, attrs);
      case P.TRACING:
      case P.LSM:
        return tracingLink(state, prog, attrs.cookie, LINK);
      case P.RAW_TRACEPOINT:
      case P.RAW_TRACEPOINT_WRITABLE:
        throw new BpfError(LINK, 'EINVAL', 'raw tracepoints are opened with BPF_RAW_TRACEPOINT_OPEN');
      default:
        throw new NotModelledError(LINK, `attaching ${progTypeName(prog.type)} programs (${attachTypeName(given)})`);
    }
  });
}

/** @throws BpfError */
export function openRawTracepoint(state: BpfState, attrs: RawTracepointAttrs): BpfLink {
  const prog = state.progByFd(RAW_TP, fdOf(attrs.prog));
  return asBpf(RAW_TP, () => {
    if (prog.type === P.TRACING || prog.type === P.LSM || prog.type === P.EXT) {
      if (attrs.name) throw new BpfError(RAW_TP, 'EINVAL', 'the program knows what it attaches to: no name is taken');
      return tracingLink(state, prog, attrs.cookie, RAW_TP);
    }
    if (prog.type !== P.RAW_TRACEPOINT && prog.type !== P.RAW_TRACEPOINT_WRITABLE) {
      throw new BpfError(RAW_TP, 'EINVAL', `${progTypeName(prog.type)} programs do not attach to raw tracepoints`);
    }
    return add(state, L.RAW_TRACEPOINT, prog, [
      state.kernel.probes.rawTracepoint(prog, attrs.name ?? '', attrs.cookie),
    ]);
  });
}

function add(state: BpfState, type: number, prog: BpfProg, probes: readonly ProbeLink[], holds?: FdObject): BpfLink {
  const link = new BpfLink(type, prog, probes, holds);
  link.freed.add(() => state.links.remove(link));
  state.links.add(link);
  return link;
}

function perfLink(state: BpfState, prog: BpfProg, attrs: LinkCreateAttrs): BpfLink {
  const event = state.fdObject(LINK, attrs.target ?? -1);
  if (!isPerfTarget(event)) throw new BpfError(LINK, 'EINVAL', `file descriptor ${attrs.target} is no perf event`);
  return add(state, L.PERF_EVENT, prog, [event.setBpf(prog, attrs.cookie)], event);
}

function kprobeMulti(state: BpfState, prog: BpfProg, attrs: LinkCreateAttrs): BpfLink {
  const multi = attrs.kprobeMulti;
  if (!multi || multi.symbols.length === 0) throw new BpfError(LINK, 'EINVAL', 'no functions to attach to');
  const probes: ProbeLink[] = [];
  try {
    multi.symbols.forEach((symbol, n) => {
      const cookie = multi.cookies?.[n];
      const ret = ((multi.flags ?? 0) & 1) !== 0;
      probes.push(state.kernel.probes.kprobe(prog, { symbol, ret, ...(cookie === undefined ? {} : { cookie }) }));
    });
  } catch (error) {
    for (const probe of probes) probe.detach();
    throw error;
  }
  return add(state, L.KPROBE_MULTI, prog, probes);
}

const TRAMPOLINE: Readonly<Record<number, TrampolinePoint['kind']>> = {
  [A.TRACE_FENTRY]: 'fentry',
  [A.TRACE_FEXIT]: 'fexit',
  [A.MODIFY_RETURN]: 'fmod_ret',
  [A.LSM_MAC]: 'lsm',
};

/** Programs whose target was fixed at load: trampolines, tracepoints with types, iterators. */
function tracingLink(state: BpfState, prog: BpfProg, cookie: bigint | undefined, command: string): BpfLink {
  const { attachTarget, attachBtfId } = prog.init;
  const extra = cookie === undefined ? {} : { cookie };
  if (prog.expectedAttachType === A.TRACE_RAW_TP) {
    const event = (attachTarget ?? '').replace(/^btf_trace_/, '');
    return add(state, L.TRACING, prog, [state.kernel.probes.rawTracepoint(prog, event, cookie)]);
  }
  const kind = TRAMPOLINE[prog.expectedAttachType];
  if (kind === undefined || attachTarget === undefined) {
    throw new NotModelledError(
      command,
      `attaching ${progTypeName(prog.type)} programs (${attachTypeName(prog.expectedAttachType)})`,
    );
  }
  const { argSizes, retSize } = signature(state, attachBtfId, command);
  return add(state, L.TRACING, prog, [
    state.kernel.probes.trampoline(prog, { kind, target: attachTarget, argSizes, retSize, ...extra }),
  ]);
}

/** Bytes of each argument and of the result of a kernel function. */
function signature(state: BpfState, id: number, command: string): { argSizes: number[]; retSize: number } {
  const { btf } = state.kernel;
  const func = btf.typeById(id);
  const proto = func.kind === 'func' ? btf.typeById(func.type) : undefined;
  if (proto?.kind !== 'func_proto') throw new BpfError(command, 'EINVAL', `BTF id ${id} is no function`);
  return {
    argSizes: proto.params.map((p) => btf.sizeOf(p.type)),
    retSize: proto.type === 0 ? 0 : btf.sizeOf(proto.type),
  };
}
