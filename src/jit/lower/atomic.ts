/** Atomic operations: RFC 9669 section 5.3, by locked instructions (Intel SDM vol. 3A, 9.1). */
import { BPF_FETCH, type Insn } from '../../isa/index.ts';
import { type Mem, rax } from '../../x86/index.ts';
import type { FuncContext } from '../context.ts';
import { AUX, AX, reg } from '../regs.ts';
import { JitError } from '../types.ts';
import { inArena, load } from './memory.ts';
import { move } from './mov.ts';

/** x86's name of the operation that the isa table calls `lock_add`, `fetch_add`, `xchg`, `cmpxchg` ... */
function locked(c: FuncContext, bits: number, name: string, to: Mem, src: number): void {
  const x86 = name === 'fetch_add' ? 'xadd' : name.replace('lock_', '');
  c.op(`lock ${x86} r/m${bits}, r${bits}`, to, src);
}

/** Fetching and, or, xor have no x86 instruction: a compare-and-exchange loop. */
const LOOPS: Readonly<Record<string, string>> = { fetch_and: 'and', fetch_or: 'or', fetch_xor: 'xor' };

export function atomic(c: FuncContext, insn: Insn, bits: number, name: string): void {
  if (name === 'load_acquire') load(c, bits, reg(insn.dst), c.mem(reg(insn.src), insn.off));
  else if (name === 'store_release') c.op(`mov r/m${bits}, r${bits}`, c.mem(reg(insn.dst), insn.off), reg(insn.src));
  else if (LOOPS[name]) loop(c, insn, bits, LOOPS[name]);
  else locked(c, bits, name, c.mem(reg(insn.dst), insn.off), reg(insn.src));
}

function loop(c: FuncContext, insn: Insn, bits: number, op: string): void {
  // rax is cmpxchg's: R0 waits in AX, and stands there for operands that name it
  const [dst, src] = [insn.dst === 0 ? AX : reg(insn.dst), insn.src === 0 ? AX : reg(insn.src)];
  const to = c.mem(dst, insn.off);
  move(c, 64, AX, rax);
  const again = c.asm.bind();
  load(c, bits, rax, to);
  move(c, bits, AUX, rax);
  c.op(`${op} r/m${bits}, r${bits}`, AUX, src);
  locked(c, bits, 'cmpxchg', to, AUX);
  c.op('jne rel8', again);
  move(c, bits, src, rax);
  move(c, 64, rax, AX);
}

export function arenaAtomic(c: FuncContext, insn: Insn, bits: number, name: string): void {
  const plain = name.replace('arena_', '');
  if (LOOPS[plain])
    throw new JitError(
      `no lowering of atomic ${plain} (imm ${insn.imm & ~BPF_FETCH}|BPF_FETCH) in an arena; Linux refuses it too`,
    );
  const at = c.asm.length;
  locked(c, bits, plain, inArena(reg(insn.dst), insn.off), reg(insn.src));
  c.extable.push({ at, resume: c.asm.length, reg: -1 });
}
