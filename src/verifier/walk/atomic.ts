/** Atomic operations on memory (check_atomic()). */
import * as I from '../../isa/index.ts';
import { checkMemAccess } from '../access/mem.ts';
import { saveAuxType } from '../env/auxtype.ts';
import type { Env } from '../env/env.ts';
import { readReg, writeUnknown } from '../prune/liveness.ts';
import * as R from '../state/regtype.ts';

const known: readonly number[] = [
  I.BPF_ADD,
  I.BPF_ADD | I.BPF_FETCH,
  I.BPF_AND,
  I.BPF_AND | I.BPF_FETCH,
  I.BPF_OR,
  I.BPF_OR | I.BPF_FETCH,
  I.BPF_XOR,
  I.BPF_XOR | I.BPF_FETCH,
  I.BPF_XCHG,
  I.BPF_CMPXCHG,
];

/** What cannot be written by an atomic: it is not plain memory. */
const notMemory = (type: number): boolean =>
  type === R.PTR_TO_CTX || R.isPacketPointer(type) || type === R.PTR_TO_FLOW_KEYS || R.isSockPointer(type);

const bytes = (insn: I.Insn): number =>
  I.bpfSize(insn.code) === I.BPF_DW
    ? 8
    : I.bpfSize(insn.code) === I.BPF_W
      ? 4
      : I.bpfSize(insn.code) === I.BPF_H
        ? 2
        : 1;

export function checkAtomic(env: Env, insn: I.Insn): void {
  const { imm } = insn;
  if (!known.includes(imm))
    env.fail('EINVAL', `BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, '0')}`);
  const size = bytes(insn);
  if (size < 4) env.fail('EINVAL', 'invalid atomic operand size');
  readReg(env, insn.src);
  const dst = readReg(env, insn.dst);
  if (imm === I.BPF_CMPXCHG) {
    const r0 = readReg(env, 0);
    if (env.isPointerValue(r0)) env.fail('EACCES', 'R0 leaks addr into mem');
  }
  if (env.isPointerValue(env.reg(insn.src))) env.fail('EACCES', `R${insn.src} leaks addr into mem`);
  if (notMemory(dst.type))
    env.fail('EACCES', `BPF_ATOMIC stores into R${insn.dst} ${R.typeText(dst.type)} is not allowed`);
  let load = -1;
  if (imm & I.BPF_FETCH) {
    load = imm === I.BPF_CMPXCHG ? 0 : insn.src;
    writeUnknown(env, load);
  }
  const access = { insnIdx: env.insnIdx, regno: insn.dst, off: insn.off, size };
  checkMemAccess(env, { ...access, write: false, value: -1, strict: true });
  // the slot that is read may hold a spilled scalar: what is loaded is what was there
  if (load >= 0) checkMemAccess(env, { ...access, write: false, value: load, strict: true });
  if (dst.type === R.PTR_TO_ARENA) saveAuxType(env, R.PTR_TO_ARENA, false);
  checkMemAccess(env, { ...access, write: true, value: -1, strict: true });
}
