/**
 * The way into translated code and out of it: the machine's state goes through memory (the CPU state
 * and the mailbox), hypercalls come out of it as an import and may end the run.
 */
import { CPU, RBP, RSP } from '../cpu.ts';
import { MAILBOX_PHYS } from '../layout.ts';
import { type FlagWords, settle } from './flags.ts';
import { LEFT, type Left, MAIL } from './mailbox.ts';
import type { Host } from './translation.ts';

/** CF PF AF ZF SF OF */
const STATUS = 0x8d5;
const MAIL_BASE = MAILBOX_PHYS >> 2;

export class Gate {
  /** text that a running translation was made from has changed, or a mapping that it relies on */
  patched = false;
  private readonly host: Host;
  private readonly flagWords: FlagWords;
  private readonly settleFlags: () => void;
  /** machine.insns if the budget of the running translation were spent */
  private end = 0;

  constructor(host: Host) {
    this.host = host;
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
   * Runs translated code for at most `budget` instructions. CpuState is complete afterwards, rflags by
   * {@link CpuState.lazyFlags}. host.insns is advanced.
   */
  run(code: (budget: number) => Left, budget: number): Left {
    const { host } = this;
    const { cpu, memory } = host;
    const outerEnd = this.end;
    const outerPatched = this.patched;
    this.end = host.insns + budget;
    this.patched = false;
    memory.i32[MAIL.soft >> 2] = budget >> 1;
    try {
      const left = code(budget);
      if (left !== LEFT.frame) {
        host.insns = this.end - memory.i32[MAIL.left >> 2]!;
        host.marked += memory.i32[MAIL.marked >> 2]!;
        cpu.lazyFlags = this.settleFlags;
      }
      return left;
    } finally {
      this.end = outerEnd;
      this.patched ||= outerPatched;
    }
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

  /** The import that translated code calls for `vmcall`: state is in memory. True: leave. */
  readonly vmcall = (): number => {
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
}
