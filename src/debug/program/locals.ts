/** Variables and parameters of the C function whose code runs, where DWARF says that they are. */

import type { Kernel } from '../../../kernel-sim/index.ts';
import {
  contains,
  Dwarf,
  DwarfError,
  type Inlined,
  type Location,
  type Piece,
  type Place,
  type Variable,
} from '../../dwarf/index.ts';
import { INSN_SIZE, type Insn } from '../../isa/index.ts';
import { type Addr, addrFromBigInt } from '../../machine/addr.ts';
import type { LoadedObject } from '../../object/index.ts';
import { DebugError, NoValue } from '../error.ts';
import { type Scope, valueAt } from '../expr/evaluate.ts';
import { BPF_REGISTERS } from '../expr/registers.ts';
import { isArray, isComposite, isSigned, sizeOf, type Type, typeName, type Value } from '../expr/value.ts';
import type { DebugProgram, InImage, Programs } from './programs.ts';
import type { Registers } from './unwind.ts';

export interface Local {
  readonly name: string;
  readonly isParameter: boolean;
  /** another than the one that runs where that one was inlined into it */
  readonly function: string;
  readonly typeName: string;
  /** undefined: `why` says why not */
  readonly value: Value | undefined;
  readonly why: string;
}

/** What of a frame tells where its variables are. */
export interface FrameOf {
  readonly place: { readonly rip: Addr };
  /** it called another, to where it goes on at `rip` */
  readonly calls: boolean;
  readonly registers: Registers;
}

const NOT_HERE = 'not kept here';

export class Locals {
  readonly #loaded: LoadedObject<Kernel>;
  readonly #programs: Programs;
  readonly #frame: () => FrameOf;
  readonly #scope: () => Scope;
  #dwarf: Dwarf | undefined | DwarfError;
  #isRead = false;

  /** `frame`: the one that they are asked of */
  constructor(loaded: LoadedObject<Kernel>, programs: Programs, frame: () => FrameOf, scope: () => Scope) {
    this.#loaded = loaded;
    this.#programs = programs;
    this.#frame = frame;
    this.#scope = scope;
  }

  /** In scope here, the innermost block's first; none outside of programs. @throws DebugError where nothing tells of them */
  list(): Local[] {
    const image = this.#image();
    if (image === undefined) return [];
    const dwarf = this.#read();
    if (dwarf === undefined) return this.#parameters(image);
    const { place, insns } = inObject(image.program, image.slot);
    const depth = frameDepth(insns);
    const variables = dwarf.variables(place);
    const outermost = variables.at(-1)?.function;
    const parameters = variables.filter((v) => v.isParameter && v.function === outermost);
    return variables.map((v) => {
      const local = this.#local(dwarf, v, image, depth);
      // what the function never uses is kept nowhere, and where it begins still in its register
      const n = parameters.indexOf(v);
      if (local.value !== undefined || n < 0 || n >= 5 || image.slot !== image.func.start) return local;
      return {
        ...local,
        value: this.#value({ kind: 'btf', btf: dwarf.btf, id: v.type }, { kind: 'register', register: n + 1 }),
      };
    });
  }
  /** Names of those in scope; none where nothing tells of them. */
  names(): string[] {
    try {
      return this.list().map((l) => l.name);
    } catch (error) {
      if (error instanceof DebugError) return [];
      throw error;
    }
  }
  /** @throws DebugError where it is in scope and kept nowhere */
  value(name: string): Value | undefined {
    if (this.#image() === undefined) return undefined;
    const found = this.list().find((l) => l.name === name);
    if (found !== undefined && found.value === undefined) throw new NoValue(`${name}: ${found.why}`);
    return found?.value;
  }

  /** Where its frame stands: of one that called, at the call, in front of where it goes on. */
  #image(): InImage | undefined {
    const { place, calls } = this.#frame();
    return this.#programs.at(calls ? place.rip - 1 : place.rip);
  }
  #register(bpf: number): bigint | undefined {
    const x86 = BPF_REGISTERS[bpf];
    return x86 === undefined ? undefined : this.#frame().registers[x86];
  }

  /** Where copies of a function that was inlined begin; none where nothing tells of them. */
  inlined(name: string): Addr[] {
    const copies = this.#copies().filter((c) => c.function === name);
    if (copies.length === 0) return [];
    const slots = this.#programs.list.flatMap((program) =>
      program.view.functions.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, n) => ({
          program,
          slot: start + n,
          place: inObject(program, start + n).place,
        })),
      ),
    );
    return copies.flatMap(({ entry, ranges }) => {
      // the kernel may have removed what stood at its entry, or put several instructions in its place
      const own = slots.filter(({ place }) => ranges.some((r) => contains(r, place)));
      const found = own.find(({ place }) => place.offset >= entry.offset) ?? own[0];
      const address = found?.program.address(found.slot);
      return address === undefined ? [] : [address];
    });
  }
  /** Names of functions that have copies elsewhere. */
  get inlinedNames(): string[] {
    return [...new Set(this.#copies().map((c) => c.function))];
  }
  #copies(): Inlined[] {
    try {
      return this.#read()?.inlined() ?? [];
    } catch (error) {
      if (error instanceof DebugError || error instanceof DwarfError) return [];
      throw error;
    }
  }

  #read(): Dwarf | undefined {
    if (!this.#isRead) {
      this.#isRead = true;
      try {
        this.#dwarf = Dwarf.read(this.#loaded.object.model.elf);
      } catch (error) {
        if (!(error instanceof DwarfError)) throw error;
        this.#dwarf = error;
      }
    }
    if (this.#dwarf instanceof DwarfError) throw new DebugError(this.#dwarf.message);
    return this.#dwarf;
  }

  #local(dwarf: Dwarf, variable: Variable, image: InImage, depth: number): Local {
    const { btf } = dwarf;
    const type: Type = { kind: 'btf', btf, id: variable.type };
    const bpf = (n: number): bigint | undefined => this.#register(n);
    // R10 is the frame pointer once the prologue has made the frame; LLVM counts from the frame's lower end
    const fp = image.prologue ? undefined : bpf(10);
    const bottom = fp === undefined ? undefined : BigInt.asUintN(64, fp - BigInt(depth));
    const at = variable.where({
      register: (n) => (n === 10 ? bottom : bpf(n)),
      load: (address) => this.#scope().memory.integer(addrFromBigInt(address), 8, false),
      frameBase: bottom,
    });
    const value = at && this.#value(type, at);
    const { name, isParameter } = variable;
    return { name, isParameter, function: variable.function, typeName: typeName(type), value, why: NOT_HERE };
  }

  #value(type: Type, at: Location): Value | undefined {
    const scope = this.#scope();
    switch (at.kind) {
      case 'register': {
        if (isComposite(type) || isArray(type)) return undefined;
        const bits = this.#register(at.register);
        if (bits === undefined) return undefined;
        const { calls } = this.#frame();
        return { type, bits: narrowed(type, bits), ...(calls ? {} : { register: `R${at.register}` }) };
      }
      case 'value':
        return isComposite(type) || isArray(type) ? undefined : { type, bits: narrowed(type, at.bits) };
      case 'memory':
        return valueAt(scope, type, addrFromBigInt(at.address));
      case 'static': {
        const section = this.#loaded.object.model.elf.sections[at.place.section]?.name;
        const map = section === undefined ? undefined : this.#loaded.maps[section];
        const base = map?.handle.map.directValue;
        return base === undefined ? undefined : valueAt(scope, type, base + at.place.offset);
      }
      case 'pieces':
        return this.#assembled(type, at.pieces);
    }
  }

  /** A value in pieces, put together; undefined where one of them is kept nowhere. */
  #assembled(type: Type, pieces: readonly Piece[]): Value | undefined {
    const start = together(pieces);
    if (start !== undefined) return valueAt(this.#scope(), type, addrFromBigInt(start));
    const bytes = new Uint8Array(sizeOf(type));
    let offset = 0;
    for (const { at, bytes: length } of pieces) {
      const part = at && this.#bytes(at, length);
      if (part === undefined) return undefined;
      bytes.set(part.subarray(0, Math.max(0, bytes.length - offset)), offset);
      offset += length;
    }
    if (isComposite(type) || isArray(type)) return { type, bits: 0n, bytes };
    let bits = 0n;
    for (let n = Math.min(8, bytes.length) - 1; n >= 0; n--) bits = (bits << 8n) | BigInt(bytes[n] as number);
    return { type, bits: narrowed(type, bits) };
  }
  #bytes(at: Location, length: number): Uint8Array | undefined {
    if (at.kind === 'memory') return this.#scope().memory.read(addrFromBigInt(at.address), length);
    if (at.kind !== 'register' && at.kind !== 'value') return undefined;
    let bits = at.kind === 'value' ? at.bits : this.#register(at.register);
    if (bits === undefined) return undefined;
    const out = new Uint8Array(length);
    for (let n = 0; n < length; n++, bits >>= 8n) out[n] = Number(bits & 0xffn);
    return out;
  }

  /** Without DWARF: what BTF says of the function's parameters, which are in R1 to R5 where it begins. */
  #parameters({ program, func, slot }: InImage): Local[] {
    const { btf } = this.#loaded.object.model;
    const { origins } = program.loaded.handle.prog.init.code;
    const start = origins[func.start] ?? func.start;
    const info = program.loaded.relocated.funcInfo.find((f) => f.insnOff === start);
    const type = btf !== undefined && info !== undefined ? btf.typeById(info.typeId) : undefined;
    const proto = btf !== undefined && type?.kind === 'func' ? btf.typeById(type.type) : undefined;
    if (btf === undefined || proto?.kind !== 'func_proto') return [];
    return proto.params.slice(0, 5).map((p, n): Local => {
      const of: Type = { kind: 'btf', btf, id: p.type };
      const atStart = slot === func.start;
      const value = atStart ? this.#value(of, { kind: 'register', register: n + 1 }) : undefined;
      return {
        name: p.name,
        isParameter: true,
        function: type?.name ?? '',
        typeName: typeName(of),
        value,
        why: 'known where the function begins only: the object has no .debug_info',
      };
    });
  }
}

function narrowed(type: Type, bits: bigint): bigint {
  const size = 8 * Math.min(8, sizeOf(type));
  return isSigned(type) ? BigInt.asIntN(size, bits) : BigInt.asUintN(size, bits);
}

/** Where pieces that lie in memory one behind the other begin. */
function together(pieces: readonly Piece[]): bigint | undefined {
  let start: bigint | undefined;
  let next: bigint | undefined;
  for (const { at, bytes } of pieces) {
    if (at?.kind !== 'memory' || (next !== undefined && at.address !== next)) return undefined;
    start ??= at.address;
    next = at.address + BigInt(bytes);
  }
  return start;
}

/** The function of the object that an instruction is of, and where in its section that stands. */
function inObject({ loaded }: DebugProgram, slot: number): { readonly place: Place; readonly insns: readonly Insn[] } {
  const insn = loaded.handle.prog.init.code.origins[slot] ?? slot;
  const part = loaded.relocated.parts.findLast((p) => p.start <= insn);
  if (part === undefined) return { place: { section: 0, offset: 0 }, insns: [] };
  const { section, start, insns } = part.function;
  return { place: { section, offset: (start + insn - part.start) * INSN_SIZE }, insns };
}

const MOV64_REG = 0xbf;
const ADD64_IMM = 0x07;
const FP = 10;

/** Bytes of a function's frame, as its deepest use tells: LLVM rounds to 8. */
function frameDepth(insns: readonly Insn[]): number {
  let deepest = 0;
  for (const [n, insn] of insns.entries()) {
    const cls = insn.code & 7;
    // loads have the base in src, stores in dst
    if ((cls === 1 && insn.src === FP) || ((cls === 2 || cls === 3) && insn.dst === FP))
      deepest = Math.min(deepest, insn.off);
    const next = insns[n + 1];
    if (insn.code === MOV64_REG && insn.src === FP && next?.code === ADD64_IMM && next.dst === insn.dst)
      deepest = Math.min(deepest, next.imm);
  }
  return Math.ceil(-deepest / 8) * 8;
}
