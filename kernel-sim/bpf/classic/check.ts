/**
 * What SO_ATTACH_FILTER asks of a classic filter before it runs: known codes, forward jumps inside
 * the program, a return at the end, no division by a zero constant, scratch memory written before
 * it is read (`bpf_check_classic` and `check_load_and_stores` of net/core/filter.c).
 */
import {
  BPF_ABS,
  BPF_ALU,
  BPF_DIV,
  BPF_JA,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MEM,
  BPF_MOD,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  bpfClass,
  bpfMode,
  bpfOp,
} from '../../../src/isa/index.ts';
import { ClassicError, type SockFilter } from './filter.ts';
import { ALLOWED, ANCILLARY, BPF_A, BPF_MAXINSNS, BPF_MEMWORDS, BPF_RET, SKF_AD_OFF } from './opcodes.ts';

/** @throws ClassicError (EINVAL) naming the first instruction that Linux refuses */
export function checkClassic(filters: readonly SockFilter[]): void {
  if (filters.length === 0) throw new ClassicError('no instructions');
  if (filters.length > BPF_MAXINSNS)
    throw new ClassicError(`${filters.length} instructions, at most ${BPF_MAXINSNS} are allowed`);
  filters.forEach((f, pc) => {
    const why = problem(f, pc, filters.length);
    if (why) throw new ClassicError(why, pc);
  });
  const last = filters[filters.length - 1] as SockFilter;
  if (last.code !== (BPF_RET | BPF_K) && last.code !== (BPF_RET | BPF_A))
    throw new ClassicError('the last instruction must be a return', filters.length - 1);
  checkScratch(filters);
}

function problem(f: SockFilter, pc: number, length: number): string | undefined {
  if (!ALLOWED.has(f.code)) return `unknown code 0x${f.code.toString(16)}`;
  switch (f.code) {
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_MOD | BPF_K:
      return f.k === 0 ? 'division by zero' : undefined;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return f.k >= 32 ? `shift by ${f.k}` : undefined;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return f.k >= BPF_MEMWORDS ? `no scratch memory M[${f.k}]` : undefined;
    case BPF_JMP | BPF_JA:
      return f.k >= length - pc - 1 ? 'jump out of the program' : undefined;
  }
  if (bpfClass(f.code) === BPF_JMP)
    return pc + Math.max(f.jt, f.jf) + 1 >= length ? 'jump out of the program' : undefined;
  if (
    bpfClass(f.code) === BPF_LD &&
    bpfMode(f.code) === BPF_ABS &&
    f.k >= SKF_AD_OFF &&
    !ANCILLARY.has(f.k - SKF_AD_OFF)
  ) {
    return `no ancillary data at SKF_AD_OFF + ${f.k - SKF_AD_OFF}`;
  }
  return undefined;
}

/** Jumps go forward only, so one walk knows which words every path has written. */
function checkScratch(filters: readonly SockFilter[]): void {
  const masks = new Uint16Array(filters.length).fill(0xffff);
  let valid = 0;
  filters.forEach((f, pc) => {
    valid &= masks[pc] as number;
    const meet = (target: number): void => {
      masks[target] = (masks[target] as number) & valid;
    };
    switch (bpfClass(f.code)) {
      case BPF_ST:
      case BPF_STX:
        valid |= 1 << f.k;
        break;
      case BPF_LD:
      case BPF_LDX:
        if (bpfMode(f.code) === BPF_MEM && (valid & (1 << f.k)) === 0)
          throw new ClassicError(`M[${f.k}] is read before it is written`, pc);
        break;
      case BPF_JMP:
        if (bpfOp(f.code) === BPF_JA) meet(pc + 1 + f.k);
        else {
          meet(pc + 1 + f.jt);
          meet(pc + 1 + f.jf);
        }
        valid = 0xffff;
        break;
    }
  });
}
