/**
 * The dispatcher: a binary search over program addresses that turns an indirect call into direct
 * jumps (`arch_prepare_bpf_dispatcher` of Linux 6.12; XDP has one). rdx holds the program's address;
 * what is in no leaf is jumped to indirectly, through the retpoline where there is one.
 */
import { Assembler, rdx } from '../x86/index.ts';
import { JitError, type JitFeatures } from './types.ts';

export interface DispatcherInput {
  /** addresses of the programs' images */
  readonly progs: readonly bigint[];
  readonly address: bigint;
  readonly features: Pick<JitFeatures, 'retpoline'>;
  readonly symbol: (name: string) => bigint;
}

/** Linux's longest nops (ASM_NOP_MAX is 11): 9 to 11 bytes carry prefixes that the shorter do not. */
const LONG_NOP = [0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];

export function jitDispatcher(input: DispatcherInput): Uint8Array {
  const signed = input.progs.map((p) => Number(BigInt.asIntN(64, p))).sort((a, b) => a - b);
  const far = signed.find((p) => p !== (p | 0));
  if (far !== undefined) throw new JitError(`program at ${far} is out of reach of a 32-bit comparison`);
  const asm = new Assembler(input.address);
  if (signed.length > 0) range(asm, signed, 0, signed.length - 1, input);
  return asm.bytes();
}

function range(asm: Assembler, progs: readonly number[], first: number, last: number, input: DispatcherInput): void {
  if (first === last) {
    const prog = progs[first] as number;
    asm.op('cmp r/m64, imm32', rdx, prog).op('je rel32', prog);
    leave(asm, input);
    return;
  }
  const pivot = Math.floor((last - first) / 2);
  const upper = asm.label('upper');
  asm.op('cmp r/m64, imm32', rdx, progs[first + pivot] as number);
  // by the size of the lower part, not its distance: four programs and more take the long form
  asm.op(pivot > 2 ? 'jg rel32' : 'jg rel8', upper);
  range(asm, progs, first, first + pivot, input);
  align16(asm);
  asm.bind(upper);
  range(asm, progs, first + pivot + 1, last, input);
}

function leave(asm: Assembler, { features, symbol }: DispatcherInput): void {
  if (features.retpoline === true) asm.op('jmp rel32', symbol('__x86_indirect_thunk_rdx'));
  else if (features.retpoline === 'lfence') asm.op('lfence').op('jmp r/m64', rdx);
  else asm.op('jmp r/m64', rdx).op('int3');
}

/** Branch targets are aligned to 16 bytes of the image. */
function align16(asm: Assembler): void {
  let left = -asm.length & 15;
  if (left > 8) {
    asm.raw(...LONG_NOP.slice(Math.max(0, 11 - left)));
    left -= Math.min(left, 11);
  }
  asm.nops(left);
}
