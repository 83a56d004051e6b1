/**
 * Programs run as the JIT's machine code: each function placed in the BPF image area under its symbol
 * (`bpf_prog_<tag>_<name>`), exception tables registered, direct tail calls patched as their slots change.
 */
import { BPF_EXIT, BPF_JMP, type Insn } from '../../../src/isa/index.ts';
import { type JitOutput, jit, pokePatches } from '../../../src/jit/index.ts';
import { addrFromBigInt, addrToBigInt } from '../../../src/machine/addr.ts';
import { KernelError } from '../../core/errno.ts';
import type { ObjectFloor } from '../../floors/objects.ts';
import type { ProgArrayMap } from '../maps/index.ts';
import { countedSlots } from '../prog/counted.ts';
import type { BpfProg } from '../prog/prog.ts';
import { jitFeatures } from './jit-features.ts';

const EXIT = BPF_JMP | BPF_EXIT;

/** A direct tail call of the program: the map and the constant key. */
export interface PokeRequest {
  readonly map: ProgArrayMap;
  readonly key: number;
}

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
    const { code } = prog.init;
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
    prog.placed = output.funcs.map((f, n) => {
      const address = addrFromBigInt(f.address);
      bpfPack.write(address, f.bytes);
      const name = prog.symbol(n);
      symbols.add(name, address, f.bytes.length, 'bpf');
      const table = f.extable.map((e) => ({ at: address + e.at, resume: address + e.resume, reg: e.reg }));
      faults.addExtable(table);
      machine.mark(address, weights(code.insns, counted, code.funcs[n]!.start, f.insnOffsets, f.bytes.length));
      prog.onFree.push(() => {
        if (symbols.get(name)?.address === address) symbols.remove(name);
        faults.removeExtable(table);
        machine.unmark(address);
        bpfPack.free(address);
      });
      return { name, address, bytes: f.bytes, insnOffsets: f.insnOffsets };
    });
    this.#follow(prog, output, requests);
    const length = output.funcs.reduce((sum, f) => sum + f.bytes.length, 0);
    prog.setEntry(prog.placed[0]!.address, length);
  }

  /** Patches the program's direct tail calls now and whenever their slots change. */
  #follow(prog: BpfProg, output: JitOutput, requests: readonly PokeRequest[]): void {
    const { machine } = this.#kernel;
    for (const poke of output.pokes) {
      const request = requests[poke.mapIndex];
      if (request === undefined) continue;
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
      prog.onFree.push(() => request.map.pokes.delete(update));
    }
  }
}

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
