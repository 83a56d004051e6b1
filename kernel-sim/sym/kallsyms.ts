/** Where symbols come from: the table that ships, or another kernel's kallsyms. */
import { decodeBase64, decodeLatin1, host, isGzip } from '../../src/platform/index.ts';
import { BootError } from '../core/options.ts';
import { furtherFunctions } from '../data/builtin.ts';
import { kinds, labels, names, offsets, PERCPU, padded, sizes } from '../data/symbols.ts';
import { kernelSymbolAt } from './address-index.ts';
import type { KernelSymbol, Label } from './symbol.ts';
import { ShippedSymbols } from './symbol-table.ts';
import { Symbols } from './symbols.ts';

/** Bytes of the longest list that is taken: ten times that of a kernel with many modules. */
const MOST_KALLSYMS = 256 * 1024 * 1024;
/** Not the start of anything: padding in front of functions, labels inside them. */
const INNER = /^(__pfx_|entry_SYSCALL_64_|ftrace_(regs_)?(call|caller_op_ptr|call_end|caller_end)$)/;
/** bytes in front of a function, its `__pfx_` symbol: CONFIG_FUNCTION_PADDING_BYTES */
const PADDING = 16;
/** `_stext` of the shipped table. */
const STEXT = -0x7f00_0000;

const numbers = (base64: string): Uint32Array => {
  const bytes = decodeBase64(base64);
  const out = new Uint32Array(bytes.length / 4);
  new Uint8Array(out.buffer).set(bytes);
  return out;
};

const labelsOf = (row: string): Label[] =>
  row.split(' ').map((label) => {
    const [name, offset] = label.split(':') as [string, string];
    return { name, offset: Number(offset) };
  });

/** The table that ships: read once, and never changed. */
let shipped: ShippedSymbols | undefined;
function shippedSymbols(): ShippedSymbols {
  if (shipped !== undefined) return shipped;
  const at = numbers(offsets);
  const room = numbers(sizes);
  shipped = new ShippedSymbols({
    names: names.split(' '),
    kinds,
    sizes: room,
    told: (row) => (padded[row] === '2' ? undefined : (room[row] as number) - (padded[row] === '1' ? PADDING : 0)),
    labels: new Map(Object.entries(labels).map(([name, row]) => [name, labelsOf(row)])),
    address: (row) => (row < PERCPU ? 0 : STEXT) + (at[row] as number),
  });
  return shipped;
}

/** Its functions that nothing here calls, by name; likewise. */
let further: ReadonlyMap<string, KernelSymbol> | undefined;
function furtherSymbols(): ReadonlyMap<string, KernelSymbol> {
  if (further !== undefined) return further;
  const all = new Map<string, KernelSymbol>();
  let address = STEXT;
  for (const line of furtherFunctions().split('\n')) {
    const [name, distance, size, kind] = line.split(' ') as [string, string, string, string];
    address += Number.parseInt(distance, 36);
    all.set(name, { name, address, size: Number.parseInt(size, 36), kind });
  }
  further = all;
  return all;
}

/** Symbols of the kernel that ships with the project. */
export function builtinSymbols(): Symbols {
  const symbols = new Symbols(shippedSymbols());
  symbols.setFurther(
    (name) => furtherSymbols().get(name),
    () => furtherSymbols().keys(),
    (address) => (address >= STEXT ? kernelSymbolAt(address) : undefined),
  );
  return symbols;
}

/**
 * The same functions at another kernel's addresses; what that kernel has not is left out.
 * @throws BootError where the text is not kallsyms
 */
export function symbolsFrom(source: string | Uint8Array): Symbols {
  let bytes: Uint8Array;
  try {
    bytes = typeof source === 'string' ? host.readFile(source) : source;
  } catch {
    throw new BootError('kallsyms', `cannot read ${String(source)}`);
  }
  if (isGzip(bytes)) {
    try {
      bytes = host.gunzip(bytes, MOST_KALLSYMS);
    } catch {
      throw new BootError('kallsyms', `${typeof source === 'string' ? source : 'the data'} is damaged gzip data`);
    }
  }
  const known = new Map(names.split(' ').map((name, n) => [name, kinds[n] as string]));
  const found: { name: string; address: number; kind: string }[] = [];
  const starts: number[] = [];
  let lines = 0;
  for (const line of decodeLatin1(bytes).split('\n')) {
    const m = /^([0-9a-f]{16}) (\S) (\S+)(\s+\[.*\])?$/.exec(line);
    if (!m || m[4]) continue;
    lines++;
    const hex = m[1] as string;
    const address = hex.startsWith('ffff') ? Number.parseInt(hex.slice(4), 16) - 2 ** 48 : Number.parseInt(hex, 16);
    const name = m[3] as string;
    if (address < 0 && !INNER.test(name)) starts.push(address);
    const kind = known.get(name);
    if (kind !== undefined || name === '_stext' || name === '_text') found.push({ name, address, kind: kind ?? 'd' });
  }
  if (lines === 0)
    throw new BootError(
      'kallsyms',
      `${typeof source === 'string' ? source : 'the data'} has no line of the form 'ffffffff81000000 T _stext'`,
    );
  if (starts.every((a) => a === 0) || found.every((f) => f.address === 0))
    throw new BootError('kallsyms', 'all addresses are zero; save the file as root (kernel.kptr_restrict)');
  starts.sort((a, b) => a - b);
  const symbols = new Symbols();
  const symbol = (name: string, address: number, kind: string): KernelSymbol => {
    let lo = 0;
    let hi = starts.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((starts[mid] as number) <= address) lo = mid + 1;
      else hi = mid;
    }
    return { name, address, size: address < 0 ? (starts[lo] ?? address + 16) - address : 0, kind };
  };
  for (const f of found) symbols.put(symbol(f.name, f.address, f.kind));
  // all others of that kernel, looked through only when somebody asks for one of them
  let further: Map<string, KernelSymbol> | undefined;
  const all = (): Map<string, KernelSymbol> => {
    if (further) return further;
    further = new Map();
    const shipped = furtherKinds();
    for (const line of decodeLatin1(bytes).split('\n')) {
      const m = /^([0-9a-f]{16}) (\S) (\S+)$/.exec(line);
      if (!m || known.has(m[3] as string) || (m[3] as string).startsWith('__pfx_')) continue;
      const [, hex = '', letter = '', name = ''] = m;
      const address = hex.startsWith('ffff') ? Number.parseInt(hex.slice(4), 16) - 2 ** 48 : Number.parseInt(hex, 16);
      const kind = shipped.get(name) ?? (/[tTwW]/.test(letter) ? 'm' : 'd');
      if (!further.has(name)) further.set(name, symbol(name, address, kind));
    }
    return further;
  };
  symbols.setFurther(
    (name) => all().get(name),
    () => all().keys(),
  );
  return symbols;
}

/** How further functions of the shipped kernel begin, by name. */
function furtherKinds(): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of furtherFunctions().split('\n')) {
    const [name, , , kind] = line.split(' ') as [string, string, string, string];
    out.set(name, kind);
  }
  return out;
}
