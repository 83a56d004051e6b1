/** Where symbols come from: the table that ships, or another kernel's kallsyms. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BootError } from '../core/options.ts';
import { symbolTable } from '../data/symbols.ts';
import { Symbols } from './symbols.ts';

/** `_stext` of the shipped table. */
const STEXT = -0x7f00_0000;

/** Symbols of the kernel that ships with the project. */
export function builtinSymbols(): Symbols {
  const symbols = new Symbols();
  for (const line of symbolTable.split('\n')) {
    if (line === '') continue;
    const [name, at, size, kind] = line.split(' ') as [string, string, string, string];
    const address = at.startsWith('%') ? Number.parseInt(at.slice(1), 16) : STEXT + Number.parseInt(at, 16);
    symbols.put({ name, address, size: Number.parseInt(size, 16), kind });
  }
  return symbols;
}

/**
 * The same functions at another kernel's addresses; what that kernel has not is left out.
 * @throws BootError where the text is not kallsyms
 */
export function symbolsFrom(source: string | Uint8Array): Symbols {
  let bytes: Uint8Array;
  try {
    bytes = typeof source === 'string' ? readFileSync(source) : source;
  } catch {
    throw new BootError(`kallsyms: cannot read ${String(source)}`);
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes);
    } catch {
      throw new BootError(`kallsyms: ${typeof source === 'string' ? source : 'the data'} is damaged gzip data`);
    }
  }
  const kinds = new Map<string, string>();
  for (const line of symbolTable.split('\n')) {
    const [name, , , kind] = line.split(' ');
    if (name && kind) kinds.set(name, kind);
  }
  const found: { name: string; address: number; kind: string }[] = [];
  const starts: number[] = [];
  let lines = 0;
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    const m = /^([0-9a-f]{16}) (\S) (\S+)(\s+\[.*\])?$/.exec(line);
    if (!m || m[4]) continue;
    lines++;
    const hex = m[1] as string;
    const address = hex.startsWith('ffff') ? Number.parseInt(hex.slice(4), 16) - 2 ** 48 : Number.parseInt(hex, 16);
    if (address < 0) starts.push(address);
    const name = m[3] as string;
    const kind = kinds.get(name);
    if (kind !== undefined || name === '_stext' || name === '_text') found.push({ name, address, kind: kind ?? 'd' });
  }
  if (lines === 0) throw new BootError(`kallsyms: ${typeof source === 'string' ? source : 'the data'} has no line of the form 'ffffffff81000000 T _stext'`);
  if (starts.every((a) => a === 0) || found.every((f) => f.address === 0)) throw new BootError('kallsyms: all addresses are zero; save the file as root (kernel.kptr_restrict)');
  starts.sort((a, b) => a - b);
  const symbols = new Symbols();
  for (const f of found) {
    let lo = 0;
    let hi = starts.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((starts[mid] as number) <= f.address) lo = mid + 1;
      else hi = mid;
    }
    symbols.put({ name: f.name, address: f.address, size: f.address < 0 ? (starts[lo] ?? f.address + 16) - f.address : 0, kind: f.kind });
  }
  return symbols;
}
