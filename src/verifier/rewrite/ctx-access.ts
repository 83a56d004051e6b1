/**
 * Accesses to the context and to kernel objects become accesses to the kernel's own structures:
 * convert_ctx_accesses() of kernel/bpf/verifier.c, Linux 6.12.
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import type { ContextModel } from '../kernel.ts';
import { alu32Imm, alu64Imm, nospec } from './build.ts';
import { type Draft, type Patch, RewriteError, rewrite } from './draft.ts';

const INSN_BUF_SIZE = 32;
const misconfigured = (): RewriteError => new RewriteError('EINVAL', 'bpf verifier is misconfigured');

const BYTES: Readonly<Record<number, number>> = { [I.BPF_B]: 1, [I.BPF_H]: 2, [I.BPF_W]: 4, [I.BPF_DW]: 8 };
const sizeCode = (bytes: number): number => (bytes === 8 ? I.BPF_DW : bytes === 4 ? I.BPF_W : I.BPF_H);

/** Pointers whose loads may fault, and are then caught by the exception table. */
const PROBED = new Set(['PTR_TO_BTF_ID', 'PTR_TO_BTF_ID|PTR_UNTRUSTED', 'PTR_TO_BTF_ID|MEM_ALLOC|PTR_UNTRUSTED']);
const SOCKETS = new Set(['PTR_TO_SOCKET', 'PTR_TO_SOCK_COMMON', 'PTR_TO_TCP_SOCK', 'PTR_TO_XDP_SOCK']);

type Access = 'read' | 'write' | 'atomic';

function accessOf(i: Insn): Access | undefined {
  const cls = I.bpfClass(i.code);
  const mode = I.bpfMode(i.code);
  if (cls === I.BPF_LDX && (mode === I.BPF_MEM || mode === I.BPF_MEMSX)) return 'read';
  if ((cls === I.BPF_ST || cls === I.BPF_STX) && mode === I.BPF_MEM) return 'write';
  return cls === I.BPF_STX && mode === I.BPF_ATOMIC ? 'atomic' : undefined;
}

/** Flags in the order of their bits, so that types compare as text. */
export function canonicalType(type: string): string {
  const [base = '', ...flags] = type.split(/[|]/);
  return [base, ...flags.sort((a, b) => (a === 'MEM_ALLOC' ? -1 : b === 'MEM_ALLOC' ? 1 : a < b ? -1 : 1))].join('|');
}

/** One access through the conversion of its context; narrower loads are widened, then cut. */
function convert(model: ContextModel, insn: Insn, access: Access, ctxFieldSize: number): Patch {
  const size = BYTES[I.bpfSize(insn.code)] ?? 8;
  const narrow = size < ctxFieldSize;
  const wide: Insn = narrow
    ? { ...insn, off: insn.off & ~(ctxFieldSize - 1), code: I.BPF_LDX | I.BPF_MEM | sizeCode(ctxFieldSize) }
    : insn;
  if (narrow && access === 'write') throw misconfigured();
  const target = { size: 0 };
  const out = model.convert?.(wide, target);
  if (out === undefined || out.length === 0 || out.length >= INSN_BUF_SIZE || (ctxFieldSize > 0 && target.size === 0))
    throw misconfigured();
  const code = [...out];
  if (narrow && size < target.size) {
    const shift = (insn.off & (ctxFieldSize - 1)) * 8;
    if (shift > 0)
      code.push(ctxFieldSize <= 4 ? alu32Imm(I.BPF_RSH, insn.dst, shift) : alu64Imm(I.BPF_RSH, insn.dst, shift));
    code.push(alu32Imm(I.BPF_AND, insn.dst, size === 4 ? -1 : 2 ** (size * 8) - 1));
  }
  if (I.bpfMode(insn.code) === I.BPF_MEMSX)
    code.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, insn.dst, insn.dst, size * 8, 0));
  return { insns: code };
}

const withMode = (i: Insn, mode: number): Patch => ({
  insns: [{ ...i, code: I.bpfClass(i.code) | mode | I.bpfSize(i.code) }],
});

export function convertAccesses(draft: Draft): void {
  const { input, kernel } = draft;
  const context = kernel.context(input.type, input.expectedAttachType);
  const prologue = context?.prologue?.(draft.verified.seenDirectWrite, draft.insns[0] as Insn) ?? [];
  if (prologue.length > 0) rewrite(draft, (_, index) => (index === 0 ? { insns: prologue } : undefined));
  const first = Math.max(0, prologue.length - 1);

  rewrite(draft, (insn, index, aux) => {
    if (index < first) return undefined;
    const access = accessOf(insn);
    if (access === undefined) return undefined;
    const type = canonicalType(aux.ptrType ?? '');
    if (access === 'atomic') return type === 'PTR_TO_ARENA' ? withMode(insn, I.BPF_PROBE_ATOMIC) : undefined;
    if (access === 'write' && aux.sanitizeStackSpill) return { insns: [insn, nospec()] };
    if (PROBED.has(type)) {
      if (access === 'write') return undefined;
      return withMode(insn, I.bpfMode(insn.code) === I.BPF_MEM ? I.BPF_PROBE_MEM : I.BPF_PROBE_MEMSX);
    }
    if (type === 'PTR_TO_ARENA') {
      if (I.bpfMode(insn.code) === I.BPF_MEMSX)
        throw new RewriteError('EOPNOTSUPP', 'sign extending loads from arena are not supported yet');
      return withMode(insn, I.BPF_PROBE_MEM32);
    }
    if (type === 'PTR_TO_CTX')
      return context?.convert ? convert(context, insn, access, aux.ctxFieldSize ?? 0) : undefined;
    if (!SOCKETS.has(type)) return undefined;
    const model = kernel.pointer?.(type);
    return model ? convert(model, insn, access, aux.ctxFieldSize ?? 0) : undefined;
  });
}
