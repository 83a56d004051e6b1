/** Which frame of the call stack names are about: the innermost, until another is selected. */
import { addrToBigInt } from '../../machine/addr.ts';
import { type CpuState, RSP } from '../../machine/index.ts';
import { DebugError, NoValue } from '../error.ts';
import { readRegister, registerNumber } from '../expr/registers.ts';
import { type Type, U64, type Value } from '../expr/value.ts';
import type { FrameOf } from '../program/locals.ts';
import { type CallStack, type Frame, liveRegisters } from './frames.ts';

const POINTER: Type = { kind: 'pointer', to: { kind: 'void' } };
/** As gdb has them: what points to code and the stack are addresses. */
const typeOf = (name: string): Type => (/^\$(r?(ip|sp|bp)|pc)$/.test(name) ? POINTER : U64);

export class Selection {
  readonly #cpu: CpuState;
  readonly #stack: CallStack;
  /** undefined: the innermost */
  #outer: { readonly n: number; readonly frame: Frame } | undefined;

  constructor(cpu: CpuState, stack: CallStack) {
    this.#cpu = cpu;
    this.#stack = stack;
  }

  get n(): number {
    return this.#outer?.n ?? 0;
  }
  get frame(): FrameOf {
    const cpu = this.#cpu;
    return this.#outer?.frame ?? { place: { rip: cpu.rip }, calls: false, registers: liveRegisters(cpu) };
  }
  /** @throws DebugError where there is none of this number */
  select(n: number): Frame {
    const frames = this.#stack.frames();
    const frame = frames[n];
    if (frame === undefined) throw new DebugError(`no frame ${n}: there are ${frames.length}, from 0`);
    this.#outer = n === 0 ? undefined : { n, frame };
    return frame;
  }
  clear(): void {
    this.#outer = undefined;
  }
  inFrame<T>(n: number, look: () => T): T {
    const before = this.#outer;
    this.select(n);
    try {
      return look();
    } finally {
      this.#outer = before;
    }
  }

  /** A register by name; undefined where it is none. @throws NoValue where nothing kept what a caller had in it */
  register(name: string): Value | undefined {
    if (this.#outer === undefined) {
      const bits = readRegister(this.#cpu, name);
      return bits === undefined ? undefined : { type: typeOf(name), bits, register: name };
    }
    const { n, frame } = this.#outer;
    if (name === '$rip' || name === '$pc') return { type: POINTER, bits: addrToBigInt(frame.place.rip) };
    const number = name === '$sp' ? RSP : registerNumber(name);
    if (number === undefined) return undefined;
    const bits = frame.registers[number];
    if (bits === undefined) throw new NoValue(`${name}: what frame ${n} had in it, nothing kept`);
    return { type: typeOf(name), bits };
  }
}
