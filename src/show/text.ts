/** A function of the kernel's text before and after programs were attached to it, and the trampolines that the patches call. */
import type { Kernel, ProbeLink } from '../../kernel-sim/index.ts';
import { type Addr, formatAddr } from '../machine/addr.ts';
import type { AttachedLink } from '../object/index.ts';
import { type CodeLine, codeLines, linesOf, lineText, naming, probesOf } from './code.ts';

export interface FunctionBytes {
  readonly name: string;
  readonly address: Addr;
  readonly bytes: Uint8Array;
}

/** A function as it is now. undefined where the kernel has none of that name */
export function functionBytes(kernel: Kernel, name: string): FunctionBytes | undefined {
  const symbol = kernel.symbols.find(name);
  if (!symbol) return undefined;
  const size = Math.max(1, symbol.size);
  kernel.text.ensure(symbol.address, size);
  return { name, address: symbol.address, bytes: kernel.memory.readBytes(symbol.address, size) };
}

const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];
const beginsWith = (bytes: Uint8Array, what: readonly number[]): boolean => what.every((b, n) => bytes[n] === b);

/** Why a probe is where it is. */
function reason(probe: ProbeLink, { bytes }: FunctionBytes): string {
  const at = `+${probe.offset}`;
  switch (probe.via) {
    case 'ftrace':
    case 'direct': {
      const site =
        probe.offset === 4 && beginsWith(bytes, ENDBR64)
          ? "the function begins with endbr64, which indirect calls must land on (CONFIG_X86_KERNEL_IBT); behind its 4 bytes lie the 5 of ftrace's nop (-mfentry)"
          : probe.offset === 0
            ? "nothing calls the function indirectly, so it has no endbr64: ftrace's nop of 5 bytes (-mfentry) is its first instruction"
            : "ftrace's nop";
      const what =
        probe.via === 'direct'
          ? 'it calls the BPF trampoline directly'
          : 'a kprobe on the entry goes through ftrace: it calls a copy of ftrace_regs_caller';
      return `at ${at}: ${site}; ${what}`;
    }
    case 'int3':
      return `at ${at}: no nop of ftrace is there, so the first byte of the instruction becomes int3; the instruction itself is executed elsewhere`;
    case 'static_key':
      return `at ${at}: the tracepoint's static key: a nop while nobody looks, a jump to the call while somebody does`;
    default:
      return `at ${at}`;
  }
}

const INT3 = 0xcc;
/** as many int3 are shown one by one */
const FEW = 4;

/** What of a function's text the links changed: removed lines have `-` in front, new ones `+`. */
export function textDump(kernel: Kernel, before: FunctionBytes, links: readonly AttachedLink[]): string {
  const name = naming(kernel, links);
  const after = kernel.memory.readBytes(before.address, before.bytes.length);
  const { address } = before;
  const old = linesOf(before.bytes, address, name);
  const now = new Map(linesOf(after, address, name).map((l) => [l.address, l]));
  const out = [`${before.name}: ${before.bytes.length} bytes at ${formatAddr(address)}`];
  const probes = links.flatMap((link) =>
    probesOf(link)
      .filter((p) => p.address >= address && p.address < address + before.bytes.length)
      .map((probe) => ({ link, probe })),
  );
  for (const { link, probe } of probes) out.push(`${link.program} (${probe.kind}) ${reason(probe, before)}`);
  if (links.length > 0 && probes.length === 0) out.push('nothing of it was patched');
  out.push('');
  const changed = (at: Addr, length: number): boolean => {
    for (let n = at - address; n < at - address + length; n++) if (before.bytes[n] !== after[n]) return true;
    return false;
  };
  const unused = unusedFrom(old);
  for (const line of old.slice(0, unused)) {
    if (!changed(line.address, line.bytes.length)) {
      out.push(lineText(line, address));
      continue;
    }
    out.push(lineText(line, address, '-'));
    // a patch that is shorter leaves the rest of the instruction behind it
    for (let at = line.address; at < line.address + line.bytes.length; ) {
      const next = now.get(at);
      if (!next) break;
      out.push(lineText(next, address, '+'));
      at += next.bytes.length;
    }
  }
  const rest = old[unused];
  if (rest) {
    const offset = rest.address - address;
    const bytes = `${before.bytes.length - offset} bytes`;
    out.push(
      lineText({ ...rest, text: `int3   (${bytes} that Linux's own function has and this one does not)` }, address),
    );
  }
  const cold = kernel.symbols.get(`${before.name}.cold`);
  if (cold) {
    out.push(
      '',
      `${cold.name}: ${cold.size} bytes at ${formatAddr(cold.address)}, as there is no room for it above`,
      '',
    );
    for (const line of codeLines(kernel, cold.address, cold.size, name)) out.push(lineText(line, cold.address));
  }
  return `${out.join('\n')}\n`;
}

/** Index of the first of the int3 instructions that fill a function to its end; as many as there are lines where few do. */
function unusedFrom(lines: readonly CodeLine[]): number {
  let n = lines.length;
  while (n > 0 && lines[n - 1]?.bytes[0] === INT3) n--;
  return lines.length - n > FEW ? n : lines.length;
}

/** Where each patch leads to: address and size of the code there. */
export function trampolinesOf(
  kernel: Kernel,
  links: readonly AttachedLink[],
): { readonly address: Addr; readonly size: number; readonly probe: ProbeLink; readonly program: string }[] {
  const seen = new Set<Addr>();
  return links.flatMap((link) =>
    probesOf(link).flatMap((probe) => {
      if (probe.via !== 'ftrace' && probe.via !== 'direct') return [];
      const [line] = linesOf(kernel.memory.readBytes(probe.address, 5), probe.address, () => undefined);
      const address = line?.target;
      const symbol = address === undefined ? undefined : kernel.symbols.at(address);
      if (address === undefined || !symbol || seen.has(address)) return [];
      seen.add(address);
      return [{ address, size: symbol.size - symbol.offset, probe, program: link.program }];
    }),
  );
}

/** Listings of the trampolines that patches of these links call. */
export function trampolineDump(kernel: Kernel, links: readonly AttachedLink[]): string {
  const name = naming(kernel, links);
  return trampolinesOf(kernel, links)
    .map(({ address, size, probe, program }) => {
      const head = `${name(address) ?? ''}: ${size} bytes at ${formatAddr(address)}, called from ${probe.symbol}+0x${probe.offset.toString(16)} for ${program} (${probe.kind})`;
      return `${[head, '', ...codeLines(kernel, address, size, name).map((l) => lineText(l, address))].join('\n')}\n`;
    })
    .join('\n');
}
