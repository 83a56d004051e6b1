/**
 * Lines of a call chain, which `perf script` prints behind an event that was recorded with -g, the innermost first:
 *
 *     	    7f3c1d2e0a3d __open64+0xd (/usr/lib/x86_64-linux-gnu/libc.so.6)
 *     	ffffffff81453d90 do_sys_openat2+0x0 ([kernel.kallsyms])
 */
import type { UserFrame } from '../../../kernel-sim/index.ts';

const FRAME = /^\s+([0-9a-f]{4,16})\s+(\S.*?)\s+\((\S.*)\)$/;

/** The frame of a line; null: one that is the kernel's or nobody's; undefined: the line is none. */
export function chainFrame(text: string): UserFrame | null | undefined {
  const [, address = '', symbol = '', file = ''] = FRAME.exec(text) ?? [];
  if (address === '') return undefined;
  if (file.startsWith('[') || symbol.startsWith('[')) return null;
  const [, name = '', distance] = /^(.*?)(?:\+(0x[0-9a-f]+))?$/.exec(symbol) ?? [];
  return {
    file,
    offset: Number.parseInt(address, 16),
    symbol: name,
    ...(distance === undefined ? {} : { symbolOffset: Number(distance) }),
  };
}
