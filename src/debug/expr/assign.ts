/** What setting a thing changes: `set $rax = 1`, `set R1 = 0`, `set counts[42] = 7`, `set task->pid = 3`. */
import { REGISTER_NAMES } from '../../machine/index.ts';
import { DebugError } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import type { Change } from '../time/changes.ts';
import { evaluate } from './evaluate.ts';
import { parseExpr } from './parse.ts';
import { registerNumber } from './registers.ts';
import { isComposite, sizeOf, typeName } from './value.ts';

/** @throws DebugError where there is nothing to set */
export function assigned({ loaded, scope }: SessionContext, target: string, value: string): Change {
  const { bits } = evaluate(value, scope);
  const parsed = parseExpr(target);
  if (parsed.kind === 'index' && parsed.of.kind === 'name' && scope.isMap(parsed.of.name)) {
    const map = loaded.maps[parsed.of.name];
    if (map === undefined || parsed.index.kind !== 'number')
      throw new DebugError(`${target}: the key must be a number`);
    const key = toBytes(parsed.index.value, map.handle.keySize);
    return { kind: 'map', map: parsed.of.name, key, value: toBytes(bits, map.handle.valueSize) };
  }
  const old = evaluate(target, scope);
  if (old.register !== undefined)
    return { kind: 'register', name: targetName(old.register), bits: BigInt.asUintN(64, bits) };
  if (old.address === undefined || isComposite(old.type))
    throw new DebugError(`${target} cannot be set: ${typeName(old.type)}`);
  const size = Math.min(8, sizeOf(old.type));
  if (old.bitfield !== undefined) throw new DebugError(`${target} is a bitfield: set the bytes that it lies in`);
  return { kind: 'memory', address: old.address, bytes: toBytes(bits, size) };
}

/** gdb's name of a register that can be set: `R1` is rdi, `$pc` is rip. */
function targetName(name: string): string {
  const n = registerNumber(name);
  if (n !== undefined) return REGISTER_NAMES[n] as string;
  return name === '$rip' || name === '$pc' ? 'rip' : name === '$sp' ? 'rsp' : 'eflags';
}

function toBytes(bits: bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let rest = BigInt.asUintN(64, bits);
  for (let n = 0; n < size; n++, rest >>= 8n) out[n] = Number(rest & 0xffn);
  return out;
}
