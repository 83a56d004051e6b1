/** Registers that a conversion may borrow: R9, or the next below that the access does not name. */
import type { Insn } from '../../../src/isa/index.ts';

export function freeRegister(i: Pick<Insn, 'dst' | 'src'>): number {
  let reg = 9;
  while (reg === i.dst || reg === i.src) reg--;
  return reg;
}
