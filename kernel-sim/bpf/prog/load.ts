/** PROG_LOAD up to the verifier: attributes, capabilities, names (`bpf_prog_load` of Linux 6.12, kernel/bpf/syscall.c). */
import { checkOptions, required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import type { Insn } from '../../../src/isa/index.ts';
import { readInsns } from '../../../src/isa/index.ts';
import {
  attachType,
  BPF_F_TOKEN_FD,
  BPF_F_XDP_DEV_BOUND_ONLY,
  BPF_PROG_TYPE as P,
  progType,
  progTypeName,
  UnknownNameError,
} from '../../../src/uapi/index.ts';
import type { Caps } from '../../../src/verifier/types.ts';
import type { Errno } from '../../core/errno.ts';
import { bpfCapable, capable, netCapable, perfmonCapable } from '../../core/process.ts';
import { BpfError } from '../errors.ts';
import { BtfObject } from '../objects/btf-object.ts';
import type { BpfState } from '../objects/state.ts';
import { tokenByFd } from '../objects/token.ts';
import { isObjectName } from '../syscall/map-create.ts';
import { checkAttach, fixupAttachType } from './attach-check.ts';
import { isGplCompatible } from './license.ts';
import { BpfProg } from './prog.ts';
import { progTypeRow } from './types.ts';

/** `struct bpf_func_info` and `struct bpf_line_info`, as bytes or decoded. */
export interface RawFuncInfo {
  readonly insnOff: number;
  readonly typeId: number;
}
export interface RawLineInfo {
  readonly insnOff: number;
  readonly fileNameOff: number;
  readonly lineOff: number;
  readonly lineCol: number;
}

export interface ProgLoadAttrs {
  /** `enum bpf_prog_type` by name or number */
  readonly type: string | number;
  /** raw instructions, 8 bytes each, map descriptors in place; also as hexadecimal text or slots. `classic`: sock_filter structures */
  readonly insns: Uint8Array | readonly Insn[] | string | (() => Uint8Array);
  /** how many instructions a function will give, which is looked at before it is asked */
  readonly insnCount?: number;
  readonly license?: string | (() => string);
  /** index of the device that is to run the program */
  readonly ifindex?: number;
  /** descriptor of a token, with BPF_F_TOKEN_FD */
  readonly tokenFd?: number;
  /** 0 none, 1 branches, 2 every instruction, 4 statistics; default 0 */
  readonly logLevel?: number;
  readonly name?: string;
  /** prog_flags: BPF_F_SLEEPABLE ... */
  readonly flags?: number;
  readonly expectedAttachType?: string | number;
  /** kernel function, structure or LSM hook: name, or id in the kernel's BTF */
  readonly attachBtf?: string | number;
  /** program to attach to: descriptor */
  readonly attachProg?: number | { readonly fd: number };
  /** function of it, by name */
  readonly attachFunc?: string;
  /** descriptor of BTF, or the object BTF_LOAD gave */
  readonly btf?: number | { readonly fd: number };
  readonly funcInfo?: Uint8Array | readonly RawFuncInfo[];
  readonly lineInfo?: Uint8Array | readonly RawLineInfo[];
  /** descriptors that BPF_PSEUDO_MAP_IDX and kfunc calls index */
  readonly fdArray?: readonly (number | { readonly fd: number })[];
  /** load without capabilities, where unprivileged_bpf_disabled is 0 */
  readonly unpriv?: boolean;
  /** false: skip the verifier */
  readonly verify?: boolean;
  /** `insns` are classic BPF, converted as SO_ATTACH_FILTER does */
  readonly classic?: boolean;
}

/** Attributes after the checks: numbers throughout. */
export interface LoadRequest {
  readonly attrs: ProgLoadAttrs;
  readonly type: number;
  readonly expectedAttachType: number;
  readonly insns: Insn[];
  readonly flags: number;
  readonly gpl: boolean;
  readonly name: string;
  readonly caps: Caps;
  readonly logLevel: number;
  readonly attachBtfId: number;
  readonly attachTarget: string | undefined;
  readonly attachProgFd: number;
  readonly fdArray: readonly number[] | undefined;
  /** told what the verifier wrote of a program that it let pass, before the program becomes an object. @throws BpfError to refuse it all the same */
  readonly verified?: (log: string, longest: number) => void;
}

export const COMMAND = 'BPF_PROG_LOAD';

const ATTRS: Schema<ProgLoadAttrs> = {
  type: required(is.nameOrNumber),
  insns: required(is.either(is.bytes, is.text, is.listOf(is.object), is.callback)),
  insnCount: is.u32,
  license: is.either(is.text, is.callback),
  logLevel: is.bits32,
  name: is.text,
  flags: is.bits32,
  expectedAttachType: is.nameOrNumber,
  attachBtf: is.nameOrNumber,
  attachProg: is.fdOrHandle,
  attachFunc: is.text,
  btf: is.fdOrHandle,
  funcInfo: is.either(is.bytes, is.listOf(is.object)),
  lineInfo: is.either(is.bytes, is.listOf(is.object)),
  fdArray: is.listOf(is.fdOrHandle),
  ifindex: is.u32,
  tokenFd: is.bits32,
  unpriv: is.bool,
  verify: is.bool,
  classic: is.bool,
};
const NONE: Caps = { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false };
/** What 6.12 knows of prog_flags: BPF_F_STRICT_ALIGNMENT to _TEST_REG_INVARIANTS, and _TOKEN_FD. */
const KNOWN_FLAGS = 0xff | BPF_F_TOKEN_FD;
const LOOPBACK = 1;
const MAX_INSNS = 1_000_000;
const MAX_INSNS_UNPRIV = 4096;

export const loadFailure = (errno: Errno, message: string, log = ''): BpfError =>
  new BpfError(COMMAND, errno, message, log);

/** @throws BpfError, ArgumentError */
export function checkLoad(state: BpfState, attrs: ProgLoadAttrs): LoadRequest {
  checkOptions('attrs', attrs, ATTRS);
  const fail = (errno: Errno, message: string): never => {
    throw loadFailure(errno, message);
  };
  const [type, given] = numbers(attrs);
  const flags = attrs.flags ?? 0;
  if (flags & ~KNOWN_FLAGS) fail('EINVAL', `unknown flags 0x${(flags & ~KNOWN_FLAGS).toString(16)}`);
  if (flags & BPF_F_TOKEN_FD) tokenByFd(state, COMMAND, attrs.tokenFd ?? 0);
  const caps = attrs.unpriv ? NONE : capsOf(state);
  if (!attrs.unpriv && state.kernel.sysctl.unprivilegedBpfDisabled !== 0 && !caps.bpf)
    fail('EPERM', 'kernel.unprivileged_bpf_disabled is set, and CAP_BPF is lacking');
  const early = typeof attrs.insns === 'function' ? undefined : slots(attrs.insns);
  const count = early?.length ?? attrs.insnCount ?? 0;
  const max = caps.bpf ? MAX_INSNS : MAX_INSNS_UNPRIV;
  if (count === 0 || count > max) fail('E2BIG', `${count} instructions, from 1 to ${max} may be loaded`);
  const label = `${progTypeName(type)} programs`;
  const row = progTypeRow(type);
  if (!row?.unpriv && !caps.bpf) fail('EPERM', `${label} need CAP_BPF`);
  if (row?.needs?.includes('netAdmin') && !caps.netAdmin) fail('EPERM', `${label} need CAP_NET_ADMIN`);
  if (row?.needs?.includes('perfmon') && !caps.perfmon) fail('EPERM', `${label} need CAP_PERFMON`);
  const attachProgFd = attachedProgram(state, attrs);
  const { id, name: target } = attachTarget(state, attrs);
  const expectedAttachType = fixupAttachType(type, given);
  const bad = checkAttach(type, expectedAttachType, id, attachProgFd !== 0);
  if (bad !== undefined)
    fail(bad, `${label} take no attach type ${expectedAttachType}${id === 0 ? '' : ` on BTF id ${id}`}`);
  const insns = early ?? slots((attrs.insns as () => Uint8Array)());
  const license = typeof attrs.license === 'function' ? attrs.license() : (attrs.license ?? '');
  if ((attrs.ifindex ?? 0) !== 0) offloaded(type, flags, attrs.ifindex ?? 0);
  if (row === undefined) fail('EINVAL', `no program type ${type}`);
  const name = attrs.name ?? '';
  if (!isObjectName(name)) fail('EINVAL', `'${name}' is no name for an object: at most 15 of letters, digits, _ and .`);
  return {
    attrs,
    type,
    expectedAttachType,
    insns,
    flags,
    gpl: isGplCompatible(license),
    name,
    caps,
    logLevel: attrs.logLevel ?? 0,
    attachBtfId: id,
    attachTarget: target,
    attachProgFd,
    fdArray: attrs.fdArray?.map((f) => (typeof f === 'object' ? f.fd : f)),
  };
}

function numbers(attrs: ProgLoadAttrs): [type: number, attach: number] {
  try {
    return [progType(attrs.type), attachType(attrs.expectedAttachType ?? 0)];
  } catch (error) {
    if (error instanceof UnknownNameError) throw loadFailure('EINVAL', error.message);
    throw error;
  }
}

function capsOf({ process }: BpfState): Caps {
  return {
    bpf: bpfCapable(process),
    perfmon: perfmonCapable(process),
    netAdmin: netCapable(process),
    sysAdmin: capable(process, 'SYS_ADMIN'),
  };
}

/** Descriptor of the program to attach to; 0 where it is the kernel's BTF that the descriptor stands for. */
function attachedProgram(state: BpfState, { attachProg }: ProgLoadAttrs): number {
  const fd = typeof attachProg === 'object' ? attachProg.fd : (attachProg ?? 0);
  if (fd === 0) return 0;
  const object = state.process.fds.find(fd);
  if (object instanceof BpfProg) return fd;
  if (!(object instanceof BtfObject)) throw loadFailure('EINVAL', `file descriptor ${fd} is neither program nor BTF`);
  if (!object.isKernel) throw loadFailure('ENOTSUPP', `file descriptor ${fd} is BTF, but not the kernel's`);
  return 0;
}

/** `bpf_prog_dev_bound_init`: no device of the model's takes programs. */
function offloaded(type: number, flags: number, ifindex: number): never {
  if (type !== P.SCHED_CLS && type !== P.XDP)
    throw loadFailure('EINVAL', 'only sched_cls and xdp programs go to devices');
  if (flags & ~BPF_F_XDP_DEV_BOUND_ONLY) throw loadFailure('EINVAL', 'no such flag with a device');
  if (ifindex !== LOOPBACK) throw loadFailure('EINVAL', `no network device ${ifindex}`);
  throw loadFailure('EOPNOTSUPP', 'the loopback device takes no programs');
}

function slots(insns: Uint8Array | readonly Insn[] | string): Insn[] {
  if (Array.isArray(insns)) return insns.map((i: Insn) => ({ ...i }));
  const bytes = typeof insns === 'string' ? fromHex(insns) : (insns as Uint8Array);
  if (!(bytes instanceof Uint8Array)) throw loadFailure('EFAULT', 'insns are neither bytes nor instructions');
  if (bytes.length % 8 !== 0)
    throw loadFailure('EINVAL', `${bytes.length} bytes are not a whole number of instructions`);
  return readInsns(bytes);
}

function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s+/g, '');
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw loadFailure('EINVAL', 'insns are not hexadecimal bytes');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** BTF id of what the program attaches to. A name is looked up as libbpf does: hooks and tracepoints have prefixes. */
function attachTarget(state: BpfState, attrs: ProgLoadAttrs): { id: number; name: string | undefined } {
  const attachBtf = attrs.attachFunc ?? attrs.attachBtf;
  if (attachBtf === undefined || attachBtf === 0 || attachBtf === '') return { id: 0, name: undefined };
  const fd = attachedProgram(state, attrs);
  if (fd !== 0) return inProgram(state, fd, attachBtf);
  const { btf } = state.kernel;
  if (typeof attachBtf === 'number') {
    const name = attachBtf < btf.typeCount ? btf.typeById(attachBtf).name : undefined;
    return { id: attachBtf, name };
  }
  const expected = attrs.expectedAttachType;
  const isRawTp = expected === 'trace_raw_tp' || expected === 23;
  const isLsm = attrs.type === 'lsm' || attrs.type === 29;
  const isIter = expected === 'trace_iter' || expected === 28;
  const names = isRawTp
    ? [`btf_trace_${attachBtf}`]
    : isLsm
      ? [`bpf_lsm_${attachBtf}`]
      : isIter
        ? [`bpf_iter_${attachBtf}`]
        : [];
  for (const name of [...names, attachBtf]) {
    const kinds = name.startsWith('btf_trace_') ? (['typedef'] as const) : (['func', 'struct', 'typedef'] as const);
    for (const kind of kinds) {
      const id = btf.findByName(name, kind);
      if (id > 0) return { id, name };
    }
  }
  throw loadFailure('ESRCH', `the kernel's BTF has no ${attachBtf}`);
}

/** A function of the program that is attached to. */
function inProgram(state: BpfState, fd: number, attachBtf: number | string): { id: number; name: string | undefined } {
  const { btfObject } = state.progByFd(COMMAND, fd);
  const btf = btfObject?.btf;
  if (typeof attachBtf === 'number')
    return { id: attachBtf, name: btf && attachBtf < btf.typeCount ? btf.typeById(attachBtf).name : undefined };
  const id = btf?.findByName(attachBtf, 'func') ?? 0;
  if (id <= 0) throw loadFailure('ESRCH', `the BTF of the program that is attached to has no function ${attachBtf}`);
  return { id, name: attachBtf };
}
