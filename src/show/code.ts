/** Machine code as lines, with the names of what it calls; trampolines by what they are for. */

import { BpfLink, type Kernel, type ProbeLink } from '../../kernel-sim/index.ts';
import { type Addr, formatAddr } from '../machine/addr.ts';
import type { AttachedLink } from '../object/index.ts';
import { hexBytes } from '../platform/index.ts';
import { listInsns } from '../x86/index.ts';

export interface CodeLine {
  readonly address: Addr;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** where a direct call or jump leads to, out of this code */
  readonly target: Addr | undefined;
}

export type NameOf = (address: Addr) => string | undefined;

/** Lines of `size` bytes from `at`; what is there is written first, as it is when it is first executed. */
export function codeLines(kernel: Kernel, at: Addr, size: number, name: NameOf): CodeLine[] {
  kernel.text.ensure(at, size);
  return linesOf(kernel.memory.readBytes(at, size), at, name);
}

export function linesOf(bytes: Uint8Array, at: Addr, name: NameOf): CodeLine[] {
  return listInsns(bytes, { address: at, symbol: name }).map((insn) => {
    const address = at + insn.offset;
    return { address, bytes: insn.bytes, text: insn.text, target: branch(insn.bytes, address) };
  });
}

const CALL = 0xe8;
const JMP = 0xe9;

function branch(insn: Uint8Array, address: Addr): Addr | undefined {
  if (insn.length !== 5 || (insn[0] !== CALL && insn[0] !== JMP)) return undefined;
  return address + 5 + new DataView(insn.buffer, insn.byteOffset).getInt32(1, true);
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
    const to = branch(after, address);
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
