/** The verifier's part of PROG_LOAD: what it is given, and what its result becomes. */
import { explain } from '../../../src/explain/explain.ts';
import { BPF_B, BPF_DW, BPF_H, BPF_W, bpfSize } from '../../../src/isa/index.ts';
import { addrToBigInt } from '../../../src/machine/addr.ts';
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS, BPF_LOG_LEVEL1, BPF_PROG_TYPE } from '../../../src/uapi/index.ts';
import {
  type AttachProg,
  checkProgram,
  type FuncInfo,
  type LineInfo,
  type Rewritten,
  rewriteProgram,
  type Verified,
  type VerifierInput,
  verify,
} from '../../../src/verifier/index.ts';
import type { Errno } from '../../core/errno.ts';
import type { PokeRequest } from '../engine/image-engine.ts';
import { BpfMap, ProgArrayMap, RedirectMap } from '../maps/index.ts';
import { BtfObject } from '../objects/btf-object.ts';
import type { BpfState } from '../objects/state.ts';
import { structOpsMember } from '../struct-ops/member.ts';
import { COMMAND, type LoadRequest, loadFailure } from './load.ts';
import { mapFacts } from './map-facts.ts';
import type { ProgCode, Remaking } from './prog.ts';
import { makeVerifierKernel } from './verifier-kernel.ts';

export interface Verification {
  readonly code: ProgCode;
  readonly log: string;
  readonly logLongest: number;
  readonly verifiedInsns: number;
  readonly uninitReads: readonly number[];
  readonly pokes: readonly PokeRequest[];
  /** end of the context as far as the program reads or writes it */
  readonly maxCtxOffset: number;
  readonly maxAccess: { readonly rdonly: number; readonly rdwr: number };
  /** records of the program's BTF, as loaded */
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
  readonly remaking: Remaking;
}

/** @throws BpfError with the verifier's log */
export function verifyAndRewrite(state: BpfState, request: LoadRequest, progAux: number): Verification {
  const input = verifierInput(state, request);
  const visits = state.walked.any ? new Uint32Array(request.insns.length) : undefined;
  const result = checkProgram(visits ? { ...input, visits } : input, { progAux: addrToBigInt(progAux) });
  if (visits) state.walked.tell({ name: request.name, visits, btf: input.btf, lineInfo: input.lineInfo ?? [] });
  if (!result.ok) {
    // who asked for no log gets none in its buffer; the error has one all the same, of a second look
    const isLong = result.errno === 'E2BIG';
    const told = result.log === '' && !isLong ? verify({ ...input, logLevel: BPF_LOG_LEVEL1 }) : result;
    const { log } = told;
    const failure = loadFailure(
      result.errno as Errno,
      isLong && log === '' ? 'the program is too large or too complex' : lastLine(told.ok ? '' : told.tail),
      log,
    );
    failure.logLongest = result.longest;
    failure.explainer = explain;
    throw failure;
  }
  const { program, rewritten, log } = result;
  const maps = program.usedMaps.map((m) => state.maps.get(m.id)).filter((m): m is BpfMap => m !== undefined);
  checkProgArrays(state, request, maps, result);
  return {
    code: codeOf(rewritten, maps),
    log,
    logLongest: result.longest,
    verifiedInsns: program.processed,
    uninitReads: program.uninitReads,
    maxCtxOffset: maxCtxOffset(program),
    maxAccess: { rdonly: program.maxRdonlyAccess ?? 0, rdwr: program.maxRdwrAccess ?? 0 },
    funcInfo: input.funcInfo ?? [],
    lineInfo: input.lineInfo ?? [],
    pokes: pokesOf(rewritten, maps),
    remaking: {
      inlined: rewritten.inlined,
      lineInfo: input.lineInfo ?? [],
      funcInfo: input.funcInfo ?? [],
      remake: (options) => {
        const other = rewriteProgram(program, input, { progAux: addrToBigInt(progAux), ...options });
        const { counters } = other;
        return { code: codeOf(other, maps), pokes: pokesOf(other, maps), ...(counters ? { counters } : {}) };
      },
    },
  };
}

const codeOf = ({ insns, origins, funcs }: Rewritten, maps: readonly BpfMap[]): ProgCode => ({
  insns,
  origins,
  funcs,
  maps,
});
const pokesOf = ({ pokes }: Rewritten, maps: readonly BpfMap[]): PokeRequest[] =>
  pokes.map((p) => ({ map: maps[p.mapIndex] as ProgArrayMap, key: p.key }));

function maxCtxOffset({ insns, aux }: Verified): number {
  const sizes: Record<number, number> = { [BPF_W]: 4, [BPF_H]: 2, [BPF_B]: 1, [BPF_DW]: 8 };
  let max = 0;
  insns.forEach((insn, slot) => {
    if (aux[slot]?.ptrType === 'PTR_TO_CTX') max = Math.max(max, insn.off + (sizes[bpfSize(insn.code)] ?? 0));
  });
  return max;
}

/** What a program that attaches to another is checked against. */
function attachProg(state: BpfState, { attachProgFd, type }: LoadRequest): AttachProg | undefined {
  if (attachProgFd === 0) return undefined;
  const target = state.progByFd(COMMAND, attachProgFd);
  const { init, btfObject, targetProg } = target;
  const isTracing = init.type === BPF_PROG_TYPE.TRACING;
  return {
    isExtension: type === BPF_PROG_TYPE.EXT,
    type: init.type,
    expectedAttachType: init.expectedAttachType,
    ...(btfObject ? { btf: btfObject.btf } : {}),
    funcs: init.code.funcs.map((func, n) => ({
      typeId: init.funcInfo[n]?.typeId ?? 0,
      isExceptionCb: func.isExceptionCb ?? false,
    })),
    isJited: state.kernel.engine !== 'interp',
    isNested: isTracing && targetProg !== undefined,
  };
}

function verifierInput(state: BpfState, given: LoadRequest): VerifierInput {
  const target = attachProg(state, given);
  // an extension is verified as what it extends is
  const request = target?.isExtension
    ? { ...given, type: target.type, expectedAttachType: target.expectedAttachType }
    : given;
  const { attrs, caps } = request;
  const { kernel } = state;
  const object = programBtf(state, attrs.btf);
  const btf = object?.btf;
  return {
    insns: request.insns,
    name: request.name,
    type: request.type,
    expectedAttachType: request.expectedAttachType,
    flags: request.flags,
    gpl: request.gpl,
    caps,
    logLevel: request.logLevel,
    ...(btf ? { btf } : {}),
    ...(attrs.funcInfo === undefined ? {} : { funcInfo: funcInfo(attrs.funcInfo) }),
    ...(attrs.lineInfo === undefined ? {} : { lineInfo: lineInfo(attrs.lineInfo) }),
    ...(request.attachBtfId === 0 ? {} : { attachBtfId: request.attachBtfId }),
    ...(target === undefined ? {} : { attachProg: target }),
    ...(request.fdArray === undefined ? {} : { fdArray: request.fdArray }),
    mitigations: kernel.mitigations,
    limits: state.verifierLimits,
    kernel: makeVerifierKernel(
      {
        symbol: (name) => {
          const at = kernel.symbols.find(name)?.address;
          return at === undefined ? undefined : addrToBigInt(at);
        },
        // parsed when a program needs it: most name no type of the kernel's
        get vmlinux() {
          return kernel.btf;
        },
        mapByFd: (fd) => {
          const object = state.process.fds.find(fd);
          return object instanceof BpfMap ? mapFacts(object) : undefined;
        },
        isOpenFd: (fd) => state.isOpen(fd),
        cpus: kernel.cpus,
        structMeta: (of, typeId) => (object?.btf === of ? addrToBigInt(object.structMeta(kernel, typeId)) : 0n),
      },
      {
        type: request.type,
        expectedAttachType: request.expectedAttachType,
        scope: {
          caps,
          sleepable: (request.flags & BPF_F_SLEEPABLE) !== 0,
          ...(request.attachTarget === undefined ? {} : { attachName: request.attachTarget }),
          ...structMember(state, request),
        },
      },
    ),
  };
}

/** The function of a structure that a struct_ops program implements. */
function structMember({ kernel }: BpfState, request: LoadRequest): { readonly member?: string } {
  if (request.type !== BPF_PROG_TYPE.STRUCT_OPS) return {};
  const found = structOpsMember(kernel.btf, request.attachBtfId, request.expectedAttachType);
  return found ? { member: found.name } : {};
}

function programBtf(state: BpfState, given: LoadRequest['attrs']['btf']): BtfObject | undefined {
  const fd = typeof given === 'object' ? given.fd : (given ?? 0);
  if (fd === 0) return undefined;
  const object = state.fdObject(COMMAND, fd);
  if (!(object instanceof BtfObject)) throw loadFailure('EINVAL', `file descriptor ${fd} is no BTF`);
  return object;
}

/** `struct bpf_func_info`: u32 insn_off, type_id. */
function funcInfo(given: NonNullable<LoadRequest['attrs']['funcInfo']>): FuncInfo[] {
  if (!(given instanceof Uint8Array)) return given.map((f) => ({ insnOff: f.insnOff, typeId: f.typeId }));
  const words = new Uint32Array(given.slice().buffer);
  return Array.from({ length: words.length / 2 }, (_, i) => ({ insnOff: words[2 * i]!, typeId: words[2 * i + 1]! }));
}

/** `struct bpf_line_info`: u32 insn_off, file_name_off, line_off, line_col. */
function lineInfo(given: NonNullable<LoadRequest['attrs']['lineInfo']>): LineInfo[] {
  if (!(given instanceof Uint8Array)) {
    return given.map((l) => ({
      insnOff: l.insnOff,
      fileNameOff: l.fileNameOff,
      lineOff: l.lineOff,
      lineCol: l.lineCol,
    }));
  }
  const words = new Uint32Array(given.slice().buffer);
  return Array.from({ length: words.length / 4 }, (_, i) => ({
    insnOff: words[4 * i]!,
    fileNameOff: words[4 * i + 1]!,
    lineOff: words[4 * i + 2]!,
    lineCol: words[4 * i + 3]!,
  }));
}

/** `bpf_check_tail_call`: the program and the arrays it calls through must be of one kind. */
function checkProgArrays(
  state: BpfState,
  request: LoadRequest,
  maps: readonly BpfMap[],
  told: { log: string; longest: number },
): void {
  const jited = state.kernel.engine !== 'interp';
  for (const map of maps) {
    if (
      (map instanceof ProgArrayMap || map instanceof RedirectMap) &&
      !map.compatible({ type: request.type, jited, xdpHasFrags: (request.flags & BPF_F_XDP_HAS_FRAGS) !== 0 })
    ) {
      const failure = loadFailure('EINVAL', `${map.describe()} belongs to programs of another type`, told.log);
      failure.logLongest = told.longest;
      throw failure;
    }
  }
}

/** The last line of a log's end that is no statistics. */
const lastLine = (tail: string): string => {
  const lines = tail.trimEnd().split('\n');
  const decisive = lines.filter((l) => !/^(processed|verification time|stack depth) /.test(l)).at(-1);
  return decisive?.trim() || 'refused';
};
