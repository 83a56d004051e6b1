/** /sys/kernel/debug/kprobes: what is probed, and what may not be (Linux 6.12 Documentation/trace/kprobes.rst). */
import { addrToBigInt, formatAddr } from '../../src/machine/addr.ts';
import type { KernelSymbol } from '../sym/symbol.ts';
import { MAGIC } from './magic.ts';
import { control, directory, text } from './nodes.ts';
import type { Mount } from './types.ts';

export interface DebugFacts {
  /** functions that may not be probed */
  readonly blacklist: () => readonly KernelSymbol[];
  /** lines of `list` */
  readonly kprobes: () => readonly string[];
}

const hex = (at: number): string => addrToBigInt(at).toString(16);

export function debugMounts({ blacklist, kprobes }: DebugFacts): Mount[] {
  const node = directory({
    blacklist: text(
      () =>
        blacklist()
          .map((s) => `0x${formatAddr(s.address)}-0x${hex(s.address + s.size).padStart(16, '0')}\t${s.name}\n`)
          .join(''),
      { mode: 0o400 },
    ),
    enabled: control({ mode: 0o600, read: () => '1\n', write: (value) => (/^[1yY]/.test(value) ? 0 : -22) }),
    list: text(
      () =>
        kprobes()
          .map((line) => `${line}\n`)
          .join(''),
      { mode: 0o400 },
    ),
  });
  return [{ path: '/sys/kernel/debug/kprobes', node, magic: MAGIC.DEBUGFS }];
}
