/** What the bodies of the loop's operations are written with: operands by field of the slot, flag words, memory, control. */
import { FunctionBody, I32, I64, type OpName } from '../../wasm/encoder.ts';
import { LoopEmitter } from '../../wasm/loop-emitter.ts';
import { FLAGS, MAX_BLOCK, SLOT, SLOT_BYTES, STATE } from './slot.ts';

export type Width = 8 | 16 | 32 | 64;
export type Field = 'dst' | 'src' | 'disp';

type Name = 'a' | 'b' | 'r';

const LOAD = { 8: 'i32.load8_u', 16: 'i32.load16_u', 32: 'i32.load', 64: 'i64.load' } as const;
const STORE = { 8: 'i32.store8', 16: 'i32.store16', 64: 'i64.store' } as const;

/** The WebAssembly type that holds a width. */
export const typeOf = (width: Width): 'i32' | 'i64' => (width === 64 ? 'i64' : 'i32');

export class Emitter extends LoopEmitter {
  /** instructions left, negative, in the upper half; weights of those executed in the lower */
  readonly #spent: number;
  readonly #i64: Record<Name, number>;
  readonly #i32: Record<Name, number>;
  /** i32 for an operation's own use besides: a shift's count */
  readonly k: number;
  /** depths of the open blocks around the operations, outermost 1 */
  #loop = 0;
  #low = 0;
  #host = 0;

  constructor(body = new FunctionBody([I32], [I32])) {
    super(body);
    this.#spent = body.local(I64);
    this.#i64 = { a: body.local(I64), b: body.local(I64), r: body.local(I64) };
    this.#i32 = { a: body.local(I32), b: body.local(I32), r: body.local(I32) };
    this.k = body.local(I32);
  }

  /** The local of a width for an operation's own use: a and b for what it reads, r for what it makes. */
  local(name: Name, width: Width): number {
    return (width === 64 ? this.#i64 : this.#i32)[name];
  }

  /** Instructions of the width's type, by the part of their names behind the point. */
  w(width: Width, ...names: string[]): this {
    return this.op(...names.map((n) => `${typeOf(width)}.${n}` as OpName));
  }

  constant(width: Width, value: number): this {
    return width === 64 ? this.i64(value) : this.i32(value);
  }

  // --- operands ---

  /** Pushes the operand that a field names, zero-extended. */
  operand(field: Field, width: Width): this {
    return this.field('i32.load', SLOT[field]).mem(LOAD[width], 0);
  }

  /** Pushes where the destination is: {@link toDst} follows. */
  dst(): this {
    return this.field('i32.load', SLOT.dst);
  }

  /** Stores the value on the stack in the destination: 32 bits zero-extended, narrower ones keep the rest. */
  toDst(width: Width): this {
    return width === 32 ? this.toWide(32).mem('i64.store', 0) : this.mem(STORE[width], 0);
  }

  /** 32 bits zero-extended. */
  toWide(width: 32 | 64): this {
    return width === 32 ? this.op('i64.extend_i32_u') : this;
  }

  /** Loads from a fixed place in private memory. */
  load(name: OpName, at: number): this {
    return this.i32(0).mem(name, at);
  }

  flag(word: number): this {
    return this.load('i32.load', FLAGS + 4 * word);
  }

  /** Stores what `value` pushes in a flag word, or with i64.store in it and the next. */
  setFlag(word: number, value: () => unknown, name: OpName = 'i32.store'): this {
    this.i32(0);
    value();
    return this.mem(name, FLAGS + 4 * word);
  }

  // --- memory ---

  /** Pushes the base register plus the displacement. */
  based(): this {
    return this.operand('src', 64).field('i64.load32_s', SLOT.disp).op('i64.add');
  }

  /** Pushes the physical address of `size` bytes at the guest address on the stack; where the TLB has not got it, the host's. */
  physical(size: number): this {
    const table = (): void => void this.field('i32.load', SLOT.table);
    return this.lookUp(size, table, () => this.toHostIf());
  }

  // --- control ---

  next(): void {
    this.get(this.pc).i32(SLOT_BYTES).op('i32.add').set(this.pc);
    this.go();
  }

  /** Goes on at pc. */
  go(): void {
    this.body.br(this.body.depth - this.#loop);
  }

  /** Leaves the block, its instructions counted, for the slot that `to` pushes. */
  leaveBlock(to: () => void = () => void this.field('i32.load', SLOT.target)): void {
    const { body } = this;
    this.get(this.#spent).field('i64.load', SLOT.weight).op('i64.add').tee(this.#spent);
    body.i64(0, 1 - MAX_BLOCK);
    this.op('i64.ge_s');
    to();
    this.set(this.pc);
    body.brIf(body.depth - this.#low);
    this.go();
  }

  /** The host executes the slot. */
  toHost(): void {
    this.body.br(this.body.depth - this.#host);
  }

  toHostIf(): void {
    this.body.brIf(this.body.depth - this.#host);
  }

  // --- the loop around ---

  /**
   * The whole function, `handlers[n]` being operation n. It takes the slot to begin with and gives that in front of which it
   * stopped because fewer than MAX_BLOCK instructions are left, or 0 where the host said so; the rest is at {@link STATE}.
   * `host` is the imported function that executes the slot it is given: it gives the next one, or 0.
   */
  loop(host: number, handlers: readonly ((e: this) => void)[]): FunctionBody {
    const { body } = this;
    this.load('i64.load', STATE.marked).set(this.#spent);
    body.open('loop');
    this.#loop = body.depth;
    body.open('block');
    this.#low = body.depth;
    body.open('block');
    this.#host = body.depth;
    this.dispatch('i32.load', SLOT.op, handlers);
    body.end();
    this.save('i64.store', STATE.marked, this.#spent);
    this.get(this.pc).body.call(host).tee(this.pc);
    this.op('i32.eqz');
    body.open('if');
    this.i32(0).op('return');
    body.end();
    this.load('i64.load', STATE.marked).set(this.#spent);
    this.go();
    body.end();
    this.save('i64.store', STATE.marked, this.#spent);
    this.get(this.pc).op('return');
    body.end();
    return this.op('unreachable').body;
  }
}
