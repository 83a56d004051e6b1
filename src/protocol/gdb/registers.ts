/** Registers in packets: `g`, `G`, `p`, `P`. What the machine has not got, or a task did not keep, is `x`es. */
import {
  type Change,
  type SessionContext,
  savedRegisters,
  TARGET_REGISTERS,
  type TargetRegister,
} from '../../debug/index.ts';
import { fromHexLittle, hexLittle } from './hex.ts';

const bytesOf = (r: TargetRegister): number => r.bits / 8;
const unavailable = (r: TargetRegister): string => 'xx'.repeat(bytesOf(r));

/** One register of a task. */
function shown(session: SessionContext, pid: number, r: TargetRegister): string {
  const { kernel } = session;
  if (pid === kernel.tasks.current.pid) {
    const value = r.read?.(kernel.cpu);
    return value === undefined ? unavailable(r) : hexLittle(value, bytesOf(r));
  }
  const value = savedRegisters(session, pid)?.get(r.name);
  return value === undefined ? unavailable(r) : hexLittle(value, bytesOf(r));
}

export const readAll = (session: SessionContext, pid: number): string =>
  TARGET_REGISTERS.map((r) => shown(session, pid, r)).join('');

/** undefined: there is no such register */
export function readOne(session: SessionContext, pid: number, number: number): string | undefined {
  const r = TARGET_REGISTERS[number];
  return r && shown(session, pid, r);
}

/** `n:hex;` of those that gdb wants at every stop: rbp, rsp, rip. */
export const expedited = (session: SessionContext): string =>
  TARGET_REGISTERS.map((r, n) => [r, n] as const)
    .filter(([r]) => r.name === 'rbp' || r.name === 'rsp' || r.name === 'rip')
    .map(([r, n]) => `${n.toString(16).padStart(2, '0')}:${shown(session, session.stop.task.pid, r)};`)
    .join('');

/** False: it cannot be set. */
export function writeOne(session: SessionContext, number: number, hex: string): boolean {
  const r = TARGET_REGISTERS[number];
  if (r?.write === undefined) return false;
  session.change([{ kind: 'register', name: r.name, bits: fromHexLittle(hex) }]);
  return true;
}

/** Those that can be set. False: these are not all of them. */
export function writeAll(session: SessionContext, hex: string): boolean {
  if (hex.length !== 2 * TARGET_REGISTERS.reduce((sum, r) => sum + bytesOf(r), 0)) return false;
  let at = 0;
  const changes = TARGET_REGISTERS.flatMap((r): Change[] => {
    const digits = hex.slice(at, at + 2 * bytesOf(r));
    at += digits.length;
    if (r.write === undefined || !/^[0-9a-f]+$/i.test(digits)) return [];
    return [{ kind: 'register', name: r.name, bits: fromHexLittle(digits) }];
  });
  session.change(changes);
  return true;
}
