/** One call of a mocked function: its arguments by name, as values. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { nearestText } from '../../errors/near.ts';
import { type Addr, addrFromBigInt } from '../../machine/addr.ts';
import { GuestFault, MachineStop } from '../../machine/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../platform/index.ts';
import type { Parameter, Prototype } from './prototype.ts';

/** A map as an argument. */
export interface MapArgument {
  readonly name: string;
  readonly type: number;
  readonly id: number;
}
/**
 * An argument: numbers up to 32 bits as number, wider ones and addresses as bigint, memory and keys and values of maps as
 * bytes, constant strings as string.
 */
export type MockArgument = number | bigint | string | Uint8Array | MapArgument | undefined;
export interface MockArguments {
  readonly [name: string]: MockArgument;
}

const MAX_STRING = 4096;
/** bytes of memory behind a pointer that one call shows */
const MAX_BYTES = 1 << 20;
/** rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15 */
const REGISTERS = 16;

export class MockCall {
  readonly #kernel: Kernel;
  readonly #prototype: Prototype;
  readonly #original: Addr;
  /** R1 to R5 */
  readonly registers: readonly bigint[];
  readonly args: MockArguments;
  /** the task that runs */
  readonly task: { readonly pid: number; readonly comm: string };

  constructor(kernel: Kernel, prototype: Prototype, original: Addr) {
    this.#kernel = kernel;
    this.#prototype = prototype;
    this.#original = original;
    this.registers = Array.from({ length: 5 }, (_, n) => kernel.args.big(n));
    const { pid, comm } = kernel.tasks.current;
    this.task = { pid, comm };
    this.args = this.#arguments();
  }

  /** Does what the kernel does; what it returns. */
  original(): bigint {
    const { machine, cpu } = this.#kernel;
    const pairs = this.registers.map(
      (value) => [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))] as const,
    );
    const stop = machine.call(this.#original, pairs);
    if (stop.reason !== 'halt') throw new MachineStop(stop);
    return (BigInt(cpu.regs[1]! >>> 0) << 32n) | BigInt(cpu.regs[0]! >>> 0);
  }

  /**
   * Writes to memory that an argument points to, as a helper fills its buffer.
   * @throws ArgumentError: no such argument, or one that is no pointer
   */
  write(argument: string, value: Uint8Array | string): void {
    const { parameters } = this.#prototype;
    const n = parameters.findIndex((p) => p.name === argument);
    if (n < 0)
      throw new ArgumentError(
        'argument',
        `${this.#prototype.name} has no ${argument}${nearestText(
          argument,
          parameters.map((p) => p.name),
        )}`,
      );
    const bytes = typeof value === 'string' ? encodeUtf8(`${value}\0`) : value;
    this.#kernel.memory.writeBytes(this.#address(n), bytes);
  }

  #address(n: number): Addr {
    return addrFromBigInt(this.registers[n] ?? 0n);
  }

  #arguments(): MockArguments {
    const { parameters } = this.#prototype;
    const map = parameters.findIndex((p) => p.kind === 'map');
    const sizes = map < 0 ? undefined : this.#kernel.bpf.state.mapAt(this.#address(map));
    const args: { [name: string]: MockArgument } = {};
    parameters.forEach((p, n) => {
      if (n >= this.registers.length) return;
      args[p.name] = this.#value(
        p,
        n,
        p.kind === 'key' ? sizes?.keySize : p.kind === 'value' ? sizes?.valueSize : p.bytes,
      );
    });
    return args;
  }

  #value({ kind, out }: Parameter, n: number, bytes: number | undefined): MockArgument {
    const raw = this.registers[n] as bigint;
    switch (kind) {
      case 'u32':
        return Number(BigInt.asUintN(32, raw));
      case 's32':
        return Number(BigInt.asIntN(32, raw));
      case 's64':
        return BigInt.asIntN(64, raw);
      case 'map': {
        const map = this.#kernel.bpf.state.mapAt(this.#address(n));
        return map && { name: map.name, type: map.type, id: map.id };
      }
      case 'key':
      case 'value':
      case 'mem':
        if (out) return raw;
        return this.#bytes(n, bytes ?? Number(BigInt.asUintN(32, this.registers[n + 1] ?? 0n)));
      case 'str':
        return this.#string(n);
      default:
        return raw;
    }
  }
  /** undefined where the memory cannot be read */
  #bytes(n: number, length: number): Uint8Array | undefined {
    return this.#readable(() => this.#kernel.memory.readBytes(this.#address(n), Math.min(length, MAX_BYTES)).slice());
  }
  #string(n: number): string | undefined {
    return this.#readable(() => decodeUtf8(this.#kernel.memory.readCString(this.#address(n), MAX_STRING)));
  }
  #readable<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof GuestFault) return undefined;
      throw error;
    }
  }
}

/** Runs `body` and puts all registers back but the result: programs may keep what a call clobbers, where Linux has none. */
export function keepingRegisters(kernel: Kernel, body: () => bigint): void {
  const { regs } = kernel.cpu;
  const before = regs.slice(0, 2 * REGISTERS);
  const result = body();
  regs.set(before);
  kernel.args.retBig(result);
}
