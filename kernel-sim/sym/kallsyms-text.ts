/** /proc/kallsyms: every symbol of the kernel, then those of modules, of ftrace's trampolines and of BPF images. */
import { type Addr, addrToBigInt, formatAddr } from '../../src/machine/addr.ts';
import { kallsymsData } from '../data/builtin.ts';
import type { KernelSymbol } from './symbol.ts';
import type { Symbols } from './symbols.ts';

let shipped: string | undefined;

/** The kernel's own symbols, of one version: facts that do not change. Each row has the distance to the one before. */
function kernelText(): string {
  if (shipped !== undefined) return shipped;
  let at: Addr = 0;
  let out = '';
  for (const row of kallsymsData().split('\n')) {
    const space = row.indexOf(' ');
    at += Number.parseInt(row.slice(0, space), 36);
    out += `${formatAddr(at)} ${row[space + 1]} ${row.slice(space + 2)}\n`;
  }
  shipped = out;
  return out;
}

const line = ({ name, address, kind, module }: KernelSymbol): string =>
  `${formatAddr(address)} ${kind === 'd' ? 'd' : 't'} ${name}\t[${module}]\n`;

/** `isShipped`: the symbols are those that the project ships; another kernel's are shown as far as they are known. */
export function kallsymsText(symbols: Symbols, isShipped: boolean): string {
  const all = [...symbols.all()];
  const modules = all.filter((s) => s.module !== undefined).sort((a, b) => order(a) - order(b));
  const own = isShipped
    ? kernelText()
    : all
        .filter((s) => s.module === undefined)
        .sort((a, b) => (addrToBigInt(a.address) < addrToBigInt(b.address) ? -1 : 1))
        .map((s) => `${formatAddr(s.address)} ${s.kind === 'd' ? 'D' : 'T'} ${s.name}\n`)
        .join('');
  return own + modules.map(line).join('');
}

/** modules first, then ftrace's, BPF's last, as kallsyms lists them */
const order = ({ module }: KernelSymbol): number => (module === 'bpf' ? 2 : module?.startsWith('__builtin') ? 1 : 0);
