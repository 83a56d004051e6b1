/** What the verifier knew at the current instruction, beside what is: a value outside of its state would be a hole. */
import { BPF_REGISTERS } from '../expr/registers.ts';
import type { DebugProgram } from '../program/programs.ts';
import { allows, type VerifierState, verifierStates } from '../program/verifier-states.ts';
import type { SessionContext } from '../session/context.ts';

export interface VerifierRow {
  /** `R1`, `fp-8` */
  readonly name: string;
  /** as the log has it: `scalar(umax=255)`, one a path that came here, the one that fits first */
  readonly states: readonly string[];
  /** the register's value; undefined for the stack */
  readonly value: bigint | undefined;
  /** false: no path's state allows the value; undefined: the state says nothing of numbers */
  readonly allowed: boolean | undefined;
}

export interface VerifierView {
  readonly program: string;
  /** instruction of the program as loaded */
  readonly insn: number;
  readonly rows: readonly VerifierRow[];
}

/** undefined where no program's own instruction runs. */
export function verifierView(session: SessionContext): VerifierView | undefined {
  const { cpu } = session.kernel;
  const image = session.programs.at(cpu.rip);
  // within a slot's code the registers are between two states
  if (image === undefined || !image.starts) return undefined;
  const { program, slot } = image;
  const { origins } = program.loaded.handle.prog.init.code;
  const insn = origins[slot] ?? -1;
  // of several that one instruction became, the first has its state
  if (slot > 0 && origins[slot - 1] === insn) return undefined;
  const states = statesOf(program).get(insn) ?? [];
  const names = new Set(states.flatMap((s) => [...s.keys()]));
  const rows = [...names].sort(byName).map((name): VerifierRow => {
    const texts = [
      ...new Set(states.map((s: VerifierState) => s.get(name)).filter((t): t is string => t !== undefined)),
    ];
    const register = /^R(\d+)$/.exec(name);
    const number = register === null ? undefined : BPF_REGISTERS[Number(register[1])];
    if (number === undefined) return { name, states: texts, value: undefined, allowed: undefined };
    const value = cpu.reg64(number);
    const verdicts = texts.map((t) => allows(t, value));
    const allowed = verdicts.includes(true)
      ? true
      : verdicts.includes(undefined)
        ? undefined
        : verdicts.length === 0
          ? undefined
          : false;
    return { name, states: texts, value, allowed };
  });
  return { program: program.name, insn, rows };
}

const statesOf = (program: DebugProgram) => {
  program.states ??= verifierStates(program.loaded.handle.log);
  return program.states;
};

/** R0 to R10, then the stack from fp-8 down. */
function byName(a: string, b: string): number {
  const rank = (name: string): number => (name.startsWith('R') ? Number(name.slice(1)) : 100 - Number(name.slice(2)));
  return rank(a) - rank(b);
}
