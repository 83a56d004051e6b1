/** Helpers that are a few instructions: inlined by do_misc_fixups() of kernel/bpf/verifier.c, Linux 6.12. */

import { ERRNO } from '../../errors/errno.ts';
import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import { PROG } from '../kinds.ts';
import {
  alu32Imm,
  alu64,
  alu64Imm,
  call,
  callImm,
  ja,
  jmpImm,
  ldImm64,
  ldxDw,
  ldxW,
  mov32Imm,
  mov64,
  mov64Imm,
  movPercpu,
  stxDw,
} from './build.ts';
import type { Draft } from './draft.ts';

const TRACE_FEXIT = 25;
const MODIFY_RETURN = 26;
/** sizeof(struct perf_branch_entry) */
const BRANCH_ENTRY = 24;

type Inline = (draft: Draft) => Insn[] | undefined;
const ofTracing =
  (inline: Inline): Inline =>
  (draft) =>
    draft.input.type === PROG.TRACING ? inline(draft) : undefined;

/** `jiffies` is read where it lies. */
const jiffies64: Inline = ({ kernel }) => {
  const at = kernel.symbolAddress('jiffies');
  return at === undefined ? undefined : [...ldImm64(0, at), ldxDw(0, 0, 0)];
};

/** `pcpu_hot.cpu_number` of this CPU */
const smpProcessorId: Inline = ({ kernel }) => {
  const at = kernel.symbolAddress('pcpu_hot');
  const off = kernel.vmlinux?.offsetOf('pcpu_hot', 'cpu_number').offset;
  if (at === undefined || off === undefined) return undefined;
  return [mov32Imm(0, Number(BigInt.asIntN(32, at + BigInt(off)))), movPercpu(0, 0), ldxW(0, 0, 0)];
};

/** The trampoline keeps the number of arguments in front of them, and the return value behind. */
const funcArg: Inline = () => [
  ldxDw(0, 1, -8),
  I.insn(I.BPF_JMP32 | I.BPF_JGE | I.BPF_X, 2, 0, 6, 0),
  alu64Imm(I.BPF_LSH, 2, 3),
  alu64(I.BPF_ADD, 2, 1),
  ldxDw(0, 2, 0),
  stxDw(3, 0, 0),
  mov64Imm(0, 0),
  ja(1),
  mov64Imm(0, -ERRNO.EINVAL),
];
const funcRet: Inline = ({ input }) =>
  input.expectedAttachType === TRACE_FEXIT || input.expectedAttachType === MODIFY_RETURN
    ? [
        ldxDw(0, 1, -8),
        alu64Imm(I.BPF_LSH, 0, 3),
        alu64(I.BPF_ADD, 0, 1),
        ldxDw(3, 0, 0),
        stxDw(2, 3, 0),
        mov64Imm(0, 0),
      ]
    : [mov64Imm(0, -ERRNO.EOPNOTSUPP)];
const funcArgCount: Inline = () => [ldxDw(0, 1, -8)];
const funcIp: Inline = () => [ldxDw(0, 1, -16)];

/** size / 24 without a division: times 0xaaaaaaab, shifted by 36 */
const branchSnapshot: Inline = ({ kernel }) => {
  // the static call as it stands without a driver that can take snapshots
  const snapshot = kernel.symbolAddress('__static_call_return0');
  if (snapshot === undefined) return undefined;
  return [
    jmpImm(I.BPF_JNE, 3, 0, 7),
    mov32Imm(0, 0xaaaaaaab | 0),
    alu64(I.BPF_MUL, 2, 0),
    alu64Imm(I.BPF_RSH, 2, 36),
    call(callImm(snapshot, kernel.callBase)),
    jmpImm(I.BPF_JEQ, 0, 0, 4),
    alu32Imm(I.BPF_MUL, 0, BRANCH_ENTRY),
    ja(3),
    mov64Imm(0, -ERRNO.EINVAL),
    ja(1),
    mov64Imm(0, -ERRNO.ENOENT),
  ];
};

const kptrXchg: Inline = () => [mov64(0, 2), I.insn(I.BPF_STX | I.BPF_ATOMIC | I.BPF_DW, 1, 0, 0, I.BPF_XCHG)];

/** By helper id. */
export const INLINED: ReadonlyMap<number, Inline> = new Map([
  [8, smpProcessorId],
  [118, jiffies64],
  [173, ofTracing(funcIp)],
  [176, branchSnapshot],
  [183, ofTracing(funcArg)],
  [184, ofTracing(funcRet)],
  [185, ofTracing(funcArgCount)],
  [194, kptrXchg],
]);
