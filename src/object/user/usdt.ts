/** USDT programs: where a provider's probe is in a file, and what `usdt.bpf.h` needs to know of its arguments (libbpf 1.5, `src/usdt.c`). */
import { type Executable, type UsdtNote, usdtNotes } from '../../elf/index.ts';
import type { MapHandle } from '../bpf-interface.ts';
import { usdtSpec } from './usdt-args.ts';

/** One place of a probe: in the file, and its spec. */
export interface UsdtTarget {
  readonly offset: number;
  /** of the semaphore in the file, 0 where it has none */
  readonly refCounter: number;
  readonly spec: Uint8Array;
  /** places with the same have the same spec */
  readonly args: string;
}

export const notesOf = (binary: Executable, provider: string, name: string): UsdtNote[] =>
  usdtNotes(binary).filter((note) => note.provider === provider && note.name === name);

/** Every place of a probe. A string: what is wrong with one of them. */
export function usdtTargets(binary: Executable, notes: readonly UsdtNote[], cookie: bigint): UsdtTarget[] | string {
  const out: UsdtTarget[] = [];
  for (const note of notes) {
    const offset = binary.fileOffset(note.address);
    if (offset === undefined) return `its probe at 0x${note.address.toString(16)} lies in nothing that is loaded`;
    const refCounter = note.semaphore === 0 ? 0 : binary.fileOffset(note.semaphore);
    if (refCounter === undefined)
      return `its semaphore at 0x${note.semaphore.toString(16)} lies in nothing that is loaded`;
    const spec = usdtSpec(note.args, cookie);
    if (typeof spec === 'string') return `${note.provider}:${note.name}: ${spec}`;
    out.push({ offset, refCounter, spec, args: note.args });
  }
  return out;
}

/** Specs in the object's map, by the ids that cookies carry. */
export class UsdtSpecs {
  #next = 0;
  /** ids of links that are gone */
  readonly #free: number[] = [];

  /** Ids of targets; those that share arguments share one. undefined where the map is full. */
  put(
    map: MapHandle,
    targets: readonly UsdtTarget[],
    room: number,
  ): { ids: number[]; release: () => void } | undefined {
    const byArgs = new Map<string, number>();
    const ids: number[] = [];
    for (const { args, spec } of targets) {
      let id = byArgs.get(args);
      if (id === undefined) {
        id = this.#free.pop() ?? this.#next++;
        if (id >= room) return undefined;
        byArgs.set(args, id);
        map.update(new Uint8Array(new Uint32Array([id]).buffer), spec);
      }
      ids.push(id);
    }
    return { ids, release: () => void this.#free.push(...byArgs.values()) };
  }
}
