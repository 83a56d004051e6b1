/**
 * Tiers: what runs often becomes WebAssembly. Counts transfers of control, translates what crosses
 * the threshold in groups, one module each, and forgets what was made from text that has changed.
 */
import { type Addr, dropRange } from '../../addr.ts';
import { RSP } from '../../cpu.ts';
import { leftOf, slotOf } from '../emit/calls.ts';
import { LEFT, type Left } from '../ir/mailbox.ts';
import { nestedAt } from '../lift/shape.ts';
import { type Counters, NEVER, TRANSLATED } from './counters.ts';
import { Exits, MAX_REFUSALS } from './exits.ts';
import { Maker, USER, type Wanted } from './maker.ts';
import { makeParts, type Parts } from './parts.ts';
import { DEFAULT_TRANSLATOR, type Host, type Translation, type TranslatorOptions } from './translation.ts';
import type { Translations } from './translations.ts';

/** instructions that are watched before what was not is translated */
const WATCH = 2048;
/** about what a candidate will cost: it is not looked at before */
const CANDIDATE = 100;
/** the stepper asks about an address so many times before it is hot */
const QUESTIONS = 16;
/** most instructions that a unit may run at once */
const MAX_SLICE = 1 << 26;

export class Translator {
  private readonly parts: Parts;
  private readonly translations: Translations;
  private readonly counters: Counters;
  private readonly threshold: number;
  private readonly maker: Maker;
  private readonly exits: Exits;
  /** instructions that are still to be executed one by one, each with a call of {@link watch} before it */
  watching = 0;
  /** what is hot and waits until translating it pays */
  private readonly candidates = new Set<Addr>();

  constructor(host: Host, options: TranslatorOptions = DEFAULT_TRANSLATOR) {
    this.parts = makeParts(host, options);
    this.translations = this.parts.translations;
    this.counters = this.translations.counters;
    this.maker = new Maker(this.parts);
    this.exits = new Exits(this.parts);
    this.threshold = options.threshold;
  }

  /** How many modules were made, and how many units in them. */
  get modules(): number {
    return this.maker.modules;
  }

  get compiled(): number {
    return this.maker.compiled;
  }

  /** Transfers between two times that the stepper asks. */
  get every(): number {
    return Math.max(1, Math.floor(this.threshold / QUESTIONS));
  }

  /** Counts transfers of control to `target`: true when there is, or shall be, a translation. */
  onTransfer = (target: Addr, times = 1): boolean => {
    const count = this.counters.bump(target, times, this.firstCount);
    return count >= this.threshold || count === TRANSLATED;
  };

  private firstCount = (target: Addr): number => {
    if (this.translations.byEntry.has(target)) return TRANSLATED;
    return this.translations.refused.has(target) ? NEVER : 0;
  };

  find(rip: Addr): Translation | undefined {
    return this.translations.byEntry.get(rip);
  }

  /** The translation for where the CPU is. */
  current(): Translation | undefined {
    return this.translations.current(this.parts.host.cpu);
  }

  /**
   * Control came to `rip` often enough. When it pays to translate all that did, and its accesses have been watched for
   * once, that is done; until then, undefined.
   */
  hot(rip: Addr): Translation | undefined {
    const known = this.translations.byEntry.get(rip);
    if (known !== undefined || this.translations.refused.has(rip)) return known;
    if (rip >= 0) {
      this.translations.refuse(rip, USER);
      return undefined;
    }
    const { candidates, threshold } = this;
    const { host, policy, options, learned } = this.parts;
    candidates.add(rip);
    if (!policy.affords(candidates.size * CANDIDATE, host.insns)) {
      // asked again after as many transfers
      this.counters.set(rip, threshold >> 1);
      return undefined;
    }
    if (options.patience > 0 && !learned.watched.has(rip)) {
      this.watching = WATCH;
      return undefined;
    }
    this.translateAll(rip);
    return this.translations.byEntry.get(rip);
  }

  /** Translates what is at `rip`, and the functions among the candidates but those that others have inlined, as one module. */
  private translateAll(rip: Addr): void {
    const { candidates } = this;
    const { functions } = this.parts;
    // By now more of them may have been executed.
    functions.forgetThawed();
    const entries = [...candidates].filter((e) => !this.translations.byEntry.has(e) && functions.startsFunction(e));
    const sizes = new Map(entries.map((e) => [e, functions.size(e)]));
    entries.sort((a, b) => sizes.get(b)! - sizes.get(a)!);
    candidates.clear();
    const wanted: Wanted[] = entries.map((entry) => ({ entry, within: undefined, unlessInlined: true }));
    this.maker.make(functions.startsFunction(rip) ? wanted : [...wanted, ...this.wantedAt(rip)]);
  }

  /** While {@link watching}: the stepper is about to execute the instruction at cpu.rip, and only that. */
  watch(): void {
    const { host, learned, runs, sites } = this.parts;
    const { memory, cpu } = host;
    const { rip } = cpu;
    this.watching--;
    if (rip >= 0) return;
    learned.watch(rip);
    runs.stack(cpu.reg(RSP));
    sites.observe(rip, memory, cpu);
  }

  /** Translates the function or loop at `rip` at once; undefined where that cannot be. */
  translate(rip: Addr): Translation | undefined {
    const known = this.translations.byEntry.get(rip);
    if (known !== undefined) return known;
    if (this.translations.refused.has(rip)) return undefined;
    this.maker.make(this.wantedAt(rip));
    return this.translations.byEntry.get(rip);
  }

  private wantedAt(rip: Addr): Wanted[] {
    // A loop inside a loop gets a unit of its own, and the outermost one another, so that each is
    // nested as the code has it.
    const shape = this.parts.functions.shape(rip);
    const nested = shape && nestedAt(shape);
    const wanted: Wanted[] = [{ entry: rip, within: nested?.body, unlessInlined: false }];
    if (
      nested !== undefined &&
      !this.translations.byEntry.has(nested.outer) &&
      !this.translations.refused.has(nested.outer)
    ) {
      wanted.push({ entry: nested.outer, within: undefined, unlessInlined: false });
    }
    return wanted;
  }

  /** A slice or the budget ended at a loop: the next slice is longer, and starts in a translation. */
  resume(t: Translation): void {
    t.slice = Math.min(t.slice * 2, MAX_SLICE);
    this.translate(this.parts.host.cpu.rip);
  }

  /**
   * Runs a translation for at most `budget` instructions. CpuState is complete afterwards, rflags by
   * {@link CpuState.lazyFlags}. host.insns is advanced.
   */
  enter(t: Translation, budget: number): Left {
    const { translations } = this;
    const { host, runs, gate, policy } = this.parts;
    const { cpu } = host;
    if (t.framed && !runs.stack(cpu.reg(RSP))) {
      if (++t.refusals > MAX_REFUSALS) {
        translations.remove(t);
        translations.refuse(t.entry, 'starts on a user stack');
      }
      return LEFT.frame;
    }
    const before = host.insns;
    const code = gate.run(translations.calls.enter, t.slot, budget);
    policy.translated += host.insns - before;
    const left = leftOf(code);
    const slot = slotOf(code);
    const by = slot === t.slot ? t : translations.bySlot[slot];
    if (by !== undefined) this.exits.left(by, left);
    return left;
  }

  /** Text in [va, va + bytes) changed. */
  invalidate(va: Addr, bytes: number): void {
    const end = va + bytes;
    this.forget(va, end);
    if (this.translations.forget(va, end)) this.parts.gate.patched = true;
    this.parts.functions.forget(va, end);
  }

  /** Forgets what was learned of single instructions: others may come to be where they were. */
  private forget(start: Addr, end: Addr): void {
    const { learned, sites, indirect, policy } = this.parts;
    if (!learned.forget(start, end)) return;
    dropRange(this.candidates, start, end);
    sites.forget(start, end);
    indirect.forget(start, end);
    policy.forget(start, end);
  }

  /** A kernel mapping changed: code there, and the stack if it was there. */
  mapChanged(start: Addr, end: Addr): void {
    const { runs, gate, functions } = this.parts;
    if (runs.changed(start, end)) gate.patched = true;
    if (this.translations.byEntry.size > 0 || functions.known) this.invalidate(start, end - start);
  }
}
