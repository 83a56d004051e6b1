/**
 * What a debugger sets in what it debugs, as data: so that it is set again whenever time passes the moment, and can be
 * recorded.
 */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { type Addr, formatAddr } from '../../machine/addr.ts';
import type { LoadedObject } from '../../object/index.ts';
import { fromHex, toHex } from '../../platform/index.ts';
import { DebugError } from '../error.ts';
import { ValueMemory } from '../expr/memory.ts';
import { asKernel } from '../session/as-kernel.ts';
import { targetRegister } from '../target/registers.ts';

export type Change =
  /** by gdb's name: `rax`, `eflags`, `xmm0` */
  | { readonly kind: 'register'; readonly name: string; readonly bits: bigint }
  | { readonly kind: 'memory'; readonly address: Addr; readonly bytes: Uint8Array }
  | { readonly kind: 'map'; readonly map: string; readonly key: Uint8Array; readonly value: Uint8Array };

/** A change, and the moment that it is made at: in front of the instruction that comes next. */
export interface TimedChange {
  readonly count: number;
  readonly change: Change;
}

/** Where changes are made. */
export interface Changed {
  readonly kernel: Kernel;
  readonly loaded: LoadedObject<Kernel>;
}

/** @throws DebugError: no such register or map, memory that is not mapped; BpfError where the map does not take it */
export function makeChange({ kernel, loaded }: Changed, change: Change): void {
  switch (change.kind) {
    case 'register': {
      const register = targetRegister(change.name);
      if (register?.write === undefined) throw new DebugError(`${change.name} cannot be set`);
      register.write(kernel.cpu, change.bits);
      return;
    }
    case 'memory': {
      const { address, bytes } = change;
      // whatever the protection says; code that it changes is executed as it is now
      if (!new ValueMemory(kernel.memory).write(address, bytes))
        throw new DebugError(`0x${address.toString(16)} cannot be written`);
      kernel.machine.invalidate(address, bytes.length);
      return;
    }
    case 'map': {
      const map = loaded.maps[change.map];
      if (map === undefined) throw new DebugError(`no map ${change.map}`);
      asKernel(kernel.cpu, () => map.handle.update(change.key, change.value));
    }
  }
}

/** The changes of a session, in the order of their moments. */
export class Changes {
  readonly #changed: Changed;
  #list: TimedChange[];

  constructor(changed: Changed, list: readonly TimedChange[] = []) {
    this.#changed = changed;
    this.#list = [...list].sort((a, b) => a.count - b.count);
  }
  get list(): readonly TimedChange[] {
    return this.#list;
  }

  /** Makes one now; what was changed later belongs to a future that does not come any more. @throws DebugError, BpfError */
  add(count: number, changes: readonly Change[]): void {
    for (const change of changes) makeChange(this.#changed, change);
    this.forgetBehind(count);
    for (const change of changes) this.#list.push({ count, change });
  }
  forgetBehind(count: number): void {
    this.#list = this.#list.filter((made) => made.count <= count);
  }
  /** The first moment behind this one that has some. */
  next(count: number): number {
    return this.#list.find((c) => c.count > count)?.count ?? Number.POSITIVE_INFINITY;
  }
  /** Makes those of a moment that time has come to. */
  pass(count: number): void {
    for (const c of this.#list) if (c.count === count) makeChange(this.#changed, c.change);
  }
}

/** As people say it: `rax = 0x7`, `counts[2a000000] = 0100000000000000`. */
export function changeText(change: Change): string {
  switch (change.kind) {
    case 'register':
      return `$${change.name} = 0x${change.bits.toString(16)}`;
    case 'memory':
      return `*0x${formatAddr(change.address)} = ${toHex(change.bytes)}`;
    case 'map':
      return `${change.map}[${toHex(change.key)}] = ${toHex(change.value)}`;
  }
}

/** As JSON has them: numbers that a double does not hold as text, bytes as hexadecimal. */
export type SavedChange =
  | { readonly count: number; readonly register: string; readonly bits: string }
  | { readonly count: number; readonly address: number; readonly bytes: string }
  | { readonly count: number; readonly map: string; readonly key: string; readonly value: string };

export function saveChange({ count, change }: TimedChange): SavedChange {
  switch (change.kind) {
    case 'register':
      return { count, register: change.name, bits: String(change.bits) };
    case 'memory':
      return { count, address: change.address, bytes: toHex(change.bytes) };
    case 'map':
      return { count, map: change.map, key: toHex(change.key), value: toHex(change.value) };
  }
}

/** undefined: it is none */
export function readChange(saved: unknown): TimedChange | undefined {
  if (typeof saved !== 'object' || saved === null) return undefined;
  const { count, register, bits, address, bytes, map, key, value } = saved as { readonly [name: string]: unknown };
  if (!isCount(count)) return undefined;
  if (typeof register === 'string' && typeof bits === 'string' && /^\d{1,39}$/.test(bits))
    return { count, change: { kind: 'register', name: register, bits: BigInt(bits) } };
  if (typeof address === 'number' && Number.isSafeInteger(address) && isHex(bytes))
    return { count, change: { kind: 'memory', address, bytes: fromHex(bytes) } };
  if (typeof map === 'string' && isHex(key) && isHex(value))
    return { count, change: { kind: 'map', map, key: fromHex(key), value: fromHex(value) } };
  return undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isHex = (value: unknown): value is string => typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value);
