/**
 * `bpf_tail_call`: a jump behind another program's prologue, at most 33 in a row. The count is
 * reached by a pointer in each frame, so that subprograms and their callees share one.
 */
import type { Insn } from '../../isa/index.ts';
import { at, type Label, mem, rax, rbp, rcx, rdx, rsi, rsp } from '../../x86/index.ts';
import type { FuncContext } from '../context.ts';
import { MAX_TAIL_CALL_CNT, popSaved, tailCountPointer } from '../frame.ts';
import { JitError, LAYOUT_6_12 } from '../types.ts';

/** endbr64, nop5, nop3, push rbp, mov rbp: what a tail call skips. */
const PROLOGUE = 12;
const ENDBR = 4;
/** Bytes of a patchable `jmp rel32`. */
const PATCH_SIZE = 5;

/** X86_TAIL_CALL_OFFSET */
export const tailCallOffset = (ibt: boolean): number => PROLOGUE + (ibt ? ENDBR : 0);

export function tailCall(c: FuncContext, insn: Insn): void {
  if (insn.imm === 0) indirect(c);
  else direct(c, insn.imm);
}

/** Loads the pointer and leaves for `out` when 33 have been made; counts. */
function limit(c: FuncContext, out: Label): void {
  c.op('mov r64, r/m64', rax, at(rbp, tailCountPointer(c), 4));
  c.op('cmp r/m64, imm8', at(rax), MAX_TAIL_CALL_CNT);
  c.op('jae rel8', out);
}

/** Unwinds this function's frame but rbp, which the target's prologue does not push again. */
function unwind(c: FuncContext): void {
  popSaved(c);
  c.op('pop r64', rax).op('pop r64', rax);
  if (c.func.stackDepth > 0) c.op('add r/m64, imm32', rsp, c.frame);
}

/** rdi: context, rsi: the map, rdx: the slot. */
function indirect(c: FuncContext): void {
  const out = c.asm.label('out');
  const layout = c.input.layout ?? LAYOUT_6_12;
  c.op('mov r/m32, r32', rdx, rdx);
  c.op('cmp r/m32, r32', at(rsi, layout.arrayMaxEntries, 1), rdx);
  c.op('jbe rel8', out);
  limit(c, out);
  c.op('mov r64, r/m64', rcx, mem({ base: rsi, index: rdx, scale: 8, disp: layout.arrayPtrs, dispSize: 4 }));
  c.op('test r/m64, r64', rcx, rcx);
  c.op('je rel8', out);
  c.op('add r/m64, imm8', at(rax), 1);
  unwind(c);
  c.op('mov r64, r/m64', rcx, at(rcx, layout.progBpfFunc, 1));
  c.op('add r/m64, imm8', rcx, tailCallOffset(c.features.ibt));
  if (c.features.retpoline === 'lfence') c.op('lfence').op('jmp r/m64', rcx);
  else if (c.features.retpoline)
    c.far('jmp rel32', c.input.symbol(c.features.indirectThunk ?? '__x86_indirect_thunk_rcx'));
  else c.op('jmp r/m64', rcx).op('int3');
  c.asm.bind(out);
}

/** The slot is a constant: its program's address is patched in, and while it is empty a jump goes around. */
function direct(c: FuncContext, poke: number): void {
  const slot = c.input.pokes?.[poke - 1];
  if (!slot) throw new JitError(`tail call at instruction ${c.slot} has no poke descriptor ${poke}`);
  const out = c.asm.label('out');
  limit(c, out);
  const bypass = c.asm.length;
  c.op('jmp rel32', out);
  c.op('add r/m64, imm8', at(rax), 1);
  unwind(c);
  const target = c.asm.length;
  c.asm.nops(PATCH_SIZE);
  c.asm.bind(out);
  if (c.final) {
    const { mapIndex, key } = slot;
    c.pokes.push({
      func: c.index,
      target,
      bypass,
      bypassTo: c.asm.length,
      adjust: tailCallOffset(c.features.ibt),
      mapIndex,
      key,
    });
  }
}
