/** A loaded program as listings need it: its code, and for each slot the C line and function that begin there. */

import { helperName } from '../../../kernel-sim/bpf/helpers/index.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { Insn } from '../../isa/index.ts';
import type { LoadedProgram } from '../../object/index.ts';
import { type SourceLine, type SourceMap, sourceMap } from './source.ts';

type KernelProgram = ReturnType<Kernel['bpf']['progLoad']>;

export interface PlacedFunction {
  /** its kernel symbol */
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** first slot in the whole program */
  readonly start: number;
  readonly end: number;
  /** for each slot from `start`, the offset of its first byte */
  readonly offsets: Uint32Array;
}

export interface LoadedView {
  readonly name: string;
  /** as OBJ_GET_INFO_BY_FD reports it */
  readonly xlated: Uint8Array;
  readonly functions: readonly PlacedFunction[];
  /** what begins at a slot of the rewritten program */
  at(slot: number): { readonly source: SourceLine | undefined; readonly signature: string | undefined };
  /** name of what a call calls, as bpftool finds it in kallsyms */
  readonly callName: (insn: Insn) => string | undefined;
  /** `symbol` or `symbol+0x10` of an address */
  readonly symbol: (address: number) => string | undefined;
}

/** A program that an object file brought: with lines and signatures from its BTF. */
export function viewOf(
  kernel: Kernel,
  program: LoadedProgram<KernelProgram>,
  btf: Parameters<typeof sourceMap>[0],
): LoadedView {
  return view(kernel, program.handle, sourceMap(btf, program.relocated));
}

/** A program that is in the kernel, whoever loaded it: with lines and signatures as the kernel tells them (bpf_prog_info). */
export function heldView(kernel: Kernel, handle: KernelProgram): LoadedView {
  const { init, btfObject } = handle.prog;
  const source = sourceMap(btfObject?.btf, init);
  return {
    ...view(kernel, handle, source),
    at: (slot) => ({ source: source.line(slot), signature: source.signature(slot) }),
  };
}

function view(kernel: Kernel, handle: KernelProgram, source: SourceMap): LoadedView {
  const { prog } = handle;
  const { origins, funcs } = prog.init.code;
  const callBase = kernel.symbols.address('__bpf_call_base') ?? 0;
  const functions = prog.placed.map((f, n) => ({
    name: f.name,
    address: f.address,
    // from memory: direct tail calls are patched when a slot is set
    bytes: kernel.memory.readBytes(f.address, f.bytes.length),
    start: funcs[n]?.start ?? 0,
    end: funcs[n]?.end ?? 0,
    offsets: f.insnOffsets,
  }));
  return {
    name: handle.name || 'program',
    xlated: handle.xlated,
    functions,
    at(slot) {
      const origin = origins[slot] ?? slot;
      // of several slots that one instruction became, the first begins its line
      const first = slot === 0 || origins[slot - 1] !== origin;
      return {
        source: first ? source.line(origin) : undefined,
        signature: first ? source.signature(origin) : undefined,
      };
    },
    callName: (i) => (i.src === 1 ? localCall(i, functions) : callee(kernel, callBase, i)),
    symbol(address) {
      const s = kernel.symbols.at(address);
      return s && (s.offset === 0 ? s.name : `${s.name}+0x${s.offset.toString(16)}`);
    },
  };
}

/** A helper's own number where the kernel keeps it (tail calls), else the function at the call's target. */
function callee(kernel: Kernel, callBase: number, call: Insn): string | undefined {
  const name = helperName(call.imm);
  return name === 'unknown' || name === 'unspec' ? kernel.symbols.at(callBase + call.imm)?.name : `bpf_${name}`;
}

/** `+3#bpf_prog_0123456789abcdef_sub`: where the call goes, in slots, and the function's symbol. */
function localCall(call: Insn, functions: readonly PlacedFunction[]): string | undefined {
  const offset = call.off >= 0 ? `+${call.off}` : `${call.off}`;
  const target = functions[call.imm];
  return target ? `${offset}#${target.name}` : undefined;
}
