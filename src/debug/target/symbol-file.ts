/**
 * An ELF file with the symbols of the kernel and of what it made: images of programs, trampolines, pages of probes.
 * What lies in the module area is in it by its bytes, as it is at the moment; the kernel's own text is named only.
 */
import type { KernelSymbol } from '../../../kernel-sim/index.ts';
import { type ImageSection, writeImage } from '../../elf/index.ts';
import { type Addr, addrToBigInt } from '../../machine/addr.ts';
import { MODULES_VADDR, PAGE_SIZE } from '../../machine/layout.ts';
import type { SessionContext } from '../session/context.ts';
import { OUTERMOST } from '../session/frames.ts';
import { callFrames, type FramedFunction } from './call-frames.ts';
import { lineTables } from './line-table.ts';
import { readMemory } from './memory.ts';

/** of a function that is walked over */
const MOST_BYTES = 1 << 16;
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
  const runs = runsOf(session);
  return writeImage(
    runs.map((run): ImageSection => {
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
    [{ name: '.debug_frame', data: callFrames(framed(session, runs)) }, ...lineTables(session.programs)],
  );
}

/** Functions that the model has code of: by name for gdb, and by how they find back to their callers. */
function framed(session: SessionContext, runs: readonly Run[]): FramedFunction[] {
  // its text is written to be looked at, and gone again
  return session.peek(() => [...framedHere(session, runs)]);
}
function* framedHere(session: SessionContext, runs: readonly Run[]): IterableIterator<FramedFunction> {
  const { kernel } = session;
  for (const { symbols, exec } of runs) {
    if (!exec) continue;
    let end = Number.NEGATIVE_INFINITY;
    for (const { name, address, size } of symbols) {
      // two names of one function, and what nothing here calls, whose text is all int3
      if (address < end || size === 0 || (address < MODULES_VADDR && !kernel.text.has(name))) continue;
      end = address + size;
      const bytes = Math.min(size, MOST_BYTES);
      if (address < MODULES_VADDR) kernel.text.ensure(address, bytes);
      const code = readMemory(session, address, bytes);
      if (code.length > 0) yield { address, code, outermost: OUTERMOST.test(name) };
    }
  }
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
