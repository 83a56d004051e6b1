/**
 * From a dumped program to what the JIT was given. A dump hides some of it, and that is taken from the
 * reference image: stack depth and what the prologue shows (tail calls reachable, exception roles, an
 * arena's base), addresses in wide loads, which loads were probing ones, which tail calls direct. Everything
 * else comes from xlated, `calls` and the addresses of the functions.
 */
import {
  BPF_ABS,
  BPF_ATOMIC,
  BPF_JMP,
  BPF_LDX,
  BPF_MEM,
  BPF_PROBE_ATOMIC,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_ST,
  BPF_STX,
  BPF_TAIL_CALL,
  bpfClass,
  bpfMode,
  type Insn,
  LD_IMM64,
  ldImm64,
  readInsns,
} from '../../src/isa/index.ts';
import {
  DEFAULT_FEATURES,
  type JitedFunc,
  type JitFeatures,
  type JitFunc,
  type JitInput,
  type JitOutput,
  jit,
  pokePatches,
} from '../../src/jit/index.ts';
import { decode, formatInsn } from '../../src/x86/index.ts';
import { fromHex } from '../support/shared.ts';

export interface JitRecord {
  name: string;
  xlated: string;
  jited: string;
  jited_ksyms: string[];
  jited_func_lens: number[];
  calls?: { insn: number; addr?: string; sym?: string }[];
  features?: JitFeatures;
}

interface Shape {
  stackDepth: number;
  tailCallReachable: boolean;
  isExceptionCb: boolean;
  exceptionBoundary: boolean;
  arena?: bigint;
  /** bytes of the pops that undo the prologue's pushes */
  savedBytes: number;
  /** offset of the first instruction's code */
  body: number;
}

const CALL = 0x85;
const LDX_PROBE_FIRST = '49c7c2000060ff';
const u32 = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getInt32(at, true);
const u64 = (b: Uint8Array, at: number): bigint => new DataView(b.buffer, b.byteOffset).getBigUint64(at, true);
const hexAt = (b: Uint8Array, at: number, n: number): string => Buffer.from(b.slice(at, at + n)).toString('hex');

/** What a function's prologue says. */
function shapeOf(code: Uint8Array): Shape {
  let at = 12;
  const take = (hex: string): boolean => {
    const hit = hexAt(code, at, hex.length / 2) === hex;
    if (hit) at += hex.length / 2;
    return hit;
  };
  const isExceptionCb = take('4889f44889d5415f415e415d5b415c4889ec');
  if (!isExceptionCb) take('554889e5');
  take('f30f1efa');
  let stackDepth = 0;
  if (take('4881ec')) {
    stackDepth = u32(code, at);
    at += 4;
  }
  const tailCallReachable = take('4883f82177065048 89e0eb015050'.replace(' ', '')) || take('5050');
  const pushes = at;
  const exceptionBoundary = take('415453415541564157');
  const r12 = exceptionBoundary || take('4154');
  take('53');
  for (const push of ['4155', '4156', '4157']) take(push);
  const shape: Shape = {
    stackDepth,
    tailCallReachable,
    isExceptionCb,
    exceptionBoundary,
    savedBytes: at - pushes,
    body: at,
  };
  if (r12 && take('49bc')) {
    shape.arena = u64(code, at);
    // with an arena r12 is pushed anyway, and the same code follows
    shape.exceptionBoundary = false;
    shape.body = at + 8;
  }
  return shape;
}

/** Slots at which the program's functions start; undefined for an exception callback, which nobody calls. */
function functionStarts(insns: readonly Insn[], count: number): (number | undefined)[] {
  const starts: (number | undefined)[] = [0];
  insns.forEach((insn, slot) => {
    // local calls: the function's number in imm, the distance in off; references: the distance, then the number
    if (insn.code === CALL && insn.src === BPF_PSEUDO_CALL) starts[insn.imm] = slot + insn.off + 1;
    if (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC)
      starts[(insns[slot + 1] as Insn).imm] = slot + insn.imm + 1;
  });
  starts.length = count;
  return starts;
}

/** A program that may throw and names no callback has a default one, in xlated but not in the image that is dumped. */
function hiddenSlots(image: Uint8Array, lengths: readonly number[]): number {
  const shapes: Shape[] = [];
  let at = 0;
  for (const length of lengths) {
    shapes.push(shapeOf(image.slice(at, at + length)));
    at += length;
  }
  return shapes.some((s) => s.exceptionBoundary) && !shapes.some((s) => s.isExceptionCb) ? 2 : 0;
}

/** Length of a jump's code at `at`; `conditional` says whether it must be there. */
function jumpLength(code: Uint8Array, at: number, conditional: boolean): number {
  const byte = code[at] as number;
  if (conditional) return byte === 0x0f ? 6 : 2;
  return byte === 0xeb ? 2 : byte === 0xe9 ? 5 : 0;
}

function wideLength(code: Uint8Array, at: number): { length: number; value: bigint } {
  const rex = (code[at] as number) >> 4 === 4 ? 1 : 0;
  const op = code[at + rex] as number;
  const wide = rex === 1 && ((code[at] as number) & 8) !== 0;
  if (op >> 3 === 0xb8 >> 3) {
    return wide
      ? { length: 10, value: u64(code, at + 2) }
      : { length: rex + 5, value: BigInt(u32(code, at + rex + 1) >>> 0) };
  }
  if (op === 0xc7) return { length: 7, value: BigInt(u32(code, at + 3)) };
  return { length: rex + 2, value: 0n };
}

export function jitInput(record: JitRecord): JitInput {
  const all = readInsns(fromHex(record.xlated));
  const image = fromHex(record.jited);
  const insns = all.slice(0, all.length - hiddenSlots(image, record.jited_func_lens));
  const starts = functionStarts(insns, record.jited_func_lens.length);
  const calls = new Map(
    (record.calls ?? []).flatMap((call) =>
      call.addr === undefined ? [] : [[call.insn, BigInt(`0x${call.addr}`)] as const],
    ),
  );
  const addresses = record.jited_ksyms.map((a) => BigInt(`0x${a}`));
  const callBase = callBaseOf(insns, calls);
  const funcs: JitFunc[] = [];
  const pokes: { mapIndex: number; key: number }[] = [];
  const features = record.features ?? DEFAULT_FEATURES;
  let at = 0;
  let arena: bigint | undefined;
  const known: Known = { features, addresses, starts, pokes, arena };
  record.jited_func_lens.forEach((length, index) => {
    const code = image.slice(at, at + length);
    at += length;
    const start = starts[index] as number;
    const own = insns.slice(start, starts[index + 1] ?? insns.length).map((i) => ({ ...i }));
    const shape = shapeOf(code);
    arena ??= shape.arena;
    known.arena = arena;
    own.length = resolve(own, start, code, shape, known);
    starts[index + 1] ??= start + own.length;
    const { stackDepth, tailCallReachable, isExceptionCb, exceptionBoundary } = shape;
    funcs.push({
      name: `${record.name}/${index}`,
      insns: own,
      stackDepth,
      tailCallReachable,
      isExceptionCb,
      exceptionBoundary,
    });
  });
  return {
    funcs,
    features,
    place: () => addresses,
    callBase,
    symbol: (name) => SYMBOLS[name] ?? 0n,
    pokes,
    ...(arena === undefined ? {} : { arena: { kernVmStart: arena, userVmStart: known.arenaUser ?? 0n } }),
  };
}

/** Debian's 6.12.117: symbols that images refer to. */
const SYMBOLS: Readonly<Record<string, bigint>> = {
  this_cpu_off: 0x19a18n,
  __x86_indirect_thunk_rcx: 0xffff_ffff_81cf_5360n,
  __x86_return_thunk: 0xffff_ffff_81cf_5f70n,
  its_return_thunk: 0xffff_ffff_81cf_5f60n,
  srso_return_thunk: 0xffff_ffff_81cf_59a0n,
};

function callBaseOf(insns: readonly Insn[], calls: ReadonlyMap<number, bigint>): bigint {
  for (const [slot, address] of calls) {
    const insn = insns[slot] as Insn;
    if (insn.imm !== 12) return BigInt.asUintN(64, address - BigInt(insn.imm));
  }
  return 0xffff_ffff_8000_0000n;
}

interface Known {
  features: JitFeatures;
  addresses: readonly bigint[];
  starts: readonly (number | undefined)[];
  pokes: { mapIndex: number; key: number }[];
  arena: bigint | undefined;
  /** user_vm_start, from the first cast */
  arenaUser?: bigint;
}

/** Bytes of one instruction, compiled alone. */
function alone(insn: Insn, high: Insn | undefined, shape: Shape, known: Known): number {
  const body = insn.code === LD_IMM64 ? [insn, high as Insn] : [insn];
  const func = { name: 'alone', stackDepth: shape.stackDepth, tailCallReachable: shape.tailCallReachable, insns: body };
  const out = jit({
    funcs: [func],
    features: known.features,
    place: () => [0xffff_ffff_c000_0000n],
    callBase: 0xffff_ffff_8000_0000n,
    symbol: () => 0n,
    pokes: known.pokes,
    ...(known.arena === undefined ? {} : { arena: { kernVmStart: known.arena, userVmStart: 0n } }),
  });
  const offsets = (out.funcs[0] as (typeof out.funcs)[number]).insnOffsets;
  return (offsets[body.length] as number) - (offsets[0] as number);
}

/** Walks the reference beside the instructions and fills in what the dump hides. Answers the slots that it covers. */
function resolve(insns: Insn[], start: number, code: Uint8Array, shape: Shape, known: Known): number {
  let at = shape.body;
  let seenExit = false;
  let slot = 0;
  for (; slot < insns.length && at < code.length; slot++) {
    const insn = insns[slot] as Insn;
    const cls = bpfClass(insn.code);
    const op = insn.code & 0xf0;
    if (insn.code === LD_IMM64) {
      const { length, value } = wideLength(code, at);
      if (insn.src === BPF_PSEUDO_FUNC) (insns[slot + 1] as Insn).imm = 0;
      else if (insn.src !== 0) [insns[slot], insns[slot + 1]] = ldImm64(insn.dst, value);
      at += length;
      slot++;
    } else if (insn.code === CALL && insn.src === 0 && insn.imm === 12) {
      insn.code = BPF_JMP | BPF_TAIL_CALL;
      insn.imm = 0;
      if (hexAt(code, at, 3) === '488b85') insn.imm = known.pokes.push({ mapIndex: 0, key: 0 });
      at += alone(insn, undefined, shape, known) + shape.savedBytes;
    } else if (insn.code === CALL && insn.src === BPF_PSEUDO_CALL) {
      insn.imm = (known.starts[insn.imm] as number) - (start + slot) - 1;
      insn.off = 0;
      at += shape.tailCallReachable ? 12 : 5;
    } else if (insn.code === CALL) at += shape.tailCallReachable ? 12 : 5;
    else if (insn.code === 0x95) {
      if (seenExit) at += jumpLength(code, at, false);
      else at += shape.savedBytes + (known.features.rethunk ? 6 : 3);
      seenExit = true;
    } else if (insn.code === 0x05 || insn.code === 0x06) at += jumpLength(code, at, false);
    else if ((cls === 5 || cls === 6) && op !== 0x80) {
      at += alone({ ...insn, off: -1 }, undefined, shape, known) - 2;
      at += jumpLength(code, at, true);
    } else {
      hiddenMode(insn, code, at, known);
      if (insn.code === 0xbf && insn.off === 1) known.arenaUser ??= userStart(insn, code, at);
      at += alone(insn, undefined, shape, known);
    }
  }
  return slot;
}

/** The immediate of the `or` in a cast to a user pointer: mov (unless one register), shl, or. */
function userStart(insn: Insn, code: Uint8Array, at: number): bigint {
  let p = at;
  if (insn.dst !== insn.src) p += ((code[p] as number) & 0xf0) === 0x40 ? 3 : 2;
  p += 4;
  p += code[p + 1] === 0x0d ? 2 : 3;
  return BigInt(u32(code, p) >>> 0) << 32n;
}

/** BPF_MEM in a dump may have been a probing or an arena access. */
function hiddenMode(insn: Insn, code: Uint8Array, at: number, known: Known): void {
  const cls = bpfClass(insn.code);
  const mode = bpfMode(insn.code);
  if (cls === BPF_LDX && mode === BPF_MEM && hexAt(code, at, 7) === LDX_PROBE_FIRST)
    insn.code = (insn.code & ~BPF_ABS & ~BPF_MEM) | BPF_PROBE_MEM;
  else if (known.arena !== undefined && (cls === BPF_LDX || cls === BPF_ST || cls === BPF_STX)) {
    let p = at;
    while ([0x66, 0xf0].includes(code[p] as number)) p++;
    const arena = ((code[p] as number) & 0xf2) === 0x42;
    if (arena && mode === BPF_MEM) insn.code = (insn.code & 0x1f) | BPF_PROBE_MEM32;
    if (arena && mode === BPF_ATOMIC) insn.code = (insn.code & 0x1f) | BPF_PROBE_ATOMIC;
  }
}

/** Where the reference has a direct tail call patched to a program, patches ours to the same. */
export function patchPokes(out: JitOutput, record: JitRecord): void {
  const image = fromHex(record.jited);
  const starts = record.jited_func_lens.map((_, n) => record.jited_func_lens.slice(0, n).reduce((a, b) => a + b, 0));
  for (const poke of out.pokes) {
    const func = out.funcs[poke.func] as JitedFunc;
    const at = (starts[poke.func] as number) + poke.target;
    if (image[at] !== 0xe9) continue;
    const target = func.address + BigInt(poke.target + 5 + u32(image, at + 1) - poke.adjust);
    for (const { offset, bytes } of pokePatches(poke, func.address, target)) func.bytes.set(bytes, offset);
  }
}

export interface Difference {
  func: number;
  /** slot within the function, -1 for the prologue */
  slot: number;
  ours: string;
  theirs: string;
}

/** The first x86 instruction of ours that is not the reference's. */
export function firstDifference(out: JitOutput, record: JitRecord): Difference | undefined {
  const image = fromHex(record.jited);
  let base = 0;
  for (const [index, func] of out.funcs.entries()) {
    const length = record.jited_func_lens[index] as number;
    const want = image.slice(base, base + length);
    base += length;
    const at = func.bytes.findIndex((byte, n) => byte !== want[n]);
    if (at < 0 && func.bytes.length === length) continue;
    const offset = at < 0 ? length : at;
    let slot = -1;
    while ((func.insnOffsets[slot + 1] as number) <= offset && slot + 1 < func.insnOffsets.length - 1) slot++;
    let from = slot < 0 ? 0 : (func.insnOffsets[slot] as number);
    for (let next = from; next <= offset; next += Math.max(1, decode(func.bytes.subarray(next), 0).length)) from = next;
    const text = (bytes: Uint8Array): string => {
      const x86 = decode(bytes, from);
      const hex = Buffer.from(bytes.slice(from, from + Math.max(1, x86.length))).toString('hex');
      return `${hex} ${formatInsn(x86, { address: func.address + BigInt(from) })}`;
    };
    return { func: index, slot, ours: text(func.bytes), theirs: text(want) };
  }
  return undefined;
}
