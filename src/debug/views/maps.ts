/** Maps as tables: keys and values by their BTF types, where the object has some. */
import { BtfError, type BtfValue, decodeValue } from '../../btf/index.ts';
import { BpfError } from '../../errors/index.ts';
import type { StackFrame } from '../../object/index.ts';
import { printPlain } from '../expr/print.ts';
import type { SessionContext } from '../session/context.ts';

export interface MapEntry {
  readonly key: string;
  readonly value: string;
}

export interface MapTable {
  readonly name: string;
  /** `hash`, `array`, `ringbuf` ... */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly entries: readonly MapEntry[];
  /** there are more than are shown */
  readonly more: boolean;
  /** why there are no entries to show */
  readonly note: string | undefined;
}

const MOST_ENTRIES = 256;

export function mapsView(session: SessionContext, most = MOST_ENTRIES): MapTable[] {
  const maps = Object.values(session.loaded.maps);
  return session.peek(() =>
    maps.map((map): MapTable => {
      const { type, keySize, valueSize, maxEntries } = map.handle;
      const about = { name: map.name, type, keySize, valueSize, maxEntries };
      const entries: MapEntry[] = [];
      let more = false;
      try {
        for (const [key, value] of entriesOf(session, map)) {
          if (entries.length === most) {
            more = true;
            break;
          }
          entries.push({ key: shown(key), value: shown(value) });
        }
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        return { ...about, entries: [], more: false, note: 'its elements cannot be listed' };
      }
      return { ...about, entries, more, note: undefined };
    }),
  );
}

type Listed = SessionContext['loaded']['maps'][string];

/** By their types; as bytes where those do not tell how to read them, as global data's do not. */
function* entriesOf(
  { loaded }: SessionContext,
  map: Listed,
): IterableIterator<readonly [key: BtfValue, value: BtfValue]> {
  const { btf } = loaded.object.model;
  const { btfKey } = map.definition;
  for (const [key, value] of map.handle.entries()) {
    if (map.handle.type === 'stack_trace') {
      yield [key, map.stack(new DataView(key.buffer, key.byteOffset).getUint32(0, true)).map(frameName).join(' < ')];
      continue;
    }
    const typedKey = btf !== undefined && btfKey > 0 ? typed(() => decodeValue(btf, btfKey, key)) : undefined;
    yield [typedKey ?? key, typed(() => map.get(key)) ?? value];
  }
}
const frameName = ({ address, symbol, offset }: StackFrame): string =>
  symbol === undefined ? `0x${address.toString(16)}` : `${symbol}+0x${offset.toString(16)}`;

function typed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BtfError) return undefined;
    throw error;
  }
}

/** Bytes without a type are a number where they fit one. */
function shown(value: BtfValue): string {
  if (!(value instanceof Uint8Array) || value.length > 8) return printPlain(value);
  let n = 0n;
  for (let i = value.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(value[i] as number);
  return String(n);
}
