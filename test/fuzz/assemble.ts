/** Trees of ./grammar.ts to instructions: a prologue that sets all registers, the items, and the registers stored. */
import * as isa from '../../src/isa/index.ts';
import { type Insn, insn, ldImm64 } from '../../src/isa/index.ts';
import { BASE, BUFFER_AT, DUMP, FRAME, type Item, KEYS, NUMBERS, type Program } from './grammar.ts';

/** Descriptors of the maps that programs use. */
export interface Maps {
  /** one value, the buffer */
  readonly buffer: number;
  readonly array: number;
  readonly hash: number;
  readonly programs: number;
}

const HELPER = { lookup: 1, update: 2, delete: 3, tailCall: 12, probeReadKernel: 113, loop: 181 } as const;
const { BPF_REG_FP: FP } = isa;
const LOOP_COUNTER = 8;

const mov = (dst: number, src: number): Insn => insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, dst, src, 0, 0);
const set = (dst: number, imm: number): Insn => insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K, dst, 0, 0, imm);
const add = (dst: number, imm: number): Insn => insn(isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K, dst, 0, 0, imm);
const and = (dst: number, imm: number): Insn => insn(isa.BPF_ALU64 | isa.BPF_AND | isa.BPF_K, dst, 0, 0, imm);
const load = (dst: number, base: number, off: number): Insn =>
  insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW, dst, base, off, 0);
const load32 = (dst: number, base: number, off: number): Insn =>
  insn(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W, dst, base, off, 0);
const store = (base: number, off: number, src: number): Insn =>
  insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW, base, src, off, 0);
const call = (helper: number): Insn => insn(isa.BPF_JMP | isa.BPF_CALL, 0, 0, 0, helper);
const buffer = (dst: number, fd: number): Insn[] =>
  ldImm64(dst, (BigInt(BUFFER_AT) << 32n) | BigInt(fd), isa.BPF_PSEUDO_MAP_VALUE);
const exit = insn(isa.BPF_JMP | isa.BPF_EXIT, 0, 0, 0, 0);
const map = (dst: number, fd: number): Insn[] => ldImm64(dst, BigInt(fd), isa.BPF_PSEUDO_MAP_FD);
const frame = (dst: number, off: number): Insn[] => [mov(dst, FP), add(dst, off)];

/** Instructions of a program; its context is in R1. */
export function assemble(program: Program, maps: Maps): Insn[] {
  return new Assembly(program, maps).insns();
}

/** What another program's tail call ends in. */
export const tailTarget = (maps: Maps, n: number): Insn[] => [
  ...buffer(1, maps.buffer),
  insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K, 2, 0, 0, n + 1),
  insn(isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW, 1, 2, DUMP, isa.BPF_ADD),
  load(0, 1, DUMP),
  exit,
];

class Assembly {
  private readonly out: Insn[] = [];
  /** references to functions: slot, function */
  private readonly references: { at: number; func: number }[] = [];
  private readonly program: Program;
  private readonly maps: Maps;

  constructor(program: Program, maps: Maps) {
    this.program = program;
    this.maps = maps;
  }

  insns(): Insn[] {
    const { out, program } = this;
    out.push(store(FP, FRAME.context, 1));
    this.begin();
    program.initial.forEach((value, n) => {
      out.push(...ldImm64(n, value));
    });
    this.items(program.main);
    for (let n = 0; n < NUMBERS; n++) out.push(store(BASE, DUMP + 8 * n, n));
    out.push({ ...exit });
    const starts = new Map<number, number>();
    // only what is called: the verifier refuses what nothing reaches
    for (let done = 0; done < this.references.length; done++) {
      const { func } = this.references[done]!;
      if (starts.has(func)) continue;
      starts.set(func, out.length);
      this.func(func);
    }
    for (const { at, func } of this.references) out[at]!.imm = starts.get(func)! - at - 1;
    return out;
  }

  /** The buffer's address, and a stack without unknowns. */
  private begin(): void {
    this.out.push(...buffer(BASE, this.maps.buffer));
    for (let at = -8; at >= FRAME.random; at -= 8)
      this.out.push(insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, FP, 0, at, 0));
  }

  private func(n: number): void {
    const { callback, body } = this.program.funcs[n]!;
    const args = callback ? 2 : 5;
    this.begin();
    for (const r of [0, 3, 4, 5, 6, 7, 8]) if (r === 0 || r > args) this.out.push(mov(r, 1 + (r % args)));
    this.items(body);
    if (callback) this.out.push(and(0, 1));
    this.out.push({ ...exit });
  }

  private items(list: readonly Item[]): void {
    for (const item of list) this.item(item);
  }

  /** A jump over what `body` emits. */
  private over(jump: Insn, body: () => void): void {
    const at = this.out.push({ ...jump }) - 1;
    body();
    this.out[at]!.off = this.out.length - at - 1;
  }

  private item(item: Item): void {
    const { out, maps } = this;
    switch (item.kind) {
      case 'straight':
        out.push(...copies(item.insns));
        return;
      case 'if':
        this.over(item.test, () => this.items(item.body));
        return;
      case 'mayGoto':
        this.over(insn(isa.BPF_JMP | isa.BPF_JCOND, 0, 0, 0, 0), () => this.items(item.body));
        return;
      case 'loop': {
        const slot = -8 * (item.depth + 1);
        out.push(insn(isa.BPF_ST | isa.BPF_MEM | isa.BPF_DW, FP, 0, slot, item.turns));
        const start = out.length;
        this.items(item.body);
        out.push(load(LOOP_COUNTER, FP, slot), add(LOOP_COUNTER, -1), store(FP, slot, LOOP_COUNTER));
        out.push(insn(isa.BPF_JMP | isa.BPF_JNE | isa.BPF_K, LOOP_COUNTER, 0, start - out.length - 1, 0));
        return;
      }
      case 'call':
        this.references.push({ at: out.length, func: item.func });
        out.push(insn(isa.BPF_JMP | isa.BPF_CALL, 0, isa.BPF_PSEUDO_CALL, 0, 0), ...copies(item.after));
        return;
      case 'callback':
        out.push(set(1, item.turns));
        this.references.push({ at: out.length, func: item.func });
        out.push(
          ...ldImm64(2, 0n, isa.BPF_PSEUDO_FUNC),
          set(3, 0),
          set(4, 0),
          call(HELPER.loop),
          ...copies(item.after),
        );
        return;
      case 'map':
        this.mapCall(item);
        return;
      case 'indexed':
        out.push(mov(8, item.index), and(8, item.mask), insn(isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X, 8, BASE, 0, 0));
        this.through8(item.access, item.reset);
        return;
      case 'bounded':
        out.push(mov(8, item.index), ...copies(item.before));
        this.over(item.test, () => {
          out.push(...copies(item.behind), insn(isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_X, 8, BASE, 0, 0), {
            ...item.access,
          });
        });
        out.push(set(8, item.reset));
        return;
      case 'context':
        out.push(load(8, FP, FRAME.context));
        this.through8(item.access, item.reset);
        return;
      case 'packet':
        // struct xdp_md: data, data_end
        out.push(load(8, FP, FRAME.context), load32(7, 8, 4), load32(8, 8, 0), mov(6, 8), add(6, item.bytes));
        this.over(insn(isa.BPF_JMP | isa.BPF_JGT | isa.BPF_X, 6, 7, 0, 0), () => {
          out.push({ ...item.access });
        });
        out.push(set(6, item.reset), set(7, item.reset), set(8, item.reset));
        return;
      case 'copy':
        out.push(...frame(1, FRAME.random), set(2, item.size), mov(3, BASE), add(3, item.from));
        out.push(call(HELPER.probeReadKernel), ...copies(item.after));
        return;
      case 'tailCall':
        out.push(load(1, FP, FRAME.context), ...map(2, maps.programs), set(3, item.slot), call(HELPER.tailCall));
        // where the call is not made R0 holds what the helper left, which differs from engine to engine
        out.push(set(0, item.slot), ...copies(item.after));
        return;
    }
  }

  /** An access whose pointer is R8, which is a number again afterwards. */
  private through8(access: Insn, reset: number): void {
    this.out.push({ ...access });
    const loads8 = isa.bpfClass(access.code) === isa.BPF_LDX && access.dst === 8;
    if (!loads8) this.out.push(set(8, reset));
  }

  private mapCall(item: Extract<Item, { kind: 'map' }>): void {
    const { out, maps } = this;
    out.push(store(FP, FRAME.value, item.value), mov(1, item.key), and(1, KEYS));
    out.push(insn(isa.BPF_STX | isa.BPF_MEM | isa.BPF_W, FP, 1, FRAME.key, 0));
    out.push(...map(1, maps[item.map]), ...frame(2, FRAME.key));
    if (item.op === 'update') out.push(...frame(3, FRAME.value), set(4, item.flags), call(HELPER.update));
    else if (item.op === 'delete') out.push(call(HELPER.delete));
    else {
      out.push(call(HELPER.lookup));
      this.over(insn(isa.BPF_JMP | isa.BPF_JEQ | isa.BPF_K, 0, 0, 0, 0), () => {
        if (item.op === 'add') {
          out.push(load(1, FP, FRAME.value));
          out.push(insn(isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW, 0, 1, 0, isa.BPF_ADD | isa.BPF_FETCH));
        }
        out.push(load(0, 0, 0));
      });
    }
    out.push(...copies(item.after));
  }
}

const copies = (insns: readonly Insn[]): Insn[] => insns.map((i) => ({ ...i }));
