/** Moves and immediates: RFC 9669 section 4.1 MOV, section 5.4 wide loads. */
import { type Insn, wideImm } from '../../isa/index.ts';
import { mem, rax } from '../../x86/index.ts';
import { type FuncContext, isImm32 } from '../context.ts';
import { AUX, reg } from '../regs.ts';

/** `mov dst, src`. In 64 bits from a register to itself it is nothing; in 32 it clears the upper half. */
export function move(c: FuncContext, bits: number, dst: number, src: number): void {
  if (bits === 32) c.op('mov r/m32, r32', dst, src);
  else if (dst !== src) c.op('mov r/m64, r64', dst, src);
}

/** 32-bit immediate, sign-extended to 64 bits on demand: the shortest of three forms. */
export function moveImm32(c: FuncContext, signExtend: boolean, dst: number, imm: number): void {
  if (signExtend && imm < 0) c.op('mov r/m64, imm32', dst, imm);
  else if (imm === 0) c.op('xor r/m32, r32', dst, dst);
  else c.op('mov r32, imm32', dst, imm >>> 0);
}

/** 64-bit immediate: `mov r32` where zero extension gives it, then `mov r/m64, imm32` where sign extension does. */
export function moveImm64(c: FuncContext, dst: number, value: bigint): void {
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned <= 0xffff_ffffn) moveImm32(c, false, dst, Number(BigInt.asIntN(32, unsigned)));
  else if (isImm32(Number(BigInt.asIntN(64, value)))) moveImm32(c, true, dst, Number(BigInt.asIntN(32, value)));
  else c.op('mov r64, imm64', dst, unsigned);
}

export function movImm(c: FuncContext, insn: Insn, bits: number): void {
  moveImm32(c, bits === 64, reg(insn.dst), insn.imm);
}

export function movReg(c: FuncContext, insn: Insn, bits: number): void {
  move(c, bits, reg(insn.dst), reg(insn.src));
}

/** Sign-extending move. */
export function movSx(c: FuncContext, insn: Insn, bits: number): void {
  const [dst, src] = [reg(insn.dst), reg(insn.src)];
  if (insn.off === 32) {
    c.op('movsxd r64, r/m32', dst, src);
    return;
  }
  // Linux always writes a REX prefix in the 32-bit form from 8 bits
  if (bits === 32 && insn.off === 8 && dst < 8 && (src < 4 || src > 7) && src < 8) c.asm.raw(0x40);
  c.op(`movsx r${bits}, r/m${insn.off}`, dst, src);
}

export function ldImm64(c: FuncContext, insn: Insn, isFunc: boolean): void {
  const value = (isFunc ? c.localTarget(insn.imm) : undefined) ?? wideImm(insn, c.insns[c.slot + 1]);
  moveImm64(c, reg(insn.dst), value);
}

/** A per-CPU address: this CPU's offset is added from the per-CPU area itself. */
export function movPercpu(c: FuncContext, insn: Insn): void {
  const dst = reg(insn.dst);
  move(c, 64, dst, reg(insn.src));
  c.op('add r64, r/m64', dst, mem({ segment: 'gs', disp: Number(BigInt.asIntN(32, c.input.symbol('this_cpu_off'))) }));
}

/** `addr_space_cast` to the user's view of an arena pointer: upper half from user_vm_start, zero stays zero. */
export function castUser(c: FuncContext, insn: Insn): void {
  const [dst, src] = [reg(insn.dst), reg(insn.src)];
  const upper = Number(BigInt.asIntN(32, (c.input.arena?.userVmStart ?? 0n) >> 32n));
  if (dst !== src) move(c, 32, dst, src);
  c.op('shl r/m64, imm8', dst, 32);
  if (dst === rax) c.op('or rax, imm32', upper);
  else c.op('or r/m64, imm32', dst, upper);
  c.op('rol r/m64, imm8', dst, 32);
  c.op('xor r/m64, r64', AUX, AUX);
  c.op('test r/m32, r32', dst, dst);
  c.op('cmove r64, r/m64', dst, AUX);
}
