/**
 * One bpf(2) system call: its attributes, a copy of the caller's `union bpf_attr`, and the caller's memory. What a
 * command throws becomes the negative error number that the caller gets.
 */

import { type Addr, addrOf } from '../../../../src/machine/addr.ts';
import { decodeUtf8 } from '../../../../src/platform/index.ts';
import { commandName } from '../../../../src/uapi/index.ts';
import type { Errno } from '../../../core/errno.ts';
import type { FdObject } from '../../../core/fds.ts';
import { type Capability, capable, type Process } from '../../../core/process.ts';
import { readUserString } from '../../../core/user-access.ts';
import { BpfError } from '../../errors.ts';
import type { BpfState } from '../../objects/state.ts';
import type { LoadRequest } from '../../prog/load.ts';
import type { BpfProg } from '../../prog/prog.ts';
import type { TestRunOptions, TestRunResult } from '../../prog/test-run.ts';

/** sizeof(union bpf_attr) in Linux 6.12 */
export const ATTR_SIZE = 152;

/** What makes, runs and shows programs. */
export interface Programs {
  /** @throws BpfError with the verifier's log */
  load(request: LoadRequest): BpfProg;
  /** @throws BpfError */
  testRun(prog: BpfProg, options: TestRunOptions): TestRunResult;
  /** instructions as user space is shown them; `withCalls`: distances of calls, which tell where the kernel is */
  dump(prog: BpfProg, withCalls: boolean): Uint8Array;
}

export class Call {
  readonly state: BpfState;
  readonly programs: Programs;
  readonly process: Process;
  readonly cmd: number;
  /** the union, zeroed where the caller's is shorter */
  readonly attr: Uint8Array;
  /** bytes that the caller says its union has, at most {@link ATTR_SIZE} */
  readonly size: number;
  readonly #at: Addr;
  readonly #view: DataView;

  constructor(state: BpfState, programs: Programs, cmd: number, at: Addr, attr: Uint8Array, size: number) {
    this.state = state;
    this.programs = programs;
    this.process = state.process;
    this.cmd = cmd;
    this.attr = attr;
    this.size = size;
    this.#at = at;
    this.#view = new DataView(attr.buffer, attr.byteOffset, attr.length);
  }
  /** the command, as bpf(2) spells it */
  get command(): string {
    return commandName(this.cmd);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  s32(offset: number): number {
    return this.#view.getInt32(offset, true);
  }
  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
  /** A pointer; one that no user space has is some number that nothing is at. */
  pointer(offset: number): Addr {
    return addrOf(this.#view.getInt32(offset, true), this.#view.getInt32(offset + 4, true));
  }
  /** A name in an array of 16 bytes; 16 characters where no zero ends it, one too many for any object. */
  name(offset: number): string {
    const bytes = this.attr.subarray(offset, offset + 16);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
  }

  /** Whether nothing but zeroes follows a command's last field. */
  endsAt(end: number): boolean {
    return !this.attr.subarray(end).some((b) => b !== 0);
  }

  fail(errno: Errno, message: string): never {
    throw new BpfError(this.command, errno, message);
  }
  /** @throws EPERM */
  need(cap: Capability): void {
    if (!capable(this.process, cap) && !capable(this.process, 'SYS_ADMIN')) this.fail('EPERM', `CAP_${cap} is needed`);
  }
  /** The object behind the descriptor at an offset. @throws EBADF */
  object(offset: number): FdObject {
    return this.state.fdObject(this.command, this.s32(offset));
  }

  // --- the caller's memory ---

  /** @throws EFAULT */
  copyIn(at: Addr, bytes: number): Uint8Array {
    if (bytes === 0) return new Uint8Array(0);
    return this.process.memory.read(at, bytes) ?? this.fail('EFAULT', `${bytes} bytes at 0x${at.toString(16)}`);
  }
  /** @throws EFAULT */
  copyOut(at: Addr, bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.process.memory.write(at, bytes))
      this.fail('EFAULT', `${bytes.length} bytes at 0x${at.toString(16)}`);
  }
  /** A string of at most `max` bytes with its end. @throws EFAULT */
  string(at: Addr, max: number): string {
    const bytes = readUserString(this.process.memory, at, max);
    return bytes === undefined ? this.fail('EFAULT', `a string at 0x${at.toString(16)}`) : decodeUtf8(bytes);
  }

  /** Stores into the caller's union, however large the caller says that it is. @throws EFAULT */
  put(offset: number, bytes: Uint8Array): void {
    this.copyOut(this.#at + offset, bytes);
  }
  put32(offset: number, value: number): void {
    this.put(offset, u32Bytes(value));
  }
  put64(offset: number, value: bigint): void {
    this.put(offset, u64Bytes(value));
  }
  /** Whether the caller's union reaches as far as a field's end. */
  reaches(end: number): boolean {
    return this.size >= end;
  }
}

export function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
}
export function u64Bytes(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return out;
}
