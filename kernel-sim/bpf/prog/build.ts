/** From a checked request to a runnable program: verify and rewrite, or prepare unverified; then the engine. */
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL, writeInsns } from '../../../src/isa/index.ts';
import { addrFromBigInt, addrToBigInt } from '../../../src/machine/addr.ts';
import type { FuncInfo, LineInfo } from '../../../src/verifier/types.ts';
import { ClassicError, convertClassic, readFilters } from '../classic/index.ts';
import { layoutOf } from '../context/index.ts';
import type { ImageEngine, ImageOptions, PokeRequest } from '../engine/image-engine.ts';
import type { InterpEngine } from '../engine/interp-engine.ts';
import { BpfError, NotModelledError } from '../errors.ts';
import { helperName, helperRow } from '../helpers/index.ts';
import { ArenaMap } from '../maps/index.ts';
import { BtfObject } from '../objects/btf-object.ts';
import type { BpfState } from '../objects/state.ts';
import { movedFuncInfo, movedLineInfo } from './info.ts';
import { type LoadRequest, loadFailure } from './load.ts';
import { BpfProg, type ProgCode, type Remaking } from './prog.ts';
import { resolveReferences } from './resolve.ts';
import { progTag } from './tag.ts';
import { MalformedProgram, prepareUnverified } from './unverified.ts';
import { verifyAndRewrite } from './verified.ts';

export interface Engines {
  readonly interp: InterpEngine;
  readonly image: ImageEngine;
  readonly ldAbs: (
    type: number,
  ) => ((insn: LoadRequest['insns'][number]) => LoadRequest['insns'] | undefined) | undefined;
}

const CALL = BPF_JMP | BPF_CALL;

interface Built {
  readonly code: ProgCode;
  readonly log: string;
  readonly logLongest?: number;
  readonly verifiedInsns: number;
  readonly uninitReads?: readonly number[];
  readonly pokes: readonly PokeRequest[];
  readonly maxCtxOffset?: number;
  readonly maxAccess?: { readonly rdonly: number; readonly rdwr: number };
  /** records of the program's BTF, as loaded */
  readonly funcInfo?: readonly FuncInfo[];
  readonly lineInfo?: readonly LineInfo[];
  readonly remaking?: Remaking;
}

/** @throws BpfError with the log */
export function buildProgram(state: BpfState, engines: Engines, request: LoadRequest): BpfProg {
  const { attrs } = request;
  state.takesRoom.tell('BPF_PROG_LOAD', undefined);
  const aux = state.host.kmalloc(state.kernel.structs.of('bpf_prog_aux').size);
  const unverified = attrs.verify === false || attrs.classic === true;
  // it may write to memory that nobody gave it
  if (attrs.verify === false) state.host.memory.touched.everything();
  let built: Built;
  let unmodelled: string[];
  try {
    built = attrs.classic
      ? classicCode(state, request)
      : unverified
        ? unverifiedCode(state, engines, request)
        : verifyAndRewrite(state, request, aux);
    request.verified?.(built.log, built.logLongest ?? built.log.length);
    unmodelled = unverified ? [] : defineCallees(state, built.code.insns);
  } catch (error) {
    state.host.kfree(aux);
    throw error;
  }
  const prog = new BpfProg(state.kernel, {
    type: request.type,
    expectedAttachType: request.expectedAttachType,
    name: request.name,
    tag: progTag(request.insns),
    gpl: request.gpl,
    flags: request.flags,
    log: built.log,
    logLongest: built.logLongest ?? built.log.length,
    loaded: request.insns,
    code: built.code,
    verified: !unverified,
    classic: attrs.classic === true,
    verifiedInsns: built.verifiedInsns,
    uninitReads: built.uninitReads ?? [],
    attachBtfId: request.attachBtfId,
    attachTarget: request.attachTarget,
    aux,
    unmodelled,
    maxCtxOffset: built.maxCtxOffset ?? 0,
    maxAccess: built.maxAccess ?? { rdonly: 0, rdwr: 0 },
    uid: state.process.uid,
    funcInfo: movedFuncInfo(built.funcInfo ?? [], built.code),
    lineInfo: movedLineInfo(built.lineInfo ?? [], built.code, request.insns.length),
    remaking: built.remaking,
    loadTime: BigInt(Math.round(state.kernel.clock.now)),
  });
  try {
    if (state.kernel.engine === 'interp') engines.interp.install(prog);
    else engines.image.install(prog, { pokes: built.pokes, ...arenaOf(prog) });
  } catch (error) {
    prog.put();
    if (error instanceof BpfError) throw error;
    throw loadFailure('ENOTSUPP', error instanceof Error ? error.message : String(error), built.log);
  }
  const btf = state.process.fds.find(typeof attrs.btf === 'object' ? attrs.btf.fd : (attrs.btf ?? 0));
  if (btf instanceof BtfObject && (built.funcInfo?.length || built.lineInfo?.length)) prog.btfObject = btf;
  if (request.attachBtfId !== 0) prog.attachBtfObjectId = attachedBtf(state, request);
  if (request.attachProgFd !== 0) prog.targetProg = state.progByFd('BPF_PROG_LOAD', request.attachProgFd).get();
  state.addProg(prog, btf instanceof BtfObject ? btf : undefined);
  // such programs walk the kernel's structures by type
  if (request.attachBtfId !== 0) state.kernel.cgroups.objects.turnOn();
  state.detours.loaded(prog);
  return prog;
}

/** Id of the BTF that attach_btf_id is in: the kernel's, or that of the program attached to. */
function attachedBtf(state: BpfState, { attachProgFd }: LoadRequest): number {
  if (attachProgFd !== 0) return state.progByFd('BPF_PROG_LOAD', attachProgFd).btfObject?.id ?? 0;
  return state.vmlinuxBtf.id;
}

function unverifiedCode(state: BpfState, engines: Engines, request: LoadRequest): Built {
  try {
    const { insns, origins, funcs } = prepareUnverified(
      request.insns,
      request.name,
      engines.ldAbs(request.type) ?? (() => undefined),
    );
    const maps = resolveReferences(state, insns, request.fdArray ?? [], {
      isResolved: (slot) => request.insns[origins[slot]!]?.code !== CALL,
      helper: (id) => addrToBigInt(helperAddress(state, request, id)),
    });
    return { code: { insns, origins, funcs, maps }, log: '', verifiedInsns: 0, pokes: [] };
  } catch (error) {
    if (error instanceof MalformedProgram) throw loadFailure('EINVAL', error.message, `${error.message}\n`);
    throw error;
  }
}

/** Makes the text of all kernel functions that the program calls; the names of those that the model has no body for. */
function defineCallees(state: BpfState, insns: ProgCode['insns']): string[] {
  const missing = new Set<string>();
  const { symbols } = state.kernel;
  const base = addrFromBigInt(state.callBase);
  for (const insn of insns) {
    if (insn.code !== CALL || insn.src === BPF_PSEUDO_CALL) continue;
    const found = symbols.at(base + insn.imm);
    if (found === undefined || found.offset !== 0) continue;
    if (state.helpers.define(found.name)) continue;
    state.helpers.defineUnmodelled(found.name);
    missing.add(found.name);
  }
  return [...missing];
}

/** SO_ATTACH_FILTER: checked and converted, never verified. */
function classicCode(state: BpfState, request: LoadRequest): Built {
  const layout = layoutOf(state.kernel.btf);
  try {
    const filters = readFilters(writeInsns(request.insns));
    const { insns, origins, stackDepth } = convertClassic(filters, {
      offset: (struct, field) => layout.field(struct, field).offset,
      call: (name) => {
        if (!state.helpers.define(name)) throw new NotModelledError('BPF_PROG_LOAD', `kernel function ${name}`);
        return Number(addrToBigInt(state.kernel.symbols.find(name)!.address) - state.callBase);
      },
    });
    const func = { name: request.name, start: 0, end: insns.length, stackDepth, tailCallReachable: false };
    return {
      code: { insns, origins: Int32Array.from(origins), funcs: [func], maps: [] },
      log: '',
      verifiedInsns: 0,
      pokes: [],
    };
  } catch (error) {
    if (error instanceof ClassicError) throw loadFailure('EINVAL', error.message, `${error.message}\n`);
    throw error;
  }
}

/** Address of a helper's text for a program, made on first use. @throws BpfError naming the helper */
export function helperAddress(state: BpfState, request: LoadRequest, id: number): number {
  const row = helperRow(id, { type: request.type, expectedAttachType: request.expectedAttachType });
  const name = helperName(id);
  // An unverified program may call what its type would not give it: any row of the helper will do.
  const symbol = row?.symbol === undefined ? `bpf_${name}` : row.symbol;
  if (name === 'unknown' || symbol === null) throw new MalformedProgram(`invalid func ${name}#${id}`);
  if (!state.helpers.define(symbol)) throw new NotModelledError('BPF_PROG_LOAD', `helper bpf_${name} (${symbol})`);
  const at = state.kernel.symbols.find(symbol)?.address;
  if (at === undefined) throw new NotModelledError('BPF_PROG_LOAD', `kernel symbol ${symbol}`);
  return at;
}

/** Where the arena of a program is, which it may have one of. */
function arenaOf(prog: BpfProg): Pick<ImageOptions, 'arena'> {
  const arena = prog.usedMaps.find((map) => map instanceof ArenaMap);
  return arena instanceof ArenaMap ? { arena: arena.ranges } : {};
}
