/** Memory and machine code. */

import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugError, readMemory, writeMemory, type X86Row, x86View } from '../../debug/index.ts';
import { type Addr, addrFromBigInt, formatAddr } from '../../machine/addr.ts';
import { hexBytes } from '../../platform/index.ts';
import type { Adapter } from './adapter.ts';
import { reference } from './points.ts';
import { lineOf } from './stack.ts';

const MOST_BYTES = 1 << 20;

export function read(
  adapter: Adapter,
  args: DebugProtocol.ReadMemoryArguments,
): DebugProtocol.ReadMemoryResponse['body'] {
  const at = addrFromBigInt(reference(args.memoryReference)) + (args.offset ?? 0);
  const count = Math.min(MOST_BYTES, args.count);
  const bytes = readMemory(adapter.session, at, count);
  return {
    address: `0x${formatAddr(at)}`,
    data: Buffer.from(bytes).toString('base64'),
    ...(bytes.length < count ? { unreadableBytes: count - bytes.length } : {}),
  };
}

export function write(
  adapter: Adapter,
  args: DebugProtocol.WriteMemoryArguments,
): DebugProtocol.WriteMemoryResponse['body'] {
  const at = addrFromBigInt(reference(args.memoryReference)) + (args.offset ?? 0);
  const bytes = Buffer.from(args.data, 'base64');
  writeMemory(adapter.session, at, bytes);
  adapter.event('invalidated', { areas: ['variables'] });
  return { bytesWritten: bytes.length };
}

/** As many instructions as asked for, from the `instructionOffset`th behind the one at the address; what is none is said so. */
export function disassemble(
  adapter: Adapter,
  args: DebugProtocol.DisassembleArguments,
): DebugProtocol.DisassembledInstruction[] {
  const at = addrFromBigInt(reference(args.memoryReference)) + (args.offset ?? 0);
  const offset = args.instructionOffset ?? 0;
  const count = Math.min(4096, args.instructionCount);
  if (!(count >= 0)) throw new DebugError(`${args.instructionCount} is no number of instructions`);
  const rows = listing(adapter, at);
  let index = rows.findIndex((r) => r.address >= at);
  if (index < 0) index = rows.length;
  // functions in front and behind, as far as they are asked for
  while (index + offset < 0) {
    const first = rows[0]?.address ?? at;
    const before = listing(adapter, first - 1).filter((r) => r.address < first);
    if (before.length === 0) break;
    rows.unshift(...before);
    index += before.length;
  }
  while (rows.length < index + offset + count) {
    const last = rows.at(-1);
    const end = last === undefined ? at : last.address + last.bytes.length;
    const behind = listing(adapter, end).filter((r) => r.address >= end);
    if (behind.length === 0) break;
    rows.push(...behind);
  }
  const from = rows[0]?.address ?? at;
  return Array.from({ length: count }, (_, n) => {
    const row = rows[index + offset + n];
    return row === undefined ? invalid(from + n + index + offset) : shown(adapter, row);
  });
}

const listing = ({ session }: Adapter, at: Addr): X86Row[] => [...x86View(session, { at }).rows];
const invalid = (address: Addr): DebugProtocol.DisassembledInstruction => ({
  address: `0x${formatAddr(address)}`,
  instruction: '(nothing is mapped here)',
  presentationHint: 'invalid',
});

function shown(adapter: Adapter, row: X86Row): DebugProtocol.DisassembledInstruction {
  const place = adapter.session.places.at(row.address);
  const { source, line } = lineOf(adapter, place.source);
  return {
    address: `0x${formatAddr(row.address)}`,
    instructionBytes: hexBytes(row.bytes),
    instruction: `${row.text}${row.points === undefined ? '' : `  → ${row.points}`}`,
    symbol: place.symbol,
    ...(source === undefined ? {} : { location: source, line }),
  };
}
