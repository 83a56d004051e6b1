/** `struct bpf_verifier_env`: everything that one verification shares between its parts. */

import type { Btf, BtfFuncProto } from '../../btf/index.ts';
import { disassemble, type Insn } from '../../isa/index.ts';
import {
  BPF_F_ANY_ALIGNMENT,
  BPF_F_SLEEPABLE,
  BPF_F_STRICT_ALIGNMENT,
  BPF_F_TEST_REG_INVARIANTS,
  BPF_F_TEST_STATE_FREQ,
} from '../../uapi/index.ts';
import { Records } from '../access/record.ts';
import type { KfuncFacts, MapFacts, VerifierKernel } from '../kernel.ts';
import { Log } from '../log/log.ts';
import { ALL, frameText } from '../log/regs.ts';
import { SourceLines } from '../log/source.ts';
import type { StateList } from '../prune/list.ts';
import { Wanted } from '../prune/wanted.ts';
import { append, type HistoryEntry, type LinkedReg, replaceLast } from '../state/history.ts';
import type { Reg } from '../state/reg.ts';
import { type FuncState, VerifierState } from '../state/state.ts';
import type { VerifierInput } from '../types.ts';
import { Aux, type KfuncDesc, kfuncKey, type Subprog } from './aux.ts';
import { Reject } from './reject.ts';

/** `struct bpf_ctx_arg_aux`: a context argument's register type. */
export interface CtxArgInfo {
  readonly type: number;
  readonly btf?: Btf;
  readonly btfId?: number;
  readonly memSize?: number;
}

/** A state that waits to be explored, `struct bpf_verifier_stack_elem`. */
interface Pending {
  readonly state: VerifierState;
  readonly insnIdx: number;
  readonly prevInsnIdx: number;
  readonly logEnd: number;
}

const COMPLEXITY_LIMIT_INSNS = 1_000_000;
const COMPLEXITY_LIMIT_JMP_SEQ = 8192;
export const COMPLEXITY_LIMIT_STATES = 64;

export class Env {
  readonly input: VerifierInput;
  readonly visits: Uint32Array | undefined;
  /** instructions that it may process */
  readonly maxInsns: number;
  readonly #maxPending: number;
  readonly kernel: VerifierKernel;
  readonly log: Log;
  readonly source: SourceLines;
  readonly insns: readonly Insn[];
  readonly aux: Aux[];
  subprogs: Subprog[] = [];
  readonly usedMaps: MapFacts[] = [];
  readonly records: Records;
  readonly kfuncs = new Map<number, KfuncDesc>();
  /** what a search backwards looks for; see precision.ts */
  readonly wanted = new Wanted();
  /** by instruction: the line that such a search last wrote of it, for these registers of this frame and no slots */
  readonly searchLines: ({ readonly frame: number; readonly regs: number; readonly text: string } | undefined)[] = [];

  readonly strictAlignment: boolean;
  readonly sleepable: boolean;
  readonly allowPtrLeaks: boolean;
  readonly allowUninitStack: boolean;
  /** instructions that read stack which was never written, as {@link allowUninitStack} lets them */
  readonly uninitReads = new Set<number>();
  readonly bypassSpecV1: boolean;
  readonly bypassSpecV4: boolean;
  readonly bpfCapable: boolean;
  readonly testStateFreq: boolean;
  readonly testRegInvariants: boolean;
  /** speculative paths differ in what limits they see: states compare strictly */
  exploreAluLimits = false;

  cur = new VerifierState();
  insnIdx = 0;
  prevInsnIdx = 0;
  insnProcessed = 0;
  prevInsnProcessed = 0;
  jmpsProcessed = 0;
  prevJmpsProcessed = 0;
  maxStatesPerInsn = 0;
  totalStates = 0;
  peakStates = 0;
  longestMarkRead = 0;
  idGen = 0;
  exceptionCallback: number | undefined;
  usesArena: MapFacts | undefined;
  seenDirectWrite = false;
  seenException = false;
  /** of the whole program so far */
  changesPktData = false;
  maxPktOffset = 0;
  maxTpAccess = 0;
  maxRdonlyAccess = 0;
  maxRdwrAccess = 0;
  attachName = '';
  /** the function attached to returns nothing */
  attachReturnsVoid = false;
  attachProto: BtfFuncProto | undefined;
  /** BTF of what the program attaches to */
  attachBtf: Btf | undefined;
  /** arguments of an iterator's context that are more than their BTF says */
  ctxArgInfo: ((off: number) => CtxArgInfo | undefined) | undefined;
  /** struct_ops: the structure */
  attachStruct = '';
  enforceAttachType = false;
  explored: (StateList | undefined)[] = [];
  #pending: Pending[] = [];
  #curHist = false;

  // changes to print: `scratched_regs` and `scratched_stack_slots`
  #scratchedRegs = 0;
  #slotsLow = 0;
  #slotsHigh = 0;
  /** of instructions that were printed: a walk prints the same ones again and again */
  readonly #texts: string[] = [];
  #prevLogEnd = 0;
  #prevInsnText = 0;

  constructor(input: VerifierInput) {
    const { caps, flags } = input;
    this.input = input;
    this.kernel = input.kernel;
    this.visits = input.visits;
    this.maxInsns = input.limits?.insns ?? COMPLEXITY_LIMIT_INSNS;
    this.#maxPending = input.limits?.jumps ?? COMPLEXITY_LIMIT_JMP_SEQ;
    this.records = new Records(() => input.kernel.vmlinux);
    this.log = new Log(input.logLevel, input.logSize);
    this.source = new SourceLines(input.btf, input.lineInfo);
    this.insns = input.insns;
    this.aux = input.insns.map((_, n) => new Aux(n));
    this.strictAlignment = (flags & BPF_F_STRICT_ALIGNMENT) !== 0 && (flags & BPF_F_ANY_ALIGNMENT) === 0;
    this.sleepable = (flags & BPF_F_SLEEPABLE) !== 0;
    this.allowPtrLeaks = caps.perfmon;
    this.allowUninitStack = caps.perfmon;
    this.bypassSpecV1 = caps.perfmon || input.mitigations !== true;
    this.bypassSpecV4 = caps.perfmon || input.mitigations !== true;
    this.bpfCapable = caps.bpf;
    this.testStateFreq = caps.bpf && (flags & BPF_F_TEST_STATE_FREQ) !== 0;
    this.testRegInvariants = caps.bpf && (flags & BPF_F_TEST_REG_INVARIANTS) !== 0;
  }

  insn(idx: number): Insn {
    return this.insns[idx] as Insn;
  }
  auxAt(idx: number): Aux {
    return this.aux[idx] as Aux;
  }
  get frame(): FuncState {
    const { cur } = this;
    return cur.frames[cur.curframe] as FuncState;
  }
  reg(n: number): Reg {
    const { cur } = this;
    return (cur.frames[cur.curframe] as FuncState).regs[n] as Reg;
  }

  /** Ends verification with a line in the log. */
  fail(errno: string, line: string): never {
    this.log.write(`${line}\n`);
    throw new Reject(errno, line);
  }
  /** Ends verification without a word of its own. */
  quit(errno: string): never {
    throw new Reject(errno, errno);
  }
  /** A line in the log. */
  say(line: string): void {
    this.log.write(`${line}\n`);
  }

  /** {@link say} as a function of its own. */
  readonly sayLine = (line: string): void => this.say(line);

  /** A program that exposes kernel addresses to nobody may hold them as scalars. */
  isPointerValue(reg: Reg): boolean {
    return !this.allowPtrLeaks && reg.type !== 1;
  }

  /** States compare exactly only by what is precise, which an incapable loader always is. */
  markUnknown(reg: Reg): void {
    reg.markUnknownImprecise();
    reg.precise = !this.bpfCapable;
  }

  /** `mark_reg_invalid`: the value is gone; who may see addresses may go on using it as a number. */
  invalidate(reg: Reg): void {
    if (this.allowPtrLeaks) this.markUnknown(reg);
    else reg.clear();
  }

  // --- what the log shows as changed

  scratchReg(n: number): void {
    this.#scratchedRegs |= 1 << n;
  }
  scratchSlot(spi: number): void {
    if (spi < 32) this.#slotsLow |= 1 << spi;
    else this.#slotsHigh |= 1 << (spi - 32);
  }
  scratchAll(): void {
    this.#scratchedRegs = -1;
    this.#slotsLow = -1;
    this.#slotsHigh = -1;
  }
  scratchNone(): void {
    this.#scratchedRegs = 0;
    this.#slotsLow = 0;
    this.#slotsHigh = 0;
  }
  get scratched(): boolean {
    return (this.#scratchedRegs | this.#slotsLow | this.#slotsHigh) !== 0;
  }

  printState(frame: FuncState, all: boolean): void {
    this.log.write(
      frameText(frame, all ? ALL : { regs: this.#scratchedRegs, slotsLow: this.#slotsLow, slotsHigh: this.#slotsHigh }),
    );
    if (!all) this.scratchNone();
  }

  /** `print_insn_state`: behind the instruction's text where nothing came between, else on a line of its own. */
  printInsnState(frame: FuncState): void {
    if (this.#prevLogEnd !== 0 && this.#prevLogEnd === this.log.end) {
      this.log.truncate(this.#prevLogEnd - 1);
      const pos = this.#prevInsnText;
      const column = Math.ceil(Math.max(pos + 4, 40) / 8) * 8;
      this.log.write(`${' '.repeat(column - pos - 1)};`);
    } else {
      this.log.write(`${this.insnIdx}:`);
    }
    this.printState(frame, false);
  }

  /** verbose_linfo(): some messages have it even where the log has no instructions. */
  printSource(): void {
    this.log.write(this.source.text(this.insnIdx));
  }

  printInsn(): void {
    if (this.scratched) this.printInsnState(this.frame);
    this.printSource();
    const start = this.log.end;
    this.log.write(`${this.insnIdx}: ${this.insnText(this.insnIdx)}\n`);
    this.#prevInsnText = this.log.end - start;
    this.#prevLogEnd = this.log.end;
  }

  insnText(idx: number): string {
    return (this.#texts[idx] ??= disassemble(this.insn(idx), this.insns[idx + 1], {
      allowPtrLeaks: this.allowPtrLeaks,
      known: '6.12',
      helper: (id) => `bpf_${this.kernel.helperName(id)}`.replace('bpf_unknown', 'unknown'),
      call: (insn) => (insn.src === 2 ? this.#kfuncName(insn) : undefined),
      imm: (insn, value) => this.#wideText(idx, insn, value),
    }));
  }

  /** `disasm_kfunc_name`: whatever the kernel's BTF calls the id. */
  #kfuncName({ imm, off }: Insn): string | undefined {
    const known = this.kfuncs.get(kfuncKey(imm, off))?.facts.name;
    if (known !== undefined || off !== 0) return known ?? '<error>';
    const { vmlinux } = this.kernel;
    return vmlinux && imm >= 0 && imm < vmlinux.typeCount ? vmlinux.typeById(imm).name : '<error>';
  }

  #wideText(idx: number, insn: Insn, value: bigint): string {
    const resolved = this.auxAt(idx).imm64;
    const isPtr = insn.src === 1 || insn.src === 2;
    const shown = resolved ?? value;
    return `0x${(isPtr && !this.allowPtrLeaks ? 0n : shown).toString(16)}`;
  }

  // --- jump history

  beginInsn(): void {
    this.#curHist = false;
  }

  /** `push_jmp_history`: one entry for the current instruction, later facts merged into it. */
  pushHistory(state: VerifierState, flags: number, linked: readonly LinkedReg[] | undefined): void {
    if (this.#curHist && state.history.count > 0) {
      const last = state.history.entries[state.history.count - 1] as HistoryEntry;
      state.history = replaceLast(state.history, { ...last, flags: last.flags | flags, linked: last.linked ?? linked });
      return;
    }
    state.history = append(state.history, { idx: this.insnIdx, prevIdx: this.prevInsnIdx, flags, linked });
    this.#curHist = true;
  }

  // --- states to explore

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** `push_stack`: remembers a copy of the current state, to be explored from `insnIdx`. */
  pushState(insnIdx: number, prevInsnIdx: number, speculative: boolean): VerifierState {
    const state = this.cur.clone();
    state.speculative ||= speculative;
    this.#pending.push({ state, insnIdx, prevInsnIdx, logEnd: this.log.end });
    if (this.#pending.length > this.#maxPending) {
      this.say(`The sequence of ${this.#pending.length} jumps is too complex.`);
      throw new Reject('E2BIG', 'too many pending jumps');
    }
    if (state.parent) state.parent.branches++;
    return state;
  }

  /** `push_async_cb`: a state of its own, not grown from the current one. */
  pushFresh(state: VerifierState, insnIdx: number, prevInsnIdx: number): void {
    this.#pending.push({ state, insnIdx, prevInsnIdx, logEnd: this.log.end });
    if (this.#pending.length > this.#maxPending) {
      this.say(`The sequence of ${this.#pending.length} jumps is too complex for async cb.`);
      throw new Reject('E2BIG', 'too many pending jumps');
    }
  }

  /** Makes the newest pending state current. */
  popState(): boolean {
    const next = this.#pending.pop();
    if (!next) return false;
    if (!this.log.everyInsn) this.log.truncate(next.logEnd);
    this.cur = next.state;
    this.insnIdx = next.insnIdx;
    this.prevInsnIdx = next.prevInsnIdx;
    return true;
  }

  kfuncAt(insn: Insn): KfuncFacts | undefined {
    return this.kfuncs.get(kfuncKey(insn.imm, insn.off))?.facts;
  }
}
