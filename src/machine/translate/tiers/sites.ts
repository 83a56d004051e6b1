/**
 * Where accesses go, learned from the checks that fail: each instruction's address class, and what the accesses of
 * a unit mostly turn out to be. A wrong class costs time and nothing else.
 */
import { decode, FS, form, RIP, type X86Insn } from '../../../x86/index.ts';
import { type Addr, dropRange } from '../../addr.ts';
import { type CpuState, RSP } from '../../cpu.ts';
import { EXEC, READ } from '../../layout.ts';
import type { GuestMemory } from '../../memory.ts';
import { type AddressClass, runSlot } from '../ir/address-class.ts';
import type { Runs } from './runs.ts';

/** An access whose checks failed. */
interface Site {
  misses: number;
  /** times that its class changed */
  changes: number;
  /** machine.insns at the last miss */
  since: number;
  cls: AddressClass | undefined;
  /** when its class changed */
  epoch: number;
}

/** What a translation has of this. */
export interface Compiled {
  readonly entry: Addr;
  /** {@link Sites.epoch} when it was made */
  readonly epoch: number;
  /** misses at places that have changed class since */
  stale: number;
}

/** misses until an access gets a class, until it gets another one, and changes until it goes through the TLB */
const FIRST_RECLASS = 2;
const RECLASS = 32;
const MAX_CHANGES = 4;
/** memory operands that are not accessed */
const NO_ACCESS = /^(lea|nop|prefetch.*)$/;
/** misses farther apart than this, in instructions, do not add up */
const PATIENCE = 50_000;

export class Sites {
  /** changes of class so far */
  epoch = 0;
  private readonly runs: Runs;
  private readonly sites = new Map<Addr, Site>();
  /** by entry of the unit: classes that its accesses changed to, and the one for those of which nothing is known */
  private readonly history = new Map<Addr, AddressClass[]>();
  private readonly defaults = new Map<Addr, AddressClass>();

  constructor(runs: Runs) {
    this.runs = runs;
  }

  /** Class for the access of the instruction at `rip` in the unit at `entry`; `va`: its address, where that is a constant. */
  classOf(rip: Addr, guess: AddressClass, va: Addr | undefined, entry: Addr): AddressClass {
    const known = this.sites.get(rip)?.cls;
    if (known !== undefined) return known;
    if (va !== undefined) return this.runs.guess(va);
    return guess === 'direct' ? (this.defaults.get(entry) ?? guess) : guess;
  }

  /** The stepper is about to execute the instruction at `rip`: the first time that somebody looks decides its class. */
  observe(rip: Addr, memory: GuestMemory, cpu: CpuState): void {
    if (this.sites.get(rip)?.cls !== undefined) return;
    const phys = memory.translate(rip, EXEC, false);
    if (phys < 0) return;
    const insn = decode(memory.u8, phys);
    // What is at a constant address, or in the frame, is known; of these only memory operands are accesses.
    if (insn.row < 0 || !insn.mem || insn.base === RIP || insn.base === RSP || NO_ACCESS.test(form(insn.row).mnemonic))
      return;
    if (insn.base < 0 && insn.index < 0) return;
    const cls = this.runs.classify(addressOf(insn, cpu, rip));
    this.sites.set(rip, { misses: 0, changes: 0, since: 0, cls, epoch: ++this.epoch });
  }

  /** The unit left at `rip`, which is about to access `va`. True where that has changed class since: it counts as stale. */
  miss(unit: Compiled, rip: Addr, va: Addr | undefined, insns: number): boolean {
    const site = this.sites.get(rip) ?? { misses: 0, changes: 0, since: 0, cls: undefined, epoch: 0 };
    // Its class has changed since: a unit is made again when that has gathered.
    if (site.epoch > unit.epoch) {
      unit.stale++;
      return true;
    }
    if (site.cls === 'tlb' || va === undefined) return false;
    this.sites.set(rip, site);
    // Now and then is no reason: a buffer that is somewhere else each time is one miss each time.
    if (insns - site.since > PATIENCE) site.misses = 0;
    site.since = insns;
    site.misses++;
    const slot = site.cls === undefined ? -1 : runSlot(site.cls);
    if (slot > 0 && site.misses < RECLASS && this.runs.load(slot, va)) return false;
    if (site.misses < (site.cls === undefined ? FIRST_RECLASS : RECLASS)) return false;
    site.misses = 0;
    const cls = ++site.changes > MAX_CHANGES ? 'tlb' : this.runs.classify(va);
    if (cls === site.cls) return false;
    site.cls = cls;
    site.epoch = ++this.epoch;
    this.learn(unit.entry, cls);
    return false;
  }

  /** Forgets instructions in a range whose text is gone. */
  forget(start: Addr, end: Addr): void {
    for (const of of [this.sites, this.history, this.defaults]) dropRange(of, start, end);
  }

  /** What accesses of a unit mostly turned out to be is the guess for its others. */
  private learn(entry: Addr, cls: AddressClass): void {
    const classes = this.history.get(entry) ?? [];
    this.history.set(entry, classes);
    classes.push(cls);
    const same = classes.filter((c) => c === cls).length;
    if (same >= 2 && same * 2 > classes.length) this.defaults.set(entry, cls);
  }
}

/** Where the indirect call at `rip` is about to go. */
export function calledAt(memory: GuestMemory, cpu: CpuState, rip: Addr): Addr | undefined {
  const va = accessed(memory, cpu, rip);
  if (va !== undefined) return memory.translate(va, READ, false) < 0 ? undefined : memory.readAddr(va);
  const { rm } = decode(memory.u8, memory.hostPhysical(rip, EXEC));
  return rm >= 0 ? cpu.reg(rm) : undefined;
}

/** Address that the instruction at `rip` is about to access through its memory operand. */
export function accessed(memory: GuestMemory, cpu: CpuState, rip: Addr): Addr | undefined {
  const phys = memory.translate(rip, EXEC, false);
  if (phys < 0) return undefined;
  const insn = decode(memory.u8, phys);
  return insn.row < 0 || !insn.mem ? undefined : addressOf(insn, cpu, rip);
}

function addressOf(insn: X86Insn, cpu: CpuState, rip: Addr): Addr {
  const { base, index, scale, disp, segment, length } = insn;
  let va = disp;
  if (base === RIP) va += rip + length;
  else if (base >= 0) va += cpu.reg(base);
  if (index >= 0) va += cpu.reg(index) * 2 ** scale;
  if (segment !== 0) va += segment === FS ? cpu.fsBase : cpu.gsBase;
  return va;
}
