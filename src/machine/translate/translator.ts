/**
 * Tiers: what runs often becomes WebAssembly. Counts transfers of control, translates what crosses
 * the threshold in groups, one module each, and forgets what was made from text that has changed.
 */
import type { Addr } from '../addr.ts';
import { addrHi } from '../addr.ts';
import { CPU, type CpuState, RBP, RSP } from '../cpu.ts';
import { MAILBOX_PHYS } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import { I32, ModuleBuilder } from '../wasm/encoder.ts';
import { buildUnit } from './build.ts';
import { Counters, NEVER, TRANSLATED } from './counters.ts';
import { emitUnit } from './emit.ts';
import { type FlagWords, settle } from './flags.ts';
import { analyseFlow } from './flow.ts';
import { type AddressClass, DYNAMIC, type Unit } from './ir.ts';
import { LEFT, type Left, MAIL } from './mailbox.ts';
import { dropDead, flagStates, joinChecks } from './passes.ts';
import { Runs } from './runs.ts';
import { nestedAt, type Shape, shapeAt } from './shape.ts';
import { accessed, calledAt, Sites } from './sites.ts';

/** Translated code for one entry address. */
export interface Translation {
  readonly entry: Addr;
  readonly ranges: Unit['ranges'];
  readonly run: (budget: number) => Left;
  /** budget below which it cannot run */
  readonly need: number;
  valid: boolean;
  /** instructions that it may run at once; grows, so that the engine below can replace it early by its optimised form */
  slice: number;
  /** starts of blocks that were left out, and times that control came to one */
  readonly cold: ReadonlySet<Addr>;
  colds: number;
  /** when it was made, counted in changes of class, and misses at places that changed since */
  readonly epoch: number;
  stale: number;
  /** times that it found the stack not as it relies on */
  refusals: number;
}

/** What the translator needs of the machine. */
export interface Host {
  readonly memory: GuestMemory;
  readonly cpu: CpuState;
  insns: number;
  marked: number;
  readonly weights: ReadonlyMap<Addr, number>;
  /** runs the hypercall's handler */
  hypercall(): void;
  /** whether the stepper has executed the instruction at an address */
  seen(rip: Addr): boolean;
  /** whether something happened that the run loop must look at */
  attention(): boolean;
}

export interface TranslatorOptions {
  /** transfers to an address before it is translated */
  readonly threshold: number;
  readonly maxInsns: number;
  readonly maxInline: number;
  /** decides how an access is checked, where it answers: any answer is correct, so a test gives all */
  readonly classOf?: (rip: Addr) => AddressClass | undefined;
}

export const DEFAULT_TRANSLATOR: TranslatorOptions = { threshold: 400, maxInsns: 12000, maxInline: 400 };

/** CF PF AF ZF SF OF */
const STATUS = 0x8d5;

/** What to make a unit of: the function at an address, or a loop in it. */
interface Wanted {
  readonly entry: Addr;
  readonly within: ReadonlySet<Addr> | undefined;
}

const FIRST_SLICE = 1 << 18;
const MAX_SLICE = 1 << 26;

/** visits to blocks that were left out until they are put in; doubles each time */
const FIRST_THAW = 8;
/** An indirect call: its first target, and how often it was and was not that. */
interface Indirect {
  readonly target: Addr;
  hits: number;
  misses: number;
}
const SETTLED = 16;
const POLYMORPHIC = 32;
/** times that a unit may find the stack not as it relies on */
const MAX_REFUSALS = 8;
/** a refused function has its text within this many bytes */
const REACH = 1 << 20;

/** What functions begin with: there rbp is the caller's. */
const FUNCTION_STARTS: ReadonlySet<string> = new Set(['endbr64', 'push', 'nop', 'call']);
const MAIL_BASE = MAILBOX_PHYS >> 2;

export class Translator {
  private readonly host: Host;
  private readonly options: TranslatorOptions;
  private readonly counters = new Counters();
  private readonly translations = new Map<Addr, Translation>();
  private readonly shapes = new Map<Addr, Shape | undefined>();
  /** by the low half of the call's address */
  private readonly indirect = new Map<number, Indirect>();
  private readonly runs: Runs;
  private readonly sites: Sites;
  /** by entry: times that more was put in */
  private readonly thaws = new Map<Addr, number>();
  /** starts of executed blocks that units were made of */
  private readonly warm = new Set<Addr>();
  /** entries where rbp turned out not to be a frame pointer at a fixed distance from rsp */
  private readonly wrongFrames = new Set<Addr>();
  private readonly flagWords: FlagWords;
  private readonly settleFlags: () => void;
  /** machine.insns if the budget of the running translation were spent */
  private end = 0;
  /** entry of the unit being built */
  private building: Addr = 0;
  /** text that a running translation was made from has changed */
  private patched = false;
  /** addresses that were refused, with the reason: for tests and for people */
  readonly refused = new Map<Addr, string>();
  modules = 0;
  compiled = 0;

  constructor(host: Host, options: TranslatorOptions = DEFAULT_TRANSLATOR) {
    this.host = host;
    this.options = options;
    this.runs = new Runs(host.memory);
    this.sites = new Sites(this.runs);
    const word = (at: number): number => (at - MAILBOX_PHYS) >> 2;
    this.flagWords = {
      words: host.memory.i32.subarray(MAIL_BASE, MAIL_BASE + 64),
      code: word(MAIL.code),
      over: word(MAIL.over),
      a: word(MAIL.a),
      b: word(MAIL.b),
      oa: word(MAIL.oa),
      ob: word(MAIL.ob),
    };
    this.settleFlags = () => {
      const { cpu } = host;
      cpu.lazyFlags = undefined;
      const at = CPU.rflags >> 2;
      cpu.words[at] = (cpu.words[at]! & ~STATUS) | (settle(this.flagWords) & STATUS);
    };
  }

  /** Counts a transfer of control to `target`: true when there is, or shall be, a translation. */
  onTransfer = (target: Addr): boolean => {
    const count = this.counters.bump(target, this.firstCount);
    return count < 0 ? count === TRANSLATED : count >= this.options.threshold;
  };

  private firstCount = (target: Addr): number =>
    this.translations.has(target) ? TRANSLATED : this.refused.has(target) ? NEVER : 0;

  /** The import that translated code calls for flags of unknown origin. */
  private statusFlags = (): number => settle(this.flagWords) & STATUS;

  find(rip: Addr): Translation | undefined {
    return this.translations.get(rip);
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

  private targetOf = (site: Addr): Addr | undefined => {
    const i = this.indirect.get(site | 0);
    return i !== undefined && i.hits >= SETTLED && i.misses < POLYMORPHIC ? i.target : undefined;
  };

  /** An indirect call left: where one always goes, that is inlined. */
  private indirectCall(t: Translation, site: number, target: Addr): void {
    const i = this.indirect.get(site);
    if (i === undefined) this.indirect.set(site, { target, hits: 1, misses: 0 });
    else if (i.target !== target) i.misses = POLYMORPHIC;
    else if (++i.hits === SETTLED && i.misses < POLYMORPHIC) this.drop(t);
  }

  private classOf = (rip: Addr, guess: AddressClass, va: Addr | undefined): AddressClass =>
    this.options.classOf?.(rip) ?? this.sites.classOf(rip, guess, va, this.building);

  private compile(wanted: readonly Wanted[]): void {
    const { memory } = this.host;
    const module = new ModuleBuilder(memory.wasm.buffer.byteLength / 65536);
    const vmcall = module.import('vmcall', [], [I32]);
    const settled = module.import('settle', [], [I32]);
    const made: { unit: Unit; need: number; name: string }[] = [];
    for (const { entry, within } of wanted) {
      const unit = this.unit(entry, within);
      if (typeof unit === 'string') {
        this.refused.set(entry, unit);
        this.counters.set(entry, NEVER);
        continue;
      }
      const flow = analyseFlow(unit);
      if (flow.reducible) joinChecks(unit, flow);
      dropDead(unit, flow);
      const { body, need } = emitUnit(unit, flow, flagStates(unit, flow), {
        module,
        vmcall,
        settle: settled,
        window: { end: memory.bytes },
      });
      const name = `f${made.length}`;
      module.add(body, name);
      made.push({ unit, need, name });
    }
    if (made.length === 0) return;
    const compiled = new WebAssembly.Module(module.encode());
    const instance = new WebAssembly.Instance(compiled, {
      m: { memory: memory.wasm, vmcall: this.vmcall, settle: this.statusFlags },
    });
    this.modules++;
    for (const { unit, need, name } of made) {
      const run = instance.exports[name] as (budget: number) => Left;
      this.compiled++;
      this.counters.set(unit.entry, TRANSLATED);
      const { entry, ranges } = unit;
      const cold = new Set(unit.cold);
      this.translations.set(entry, {
        entry,
        ranges,
        run,
        need,
        cold,
        colds: 0,
        slice: FIRST_SLICE,
        valid: true,
        epoch: this.sites.epoch,
        stale: 0,
        refusals: 0,
      });
    }
  }

  private unit(entry: Addr, within: ReadonlySet<Addr> | undefined): Unit | string {
    // Kernel text and modules only: generated code keeps rip's upper half as a constant.
    if (addrHi(entry) >= 0) return 'user code';
    const { maxInsns, maxInline } = this.options;
    const bp = this.frameGuess(entry);
    this.building = entry;
    const weightAt = (rip: Addr): number => this.host.weights.get(rip) ?? 0;
    return buildUnit(entry, {
      shapeAt: this.shape,
      targetOf: this.targetOf,
      classOf: this.classOf,
      gsBase: this.host.cpu.gsBase,
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
    if (first === undefined || FUNCTION_STARTS.has(first)) return DYNAMIC;
    const offset = cpu.reg(RBP) - cpu.reg(RSP);
    return offset >= 0 && offset <= 8192 && offset % 8 === 0 ? offset : DYNAMIC;
  }

  /**
   * Runs a translation for at most `budget` instructions. CpuState is complete afterwards, rflags by
   * {@link CpuState.lazyFlags}. host.insns is advanced.
   */
  enter(t: Translation, budget: number): Left {
    const { host } = this;
    const { cpu, memory } = host;
    if (cpu.lazyFlags !== undefined) cpu.lazyFlags();
    if (!this.runs.stack(cpu.reg(RSP))) {
      if (++t.refusals > MAX_REFUSALS) this.refuse(t, 'starts on a user stack');
      return LEFT.frame;
    }
    const outerEnd = this.end;
    const outerPatched = this.patched;
    this.end = host.insns + budget;
    this.patched = false;
    memory.i32[MAIL.soft >> 2] = budget >> 1;
    let left: Left;
    try {
      left = t.run(budget);
      if (left !== LEFT.frame) {
        host.insns = this.end - memory.i32[MAIL.left >> 2]!;
        host.marked += memory.i32[MAIL.marked >> 2]!;
        cpu.lazyFlags = this.settleFlags;
      }
    } finally {
      this.end = outerEnd;
      this.patched ||= outerPatched;
    }
    if (left === LEFT.step) this.stepped(t, cpu.rip);
    else if (left === LEFT.transfer) {
      const site = memory.i32[MAIL.site >> 2]!;
      if (site !== 0) {
        memory.i32[MAIL.site >> 2] = 0;
        this.indirectCall(t, site, cpu.rip);
      }
    }
    if (left === LEFT.frame && ++t.refusals > MAX_REFUSALS) {
      this.wrongFrames.add(t.entry);
      this.drop(t);
    }
    return left;
  }

  /** The import that translated code calls for `vmcall`: state is in memory. True: leave. */
  private vmcall = (): number => {
    const { host } = this;
    const { cpu, memory } = host;
    const { words } = cpu;
    const regs = cpu.regs;
    const rip = words[CPU.rip >> 2];
    const rsp = regs[2 * RSP];
    const rspHi = regs[2 * RSP + 1];
    const rbp = regs[2 * RBP];
    const rbpHi = regs[2 * RBP + 1];
    const left = memory.i32[MAIL.left >> 2]!;
    const marked = memory.i32[MAIL.marked >> 2]!;
    const insns = this.end - left;
    host.insns = insns;
    cpu.lazyFlags = this.settleFlags;
    cpu.flagsSet = false;
    host.hypercall();
    const quiet =
      !cpu.flagsSet &&
      host.insns === insns &&
      words[CPU.rip >> 2] === rip &&
      regs[2 * RSP] === rsp &&
      regs[2 * RSP + 1] === rspHi &&
      regs[2 * RBP] === rbp &&
      regs[2 * RBP + 1] === rbpHi &&
      words[CPU.cpl >> 2] === 0 &&
      !this.patched &&
      !host.attention();
    if (quiet) return 0;
    // The handler may have set rflags, or run guest code: from here on the mailbox says what they are now.
    const m = memory.i32;
    const { rflags } = cpu;
    m[MAIL.code >> 2] = 0;
    m[MAIL.over >> 2] = 0;
    m[MAIL.a >> 2] = rflags;
    // What a nested run executed is not this one's.
    this.end += host.insns - insns;
    m[MAIL.left >> 2] = left;
    m[MAIL.marked >> 2] = marked;
    return 1;
  };

  /** A check failed at rip, or the instruction there is not translated. What it accesses may say how it should be checked. */
  private stepped(t: Translation, rip: Addr): void {
    if (t.cold.has(rip)) {
      this.thaw(t);
      return;
    }
    const call = this.indirect.get(rip | 0);
    if (call !== undefined && call.hits >= SETTLED && calledAt(this.host.memory, this.host.cpu, rip) !== call.target) {
      if (++call.misses === POLYMORPHIC) this.drop(t);
      return;
    }
    const va = accessed(this.host.memory, this.host.cpu, rip);
    if (this.sites.miss(t, rip, va, this.host.insns)) this.drop(t);
  }

  private refuse(t: Translation, why: string): void {
    this.translations.delete(t.entry);
    this.refused.set(t.entry, why);
    this.counters.set(t.entry, NEVER);
  }

  private drop(t: Translation): void {
    t.valid = false;
    this.translations.delete(t.entry);
    this.counters.set(t.entry, this.options.threshold);
  }

  /** Text in [va, va + bytes) changed. */
  invalidate(va: Addr, bytes: number): void {
    const end = va + bytes;
    const hits = (ranges: Unit['ranges']): boolean => ranges.some(([a, b]) => a < end && b > va);
    for (const t of this.translations.values()) {
      if (!hits(t.ranges)) continue;
      this.drop(t);
      this.patched = true;
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
    if (this.runs.changed(start, end)) this.patched = true;
    if (this.translations.size > 0 || this.shapes.size > 0) this.invalidate(start, end - start);
  }
}
