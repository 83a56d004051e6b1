/** Calls in images: `call rel32` of the JIT's code that leads out of the program. */
import type { Addr } from '../../machine/addr.ts';
import { decode } from '../../x86/index.ts';
import type { Programs } from './programs.ts';

export interface ImageCall {
  /** address of the call */
  readonly at: Addr;
  readonly target: Addr;
  /** where it returns to */
  readonly next: Addr;
}

export function imageCalls(programs: Programs): ImageCall[] {
  const out: ImageCall[] = [];
  for (const { view } of programs.list) {
    for (const { address, bytes } of view.functions) {
      for (let pc = 0; pc < bytes.length; ) {
        const insn = decode(bytes, pc);
        const length = insn.row < 0 ? 1 : insn.length;
        if (bytes[pc] === 0xe8 && length === 5) {
          const next = address + pc + 5;
          const target = next + new DataView(bytes.buffer, bytes.byteOffset).getInt32(pc + 1, true);
          if (programs.at(target) === undefined) out.push({ at: address + pc, target, next });
        }
        pc += length;
      }
    }
  }
  return out;
}
