/**
 * Programs run as the JIT's machine code: each function placed in the BPF image area under its symbol
 * (`bpf_prog_<tag>_<name>`), exception tables registered, direct tail calls patched as their slots change.
 */
import { BPF_EXIT, BPF_JMP, type Insn } from '../../../src/isa/index.ts';
import { type JitOutput, jit, pokePatches, tailCallOffset } from '../../../src/jit/index.ts';
import { addrFromBigInt, addrToBigInt } from '../../../src/machine/addr.ts';
import { Assembler } from '../../../src/x86/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { ObjectFloor } from '../../floors/objects.ts';
import { countedSlots } from '../prog/counted.ts';
import type { BpfProg, PlacedFunc, PokeSlot, ProgCode, ProgFunc } from '../prog/prog.ts';
import { jitFeatures } from './jit-features.ts';

const EXIT = BPF_JMP | BPF_EXIT;
/** endbr64; what a trampoline's call replaces; `jmp rel32` */
const ENDBR_BYTES = 4;
const NOP_BYTES = 5;
const JMP_BYTES = 5;

/** A direct tail call of the program: the map and the constant key. */
export type PokeRequest = PokeSlot;

export interface ImageOptions {
  readonly pokes?: readonly PokeRequest[];
  readonly arena?: { readonly kernVmStart: bigint; readonly userVmStart: bigint };
}

export class ImageEngine {
  readonly #kernel: ObjectFloor;
  readonly #callBase: bigint;
  readonly #progAt: (addr: number) => BpfProg | undefined;
  constructor(kernel: ObjectFloor, callBase: bigint, progAt: (addr: number) => BpfProg | undefined) {
    this.#kernel = kernel;
    this.#callBase = callBase;
    this.#progAt = progAt;
  }

  /** Compiles and places a program. @throws JitError */
  install(prog: BpfProg, options: ImageOptions = {}): void {
    const image = this.#place(prog, prog.init.code, options, '');
    prog.placed = image.placed;
    prog.onFree.push(image.free);
    const length = image.placed.reduce((sum, f) => sum + f.bytes.length, 0);
    prog.setEntry(prog.placed[0]!.address, length);
  }

  /** Other code runs where the program's image is entered, until what this gives is called; that gives what frees it. @throws JitError */
  divert(prog: BpfProg, code: ProgCode, options: ImageOptions = {}): () => () => void {
    const { placed, free } = this.#place(prog, code, options, '.called');
    const { machine, memory } = this.#kernel;
    const undo = prog.placed.flatMap(({ address, bytes }, n) => {
      const body = bodyOffset(prog.init.code.funcs[n]);
      // what is shorter makes no call
      if (bytes.length < body + JMP_BYTES) return [];
      const at = address + body;
      const before = memory.readBytes(at, JMP_BYTES);
      machine.patch(at, new Assembler(at).op('jmp rel32', placed[n]!.address + body).bytes());
      return [() => machine.patch(at, before)];
    });
    return () => {
      for (const put of undo) put();
      return free;
    };
  }

  /** Functions at addresses of their own, and what takes them away again. */
  #place(
    prog: BpfProg,
    code: ProgCode,
    options: ImageOptions,
    suffix: string,
  ): { readonly placed: readonly PlacedFunc[]; readonly free: () => void } {
    const undo: (() => void)[] = [];
    const { bpfPack, symbols, faults, machine } = this.#kernel;
    const addresses: number[] = [];
    const requests = options.pokes ?? [];
    const output: JitOutput = jit({
      funcs: code.funcs.map((f) => ({
        name: f.name,
        insns: code.insns.slice(f.start, f.end),
        stackDepth: f.stackDepth,
        tailCallReachable: f.tailCallReachable,
        isExceptionCb: f.isExceptionCb ?? false,
        exceptionBoundary: f.exceptionBoundary ?? false,
      })),
      features: jitFeatures(this.#kernel.cpuModel, this.#kernel.mitigations),
      place: (lengths) => {
        for (const length of lengths) addresses.push(bpfPack.alloc(length));
        return addresses.map(addrToBigInt);
      },
      callBase: this.#callBase,
      symbol: (name) => {
        const at = symbols.address(name);
        if (at === undefined)
          throw new KernelError('ENOENT', `the JIT needs the symbol ${name}, which this kernel does not have`);
        return addrToBigInt(at);
      },
      classic: prog.init.classic,
      pokes: requests.map((r, n) => ({ mapIndex: n, key: r.key })),
      ...(options.arena ? { arena: options.arena } : {}),
    });
    const counted = countedSlots(code);
    const placed = output.funcs.map((f, n) => {
      const address = addrFromBigInt(f.address);
      bpfPack.write(address, f.bytes);
      const name = `${prog.symbol(n)}${suffix}`;
      symbols.addText(name, address, f.bytes.length);
      const table = f.extable.map((e) => ({ at: address + e.at, resume: address + e.resume, reg: e.reg }));
      faults.addExtable(table);
      machine.mark(address, weights(code.insns, counted, code.funcs[n]!.start, f.insnOffsets, f.bytes.length));
      undo.push(() => {
        symbols.removeText(name, address);
        faults.removeExtable(table);
        machine.unmark(address);
        bpfPack.free(address);
      });
      return { name, address, bytes: f.bytes, insnOffsets: f.insnOffsets };
    });
    undo.push(...this.#follow(output, requests));
    return {
      placed,
      free: () => {
        for (const put of undo) put();
      },
    };
  }

  /** Patches the program's direct tail calls now and whenever their slots change. Gives what ends that. */
  #follow(output: JitOutput, requests: readonly PokeRequest[]): (() => void)[] {
    const { machine } = this.#kernel;
    return output.pokes.flatMap((poke) => {
      const request = requests[poke.mapIndex];
      if (request === undefined) return [];
      const func = output.funcs[poke.func]!;
      const base = addrFromBigInt(func.address);
      const update = (index: number, _old: unknown, now: { readonly addr: number } | undefined): void => {
        if (index !== poke.key) return;
        const target = now === undefined ? undefined : this.#progAt(now.addr);
        for (const p of pokePatches(poke, func.address, target && addrToBigInt(target.entry))) {
          machine.patch(base + p.offset, p.bytes);
        }
      };
      update(poke.key, undefined, request.map.slots[poke.key]);
      request.map.pokes.add(update);
      return [() => request.map.pokes.delete(update)];
    });
  }
}

/** Where a function's frame is set up, whichever way it was entered; an exception callback is entered at its first byte only. */
const bodyOffset = (func: ProgFunc | undefined): number =>
  func?.isExceptionCb ? ENDBR_BYTES + NOP_BYTES : tailCallOffset(true) + ENDBR_BYTES;

/** For each byte of a function's image, how many instructions of the loaded program begin there. */
function weights(
  insns: readonly Insn[],
  counted: Int32Array,
  start: number,
  offsets: Uint32Array,
  length: number,
): Uint8Array {
  const out = new Uint8Array(length);
  let exits = 0;
  let firstCounts = false;
  for (let i = 0; i + 1 < offsets.length; i++) {
    const slot = counted[start + i]!;
    // all exits jump to the first one's bytes; where those are counted, the others are not once more
    if (insns[start + i]!.code === EXIT && exits++ === 0) firstCounts = slot >= 0;
    else if (insns[start + i]!.code === EXIT && firstCounts) continue;
    if (slot < 0) continue;
    out[offsets[slot - start]!]!++;
  }
  return out;
}
