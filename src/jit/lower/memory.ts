/**
 * Loads and stores: RFC 9669 sections 5.1 and 5.2, and the kernel's modes of them. A plain access
 * goes to memory that the verifier has checked. BPF_PROBE_MEM goes through a pointer that it could
 * not (BTF pointers): user addresses read as zero by a test in front, kernel addresses that fault by
 * the exception table. BPF_PROBE_MEM32 goes to an arena, whose base is in r12.
 */
import type { Insn } from '../../isa/index.ts';
import { type Mem, mem } from '../../x86/index.ts';
import { type FuncContext, isImm8 } from '../context.ts';
import { ARENA_BASE, AUX, AX, reg } from '../regs.ts';
import { move, moveImm32, moveImm64 } from './mov.ts';

const TASK_SIZE_MAX = (1n << 47n) - 4096n;
const VSYSCALL_ADDR = -10n << 20n;
const PAGE_SIZE = 4096n;

/** Load with zero extension. */
export function load(c: FuncContext, bits: number, dst: number, from: Mem): void {
  if (bits === 64) c.op('mov r64, r/m64', dst, from);
  else if (bits === 32) c.op('mov r32, r/m32', dst, from);
  else c.op(`movzx r64, r/m${bits}`, dst, from);
}

function loadSigned(c: FuncContext, bits: number, dst: number, from: Mem): void {
  c.op(bits === 32 ? 'movsxd r64, r/m32' : `movsx r64, r/m${bits}`, dst, from);
}

export function ldx(c: FuncContext, insn: Insn, bits: number): void {
  load(c, bits, reg(insn.dst), c.mem(reg(insn.src), insn.off));
}

export function ldsx(c: FuncContext, insn: Insn, bits: number): void {
  loadSigned(c, bits, reg(insn.dst), c.mem(reg(insn.src), insn.off));
}

/**
 * A load that may fault. The address is a kernel one when it lies above TASK_SIZE_MAX + PAGE_SIZE
 * and below the vsyscall page: one unsigned comparison after subtracting the upper end.
 */
export function probeLoad(c: FuncContext, insn: Insn, bits: number, signed: boolean): void {
  const [dst, src] = [reg(insn.dst), reg(insn.src)];
  moveImm64(c, AX, VSYSCALL_ADDR);
  move(c, 64, AUX, src);
  if (insn.off !== 0) c.op('add r/m64, imm32', AUX, insn.off);
  c.op('sub r/m64, r64', AUX, AX);
  moveImm64(c, AX, TASK_SIZE_MAX + PAGE_SIZE - VSYSCALL_ADDR);
  c.op('cmp r/m64, r64', AUX, AX);
  const [access, done] = [c.asm.label('access'), c.asm.label('done')];
  c.op('ja rel8', access);
  moveImm32(c, false, dst, 0);
  c.op('jmp rel8', done);
  c.asm.bind(access);
  const at = c.asm.length;
  if (signed) ldsx(c, insn, bits);
  else ldx(c, insn, bits);
  c.asm.bind(done);
  c.extable.push({ at, resume: c.asm.length, reg: dst });
}

/** `[base + r12 + off]` */
export const inArena = (base: number, off: number): Mem =>
  mem({ base, index: ARENA_BASE, disp: off, dispSize: isImm8(off) ? 1 : 4 });

export function arenaLoad(c: FuncContext, insn: Insn, bits: number): void {
  const from = inArena(reg(insn.src), insn.off);
  const at = c.asm.length;
  // unlike the plain form, bytes and words extend to 32 bits: the upper half is zero anyway
  if (bits < 32) c.op(`movzx r32, r/m${bits}`, reg(insn.dst), from);
  else load(c, bits, reg(insn.dst), from);
  c.extable.push({ at, resume: c.asm.length, reg: reg(insn.dst) });
}

const storeReg = (c: FuncContext, insn: Insn, bits: number, to: Mem): void => {
  c.op(`mov r/m${bits}, r${bits}`, to, reg(insn.src));
};

const storeImm = (c: FuncContext, insn: Insn, bits: number, to: Mem): void => {
  const imm = bits === 8 ? insn.imm & 0xff : bits === 16 ? insn.imm & 0xffff : insn.imm;
  c.op(`mov r/m${bits}, imm${Math.min(bits, 32)}`, to, imm);
};

export function stx(c: FuncContext, insn: Insn, bits: number): void {
  storeReg(c, insn, bits, c.mem(reg(insn.dst), insn.off));
}

export function st(c: FuncContext, insn: Insn, bits: number): void {
  storeImm(c, insn, bits, c.mem(reg(insn.dst), insn.off));
}

/** Arena stores that fault are skipped: no register to zero. */
export function arenaStore(c: FuncContext, insn: Insn, bits: number, immediate: boolean): void {
  const at = c.asm.length;
  (immediate ? storeImm : storeReg)(c, insn, bits, inArena(reg(insn.dst), insn.off));
  c.extable.push({ at, resume: c.asm.length, reg: -1 });
}
