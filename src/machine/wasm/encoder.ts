/**
 * WebAssembly binary encoder: the part of the format that translated code uses.
 * WebAssembly Core Specification 2.0, chapter 5 "Binary Format".
 */
import { host } from '../../platform/index.ts';

export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValType = typeof I32 | typeof I64;
const VOID = 0x40;
const FUNCREF = 0x70;
/** Limits of a memory that has a maximum; the shared kind is the Threads proposal's. */
const LIMITS_MAXIMUM = 1;
const LIMITS_SHARED = 3;

/** Opcodes, named as in the text format (5.4 "Instructions"). */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  call_indirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  'local.get': 0x20,
  'local.set': 0x21,
  'local.tee': 0x22,
  'i32.load': 0x28,
  'i64.load': 0x29,
  'i32.load8_s': 0x2c,
  'i32.load8_u': 0x2d,
  'i32.load16_s': 0x2e,
  'i32.load16_u': 0x2f,
  'i64.load8_s': 0x30,
  'i64.load8_u': 0x31,
  'i64.load16_s': 0x32,
  'i64.load16_u': 0x33,
  'i64.load32_s': 0x34,
  'i64.load32_u': 0x35,
  'i32.store': 0x36,
  'i64.store': 0x37,
  'i32.store8': 0x3a,
  'i32.store16': 0x3b,
  'i64.store8': 0x3c,
  'i64.store16': 0x3d,
  'i64.store32': 0x3e,
  'i32.const': 0x41,
  'i64.const': 0x42,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le_s': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge_s': 0x4e,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt_s': 0x53,
  'i64.lt_u': 0x54,
  'i64.gt_s': 0x55,
  'i64.gt_u': 0x56,
  'i64.le_s': 0x57,
  'i64.le_u': 0x58,
  'i64.ge_s': 0x59,
  'i64.ge_u': 0x5a,
  'i32.ctz': 0x68,
  'i32.popcnt': 0x69,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.div_u': 0x6e,
  'i32.rem_s': 0x6f,
  'i32.rem_u': 0x70,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'i32.rotl': 0x77,
  'i32.rotr': 0x78,
  'i64.ctz': 0x7a,
  'i64.popcnt': 0x7b,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.div_s': 0x7f,
  'i64.div_u': 0x80,
  'i64.rem_s': 0x81,
  'i64.rem_u': 0x82,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_s': 0x87,
  'i64.shr_u': 0x88,
  'i64.rotl': 0x89,
  'i64.rotr': 0x8a,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_s': 0xac,
  'i64.extend_i32_u': 0xad,
  'i32.extend8_s': 0xc0,
  'i32.extend16_s': 0xc1,
  'i64.extend8_s': 0xc2,
  'i64.extend16_s': 0xc3,
  'i64.extend32_s': 0xc4,
} as const;
export type OpName = keyof typeof OP;

/** A growing byte buffer with the format's integers. */
export class Bytes {
  private buffer = new Uint8Array(1024);
  length = 0;

  u8(byte: number): this {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = byte;
    return this;
  }

  /** An instruction and the index that follows it, which is mostly small. */
  pair(byte: number, index: number): this {
    if (index > 0x7f) return this.u8(byte).u32(index);
    const at = this.length;
    if (at + 2 > this.buffer.length) this.grow(2);
    this.buffer[at] = byte;
    this.buffer[at + 1] = index;
    this.length = at + 2;
    return this;
  }

  private grow(by: number): void {
    const bigger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + by));
    bigger.set(this.buffer);
    this.buffer = bigger;
  }

  /** Unsigned LEB128 of a u32. */
  u32(value: number): this {
    let v = value >>> 0;
    while (v > 0x7f) {
      this.u8((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    return this.u8(v);
  }

  /** Signed LEB128 of an s32. */
  s32(value: number): this {
    let v = value | 0;
    if (v >= -0x40 && v < 0x40) return this.u8(v & 0x7f);
    for (;;) {
      const low = v & 0x7f;
      v >>= 7;
      if ((v === 0 && !(low & 0x40)) || (v === -1 && low & 0x40)) return this.u8(low);
      this.u8(low | 0x80);
    }
  }

  /** Signed LEB128 of an s64 given as halves. */
  s64(lo: number, hi: number): this {
    let l = lo | 0;
    let h = hi | 0;
    if (h === l >> 31) return this.s32(l);
    for (;;) {
      const low = l & 0x7f;
      l = (l >>> 7) | (h << 25);
      h >>= 7;
      if ((l === 0 && h === 0 && !(low & 0x40)) || (l === -1 && h === -1 && low & 0x40)) return this.u8(low);
      this.u8(low | 0x80);
    }
  }

  bytes(more: Uint8Array): this {
    if (this.length + more.length > this.buffer.length) this.grow(more.length);
    this.buffer.set(more, this.length);
    this.length += more.length;
    return this;
  }

  name(text: string): this {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    return this;
  }

  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** One function's code, instruction by instruction. Keeps the depth of open blocks, for branch labels. */
export class FunctionBody {
  readonly code = new Bytes();
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly locals: ValType[] = [];
  depth = 0;

  constructor(params: readonly ValType[], results: readonly ValType[]) {
    this.params = params;
    this.results = results;
  }

  /** A new local's index. */
  local(type: ValType): number {
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  op(code: number): this {
    this.code.u8(code);
    return this;
  }

  get(local: number): this {
    this.code.pair(0x20, local);
    return this;
  }

  set(local: number): this {
    this.code.pair(0x21, local);
    return this;
  }

  tee(local: number): this {
    this.code.pair(0x22, local);
    return this;
  }

  i32(value: number): this {
    this.code.u8(0x41).s32(value);
    return this;
  }

  i64(lo: number, hi: number): this {
    this.code.u8(0x42).s64(lo, hi);
    return this;
  }

  /** A load or store, with no alignment promised. */
  mem(code: number, offset: number): this {
    this.code.pair(code, 0).u32(offset);
    return this;
  }

  open(name: 'block' | 'loop' | 'if'): this {
    this.code.u8(OP[name]).u8(VOID);
    this.depth++;
    return this;
  }

  else(): this {
    return this.op(OP.else);
  }

  end(): this {
    this.depth--;
    return this.op(OP.end);
  }

  br(label: number): this {
    this.code.pair(OP.br, label);
    return this;
  }

  brIf(label: number): this {
    this.code.pair(OP.br_if, label);
    return this;
  }

  brTable(labels: readonly number[], otherwise: number): this {
    this.code.u8(OP.br_table).u32(labels.length);
    for (const l of labels) this.code.u32(l);
    this.code.u32(otherwise);
    return this;
  }

  call(func: number): this {
    this.code.pair(OP.call, func);
    return this;
  }

  /** Calls the function at the index on the stack of the module's table, which must be of this type ({@link ModuleBuilder.type}). */
  callIndirect(type: number): this {
    this.code.u8(OP.call_indirect).u32(type).u8(0);
    return this;
  }

  /** Locals, code and the closing `end`, as the code section has them. */
  encode(): Uint8Array {
    const out = new Bytes();
    const runs: [number, ValType][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    out.u32(runs.length);
    for (const [count, type] of runs) out.u32(count).u8(type);
    return out.bytes(this.code.view()).u8(OP.end).view();
  }
}

/** A module that imports one memory and some functions, and exports functions and possibly a table of them. */
export class ModuleBuilder {
  private readonly types: string[] = [];
  private readonly typeBytes = new Bytes();
  private readonly imports: { name: string; type: number }[] = [];
  private readonly functions: { type: number; body: FunctionBody; name: string | undefined }[] = [];
  private readonly sharedFunctions = new Map<string, number>();
  private readonly memoryPages: number;
  private readonly mostPages: number;
  private tableSize = 0;

  /** The memory has at least so many pages, and a maximum of at most the others. */
  constructor(memoryPages: number, mostPages = memoryPages) {
    this.memoryPages = memoryPages;
    this.mostPages = mostPages;
  }

  /** A table of functions, exported as `table`. */
  table(size: number): void {
    this.tableSize = size;
  }

  type(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params}>${results}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    this.typeBytes.u8(0x60).u32(params.length);
    for (const t of params) this.typeBytes.u8(t);
    this.typeBytes.u32(results.length);
    for (const t of results) this.typeBytes.u8(t);
    return this.types.push(key) - 1;
  }

  /** Index of an imported function, from namespace `m`. All imports before the first function. */
  import(name: string, params: readonly ValType[], results: readonly ValType[]): number {
    return this.imports.push({ name, type: this.type(params, results) }) - 1;
  }

  /** Index of a function; exported where it has a name. */
  add(body: FunctionBody, name?: string): number {
    return this.imports.length + this.functions.push({ type: this.type(body.params, body.results), body, name }) - 1;
  }

  /** A function that several others use: made once for each key. */
  shared(key: string, body: FunctionBody): number {
    let index = this.sharedFunctions.get(key);
    if (index === undefined) {
      index = this.add(body);
      this.sharedFunctions.set(key, index);
    }
    return index;
  }

  /** `shared`: of the kind that the imported memory is. */
  encode(shared = host.sharesMemory): Uint8Array {
    const out = new Bytes().bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const section = (id: number, content: Bytes): void => {
      out.u8(id).u32(content.length).bytes(content.view());
    };
    section(1, new Bytes().u32(this.types.length).bytes(this.typeBytes.view()));
    const imports = new Bytes().u32(this.imports.length + 1);
    imports
      .name('m')
      .name('memory')
      .u8(2)
      .u8(shared ? LIMITS_SHARED : LIMITS_MAXIMUM)
      .u32(this.memoryPages)
      .u32(this.mostPages);
    for (const i of this.imports) imports.name('m').name(i.name).u8(0).u32(i.type);
    section(2, imports);
    const functions = new Bytes().u32(this.functions.length);
    for (const f of this.functions) functions.u32(f.type);
    section(3, functions);
    const { tableSize } = this;
    if (tableSize > 0) section(4, new Bytes().u32(1).u8(FUNCREF).u8(0).u32(tableSize));
    const named = this.functions.map((f, n) => ({ ...f, n })).filter((f) => f.name !== undefined);
    const exports = new Bytes().u32(named.length + (tableSize > 0 ? 1 : 0));
    if (tableSize > 0) exports.name('table').u8(1).u32(0);
    for (const f of named)
      exports
        .name(f.name!)
        .u8(0)
        .u32(this.imports.length + f.n);
    section(7, exports);
    const code = new Bytes().u32(this.functions.length);
    for (const f of this.functions) {
      const body = f.body.encode();
      code.u32(body.length).bytes(body);
    }
    section(10, code);
    return out.view();
  }
}
