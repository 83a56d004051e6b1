/** Registers: x86's, and the BPF ones that the JIT keeps in them; what changed with the last motion, what each points to. */
import { addrToBigInt } from '../../machine/addr.ts';
import { FLAG, REGISTER_NAMES } from '../../machine/index.ts';
import { BPF_REGISTERS } from '../expr/registers.ts';
import type { SessionContext } from '../session/context.ts';

export interface RegisterRow {
  /** `rax`, `R0` */
  readonly name: string;
  readonly value: bigint;
  /** sixteen hexadecimal digits */
  readonly hex: string;
  readonly changed: boolean;
  /** what it points to, in words */
  readonly follow: string | undefined;
}

export interface RegistersView {
  readonly x86: readonly RegisterRow[];
  /** R0 to R10; undefined where no program runs */
  readonly bpf: readonly RegisterRow[] | undefined;
  readonly rip: RegisterRow;
  /** `ZF PF IF` */
  readonly flags: string;
  readonly flagsChanged: boolean;
}

const FLAG_NAMES = ['CF', 'PF', 'AF', 'ZF', 'SF', 'TF', 'IF', 'DF', 'OF'] as const;

export function registersView(session: SessionContext): RegistersView {
  const { cpu } = session.kernel;
  const before = session.registersBefore;
  const row = (name: string, n: number): RegisterRow => {
    const value = cpu.reg64(n);
    return {
      name,
      value,
      hex: hex(value),
      changed: before !== undefined && before[n] !== value,
      follow: session.follow(value),
    };
  };
  const rip = addrToBigInt(cpu.rip);
  const flags = cpu.rflags;
  return {
    x86: REGISTER_NAMES.map((name, n) => row(name, n)),
    bpf: session.stop.place.program === undefined ? undefined : BPF_REGISTERS.map((n, r) => row(`R${r}`, n)),
    rip: { name: 'rip', value: rip, hex: hex(rip), changed: true, follow: session.stop.place.symbol },
    flags: FLAG_NAMES.filter((name) => (flags & FLAG[name]) !== 0).join(' '),
    flagsChanged: before !== undefined && before[16] !== BigInt(flags >>> 0),
  };
}
const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
