/** How often the instructions of programs were executed, as counted by code that {@link Detours} lets them run. */
import type { Addr } from '../../../src/machine/addr.ts';
import type { Counters } from '../../../src/verifier/index.ts';
import type { Ground } from '../../floors/ground.ts';
import type { BpfProg } from '../prog/prog.ts';

/** What was counted of one program, by slots as it was loaded. */
export class ProgCounts {
  readonly prog: BpfProg;
  /** how often each was executed */
  readonly executed: Float64Array;
  /** of a conditional jump: how often it was not taken */
  readonly goesOn: Float64Array;
  /** 1 where there is code; the rewrites remove what the verifier found to be dead */
  readonly isReachable: Uint8Array;
  /** 1 where a conditional jump is left */
  readonly isJump: Uint8Array;

  constructor(prog: BpfProg) {
    const { length } = prog.init.loaded;
    this.prog = prog;
    this.executed = new Float64Array(length);
    this.goesOn = new Float64Array(length);
    this.isReachable = new Uint8Array(length);
    this.isJump = new Uint8Array(length);
  }
  /** Takes what the counters have, and sets them to 0. */
  take({ memory }: Ground, at: Addr, { count, ofInsn, jumps }: Counters): void {
    const values = Array.from({ length: count }, (_, n) => Number(memory.readU64(at + 8 * n)));
    memory.fillBytes(at, 0, 8 * count);
    ofInsn.forEach((counter, insn) => {
      if (counter === -1) return;
      this.isReachable[insn] = 1;
      this.executed[insn] = (this.executed[insn] as number) + (values[counter] as number);
    });
    for (const { insn, goesOn } of jumps) {
      this.isJump[insn] = 1;
      this.goesOn[insn] = (this.goesOn[insn] as number) + (values[goesOn] as number);
    }
  }
}
