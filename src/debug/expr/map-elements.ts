/** Elements of a map as values of its BTF types. */
import { BtfError, decodeValue } from '../../btf/index.ts';
import { BpfError } from '../../errors/index.ts';
import type { SessionContext } from '../session/context.ts';
import { printPlain } from './print.ts';
import { isArray, isComposite, isSigned, type Type, type Value } from './value.ts';

export interface MapElement {
  /** as it is shown */
  readonly key: string;
  /** `counts[30042]`, where the key is a number */
  readonly expression: string | undefined;
  readonly value: Value;
}

/** Those from the `from`th on, `count` at most; none where they cannot be listed. */
export function mapElements(session: SessionContext, name: string, from = 0, count = 100): MapElement[] {
  const { loaded, peek } = session;
  const map = loaded.maps[name];
  if (map === undefined) return [];
  const { btfKey, btfValue } = map.definition;
  const { btf } = loaded.object.model;
  const typed = (id: number, bytes: Uint8Array): Type =>
    btf !== undefined && id > 0 && btf.sizeOf(id) <= bytes.length
      ? { kind: 'btf', btf, id }
      : { kind: 'int', size: Math.min(8, bytes.length), signed: false };
  return peek(() => {
    const out: MapElement[] = [];
    let n = 0;
    try {
      for (const [key, value] of map.handle.entries()) {
        if (n++ < from) continue;
        if (out.length === count) break;
        const keyValue = inBytes(typed(btfKey, key), key);
        const isNumber = !isComposite(keyValue.type) && !isArray(keyValue.type) && key.length <= 8;
        out.push({
          key: isNumber ? String(keyValue.bits) : shown(keyValue, key),
          expression: isNumber ? `${name}[${keyValue.bits}]` : undefined,
          value: inBytes(typed(btfValue, value), value),
        });
      }
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
    }
    return out;
  });
}

function inBytes(type: Type, bytes: Uint8Array): Value {
  if (isComposite(type) || isArray(type)) return { type, bits: 0n, bytes };
  let bits = 0n;
  const size = type.kind === 'btf' ? type.btf.sizeOf(type.id) : bytes.length;
  for (let n = Math.min(8, size) - 1; n >= 0; n--) bits = (bits << 8n) | BigInt(bytes[n] as number);
  return { type, bits: isSigned(type) ? BigInt.asIntN(8 * size, bits) : bits, bytes };
}

function shown({ type }: Value, bytes: Uint8Array): string {
  if (type.kind !== 'btf') return printPlain(bytes);
  try {
    return printPlain(decodeValue(type.btf, type.id, bytes));
  } catch (error) {
    if (error instanceof BtfError) return printPlain(bytes);
    throw error;
  }
}
