/**
 * The user half of a task: one page of machine code that loads a call's registers and executes
 * `syscall`, and memory for what those registers point to.
 *
 *     401000   1: mov rax,[rbx]  mov rdi,[rbx+8] ... mov r9,[rbx+48]  syscall  jmp 1b
 *     405000   the block that rbx points to, then strings, then buffers
 *     7ffffffde000  stack
 */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory, UserSpace } from '../../src/machine/index.ts';
import { Assembler, at, r8, r9, r10, rax, rbx, rdi, rdx, rsi } from '../../src/x86/index.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import type { TraceArg, UserCall } from './user-call.ts';
import type { UserHalf } from './user-half.ts';

export const USER_TEXT: Addr = 0x401000;
export const USER_DATA: Addr = 0x405000;
export const USER_STACK_TOP: Addr = 0x7fff_ffff_e000;
const DATA_BYTES = 64 << 10;
const STACK_BYTES = 8 << 10;
/** strings and known bytes go round here; behind them buffers that calls fill */
const STRINGS = 256;
const STRINGS_END = 40 << 10;
const BUFFER = USER_DATA + STRINGS_END;

/** The user program: where it starts and its bytes. */
export function userProgram(): Uint8Array {
  const a = new Assembler(USER_TEXT);
  const loop = a.bind();
  [rax, rdi, rsi, rdx, r10, r8, r9].forEach((reg, n) => void a.op('mov r64, r/m64', reg, at(rbx, 8 * n)));
  a.op('syscall');
  a.op('jmp rel8', loop);
  return a.bytes();
}

export class UserMemory implements UserHalf {
  readonly space: UserSpace;
  readonly #memory: GuestMemory;
  /** physical address of USER_DATA */
  readonly #data: number;
  readonly #pages: [phys: number, count: number][] = [];
  #cursor = STRINGS;

  constructor(memory: GuestMemory, textPhys: number) {
    this.#memory = memory;
    this.space = memory.createUserSpace();
    const before = memory.userSpace;
    memory.switchUserSpace(this.space);
    memory.map(USER_TEXT, textPhys, PAGE_SIZE, { exec: true, user: true });
    this.#data = this.#map(USER_DATA, DATA_BYTES);
    this.#map(USER_STACK_TOP - STACK_BYTES, STACK_BYTES);
    memory.switchUserSpace(before);
  }
  save() {
    return { regions: this.space.regions.save(), pages: this.#pages.slice(), cursor: this.#cursor };
  }
  restore({ regions, pages, cursor }: ReturnType<UserMemory['save']>): void {
    this.space.regions.restore(regions);
    this.#pages.splice(0, this.#pages.length, ...pages);
    this.#cursor = cursor;
  }

  #map(at: Addr, bytes: number): number {
    const phys = this.#memory.allocPages(bytes / PAGE_SIZE);
    this.#memory.map(at, phys, bytes, { write: true, user: true });
    this.#pages.push([phys, bytes / PAGE_SIZE]);
    return phys;
  }
  release(): void {
    for (const [phys, count] of this.#pages) this.#memory.freePages(phys, count);
    this.#pages.length = 0;
  }

  /** Puts a call's number and arguments where the program loads them from. */
  setCall(call: UserCall): void {
    const { i32 } = this.#memory;
    let word = this.#data >> 2;
    i32[word++] = call.nr;
    i32[word++] = 0;
    const { args } = call;
    for (let n = 0; n < 6; n++) {
      const arg = args[n];
      if (arg === undefined) {
        i32[word++] = 0;
        i32[word++] = 0;
      } else if (arg.kind === 'int') {
        i32[word++] = arg.lo;
        i32[word++] = arg.hi;
      } else {
        i32[word++] = this.#pointer(arg);
        i32[word++] = 0;
      }
    }
  }
  place(arg: TraceArg): Addr {
    return arg.kind === 'int' ? 0 : this.#pointer(arg);
  }
  /** Address (below 4 GiB) of an argument's memory. */
  #pointer(arg: TraceArg): number {
    switch (arg.kind) {
      case 'string':
        return this.#copy(arg.bytes, true);
      case 'bytes':
        return this.#copy(arg.bytes, false);
      case 'strings': {
        const pointers = arg.list.map((s) => this.#copy(s, true));
        const table = new Uint8Array((pointers.length + 1) * 8);
        const view = new DataView(table.buffer);
        for (const [n, p] of pointers.entries()) view.setUint32(8 * n, p, true);
        return this.#copy(table, false);
      }
      default:
        return BUFFER;
    }
  }
  #copy(bytes: Uint8Array, terminated: boolean): number {
    const length = Math.min(bytes.length, 8192);
    const need = (length + (terminated ? 1 : 0) + 7) & ~7;
    if (this.#cursor + need > STRINGS_END) this.#cursor = STRINGS;
    const offset = this.#cursor;
    this.#cursor += need;
    const to = this.#data + offset;
    this.#memory.u8.set(length === bytes.length ? bytes : bytes.subarray(0, length), to);
    if (terminated) this.#memory.u8[to + length] = 0;
    return USER_DATA + offset;
  }
}
