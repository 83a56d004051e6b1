/** `struct pt_regs` of a task that came from user space, and 64-bit words of its stack: by halves, without allocation. */
import { type Addr, addrHi, addrLo, addrOf } from '../../src/machine/addr.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { AddressSpace } from '../user/address-space.ts';

/** general registers by x86 number, then what else there is */
const NAMES = 'ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15 ip flags orig_ax'.split(
  ' ',
) as readonly RegisterName[];
export type RegisterName =
  | ('ax' | 'cx' | 'dx' | 'bx' | 'sp' | 'bp' | 'si' | 'di')
  | ('r8' | 'r9' | 'r10' | 'r11' | 'r12' | 'r13' | 'r14' | 'r15')
  | ('ip' | 'flags' | 'orig_ax');

export class SavedRegs {
  readonly #kernel: ObjectFloor;
  /** offsets in words of 32 bits */
  readonly #at: Readonly<Record<RegisterName, number>>;
  readonly #byNumber: readonly number[];
  readonly #i32: Int32Array;
  readonly #view: DataView;
  #base = 0;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    const layout = kernel.structs.of('pt_regs');
    this.#byNumber = NAMES.map((name) => layout.offset(name) >> 2);
    this.#at = Object.fromEntries(NAMES.map((name, n) => [name, this.#byNumber[n]])) as Record<RegisterName, number>;
    this.#i32 = kernel.memory.i32;
    this.#view = kernel.memory.view;
  }
  /** Those at an address, until it is called again. */
  of(regs: Addr): this {
    this.#base = this.#kernel.memory.translate(regs, 1, false) >> 2;
    return this;
  }
  get(name: RegisterName): Addr {
    const word = this.#base + this.#at[name];
    return addrOf(this.#i32[word]!, this.#i32[word + 1]!);
  }
  put(name: RegisterName, value: Addr): void {
    const word = this.#base + this.#at[name];
    this.#i32[word] = addrLo(value);
    this.#i32[word + 1] = addrHi(value);
  }
  putHalves(name: RegisterName, lo: number, hi: number): void {
    const word = this.#base + this.#at[name];
    this.#i32[word] = lo;
    this.#i32[word + 1] = hi;
  }
  /** lower half */
  flags(): number {
    return this.#i32[this.#base + this.#at.flags]!;
  }
  setFlags(value: number): void {
    this.#i32[this.#base + this.#at.flags] = value;
  }
  /** A general register by its x86 number. */
  half(n: number, high: 0 | 1): number {
    return this.#i32[this.#base + this.#byNumber[n]! + high]!;
  }
  setHalves(n: number, lo: number, hi: number): void {
    const word = this.#base + this.#byNumber[n]!;
    this.#i32[word] = lo;
    this.#i32[word + 1] = hi;
  }

  /** Whether 64 bits of user memory are there. */
  hasWord(space: AddressSpace, at: Addr): boolean {
    return space.physical(at) >= 0 && space.physical(at + 7) >= 0;
  }
  /** 64 bits of user memory as an address. */
  word(space: AddressSpace, at: Addr): Addr {
    const phys = space.physical(at);
    return addrOf(this.#view.getInt32(phys, true), this.#view.getInt32(phys + 4, true));
  }
  putWord(space: AddressSpace, at: Addr, lo: number, hi: number): void {
    const phys = space.physical(at);
    this.#view.setInt32(phys, lo, true);
    this.#view.setInt32(phys + 4, hi, true);
  }
  /** 64 bits of user memory into a register, and back. */
  load(name: RegisterName, space: AddressSpace, at: Addr): void {
    const phys = space.physical(at);
    const word = this.#base + this.#at[name];
    this.#i32[word] = this.#view.getInt32(phys, true);
    this.#i32[word + 1] = this.#view.getInt32(phys + 4, true);
  }
  store(name: RegisterName, space: AddressSpace, at: Addr): void {
    const word = this.#base + this.#at[name];
    this.putWord(space, at, this.#i32[word]!, this.#i32[word + 1]!);
  }
}
