/** The stack from rsp up: words, what they point to, and the slots of the program's frame. */
import type { Addr } from '../../machine/addr.ts';
import { RBP, RSP } from '../../machine/index.ts';
import type { SessionContext } from '../session/context.ts';

export interface StackRow {
  readonly address: Addr;
  readonly value: bigint;
  readonly hex: string;
  /** `fp-8`: the word's place in the BPF frame; `return`, `saved rbp` of an image's frame */
  readonly slot: string | undefined;
  readonly follow: string | undefined;
  /** rsp, rbp: registers that point here */
  readonly registers: readonly string[];
}

export function stackView(session: SessionContext, words = 32): StackRow[] {
  const { kernel, scope } = session;
  const { cpu } = kernel;
  const rsp = cpu.reg(RSP);
  const rbp = cpu.reg(RBP);
  const image = session.programs.at(cpu.rip);
  const inFrame = image !== undefined && !image.prologue;
  const rows: StackRow[] = [];
  for (let n = 0; n < words; n++) {
    const address = rsp + 8 * n;
    const value = scope.memory.integer(address, 8, false);
    if (value === undefined) break;
    const registers = [...(address === rsp ? ['rsp'] : []), ...(address === rbp ? ['rbp'] : [])];
    const slot = inFrame ? slotName(address - rbp) : undefined;
    rows.push({
      address,
      value,
      hex: value.toString(16).padStart(16, '0'),
      slot,
      follow: session.follow(value),
      registers,
    });
  }
  return rows;
}

function slotName(fromFrame: number): string | undefined {
  if (fromFrame === 0) return 'saved rbp';
  if (fromFrame === 8) return 'return';
  return fromFrame < 0 && fromFrame >= -512 ? `fp${fromFrame}` : undefined;
}
