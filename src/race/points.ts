/**
 * Where programs may be switched: in front of each instruction that reaches memory which others reach too, and of each
 * call. What lies between two such places no other program can see.
 */
import type { Kernel } from '../../kernel-sim/index.ts';
import { heldView, type LoadedView } from '../debug/program/view.ts';
import { disassemble, type Insn, readInsns } from '../isa/index.ts';

type KernelProgram = ReturnType<Kernel['bpf']['progLoad']>;

/** BPF_CLASS, and the classes of instructions that reach memory */
const CLASS = 7;
const [LDX, ST, STX, JMP] = [1, 2, 3, 5];
const CALL = 0x85;
/** the frame pointer: a program's own stack */
const R10 = 10;

export interface Point {
  /** xlated instruction, as bpftool prints it */
  readonly text: string;
  readonly slot: number;
  /** the C line that it is of */
  readonly source: string | undefined;
}

const isShared = ({ code, dst, src }: Insn): boolean => {
  const kind = code & CLASS;
  if (kind === LDX) return src !== R10;
  if (kind === ST || kind === STX) return dst !== R10;
  return kind === JMP && code === CALL;
};

/** Points of a program by their addresses. */
export function pointsOf(kernel: Kernel, program: KernelProgram): ReadonlyMap<number, Point> {
  const view: LoadedView = heldView(kernel, program);
  const insns = readInsns(view.xlated);
  const points = new Map<number, Point>();
  for (const { address, start, end, offsets } of view.functions) {
    let source: string | undefined;
    for (let slot = start; slot < end; slot++) {
      source = view.at(slot).source?.text ?? source;
      const insn = insns[slot];
      const offset = slot === start ? 0 : offsets[slot - start];
      if (insn === undefined || offset === undefined || !isShared(insn)) continue;
      const name = insn.code === CALL ? view.callName(insn) : undefined;
      points.set(address + offset, { text: name ? `call ${name}` : disassemble(insn), slot, source });
    }
  }
  return points;
}
