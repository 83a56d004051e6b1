/** Setting things: `set $rax = 1`, `set R1 = 0`, `set counts[42] = 7`, `set task->pid = 3`. */
import { addrFromBigInt } from '../../machine/addr.ts';
import { DebugError } from '../error.ts';
import { asKernel } from '../session/as-kernel.ts';
import type { SessionContext } from '../session/context.ts';
import { evaluate } from './evaluate.ts';
import { parseExpr } from './parse.ts';
import { registerNumber } from './registers.ts';
import { isComposite, sizeOf, typeName } from './value.ts';

/** @throws DebugError where there is nothing to set */
export function assign({ kernel, loaded, scope }: SessionContext, target: string, value: string): void {
  const { bits } = evaluate(value, scope);
  const parsed = parseExpr(target);
  if (parsed.kind === 'index' && parsed.of.kind === 'name' && scope.isMap(parsed.of.name)) {
    const map = loaded.maps[parsed.of.name];
    if (map === undefined || parsed.index.kind !== 'number')
      throw new DebugError(`${target}: the key must be a number`);
    const key = toBytes(parsed.index.value, map.handle.keySize);
    asKernel(kernel.cpu, () => map.handle.update(key, toBytes(bits, map.handle.valueSize)));
    return;
  }
  const old = evaluate(target, scope);
  if (old.register !== undefined) {
    setRegister(kernel.cpu, old.register, bits);
    return;
  }
  if (old.address === undefined || isComposite(old.type))
    throw new DebugError(`${target} cannot be set: ${typeName(old.type)}`);
  const size = Math.min(8, sizeOf(old.type));
  if (old.bitfield !== undefined) throw new DebugError(`${target} is a bitfield: set the bytes that it lies in`);
  if (!scope.memory.write(old.address, toBytes(bits, size))) throw new DebugError(`${target} cannot be written`);
  kernel.machine.invalidate(old.address, size);
}

function setRegister(cpu: SessionContext['kernel']['cpu'], name: string, bits: bigint): void {
  const n = registerNumber(name);
  if (n !== undefined) cpu.setReg64(n, bits);
  else if (name === '$rip' || name === '$pc') cpu.rip = addrFromBigInt(bits);
  else cpu.rflags = Number(BigInt.asUintN(32, bits));
}

function toBytes(bits: bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let rest = BigInt.asUintN(64, bits);
  for (let n = 0; n < size; n++, rest >>= 8n) out[n] = Number(rest & 0xffn);
  return out;
}
