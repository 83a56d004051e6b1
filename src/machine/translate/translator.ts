/**
 * Tiers: what runs often becomes WebAssembly. Counts transfers of control, translates what crosses
 * the threshold in groups, one module each, and forgets what was made from text that has changed.
 */
import type { Addr } from '../addr.ts';
import { addrHi } from '../addr.ts';
import { CPU, RBP, RSP } from '../cpu.ts';
import { buildUnit } from './build.ts';
import { Calls, leftOf, slotOf } from './calls.ts';
import { compileUnits } from './compile.ts';
import { Counters, NEVER, TRANSLATED } from './counters.ts';
import { Gate } from './gate.ts';
import { IndirectCalls } from './indirect.ts';
import { type AddressClass, DYNAMIC, type Unit } from './ir.ts';
import { LEFT, type Left } from './mailbox.ts';
import { Runs } from './runs.ts';
import { nestedAt, type Shape, shapeAt } from './shape.ts';
import { accessed, calledAt, Sites } from './sites.ts';
import { DEFAULT_TRANSLATOR, type Host, type Translation, type TranslatorOptions } from './translation.ts';

/** What to make a unit of: the function at an address, or a loop in it. */
interface Wanted {
  readonly entry: Addr;
  readonly within: ReadonlySet<Addr> | undefined;
}

const FIRST_SLICE = 1 << 18;
const MAX_SLICE = 1 << 26;

/** visits to blocks that were left out until they are put in; doubles each time */
const FIRST_THAW = 8;
/** times that a unit may find the stack not as it relies on */
const MAX_REFUSALS = 8;
/** a refused function has its text within this many bytes */
const REACH = 1 << 20;

/** What functions begin with: there rbp is the caller's. */
const FUNCTION_STARTS: ReadonlySet<string> = new Set(['endbr64', 'push', 'nop', 'call']);

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
  /** by entry: times that more was put in */
  private readonly thaws = new Map<Addr, number>();
  /** starts of executed blocks that units were made of */
  private readonly warm = new Set<Addr>();
  /** entries where rbp turned out not to be a frame pointer at a fixed distance from rsp */
  private readonly wrongFrames = new Set<Addr>();
  /** entry of the unit being built */
  private building: Addr = 0;
  /** addresses that were refused, with the reason: for tests and for people */
  readonly refused = new Map<Addr, string>();
  modules = 0;
  compiled = 0;

  constructor(host: Host, options: TranslatorOptions = DEFAULT_TRANSLATOR) {
    this.host = host;
    this.options = options;
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
    return count < 0 ? count === TRANSLATED : count >= this.options.threshold;
  };

  private firstCount = (target: Addr): number =>
    this.translations.has(target) ? TRANSLATED : this.refused.has(target) ? NEVER : 0;

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

  /** Translates the function or loop at `rip`, and what is nearly as hot; undefined where that cannot be. */
  translate(rip: Addr): Translation | undefined {
    const known = this.translations.get(rip);
    if (known !== undefined) return known;
    if (this.refused.has(rip)) return undefined;
    // A loop inside a loop gets a unit of its own, and the outermost one another, so that each is
    // nested as the code has it.
    const shape = this.shape(rip);
    const nested = shape && nestedAt(shape);
    const wanted: Wanted[] = [{ entry: rip, within: nested?.body }];
    if (nested !== undefined && !this.translations.has(nested.outer) && !this.refused.has(nested.outer)) {
      wanted.push({ entry: nested.outer, within: undefined });
    }
    this.compile(wanted);
    return this.translations.get(rip);
  }

  /** A slice or the budget ended at a loop: the next slice is longer, and starts in a translation. */
  resume(t: Translation): void {
    t.slice = Math.min(t.slice * 2, MAX_SLICE);
    this.translate(this.host.cpu.rip);
  }

  /** Whether code has been executed, by the stepper or, as far as it was taken into units, since. */
  private executed = (rip: Addr): boolean => this.warm.has(rip) || this.host.seen(rip);

  /** Control came to a block that was left out. When that happens again and again, what was executed since is put in. */
  private thaw(t: Translation): void {
    if (++t.colds < FIRST_THAW << Math.min(7, this.thaws.get(t.entry) ?? 0)) return;
    this.thaws.set(t.entry, (this.thaws.get(t.entry) ?? 0) + 1);
    for (const [entry, shape] of this.shapes) {
      if (shape?.cold.some((rip) => this.host.seen(rip))) this.shapes.delete(entry);
    }
    this.drop(t);
  }

  private shape = (entry: Addr): Shape | undefined => {
    if (this.shapes.has(entry)) return this.shapes.get(entry);
    // What has not been executed is left out of a function, unless nothing of it has.
    const partly = this.executed(entry);
    const shape = shapeAt(this.host.memory, entry, partly ? (rip) => !this.executed(rip) : undefined);
    this.shapes.set(entry, shape);
    if (shape !== undefined && partly) {
      for (const start of shape.blocks.keys()) if (!shape.cold.includes(start)) this.warm.add(start);
    }
    return shape;
  };

  private classOf = (rip: Addr, guess: AddressClass, va: Addr | undefined): AddressClass =>
    this.options.classOf?.(rip) ?? this.sites.classOf(rip, guess, va, this.building);

  private compile(wanted: readonly Wanted[]): void {
    const units: Unit[] = [];
    for (const { entry, within } of wanted) {
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
      this.compiled++;
      this.counters.set(entry, TRANSLATED);
      const slot = this.calls.slotOf(entry);
      const t: Translation = {
        entry,
        ranges,
        slot,
        framed: unit.frame.lo !== unit.frame.hi,
        need,
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
    if (addrHi(entry) >= 0) return 'user code';
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

  /** Code that starts in the middle of a function: rbp as it is now is probably the frame pointer. */
  private frameGuess(entry: Addr): number {
    const { cpu } = this.host;
    if (this.wrongFrames.has(entry)) return DYNAMIC;
    const first = this.shape(entry)?.blocks.get(entry)?.insns[0]?.form.mnemonic;
    const offset = cpu.reg(RBP) - cpu.reg(RSP);
    // Just behind `mov rbp, rsp`, where tail calls arrive: a function's caller has its frame farther up.
    if (offset === 0) return 0;
    if (first === undefined || FUNCTION_STARTS.has(first)) return DYNAMIC;
    return offset >= 0 && offset <= 8192 && offset % 8 === 0 ? offset : DYNAMIC;
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
    const code = this.gate.run(calls.enter, t.slot, budget);
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
      this.wrongFrames.add(by.entry);
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
    if (this.sites.miss(t, rip, accessed(memory, cpu, rip), insns)) this.drop(t);
  }

  private refuse(t: Translation, why: string): void {
    this.forget(t);
    this.refused.set(t.entry, why);
    this.counters.set(t.entry, NEVER);
  }

  private forget(t: Translation): void {
    this.translations.delete(t.entry);
    this.bySlot[t.slot] = undefined;
    this.calls.disconnect(t.slot);
  }

  private drop(t: Translation): void {
    this.forget(t);
    this.counters.set(t.entry, this.options.threshold);
  }

  /** Text in [va, va + bytes) changed. */
  invalidate(va: Addr, bytes: number): void {
    const end = va + bytes;
    const hits = (ranges: Unit['ranges']): boolean => ranges.some(([a, b]) => a < end && b > va);
    for (const t of this.translations.values()) {
      if (!hits(t.ranges)) continue;
      this.drop(t);
      this.gate.patched = true;
    }
    for (const [entry, shape] of this.shapes) {
      if (shape === undefined ? entry >= va && entry < end : hits(shape.ranges)) this.shapes.delete(entry);
    }
    for (const entry of this.refused.keys()) {
      if (entry < va - REACH || entry > end + REACH) continue;
      this.refused.delete(entry);
      this.counters.set(entry, 0);
    }
  }

  /** A kernel mapping changed: code there, and the stack if it was there. */
  mapChanged(start: Addr, end: Addr): void {
    if (this.runs.changed(start, end)) this.gate.patched = true;
    if (this.translations.size > 0 || this.shapes.size > 0) this.invalidate(start, end - start);
  }
}
