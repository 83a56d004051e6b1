/**
 * Tiers: what runs often becomes WebAssembly. Counts transfers of control, translates what crosses
 * the threshold in groups, one module each, and forgets what was made from text that has changed.
 */
import { type Addr, addrHi, dropRange } from '../addr.ts';
import { CPU, RBP, RSP } from '../cpu.ts';
import { EXEC } from '../layout.ts';
import type { AddressClass } from './address-class.ts';
import { buildUnit } from './build.ts';
import { Calls, leftOf, slotOf } from './calls.ts';
import { compileUnits } from './compile.ts';
import { Counters, NEVER, TRANSLATED } from './counters.ts';
import { Gate } from './gate.ts';
import { IndirectCalls } from './indirect.ts';
import type { Unit } from './ir.ts';
import { Learned } from './learned.ts';
import { LEFT, type Left } from './mailbox.ts';
import { Policy } from './policy.ts';
import { Runs } from './runs.ts';
import { nestedAt, type Shape, shapeAt } from './shape.ts';
import { accessed, calledAt, Sites } from './sites.ts';
import { DEFAULT_TRANSLATOR, type Host, type Translation, type TranslatorOptions } from './translation.ts';
import { DYNAMIC } from './uop.ts';

/** What to make a unit of: the function at an address, or a loop in it. */
interface Wanted {
  readonly entry: Addr;
  readonly within: ReadonlySet<Addr> | undefined;
  /** not where an earlier one has it inlined */
  readonly unlessInlined: boolean;
}

const FIRST_SLICE = 1 << 18;
const MAX_SLICE = 1 << 26;

/** visits to blocks that were left out until they are put in; doubles each time */
const FIRST_THAW = 8;
/** misses at places that have changed class until their unit is made again; doubles each time */
const FIRST_STALE = 8;
/** instructions that are watched before what was not is translated */
const WATCH = 2048;
/** times that a unit may find the stack not as it relies on */
const MAX_REFUSALS = 8;
/** a refused function has its text within this many bytes */
const REACH = 1 << 20;

const MOV_RBP_RSP = [0x48, 0x89, 0xe5];
/** What functions begin with: there rbp is the caller's. */
const FUNCTION_STARTS: ReadonlySet<string> = new Set(['endbr64', 'push', 'nop', 'call']);

/** what a unit costs besides, in instructions of it */
const UNIT = 40;

const REHEARSALS = 512;
/** about what a candidate will cost: it is not looked at before */
const CANDIDATE = 100;
const USER = 'user code';

const covers = (ranges: Unit['ranges'], start: Addr, end: Addr): boolean =>
  ranges.some(([a, b]) => a < end && b > start);

export class Translator {
  private readonly host: Host;
  private readonly options: TranslatorOptions;
  private readonly counters = new Counters();
  private readonly translations = new Map<Addr, Translation>();
  /** by slot */
  private readonly bySlot: (Translation | undefined)[] = [];
  private readonly shapes = new Map<Addr, Shape | undefined>();
  private readonly indirect = new IndirectCalls();
  private readonly gate: Gate;
  private madeCalls: Calls | undefined;
  private readonly runs: Runs;
  private readonly sites: Sites;
  private readonly policy: Policy;
  /** instructions that are still to be executed one by one, each with a call of {@link watch} before it */
  watching = 0;
  /**
   * Addresses that are still to be called hot when they are first seen, though they are not: an engine that compiled the
   * stepper's loop without having seen that way out would have to do it again when something becomes hot.
   */
  private rehearsals: number;
  private rehearsed: Addr | undefined;
  /** what is hot and waits until translating it pays */
  private readonly candidates = new Set<Addr>();
  private readonly learned = new Learned();
  /** entry of the unit being built */
  private building: Addr = 0;
  /** addresses that were refused, with the reason: for tests and for people */
  readonly refused = new Map<Addr, string>();
  modules = 0;
  compiled = 0;

  constructor(host: Host, options: TranslatorOptions = DEFAULT_TRANSLATOR) {
    this.host = host;
    this.options = options;
    this.policy = new Policy(options.patience);
    this.rehearsals = options.patience > 0 ? REHEARSALS : 0;
    this.runs = new Runs(host.memory);
    this.sites = new Sites(this.runs);
    this.gate = new Gate(host, this.runs);
  }

  private get calls(): Calls {
    this.madeCalls ??= new Calls(this.host.memory);
    return this.madeCalls;
  }

  /** Counts a transfer of control to `target`: true when there is, or shall be, a translation. */
  onTransfer = (target: Addr): boolean => {
    const count = this.counters.bump(target, this.firstCount);
    return count >= this.options.threshold || count === TRANSLATED;
  };

  private firstCount = (target: Addr): number => {
    if (this.translations.has(target)) return TRANSLATED;
    if (this.refused.has(target)) return NEVER;
    if (this.rehearsals === 0) return 0;
    this.rehearsals--;
    this.rehearsed = target;
    return this.options.threshold;
  };

  find(rip: Addr): Translation | undefined {
    return this.translations.get(rip);
  }

  /** The translation for where the CPU is. */
  current(): Translation | undefined {
    if (this.madeCalls === undefined) return undefined;
    const { cpu } = this.host;
    const { words } = cpu;
    const slot = this.madeCalls.cached(words[CPU.rip >> 2]!, words[(CPU.rip >> 2) + 1]!);
    return slot !== 0 ? this.bySlot[slot] : this.translations.get(cpu.rip);
  }

  /**
   * Control came to `rip` often enough. When it pays to translate all that did, and its accesses have been watched for
   * once, that is done; until then, undefined.
   */
  hot(rip: Addr): Translation | undefined {
    const known = this.translations.get(rip);
    if (known !== undefined || this.refused.has(rip)) return known;
    if (rip >= 0) {
      this.refused.set(rip, USER);
      this.counters.set(rip, NEVER);
      return undefined;
    }
    const { host, policy, candidates, options } = this;
    if (rip === this.rehearsed) {
      this.rehearsed = undefined;
      this.counters.set(rip, 0);
      return undefined;
    }
    candidates.add(rip);
    if (!policy.affords(candidates.size * CANDIDATE, host.insns)) {
      // asked again after as many transfers
      this.counters.set(rip, options.threshold >> 1);
      return undefined;
    }
    if (options.patience > 0 && !this.learned.watched.has(rip)) {
      this.watching = WATCH;
      return undefined;
    }
    this.translateAll(rip);
    return this.translations.get(rip);
  }

  /** Translates what is at `rip`, and the functions among the candidates but those that others have inlined, as one module. */
  private translateAll(rip: Addr): void {
    const { candidates } = this;
    // By now more of them may have been executed.
    this.forgetThawed();
    const functions = [...candidates].filter((e) => !this.translations.has(e) && this.startsFunction(e));
    const sizes = new Map(functions.map((e) => [e, this.size(e)]));
    functions.sort((a, b) => sizes.get(b)! - sizes.get(a)!);
    candidates.clear();
    const wanted: Wanted[] = functions.map((entry) => ({ entry, within: undefined, unlessInlined: true }));
    this.compile(this.startsFunction(rip) ? wanted : [...wanted, ...this.wantedAt(rip)]);
  }

  /** About how many instructions the unit at `entry` would have with what it inlines. */
  private size(entry: Addr): number {
    const { maxInline, maxInsns } = this.options;
    const work: (Shape | undefined)[] = [this.shape(entry)];
    let insns = 0;
    for (let shape = work.pop(); shape !== undefined && insns <= maxInsns; shape = work.pop()) {
      insns += shape.insns;
      for (const { end } of shape.blocks.values()) {
        const callee = end.kind === 'call' ? this.shape(end.target) : undefined;
        if (callee?.returns && callee.insns <= maxInline) work.push(callee);
      }
    }
    return insns;
  }

  /** Shapes without blocks that have been executed since are made again. */
  private forgetThawed(): void {
    for (const [entry, shape] of this.shapes) {
      if (shape?.cold.some((rip) => this.host.seen(rip))) this.shapes.delete(entry);
    }
  }

  /** While {@link watching}: the stepper is about to execute the instruction at cpu.rip, and only that. */
  watch(): void {
    const { memory, cpu } = this.host;
    const { rip } = cpu;
    this.watching--;
    if (rip >= 0) return;
    this.learned.watch(rip);
    this.runs.stack(cpu.reg(RSP));
    this.sites.observe(rip, memory, cpu);
  }

  /** Translates the function or loop at `rip` at once; undefined where that cannot be. */
  translate(rip: Addr): Translation | undefined {
    const known = this.translations.get(rip);
    if (known !== undefined) return known;
    if (this.refused.has(rip)) return undefined;
    this.compile(this.wantedAt(rip));
    return this.translations.get(rip);
  }

  private wantedAt(rip: Addr): Wanted[] {
    // A loop inside a loop gets a unit of its own, and the outermost one another, so that each is
    // nested as the code has it.
    const shape = this.shape(rip);
    const nested = shape && nestedAt(shape);
    const wanted: Wanted[] = [{ entry: rip, within: nested?.body, unlessInlined: false }];
    if (nested !== undefined && !this.translations.has(nested.outer) && !this.refused.has(nested.outer)) {
      wanted.push({ entry: nested.outer, within: undefined, unlessInlined: false });
    }
    return wanted;
  }

  /** A slice or the budget ended at a loop: the next slice is longer, and starts in a translation. */
  resume(t: Translation): void {
    t.slice = Math.min(t.slice * 2, MAX_SLICE);
    this.translate(this.host.cpu.rip);
  }

  /** Whether code has been executed, by the stepper or, as far as it was taken into units, since. */
  private executed = (rip: Addr): boolean => this.learned.warm.has(rip) || this.host.seen(rip);

  /** Control came to a block that was left out. When that happens again and again, what was executed since is put in. */
  private thaw(t: Translation): void {
    if (!this.again(t, ++t.colds, FIRST_THAW)) return;
    this.forgetThawed();
    this.remake(t);
  }

  /** Whether `times` is often enough for a unit to be made again, and that pays. */
  private again(t: Translation, times: number, first: number): boolean {
    return this.policy.enough(t.entry, times, first) && this.policy.affords(UNIT + t.insns, this.host.insns);
  }

  private remake(t: Translation): void {
    this.policy.remade(t.entry);
    this.drop(t);
  }

  private shape = (entry: Addr): Shape | undefined => {
    if (this.shapes.has(entry)) return this.shapes.get(entry);
    // What has not been executed is left out of a function, unless nothing of it has.
    const partly = this.executed(entry);
    const shape = shapeAt(this.host.memory, entry, partly ? (rip) => !this.executed(rip) : undefined);
    this.shapes.set(entry, shape);
    if (shape !== undefined) this.learned.of(shape.ranges);
    if (shape !== undefined && partly) {
      for (const start of shape.blocks.keys()) if (!shape.cold.includes(start)) this.learned.warm.add(start);
    }
    return shape;
  };

  private classOf = (rip: Addr, guess: AddressClass, va: Addr | undefined): AddressClass =>
    this.options.classOf?.(rip) ?? this.sites.classOf(rip, guess, va, this.building);

  private compile(wanted: readonly Wanted[]): void {
    const units: Unit[] = [];
    for (const { entry, within, unlessInlined } of wanted) {
      if (unlessInlined && units.some((u) => covers(u.ranges, entry, entry + 1))) {
        this.counters.set(entry, 0);
        continue;
      }
      const unit = this.unit(entry, within);
      if (typeof unit === 'string') {
        this.refused.set(entry, unit);
        this.counters.set(entry, NEVER);
      } else units.push(unit);
    }
    if (units.length === 0) return;
    const { vmcall, statusFlags } = this.gate;
    const made = compileUnits(units, this.host.memory, { vmcall, settle: statusFlags }, this.calls);
    this.modules++;
    for (const { unit, need } of made) {
      const { entry, ranges } = unit;
      const insns = unit.blocks.reduce((sum, b) => sum + b.count, 0);
      this.compiled++;
      this.policy.spend(UNIT + insns);
      this.counters.set(entry, TRANSLATED);
      const slot = this.calls.slotOf(entry);
      const t: Translation = {
        entry,
        ranges,
        slot,
        framed: unit.frame.lo !== unit.frame.hi,
        need,
        insns,
        cold: new Set(unit.cold),
        colds: 0,
        slice: FIRST_SLICE,
        epoch: this.sites.epoch,
        stale: 0,
        refusals: 0,
      };
      this.translations.set(entry, t);
      this.bySlot[slot] = t;
    }
  }

  private unit(entry: Addr, within: ReadonlySet<Addr> | undefined): Unit | string {
    // Kernel text and modules only: generated code keeps rip's upper half as a constant.
    if (addrHi(entry) >= 0) return USER;
    const { cpu } = this.host;
    const { maxInsns, maxInline } = this.options;
    const bp = this.frameGuess(entry);
    this.building = entry;
    const weightAt = (rip: Addr): number => this.host.weights.get(rip) ?? 0;
    return buildUnit(entry, {
      shapeAt: this.shape,
      targetOf: this.indirect.targetOf,
      isPolymorphic: this.indirect.isPolymorphic,
      classOf: this.classOf,
      gsBase: cpu.gsBase < 0 ? cpu.gsBase : cpu.kernelGsBase,
      weightAt,
      bp,
      within,
      maxInsns,
      // Of code that nobody has executed there is no saying which calls matter.
      maxInline: this.executed(entry) ? maxInline : 0,
    });
  }

  /** Just behind `mov rbp, rsp`, where tail calls arrive: rbp is the frame pointer there, whatever comes next. */
  private followsFrame(entry: Addr): boolean {
    const { memory } = this.host;
    const phys = memory.translate(entry - MOV_RBP_RSP.length, EXEC, false);
    return phys >= 0 && MOV_RBP_RSP.every((byte, i) => memory.u8[phys + i] === byte);
  }

  /** Code that starts in the middle of a function: rbp as it is now is probably the frame pointer. */
  private frameGuess(entry: Addr): number {
    const { cpu } = this.host;
    if (this.learned.wrongFrames.has(entry)) return DYNAMIC;
    if (this.followsFrame(entry)) return 0;
    if (this.startsFunction(entry)) return DYNAMIC;
    const offset = cpu.reg(RBP) - cpu.reg(RSP);
    return offset >= 0 && offset <= 8192 && offset % 8 === 0 ? offset : DYNAMIC;
  }

  private startsFunction(entry: Addr): boolean {
    const first = this.shape(entry)?.blocks.get(entry)?.insns[0]?.form.mnemonic;
    return first === undefined || FUNCTION_STARTS.has(first);
  }

  /**
   * Runs a translation for at most `budget` instructions. CpuState is complete afterwards, rflags by
   * {@link CpuState.lazyFlags}. host.insns is advanced.
   */
  enter(t: Translation, budget: number): Left {
    const { host, calls } = this;
    const { cpu } = host;
    if (t.framed && !this.runs.stack(cpu.reg(RSP))) {
      if (++t.refusals > MAX_REFUSALS) this.refuse(t, 'starts on a user stack');
      return LEFT.frame;
    }
    const before = host.insns;
    const code = this.gate.run(calls.enter, t.slot, budget);
    this.policy.translated += host.insns - before;
    const left = leftOf(code);
    const slot = slotOf(code);
    const by = slot === t.slot ? t : this.bySlot[slot];
    if (by !== undefined) this.left(by, left);
    return left;
  }

  /** A unit gave the machine back. */
  private left(by: Translation, left: Left): void {
    const { rip } = this.host.cpu;
    if (left === LEFT.step) this.stepped(by, rip);
    else if (left === LEFT.stop && by.cold.has(rip)) this.thaw(by);
    else if (left === LEFT.transfer) {
      const site = this.gate.takeSite();
      if (site !== 0 && this.indirect.left(site, rip)) this.drop(by);
    } else if (left === LEFT.frame && ++by.refusals > MAX_REFUSALS) {
      this.learned.wrongFrames.add(by.entry);
      this.drop(by);
    }
  }

  /** A check failed at rip, or the instruction there is not translated. What it accesses may say how it should be checked. */
  private stepped(t: Translation, rip: Addr): void {
    const { memory, cpu, insns } = this.host;
    const target = this.indirect.inlined(rip);
    if (target !== undefined && calledAt(memory, cpu, rip) !== target) {
      if (this.indirect.missed(rip)) this.drop(t);
      return;
    }
    if (this.sites.miss(t, rip, accessed(memory, cpu, rip), insns) && this.again(t, t.stale, FIRST_STALE))
      this.remake(t);
  }

  private refuse(t: Translation, why: string): void {
    this.remove(t);
    this.refused.set(t.entry, why);
    this.counters.set(t.entry, NEVER);
  }

  /** Nothing calls it any more. */
  private remove(t: Translation): void {
    this.translations.delete(t.entry);
    this.bySlot[t.slot] = undefined;
    this.calls.disconnect(t.slot);
  }

  private drop(t: Translation): void {
    this.remove(t);
    this.counters.set(t.entry, this.options.threshold);
  }

  /** Text in [va, va + bytes) changed. */
  invalidate(va: Addr, bytes: number): void {
    const end = va + bytes;
    this.forget(va, end);
    for (const t of this.translations.values()) {
      if (!covers(t.ranges, va, end)) continue;
      this.drop(t);
      this.gate.patched = true;
    }
    for (const [entry, shape] of this.shapes) {
      if (shape === undefined ? entry >= va && entry < end : covers(shape.ranges, va, end)) this.shapes.delete(entry);
    }
    for (const entry of this.refused.keys()) {
      if (entry < va - REACH || entry > end + REACH) continue;
      this.refused.delete(entry);
      this.counters.set(entry, 0);
    }
  }

  /** Forgets what was learned of single instructions: others may come to be where they were. */
  private forget(start: Addr, end: Addr): void {
    if (!this.learned.forget(start, end)) return;
    dropRange(this.candidates, start, end);
    this.sites.forget(start, end);
    this.indirect.forget(start, end);
    this.policy.forget(start, end);
  }

  /** A kernel mapping changed: code there, and the stack if it was there. */
  mapChanged(start: Addr, end: Addr): void {
    if (this.runs.changed(start, end)) this.gate.patched = true;
    if (this.translations.size > 0 || this.shapes.size > 0) this.invalidate(start, end - start);
  }
}
