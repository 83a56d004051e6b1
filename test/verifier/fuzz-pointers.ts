/** Random programs over pointers, for `fuzz.ts`: context, packet, maps, stack, helpers and local functions. */
import * as I from '../../src/isa/index.ts';

type Rnd = (n: number) => number;
export const MAPS = [
  { type: 2, key_size: 4, value_size: 48, max_entries: 1, flags: 0 },
  { type: 1, key_size: 8, value_size: 32, max_entries: 4, flags: 0 },
  { type: 3, key_size: 4, value_size: 4, max_entries: 4, flags: 0 },
];

const SIZES = [I.BPF_B, I.BPF_H, I.BPF_W, I.BPF_DW];
const bytes = (size: number): number => [4, 2, 1, 8][size >> 3] as number;

class Program {
  readonly out: I.Insn[] = [];
  readonly #rnd: Rnd;
  /** jumps to be aimed at the end */
  readonly #exits: number[] = [];
  readonly #calls: number[] = [];

  constructor(rnd: Rnd) {
    this.#rnd = rnd;
  }
  emit(code: number, dst: number, src: number, off: number, imm: number): this {
    this.out.push(I.insn(code, dst, src, off, imm));
    return this;
  }
  pick<T>(of: readonly T[]): T {
    return of[this.#rnd(of.length)] as T;
  }
  saved(): number {
    return 7 + this.#rnd(3);
  }
  mov(dst: number, src: number): this {
    return this.emit(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, dst, src, 0, 0);
  }
  imm(dst: number, value: number): this {
    return this.emit(I.BPF_ALU64 | I.BPF_MOV | I.BPF_K, dst, 0, 0, value);
  }
  addImm(dst: number, value: number): this {
    return this.emit(I.BPF_ALU64 | I.BPF_ADD | I.BPF_K, dst, 0, 0, value);
  }
  map(dst: number, n: number): this {
    return this.emit(I.LD_IMM64, dst, 1, 0, n).emit(0, 0, 0, 0, 0);
  }
  bail(op: number, dst: number, imm: number): this {
    this.#exits.push(this.out.length);
    return this.emit(I.BPF_JMP | op | I.BPF_K, dst, 0, 0, imm);
  }

  lookup(): void {
    const n = this.#rnd(2);
    const slot = n ? -8 : -4;
    this.emit(I.BPF_ST | I.BPF_MEM | (n ? I.BPF_DW : I.BPF_W), 10, 0, slot, this.#rnd(3));
    this.mov(2, 10)
      .addImm(2, this.#rnd(12) ? slot : slot - 4)
      .map(1, n);
    this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 1);
    const keep = this.saved();
    if (this.#rnd(2)) this.mov(keep, 0);
    if (this.#rnd(8)) this.bail(I.BPF_JEQ, this.#rnd(3) ? 0 : keep, 0);
    this.access(this.#rnd(2) ? 0 : keep, n ? 32 : 48);
  }

  /** a load or store at a constant, or at an index that is more or less bounded */
  access(ptr: number, room: number): void {
    const size = this.pick(SIZES);
    let base = ptr;
    let limit = room;
    if (this.#rnd(2)) {
      const index = this.saved();
      const how = this.#rnd(4);
      this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 7);
      if (ptr === 0) return;
      this.mov(index, 0);
      if (how === 0) this.emit(I.BPF_ALU64 | I.BPF_AND | I.BPF_K, index, 0, 0, this.pick([7, 15, 31, 63]));
      else if (how === 1)
        this.bail(this.pick([I.BPF_JGT, I.BPF_JGE, I.BPF_JSGT, I.BPF_JSGE]), index, this.pick([8, 16, 40]));
      else if (how === 2) this.emit(I.BPF_ALU64 | I.BPF_MOD | I.BPF_K, index, 0, 0, 16);
      base = 1;
      this.mov(1, ptr).emit(I.BPF_ALU64 | I.BPF_ADD | I.BPF_X, 1, index, 0, 0);
      limit = this.pick([4, 8, 16]);
    }
    const off = this.#rnd(limit) - (this.#rnd(15) ? 0 : 4);
    const aligned = this.#rnd(6) ? Math.floor(off / bytes(size)) * bytes(size) : off;
    const value = this.pick([0, 6, 7, 8, 9, 10]);
    const kind = this.#rnd(3);
    if (kind === 0) this.emit(I.BPF_LDX | I.BPF_MEM | size, this.saved(), base, aligned, 0);
    else if (kind === 1) this.emit(I.BPF_ST | I.BPF_MEM | size, base, 0, aligned, 5);
    else this.emit(I.BPF_STX | I.BPF_MEM | size, base, this.#rnd(3) ? 7 : value, aligned, 0);
  }

  packet(): void {
    const data = this.saved();
    this.emit(I.BPF_LDX | I.BPF_MEM | I.BPF_W, data, 6, 76, 0).emit(I.BPF_LDX | I.BPF_MEM | I.BPF_W, 2, 6, 80, 0);
    const n = this.pick([1, 8, 14, 34]);
    this.mov(3, data).addImm(3, n);
    const op = this.pick([I.BPF_JGT, I.BPF_JGE, I.BPF_JLT, I.BPF_JLE]);
    this.#exits.push(this.out.length);
    if (this.#rnd(2)) this.emit(I.BPF_JMP | op | I.BPF_X, 3, 2, 0, 0);
    else this.emit(I.BPF_JMP | op | I.BPF_X, 2, 3, 0, 0);
    const size = this.pick(SIZES);
    this.emit(I.BPF_LDX | I.BPF_MEM | size, 4, data, this.#rnd(n), 0);
    if (this.#rnd(3) === 0) {
      this.emit(I.BPF_ALU64 | I.BPF_AND | I.BPF_K, 4, 0, 0, 0xf).emit(I.BPF_ALU64 | I.BPF_ADD | I.BPF_X, data, 4, 0, 0);
      this.mov(3, data).addImm(3, 4);
      this.#exits.push(this.out.length);
      this.emit(I.BPF_JMP | I.BPF_JGT | I.BPF_X, 3, 2, 0, 0).emit(I.BPF_LDX | I.BPF_MEM | I.BPF_W, 5, data, 0, 0);
    }
  }

  spill(): void {
    const slot = -16 - 8 * this.#rnd(3);
    const size = this.#rnd(4) ? I.BPF_DW : this.pick(SIZES);
    this.emit(I.BPF_STX | I.BPF_MEM | size, 10, this.pick([6, 7, 8, 9, 10]), slot, 0);
    this.emit(I.BPF_LDX | I.BPF_MEM | (this.#rnd(4) ? size : this.pick(SIZES)), this.saved(), 10, slot, 0);
  }

  helper(): void {
    switch (this.#rnd(6)) {
      case 0: // skb_load_bytes(ctx, off, to, len)
        this.mov(1, 6).imm(2, this.#rnd(20)).mov(3, 10).addImm(3, -64);
        if (this.#rnd(2)) this.imm(4, this.pick([0, 4, 8, 64, 65]));
        else this.mov(4, this.saved()).emit(I.BPF_ALU64 | I.BPF_AND | I.BPF_K, 4, 0, 0, this.pick([7, 63, 127]));
        this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 26);
        break;
      case 1: // map_update_elem
        this.mov(2, 10)
          .addImm(2, -8)
          .mov(3, 10)
          .addImm(3, -64)
          .imm(4, 0)
          .map(1, 1)
          .emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 2);
        break;
      case 2: // csum_diff
        this.imm(1, 0)
          .imm(2, 0)
          .mov(3, 10)
          .addImm(3, -16)
          .imm(4, this.pick([0, 4, 8, 16, 20]))
          .imm(5, 0);
        this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 28);
        break;
      case 3: // skb_store_bytes: packet pointers are stale
        this.mov(1, 6)
          .imm(2, 0)
          .mov(3, 10)
          .addImm(3, -16)
          .imm(4, 4)
          .imm(5, 0)
          .emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 9);
        break;
      case 4:
        this.mov(1, 6)
          .map(2, 2)
          .imm(3, this.#rnd(6))
          .emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 12);
        break;
      default:
        this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, this.pick([5, 7, 8, 14]));
        if (this.#rnd(2)) this.mov(this.saved(), 0);
    }
  }

  wild(): void {
    const a = this.pick([0, 6, 7, 8, 9]);
    const b = this.pick([0, 6, 7, 8, 9, 10]);
    switch (this.#rnd(4)) {
      case 0:
        this.emit(
          (this.#rnd(3) ? I.BPF_ALU64 : I.BPF_ALU) |
            this.pick([I.BPF_ADD, I.BPF_SUB, I.BPF_AND, I.BPF_MUL, I.BPF_MOV]) |
            I.BPF_X,
          a,
          b,
          0,
          0,
        );
        break;
      case 1:
        this.addImm(a, this.pick([1, -8, 16, 0x40000000]));
        break;
      case 2:
        this.#exits.push(this.out.length);
        this.emit(I.BPF_JMP | this.pick([I.BPF_JEQ, I.BPF_JNE, I.BPF_JGT, I.BPF_JLT]) | I.BPF_X, a, b, 0, 0);
        break;
      default:
        this.emit(I.BPF_LDX | I.BPF_MEM | this.pick(SIZES), this.saved(), 6, 4 * this.#rnd(48), 0);
    }
  }

  call(): void {
    this.mov(1, this.pick([6, 10, 7])).mov(2, this.saved());
    this.#calls.push(this.out.length);
    this.emit(I.BPF_JMP | I.BPF_CALL, 0, 1, 0, 0);
  }

  build(): I.Insn[] {
    this.mov(6, 1);
    for (const n of [7, 8, 9]) this.imm(n, this.#rnd(100));
    this.imm(0, 0);
    const count = 2 + this.#rnd(6);
    for (let n = 0; n < count; n++) {
      const kind = this.#rnd(16);
      if (kind < 4) this.lookup();
      else if (kind < 7) this.packet();
      else if (kind < 9) this.spill();
      else if (kind < 12) this.helper();
      else if (kind < 14) this.call();
      else this.wild();
    }
    const end = this.out.length;
    this.imm(0, 0).emit(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0);
    for (const at of this.#exits) (this.out[at] as I.Insn).off = end - at - 1;
    if (this.#calls.length > 0) {
      const start = this.out.length;
      for (const at of this.#calls) (this.out[at] as I.Insn).imm = start - at - 1;
      switch (this.#rnd(4)) {
        case 0:
          this.emit(I.BPF_ST | I.BPF_MEM | I.BPF_DW, 10, 0, -8, 1).mov(0, 2);
          break;
        case 1:
          this.emit(I.BPF_STX | I.BPF_MEM | I.BPF_DW, 1, 2, -24, 0).imm(0, 1);
          break;
        case 2:
          this.imm(0, 3)
            .emit(I.BPF_JMP | I.BPF_JGT | I.BPF_K, 2, 0, 1, 7)
            .mov(0, 2);
          break;
        default:
          this.emit(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 7).emit(I.BPF_ALU64 | I.BPF_AND | I.BPF_K, 0, 0, 0, 7);
      }
      this.emit(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0);
    }
    return this.out;
  }
}

export const pointerProgram = (rnd: Rnd): I.Insn[] => new Program(rnd).build();
