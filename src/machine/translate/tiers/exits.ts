/** What is learned where a unit gives the machine back, and when that is reason enough to make it again. */
import type { Addr } from '../../addr.ts';
import { RSP } from '../../cpu.ts';
import { LEFT, type Left } from '../ir/mailbox.ts';
import { UNIT } from './maker.ts';
import type { Parts } from './parts.ts';
import { accessed, calledAt } from './sites.ts';
import type { Translation } from './translation.ts';

/** visits to blocks that were left out until they are put in; doubles each time */
const FIRST_THAW = 8;
/** misses at places that have changed class until their unit is made again; doubles each time */
const FIRST_STALE = 8;
/** times that a unit may find the stack not as it relies on */
export const MAX_REFUSALS = 8;

export class Exits {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** A unit gave the machine back. */
  left(by: Translation, left: Left): void {
    const { host, gate, indirect, learned, runs, translations } = this.parts;
    const { rip } = host.cpu;
    if (left === LEFT.step) this.stepped(by, rip);
    else if (left === LEFT.stop && by.cold.has(rip)) this.thaw(by);
    else if (left === LEFT.transfer) {
      const site = gate.takeSite();
      if (site !== 0 && indirect.left(site, rip)) translations.drop(by);
    } else if (left === LEFT.frame && runs.holdsStack(host.cpu.reg(RSP)) && ++by.refusals > MAX_REFUSALS) {
      // not where the stack was switched
      learned.wrongFrames.add(by.entry);
      translations.drop(by);
    }
  }

  /** A check failed at rip, or the instruction there is not translated. What it accesses may say how it should be checked. */
  private stepped(t: Translation, rip: Addr): void {
    const { host, indirect, sites, translations } = this.parts;
    const { memory, cpu, insns } = host;
    const target = indirect.inlined(rip);
    if (target !== undefined && calledAt(memory, cpu, rip) !== target) {
      if (indirect.missed(rip)) translations.drop(t);
      return;
    }
    if (sites.miss(t, rip, accessed(memory, cpu, rip), insns) && this.again(t, t.stale, FIRST_STALE)) this.remake(t);
  }

  /** Control came to a block that was left out. When that happens again and again, what was executed since is put in. */
  private thaw(t: Translation): void {
    if (!this.again(t, ++t.colds, FIRST_THAW)) return;
    this.parts.functions.forgetThawed();
    this.remake(t);
  }

  /** Whether `times` is often enough for a unit to be made again, and that pays. */
  private again(t: Translation, times: number, first: number): boolean {
    const { policy, host } = this.parts;
    return policy.enough(t.entry, times, first) && policy.affords(UNIT + t.insns, host.insns);
  }

  private remake(t: Translation): void {
    const { policy, translations } = this.parts;
    policy.remade(t.entry);
    translations.drop(t);
  }
}
