/** A task among uprobes: the instruction that it executes out of line, and the probed functions that it has not returned from. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, reinstate } from '../core/state.ts';
import type { UprobeSite } from './uprobe-site.ts';

/** A probed function that will return. */
export interface ReturnInstance {
  readonly site: UprobeSite;
  readonly func: Addr;
  /** stack pointer at the function's entry: where its return address lies */
  readonly stack: Addr;
  readonly returnsTo: Addr;
  /** it was jumped to by a probed function: both return at once */
  readonly chained: boolean;
}

export class UTask {
  /** `struct uprobe_task` */
  readonly address: Addr;
  /** what bpf_get_func_ip gives: address of the breakpoint, or of the function that returns */
  vaddr: Addr = 0;
  /** executed out of line: its site, where its breakpoint is, the register that was lent */
  stepping:
    | { readonly site: UprobeSite; readonly at: Addr; readonly lent: readonly [lo: number, hi: number] }
    | undefined;
  /** innermost last */
  readonly returns: ReturnInstance[] = [];
  /** of those that return now, the ones whose handlers have not run */
  returning: ReturnInstance[] | undefined;
  /** pt_regs of functions that a recording names, 0 until there is one */
  regs: Addr = 0;
  /** stack pointer and instruction pointer of the trampoline while handlers see the function's */
  trampoline = { sp: 0, ip: 0 };

  constructor(address: Addr) {
    this.address = address;
  }
  save() {
    const { vaddr, stepping, returns, returning, trampoline, regs } = this;
    return {
      row: capture({ vaddr, regs, trampoline: { ...trampoline } }),
      returns: returns.slice(),
      stepping,
      returning: returning?.slice(),
    };
  }
  restore({ row, returns, stepping, returning }: ReturnType<UTask['save']>): void {
    const { vaddr, regs, trampoline } = reinstate(row);
    this.vaddr = vaddr;
    this.regs = regs;
    this.trampoline = { ...trampoline };
    this.stepping = stepping;
    this.returning = returning?.slice();
    this.returns.splice(0, this.returns.length, ...returns);
  }
}
