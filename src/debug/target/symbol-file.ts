/**
 * An ELF file with the symbols of the kernel and of what it made: images of programs, trampolines, pages of probes.
 * What lies in the module area is in it by its bytes, as it is at the moment; the kernel's own text is named only.
 */
import type { KernelSymbol } from '../../../kernel-sim/index.ts';
import { type ImageSection, writeImage } from '../../elf/index.ts';
import { type Addr, addrToBigInt } from '../../machine/addr.ts';
import { MODULES_VADDR, PAGE_SIZE } from '../../machine/layout.ts';
import type { SessionContext } from '../session/context.ts';
import { readMemory } from './memory.ts';

/** symbols further apart than this are in sections of their own */
const GAP = 1 << 20;

interface Run {
  readonly exec: boolean;
  readonly start: Addr;
  end: Addr;
  readonly symbols: KernelSymbol[];
}

export function symbolFile(session: SessionContext): Uint8Array {
  const names = new Map<string, number>();
  return writeImage(
    runsOf(session).map((run): ImageSection => {
      const data = run.start >= MODULES_VADDR ? contents(session, run) : undefined;
      const plain = data !== undefined ? '.bpf' : run.exec ? '.text' : '.data';
      const n = names.get(plain) ?? 0;
      names.set(plain, n + 1);
      return {
        name: n === 0 ? plain : `${plain}.${n}`,
        address: addrToBigInt(run.start),
        size: run.end - run.start,
        exec: run.exec,
        ...(data === undefined ? {} : { data }),
        symbols: run.symbols.map((s) => ({
          name: s.name,
          address: addrToBigInt(s.address),
          size: s.size,
          exec: isCode(s),
        })),
      };
    }),
  );
}

const isCode = (symbol: KernelSymbol): boolean => symbol.kind !== 'd';

/** Symbols by address, code and data apart, those near each other together. Offsets of per-CPU variables are no addresses. */
function runsOf({ kernel: { symbols } }: SessionContext): Run[] {
  const all = new Map<string, KernelSymbol>();
  for (const symbol of [...symbols.everyFunction(), ...symbols.all()]) all.set(symbol.name, symbol);
  const runs: Run[] = [];
  for (const symbol of [...all.values()].filter((s) => s.address < 0).sort((a, b) => a.address - b.address)) {
    const exec = isCode(symbol);
    let run = runs.at(-1);
    if (run === undefined || run.exec !== exec || symbol.address - run.end > GAP) {
      run = { exec, start: symbol.address, end: symbol.address, symbols: [] };
      runs.push(run);
    }
    run.symbols.push(symbol);
    run.end = Math.max(run.end, symbol.address + Math.max(symbol.size, 1));
  }
  return runs;
}

/** What of it is mapped; zeros elsewhere. */
function contents(session: SessionContext, { start, end }: Run): Uint8Array {
  const out = new Uint8Array(end - start);
  for (let at = 0; at < out.length; ) {
    const read = readMemory(session, start + at, out.length - at);
    out.set(read, at);
    // on to the next page
    at += read.length;
    if (at < out.length) at = nextPage(start + at) - start;
  }
  return out;
}
const nextPage = (at: Addr): Addr => (Math.floor(at / PAGE_SIZE) + 1) * PAGE_SIZE;
