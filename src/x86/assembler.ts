/**
 * Encoder (Intel SDM vol. 2A, chapter 2). One call per instruction, naming the row by its syntax,
 * so the caller chooses the form: `mov r/m64, r64` is 89 /r and `mov r64, r/m64` is 8B /r.
 * Operands that the syntax fixes (`cl`, `rax`, `1`) are not passed.
 *
 *     new Assembler(origin)
 *       .op('push r64', rbp)
 *       .op('mov r/m64, r64', rbp, rsp)
 *       .op('lock add r/m64, r64', mem({ base: rdi, disp: 8 }), rax)
 *       .op('call rel32', target)
 */
import { EmuError } from '../errors/index.ts';
import { RIP } from './insn.ts';
import type { Label, Mem, Operand } from './operand.ts';
import { type Form, form, rowOf } from './row.ts';

/** A form that does not exist, or an operand that does not fit it. */
export class X86EncodeError extends EmuError {
  override readonly name = 'X86EncodeError';
  constructor(message: string) {
    super('ERR_X86', message);
  }
}

interface Fixup {
  readonly label: Label;
  /** where the relative value goes, its size, and the offset that it counts from */
  readonly at: number;
  readonly size: number;
  readonly from: number;
}

/** A form with the prefixes that its syntax string carried (`lock`, `rep`, ...). */
interface Recipe {
  readonly form: Form;
  readonly prefix: number;
}

const recipes = new Map<string, Recipe>();
const PREFIX_WORDS: Readonly<Record<string, number>> = {
  lock: 0xf0,
  rep: 0xf3,
  repe: 0xf3,
  repne: 0xf2,
  notrack: 0x3e,
};

function recipeOf(syntax: string): Recipe {
  const known = recipes.get(syntax);
  if (known !== undefined) return known;
  let row = rowOf(syntax);
  let prefix = 0;
  if (row < 0) {
    const space = syntax.indexOf(' ');
    const word = PREFIX_WORDS[syntax.slice(0, space)];
    if (word !== undefined) {
      prefix = word;
      row = rowOf(syntax.slice(space + 1));
    }
  }
  if (row < 0)
    throw new X86EncodeError(`no x86 form '${syntax}': see src/x86/table.ts for the forms and their spelling`);
  const recipe = { form: form(row), prefix };
  recipes.set(syntax, recipe);
  return recipe;
}

/** Long nops of 1 to 8 bytes, as Linux pads with them (arch/x86/include/asm/nops.h; SDM vol. 2B "NOP"). */
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0x00],
  [0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];

export class Assembler {
  /** address of the first byte */
  readonly origin: number;
  /** bytes written so far */
  length = 0;
  // V8 keeps up to 64 bytes with the object: most functions are short, and memory of its own costs more than they
  private buffer = new Uint8Array(64);
  private fixups: Fixup[] = [];
  private labels = 0;

  constructor(origin: number | bigint = 0) {
    this.origin = Number(typeof origin === 'bigint' ? BigInt.asIntN(64, origin) : origin);
  }

  /** Address of the next byte. */
  get here(): number {
    return this.origin + this.length;
  }

  /** A label, not yet placed. */
  label(name = `L${this.labels++}`): Label {
    return { offset: -1, name };
  }

  /** Places a label here; without an argument makes one. */
  bind(label: Label = this.label()): Label {
    if (label.offset >= 0) throw new X86EncodeError(`label ${label.name} is bound twice`);
    label.offset = this.length;
    return label;
  }

  /** Address of a bound label. */
  addressOf(label: Label): number {
    if (label.offset < 0) throw new X86EncodeError(`label ${label.name} is not bound`);
    return this.origin + label.offset;
  }

  /** The bytes, with labels resolved. */
  bytes(): Uint8Array {
    for (const { label, at, size, from } of this.fixups) {
      if (label.offset < 0) throw new X86EncodeError(`label ${label.name} is used but never bound`);
      this.putRelative(at, size, label.offset - from, label.name);
    }
    this.fixups = [];
    return this.buffer.slice(0, this.length);
  }

  /** Raw bytes. */
  raw(...bytes: number[]): this {
    this.reserve(bytes.length);
    for (const byte of bytes) this.buffer[this.length++] = byte;
    return this;
  }

  /** `count` bytes of the long nops that Linux pads with. */
  nops(count: number): this {
    for (let left = count; left > 0; ) {
      const n = Math.min(left, 8);
      this.raw(...(NOPS[n] as readonly number[]));
      left -= n;
    }
    return this;
  }

  /** `byte` up to the next multiple of `to` (of the address). */
  align(to: number, byte = 0xcc): this {
    while (((this.here % to) + to) % to !== 0) this.raw(byte);
    return this;
  }

  /** Overwrites a little-endian value at an offset. */
  patch(at: number, size: 1 | 2 | 4, value: number): this {
    for (let i = 0; i < size; i++) this.buffer[at + i] = value >> (8 * i);
    return this;
  }

  /** Emits one instruction. @throws X86EncodeError when the form does not exist or an operand does not fit. */
  op(syntax: string, a?: Operand, b?: Operand, c?: Operand): this {
    const { form: f, prefix } = recipeOf(syntax);
    this.reserve(20);
    let reg = f.modrm >= 0 && f.modrm < 8 ? f.modrm : 0;
    let rm = -1;
    let m: Mem | undefined;
    let low = 0;
    let vvvv = 0;
    let imm: Operand = 0;
    let imm2 = 0;
    let rex = 0;
    let given = 0;
    for (let i = 0; i < f.operands.length; i++) {
      const o = f.operands[i] as (typeof f.operands)[number];
      if (o.place === 'fixed') continue;
      const value = given === 0 ? a : given === 1 ? b : c;
      given++;
      if (value === undefined)
        throw new X86EncodeError(`'${syntax}' needs ${f.operands.length} operands, ${given - 1} given`);
      switch (o.place) {
        case 'imm':
        case 'rel':
        case 'moffs':
          imm = value;
          continue;
        case 'imm2':
          imm2 = value as number;
          continue;
        case 'rm':
          if (typeof value === 'object') {
            if (!o.allowMem || !('base' in value))
              throw new X86EncodeError(`'${syntax}': operand ${i + 1} cannot be memory`);
            m = value;
            continue;
          }
          if (!o.allowReg) throw new X86EncodeError(`'${syntax}': operand ${i + 1} must be memory`);
          break;
      }
      if (typeof value !== 'number' || value < 0 || value > (o.size === 1 ? 19 : 15)) {
        throw new X86EncodeError(`'${syntax}': operand ${i + 1} must be a register, got ${String(value)}`);
      }
      let n = value;
      if (o.size === 1) {
        if (n > 15) {
          n -= 12;
          rex |= 0x100;
        } else if (n >= 4 && n <= 7) rex |= 0x40;
      }
      if (o.place === 'reg') reg = n;
      else if (o.place === 'rm') rm = n;
      else if (o.place === 'opcode') low = n;
      else vvvv = n;
    }
    const given1 = given === 0 ? a : given === 1 ? b : given === 2 ? c : undefined;
    if (given1 !== undefined)
      throw new X86EncodeError(`'${syntax}' takes ${given} operands; fixed ones are not passed`);

    // legacy prefixes, then REX or VEX, then the opcode
    if (m !== undefined && m.segment !== 0) this.put(0x60 | m.segment);
    if (prefix !== 0) this.put(prefix);
    if (reg > 7) rex |= 0x44;
    if (rm > 7 || low > 7 || (m !== undefined && m.base > 7 && m.base < RIP)) rex |= 0x41;
    if (m !== undefined && m.index > 7) rex |= 0x42;
    if (f.w) rex |= 0x48;
    if (f.vex) {
      const pp = f.prefix === 0x66 ? 1 : f.prefix === 0xf3 ? 2 : f.prefix === 0xf2 ? 3 : 0;
      this.put(0xc4);
      this.put(((~rex & 7) << 5) | f.map);
      this.put((f.w ? 0x80 : 0) | ((~vvvv & 15) << 3) | pp);
    } else {
      if (f.opsize) this.put(0x66);
      if (f.prefix !== 0) this.put(f.prefix);
      if ((rex & 0xff) !== 0) {
        if (rex & 0x100) throw new X86EncodeError(`'${syntax}': ah, ch, dh and bh do not go with a REX prefix`);
        this.put(rex);
      }
      if (f.map > 0) this.put(0x0f);
      if (f.map > 1) this.put(f.map === 2 ? 0x38 : 0x3a);
    }
    this.put(f.opcode | (f.plusR ? low & 7 : 0));
    if (f.modrm >= 0x100) this.put(f.modrm & 0xff);
    else if (f.modrm >= 0) {
      if (m === undefined) this.put(0xc0 | ((reg & 7) << 3) | (rm & 7));
      else this.memory(m, reg & 7, f.immSize + f.imm2Size);
    }
    if (f.immSize > 0) this.immediate(f, imm);
    if (f.imm2Size > 0) this.put(imm2);
    return this;
  }

  /** ModRM, SIB and displacement (SDM vol. 2A, tables 2-2 and 2-3). */
  private memory(m: Mem, reg: number, immSize: number): void {
    const { base, index } = m;
    if (base === RIP) {
      this.put((reg << 3) | 5);
      const from = this.length + 4 + immSize;
      if (m.target === undefined) this.put32(m.disp);
      else this.relative(m.target, 4, from);
      return;
    }
    if (index === 4) throw new X86EncodeError('rsp cannot be an index register');
    if (base < 0) {
      this.put((reg << 3) | 4);
      this.put((m.scale << 6) | ((index < 0 ? 4 : index & 7) << 3) | 5);
      this.put32(m.disp);
      return;
    }
    let size = m.dispSize;
    if (size < 0) size = m.disp === 0 ? 0 : m.disp >= -128 && m.disp < 128 ? 1 : 4;
    if (size === 0 && (base & 7) === 5) size = 1; // mod 0 with rbp or r13 means something else
    const mod = size === 0 ? 0 : size === 1 ? 0x40 : 0x80;
    if (index >= 0 || (base & 7) === 4) {
      this.put(mod | (reg << 3) | 4);
      this.put((m.scale << 6) | ((index < 0 ? 4 : index & 7) << 3) | (base & 7));
    } else this.put(mod | (reg << 3) | (base & 7));
    if (size === 1) {
      if (m.disp < -128 || m.disp > 127) throw new X86EncodeError(`displacement ${m.disp} does not fit 8 bits`);
      this.put(m.disp);
    } else if (size === 4) {
      if (m.disp !== (m.disp | 0)) throw new X86EncodeError(`displacement ${m.disp} does not fit 32 bits`);
      this.put32(m.disp);
    }
  }

  private immediate(f: Form, value: Operand): void {
    const size = f.immSize;
    if (f.operands[f.operands.length - 1]?.place === 'rel') {
      const target = typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : value;
      if (typeof target === 'object' && 'base' in target)
        throw new X86EncodeError(`'${f.syntax}' needs an address or a label`);
      this.relative(target, size, this.length + size);
      return;
    }
    if (size === 8) {
      if (typeof value === 'object') throw new X86EncodeError(`'${f.syntax}' needs a number`);
      const wide = BigInt(value);
      this.put32(Number(BigInt.asIntN(32, wide)));
      this.put32(Number(BigInt.asIntN(32, wide >> 32n)));
      return;
    }
    const n = Number(value);
    const limit = size === 1 ? 0x100 : size === 2 ? 0x10000 : 0x100000000;
    // an immediate as wide as its operand may be spelled signed or unsigned; a narrower one is sign-extended
    const extends_ = f.mnemonic === 'push' || (f.size > size && f.operands[0]?.place !== 'imm');
    const fits = n >= -limit / 2 && n < (extends_ ? limit / 2 : limit);
    if (!Number.isInteger(n) || !fits)
      throw new X86EncodeError(`'${f.syntax}': immediate ${String(value)} does not fit ${size * 8} bits`);
    if (size === 4) this.put32(n);
    else {
      this.put(n);
      if (size === 2) this.put(n >> 8);
    }
  }

  private relative(target: number | Label, size: number, from: number): void {
    const at = this.length;
    this.length += size;
    if (typeof target === 'object') {
      if (target.offset >= 0) this.putRelative(at, size, target.offset - from, target.name);
      else this.fixups.push({ label: target, at, size, from });
    } else this.putRelative(at, size, target - (this.origin + from), 'the target');
  }

  private putRelative(at: number, size: number, distance: number, name: string): void {
    if (size === 1 ? distance < -128 || distance > 127 : distance !== (distance | 0)) {
      throw new X86EncodeError(`${name} is ${distance} bytes away, which does not fit rel${size * 8}`);
    }
    this.patch(at, size as 1 | 4, distance);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const bigger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    bigger.set(this.buffer);
    this.buffer = bigger;
  }

  private put(byte: number): void {
    this.buffer[this.length++] = byte;
  }

  private put32(value: number): void {
    const { buffer, length } = this;
    buffer[length] = value;
    buffer[length + 1] = value >> 8;
    buffer[length + 2] = value >> 16;
    buffer[length + 3] = value >> 24;
    this.length = length + 4;
  }
}
