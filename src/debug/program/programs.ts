/** The programs of a session, by address: which slot an instruction of an image belongs to, and which line a slot. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { Addr } from '../../machine/addr.ts';
import type { ProgramAccess } from '../../object/loaded.ts';
import type { SourceLine } from './source.ts';
import type { verifierStates } from './verifier-states.ts';
import { type LoadedView, type PlacedFunction, viewOf } from './view.ts';

/** Where in an image an address is. */
export interface InImage {
  readonly program: DebugProgram;
  readonly func: PlacedFunction;
  /** slot whose machine code it is in; in front of the first one's, the function's prologue, that one */
  readonly slot: number;
  /** it is the first instruction of the slot's code */
  readonly starts: boolean;
  /** it is in front of the first slot's code */
  readonly prologue: boolean;
}

type LoadedIn = ProgramAccess<Kernel>;

export class DebugProgram {
  readonly name: string;
  readonly view: LoadedView;
  readonly loaded: LoadedIn;
  readonly #lines: (SourceLine | undefined)[] = [];
  /** the verifier's, once they were asked for */
  states: ReturnType<typeof verifierStates> | undefined;

  constructor(loaded: LoadedIn, view: LoadedView) {
    this.name = loaded.name;
    this.loaded = loaded;
    this.view = view;
    for (const func of view.functions) {
      let line: SourceLine | undefined;
      for (let slot = func.start; slot < func.end; slot++) {
        line = view.at(slot).source ?? line;
        this.#lines[slot] = line;
      }
    }
  }

  /** The line that a slot belongs to. */
  line(slot: number): SourceLine | undefined {
    return this.#lines[slot];
  }
  /** Slots with which a line of C begins. */
  *lineStarts(): IterableIterator<readonly [slot: number, line: SourceLine]> {
    for (const { start, end } of this.view.functions) {
      for (let slot = start; slot < end; slot++) {
        const { source } = this.view.at(slot);
        if (source) yield [slot, source];
      }
    }
  }
  /** Address of the first instruction of a slot's code; undefined for the second slot of a wide load. */
  address(slot: number): Addr | undefined {
    const func = this.view.functions.find((f) => slot >= f.start && slot < f.end);
    const offset = func?.offsets[slot - func.start];
    return func && offset !== undefined ? func.address + offset : undefined;
  }
  find(rip: Addr): InImage | undefined {
    for (const func of this.view.functions) {
      const offset = rip - func.address;
      if (offset < 0 || offset >= func.bytes.length) continue;
      const { offsets } = func;
      let slot = 0;
      // several slots may have no code: the last of those that begin there
      for (let n = 0; n < func.end - func.start; n++) if ((offsets[n] as number) <= offset) slot = n;
      const first = offsets[0] as number;
      const starts = offset === offsets[slot];
      return { program: this, func, slot: func.start + slot, starts, prologue: offset < first };
    }
    return undefined;
  }
}

export class Programs {
  readonly list: readonly DebugProgram[];

  constructor(kernel: Kernel, loaded: Iterable<LoadedIn>, btf: Parameters<typeof viewOf>[2]) {
    this.list = [...loaded].map((p) => new DebugProgram(p, viewOf(kernel, p, btf)));
  }
  named(name: string): DebugProgram | undefined {
    return this.list.find((p) => p.name === name);
  }
  at(rip: Addr): InImage | undefined {
    for (const program of this.list) {
      const found = program.find(rip);
      if (found) return found;
    }
    return undefined;
  }
  /** First instructions of all slots. */
  get slotStarts(): Addr[] {
    return this.list.flatMap((p) =>
      p.view.functions.flatMap((f) => [...new Set(f.offsets)].slice(0, -1).map((offset) => f.address + offset)),
    );
  }
  /** First instructions of lines. */
  get lineStarts(): Addr[] {
    return this.list.flatMap((p) => [...p.lineStarts()].map(([slot]) => p.address(slot) as Addr));
  }
  /** First bytes of all functions. */
  get functionStarts(): Addr[] {
    return this.list.flatMap((p) => p.view.functions.map((f) => f.address));
  }
  /** Addresses at which the kernel's text calls programs. */
  get entries(): Addr[] {
    return this.list.map((p) => (p.view.functions[0] as PlacedFunction).address);
  }
}
