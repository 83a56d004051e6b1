/** Makes translations: units of what is wanted, as one module. */
import { type Addr, addrHi } from '../../addr.ts';
import type { AddressClass } from '../ir/address-class.ts';
import type { Unit } from '../ir/ir.ts';
import { DYNAMIC } from '../ir/uop.ts';
import { buildUnit } from '../lift/build.ts';
import { covers } from '../lift/shape.ts';
import { compileUnits } from './compile.ts';
import { frameGuess } from './frame-guess.ts';
import type { Parts } from './parts.ts';
import type { Translation } from './translation.ts';

/** What to make a unit of: the function at an address, or a loop in it. */
export interface Wanted {
  readonly entry: Addr;
  readonly within: ReadonlySet<Addr> | undefined;
  /** not where an earlier one has it inlined */
  readonly unlessInlined: boolean;
}

/** why user code is refused */
export const USER = 'user code';
/** instructions that a new unit may run at once */
const FIRST_SLICE = 1 << 18;
/** what a unit costs besides, in instructions of it */
export const UNIT = 40;

export class Maker {
  private readonly parts: Parts;
  /** entry of the unit being built */
  private building: Addr = 0;
  modules = 0;
  compiled = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  private classOf = (rip: Addr, guess: AddressClass, va: Addr | undefined): AddressClass =>
    this.parts.options.classOf?.(rip) ?? this.parts.sites.classOf(rip, guess, va, this.building);

  /** Makes one module of what is wanted, as far as it can be had. */
  make(wanted: readonly Wanted[]): void {
    const { host, translations, gate, policy, sites } = this.parts;
    const units: Unit[] = [];
    for (const { entry, within, unlessInlined } of wanted) {
      if (unlessInlined && units.some((u) => covers(u.ranges, entry, entry + 1))) {
        translations.counters.set(entry, 0);
        continue;
      }
      const unit = this.unit(entry, within);
      if (typeof unit === 'string') translations.refuse(entry, unit);
      else units.push(unit);
    }
    if (units.length === 0) return;
    const { vmcall, statusFlags } = gate;
    const { calls } = translations;
    const made = compileUnits(units, host.memory, { vmcall, settle: statusFlags }, calls);
    this.modules++;
    for (const { unit, need } of made) {
      const { entry, ranges } = unit;
      const insns = unit.blocks.reduce((sum, b) => sum + b.count, 0);
      this.compiled++;
      policy.spend(UNIT + insns);
      const slot = calls.slotOf(entry);
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
        epoch: sites.epoch,
        stale: 0,
        refusals: 0,
      };
      translations.add(t);
    }
  }

  private unit(entry: Addr, within: ReadonlySet<Addr> | undefined): Unit | string {
    // Kernel text and modules only: generated code keeps rip's upper half as a constant.
    if (addrHi(entry) >= 0) return USER;
    const { host, options, functions, learned, indirect } = this.parts;
    const { cpu } = host;
    const { maxInsns, maxInline } = options;
    const bp = learned.wrongFrames.has(entry) ? DYNAMIC : frameGuess(host, entry, functions);
    this.building = entry;
    const weightAt = (rip: Addr): number => host.weights.get(rip) ?? 0;
    return buildUnit(entry, {
      shapeAt: functions.shape,
      targetOf: indirect.targetOf,
      isPolymorphic: indirect.isPolymorphic,
      classOf: this.classOf,
      gsBase: cpu.gsBase < 0 ? cpu.gsBase : cpu.kernelGsBase,
      weightAt,
      bp,
      within,
      maxInsns,
      // Of code that nobody has executed there is no saying which calls matter.
      maxInline: functions.executed(entry) ? maxInline : 0,
    });
  }
}
