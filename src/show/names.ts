/** Addresses and stack ids as people read them: by the symbols of a kernel. */
import type { Kernel, MapHandle } from '../../kernel-sim/index.ts';
import { addrFromBigInt } from '../machine/addr.ts';

export interface Names {
  /** `vfs_read`, `vfs_read+0x1c`; undefined where no function or variable of the kernel is */
  symbol(address: bigint): string | undefined;
  /** the frames behind an id of a stack trace map, innermost first; undefined where no map has it */
  stack(id: number): readonly string[] | undefined;
}

/** Names of nothing, for values that are shown without a kernel. */
export const NO_NAMES: Names = { symbol: () => undefined, stack: () => undefined };

const FRAME = 8;

/** Addresses one after the other up to the first zero: a stack as bpf_get_stack() and stack trace maps hold it. */
export function frames(bytes: Uint8Array, names: Names): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: string[] = [];
  for (let at = 0; at + FRAME <= bytes.length; at += FRAME) {
    const address = view.getBigUint64(at, true);
    if (address === 0n) break;
    out.push(names.symbol(address) ?? `0x${address.toString(16)}`);
  }
  return out;
}

/** Names by the kernel's own symbols, images of programs among them; stacks by these maps. */
export function namesOf(kernel: Kernel, stackMaps: readonly MapHandle[] = []): Names {
  const names: Names = {
    symbol(address) {
      // user space, and what is no address at all
      if (address >> 47n !== 0x1ffffn) return undefined;
      const found = kernel.symbols.at(addrFromBigInt(address));
      return found && (found.offset === 0 ? found.name : `${found.name}+0x${found.offset.toString(16)}`);
    },
    stack(id) {
      if (id < 0) return undefined;
      const key = new Uint8Array(4);
      new DataView(key.buffer).setUint32(0, id, true);
      for (const map of stackMaps) {
        if (id >= map.maxEntries) continue;
        const bytes = map.lookup(key);
        if (bytes) return frames(bytes, names);
      }
      return undefined;
    },
  };
  return names;
}
