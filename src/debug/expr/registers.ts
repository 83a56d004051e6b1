/** Registers by name: x86's with a `$`, BPF's as R0 to R10, which the JIT keeps in x86's. */

import { addrToBigInt } from '../../machine/addr.ts';
import type { CpuState } from '../../machine/index.ts';
import { REGISTER_NAMES } from '../../machine/index.ts';

/** x86 register number of each BPF register (arch/x86/net/bpf_jit_comp.c, reg2hex). */
export const BPF_REGISTERS: readonly number[] = [0, 7, 6, 2, 1, 8, 3, 13, 14, 15, 5];

/** Number of the general register that a name means: `$rax`, `R1`, `r10`; undefined for other names. */
export function registerNumber(name: string): number | undefined {
  if (name.startsWith('$')) {
    const n = (REGISTER_NAMES as readonly string[]).indexOf(name.slice(1));
    return n >= 0 ? n : undefined;
  }
  const m = /^[Rr](\d{1,2})$/.exec(name);
  return m ? BPF_REGISTERS[Number(m[1])] : undefined;
}

export function readRegister(cpu: CpuState, name: string): bigint | undefined {
  if (name === '$rip' || name === '$pc') return addrToBigInt(cpu.rip);
  if (name === '$sp') return cpu.reg64(4);
  if (name === '$eflags' || name === '$rflags') return BigInt(cpu.rflags >>> 0);
  const n = registerNumber(name);
  return n === undefined ? undefined : cpu.reg64(n);
}
