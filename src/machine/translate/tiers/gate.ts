/**
 * The way into translated code and out of it: the machine's state goes through memory (the CPU state
 * and the mailbox), hypercalls come out of it as an import and may end the run.
 */
import { CPU, FLAG, RBP, RSP } from '../../cpu.ts';
import { MAILBOX_PHYS } from '../../layout.ts';
import { type FlagWords, settle } from '../ir/flags.ts';
import { MAIL, VMCALL } from '../ir/mailbox.ts';
import type { Runs } from './runs.ts';
import type { Host } from './translation.ts';

/** CF PF AF ZF SF OF */
const STATUS = 0x8d5;
/** flags that a hypercall may change while translated code goes on */
const PLAIN = STATUS | FLAG.IF | FLAG.DF;
const MAIL_BASE = MAILBOX_PHYS >> 2;

export class Gate {
  /** text that a running translation was made from has changed, or a mapping that it relies on */
  patched = false;
  private readonly host: Host;
  private readonly runs: Runs;
  private readonly flagWords: FlagWords;
  private readonly settleFlags: () => void;
  /** machine.insns if the budget of the running translation were spent */
  private end = 0;

  constructor(host: Host, runs: Runs) {
    this.host = host;
    this.runs = runs;
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

  /**
   * Runs the unit in a slot for at most `budget` instructions; what it answered, see calls.ts. CpuState is complete
   * afterwards, rflags by {@link CpuState.lazyFlags}. host.insns is advanced.
   */
  run(enter: (slot: number, budget: number) => number, slot: number, budget: number): number {
    const { host } = this;
    const { cpu, memory } = host;
    const m = memory.i32;
    const outerEnd = this.end;
    const outerPatched = this.patched;
    const outerSoft = m[MAIL.soft >> 2]!;
    this.end = host.insns + budget;
    this.patched = false;
    m[MAIL.soft >> 2] = budget >> 1;
    m[MAIL.marked >> 2] = 0;
    // Flags that translated code left are still in the mailbox.
    if (cpu.lazyFlags === undefined) this.putFlags(cpu.words[CPU.rflags >> 2]!);
    try {
      const code = enter(slot, budget);
      host.insns = this.end - m[MAIL.left >> 2]!;
      host.marked += m[MAIL.marked >> 2]!;
      m[MAIL.marked >> 2] = 0;
      cpu.lazyFlags = this.settleFlags;
      return code;
    } finally {
      this.end = outerEnd;
      this.patched ||= outerPatched;
      m[MAIL.soft >> 2] = outerSoft;
    }
  }

  private putFlags(rflags: number): void {
    const m = this.host.memory.i32;
    m[MAIL.code >> 2] = 0;
    m[MAIL.over >> 2] = 0;
    m[MAIL.a >> 2] = rflags;
  }

  /** The low half of the address of the indirect call that left last, 0 where it was something else. */
  takeSite(): number {
    const m = this.host.memory.i32;
    const site = m[MAIL.site >> 2]!;
    if (site !== 0) m[MAIL.site >> 2] = 0;
    return site;
  }

  /** The import that translated code calls for flags of unknown origin. */
  readonly statusFlags = (): number => settle(this.flagWords) & STATUS;

  /** The import that translated code calls for `vmcall`: state is in memory. */
  readonly vmcall = (): number => {
    const { host } = this;
    const { cpu, memory } = host;
    const { words, regs } = cpu;
    const m = memory.i32;
    const rip = words[CPU.rip >> 2];
    const rsp = regs[2 * RSP];
    const rspHi = regs[2 * RSP + 1];
    const rbp = regs[2 * RBP];
    const rbpHi = regs[2 * RBP + 1];
    const other = words[CPU.rflags >> 2]! & ~PLAIN;
    const left = m[MAIL.left >> 2]!;
    const insns = this.end - left;
    const marked = m[MAIL.marked >> 2]!;
    host.insns = insns;
    if (marked !== 0) {
      host.marked += marked;
      m[MAIL.marked >> 2] = 0;
    }
    cpu.lazyFlags = this.settleFlags;
    cpu.flagsSet = false;
    host.hypercall();
    const stays =
      words[CPU.rip >> 2] === rip &&
      regs[2 * RSP] === rsp &&
      regs[2 * RSP + 1] === rspHi &&
      regs[2 * RBP] === rbp &&
      regs[2 * RBP + 1] === rbpHi &&
      words[CPU.cpl >> 2] === 0 &&
      !this.patched &&
      !host.attention();
    const nested = host.insns - insns;
    if (stays && nested === 0 && !cpu.flagsSet) return VMCALL.quiet;
    // The handler set rflags, or ran guest code: the mailbox says what they are now, and what is left.
    this.putFlags(cpu.rflags);
    m[MAIL.left >> 2] = left - nested;
    if (nested !== 0) this.runs.stack(cpu.reg(RSP));
    return stays && (words[CPU.rflags >> 2]! & ~PLAIN) === other ? VMCALL.reload : VMCALL.leave;
  };
}
