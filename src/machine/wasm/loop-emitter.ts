/**
 * What interpreter loops are written with: a loop that fetches a slot of predecoded code, jumps to its operation and
 * goes on. Short names for instructions, slots by field, the look-up in the machine's software TLB.
 */
import { TLB_ENTRIES, TLB_ENTRY_BYTES } from '../layout.ts';
import { type FunctionBody, I32, I64, OP, type OpName } from './encoder.ts';

const PAGE_MASK = 4095;

export class LoopEmitter {
  readonly body: FunctionBody;
  /** address of the slot to execute: the first parameter */
  readonly pc = 0;
  /** of the access under way: guest address, TLB entry */
  readonly address: number;
  readonly #entry: number;

  constructor(body: FunctionBody) {
    this.body = body;
    this.address = body.local(I64);
    this.#entry = body.local(I32);
  }

  op(...names: OpName[]): this {
    for (const name of names) this.body.op(OP[name]);
    return this;
  }

  get(local: number): this {
    this.body.get(local);
    return this;
  }

  set(local: number): this {
    this.body.set(local);
    return this;
  }

  tee(local: number): this {
    this.body.tee(local);
    return this;
  }

  i32(value: number): this {
    this.body.i32(value);
    return this;
  }

  i64(value: number): this {
    this.body.i64(value, value >> 31);
    return this;
  }

  mem(name: OpName, offset: number): this {
    this.body.mem(OP[name], offset);
    return this;
  }

  /** Pushes a field of the slot. */
  field(name: OpName, offset: number): this {
    return this.get(this.pc).mem(name, offset);
  }

  /** Stores a local in private memory. */
  save(name: OpName, at: number, local: number): this {
    return this.i32(0).get(local).mem(name, at);
  }

  /**
   * Pushes the physical address of `size` bytes at the guest address on the stack, and calls `miss` with the condition on the
   * stack that the TLB has not got it. `table` pushes the table's address, or is it.
   */
  lookUp(size: number, table: number | (() => void), miss: () => void): this {
    const offset = typeof table === 'number' ? table : 0;
    this.tee(this.address);
    this.op('i32.wrap_i64')
      .i32(12 - Math.log2(TLB_ENTRY_BYTES))
      .op('i32.shr_u');
    this.i32((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES).op('i32.and');
    if (typeof table !== 'number') {
      table();
      this.op('i32.add');
    }
    this.tee(this.#entry);
    this.mem('i64.load', offset);
    // The tag is the page's last address. Where the last byte is in the next page, that page's tag is never in this entry.
    this.get(this.address);
    if (size > 1) this.i64(size - 1).op('i64.add');
    this.i64(PAGE_MASK).op('i64.or', 'i64.ne');
    miss();
    return this.get(this.address)
      .op('i32.wrap_i64')
      .i32(PAGE_MASK)
      .op('i32.and')
      .get(this.#entry)
      .mem('i32.load', offset + 8)
      .op('i32.or');
  }

  /** Opens a block for each operation and jumps to that of the number at `at` in the slot; `handlers[n]` emits operation n. */
  dispatch(load: 'i32.load' | 'i32.load16_u', at: number, handlers: readonly ((e: this) => void)[]): void {
    const { body } = this;
    for (let n = 0; n < handlers.length; n++) body.open('block');
    this.field(load, at);
    body.brTable(
      handlers.map((_, n) => n),
      0,
    );
    for (const handler of handlers) {
      body.end();
      handler(this);
    }
  }
}
