/** Machine code as lines, with the names of what it calls; trampolines by what they are for. */

import { BpfLink, type Kernel, type ProbeLink } from '../../kernel-sim/index.ts';
import { type Addr, formatAddr } from '../machine/addr.ts';
import type { AttachedLink } from '../object/index.ts';
import { hexBytes } from '../platform/index.ts';
import { decode, formatInsn } from '../x86/index.ts';

export interface CodeLine {
  readonly address: Addr;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** where a direct call or jump leads to, out of this code */
  readonly target: Addr | undefined;
}

export type NameOf = (address: Addr) => string | undefined;

const LONGEST = 15;

/** Lines of `size` bytes from `at`; what is there is written first, as it is when it is first executed. */
export function codeLines(kernel: Kernel, at: Addr, size: number, name: NameOf): CodeLine[] {
  kernel.text.ensure(at, size);
  return linesOf(kernel.memory.readBytes(at, size), at, name);
}

export function linesOf(bytes: Uint8Array, at: Addr, name: NameOf): CodeLine[] {
  const out: CodeLine[] = [];
  for (let pc = 0; pc < bytes.length; ) {
    const insn = decode(bytes.subarray(pc, pc + LONGEST), 0);
    const length = insn.row < 0 ? 1 : insn.length;
    const address = at + pc;
    out.push({
      address,
      bytes: bytes.slice(pc, pc + length),
      text: formatInsn(insn, { syntax: 'att', address, symbol: name }).trimEnd(),
      target: branch(bytes, pc, length, address),
    });
    pc += length;
  }
  return out;
}

const CALL = 0xe8;
const JMP = 0xe9;

function branch(bytes: Uint8Array, pc: number, length: number, address: Addr): Addr | undefined {
  if (length !== 5 || (bytes[pc] !== CALL && bytes[pc] !== JMP)) return undefined;
  return address + 5 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(pc + 1, true);
}

/** Widest bytes that stand beside an instruction; few are longer. */
const BYTES = 24;

/** `ffffffff81459d44     4:  e8 b7 32 db 3e            call   ffffffffc020d000 <...>` */
export const lineText = ({ address, bytes, text }: CodeLine, start: Addr, mark = ' '): string =>
  `${mark} ${formatAddr(address)} ${(address - start).toString(16).padStart(5)}:  ${hexBytes(bytes).padEnd(BYTES)} ${text}`;

/** What attaching patched; nothing for links that hang on no text. */
export function probesOf({ link }: AttachedLink): readonly ProbeLink[] {
  const inner = 'link' in link ? link.link : undefined;
  return inner instanceof BpfLink ? inner.probes : [];
}

/** Names of addresses: symbols of the kernel, and for trampolines what they are trampolines of. */
export function naming(kernel: Kernel, links: readonly AttachedLink[]): NameOf {
  const known = new Map<Addr, string>();
  for (const { address, symbol, via, after } of links.flatMap((l) => probesOf(l))) {
    const to = branch(after, 0, after.length, address);
    if (to === undefined || via === 'static_key') continue;
    known.set(to, via === 'direct' ? `BPF trampoline of ${symbol}` : `ftrace trampoline of ${symbol}`);
  }
  return (address) => {
    const nick = known.get(address);
    if (nick !== undefined) return nick;
    const found = kernel.symbols.at(address);
    return found && (found.offset === 0 ? found.name : `${found.name}+0x${found.offset.toString(16)}`);
  };
}
