/** Trampolines that are called by a pointer (BPF_TRAMP_F_INDIRECT): a program in the place of a function of a kernel structure. */
import type { Addr } from '../../src/machine/addr.ts';
import { Assembler } from '../../src/x86/index.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { TrampolineFrame } from './trampoline-frame.ts';
import type { ProgRef } from './types.ts';

/** somewhere to emit for the length */
const NOWHERE = 0xffff_ffff_c000_0000 - 2 ** 64;

/**
 * Machine code in the module area that calls a program with the function's arguments as its context.
 * @param argSizes bytes of each argument
 * @param retSize bytes of the result, 0 where there is none
 */
export function indirectTrampoline(
  kernel: ObjectFloor,
  prog: ProgRef,
  { argSizes, retSize }: { readonly argSizes: readonly number[]; readonly retSize: number },
): Addr {
  const emit = (origin: Addr): Uint8Array => {
    const a = new Assembler(origin);
    const frame = new TrampolineFrame(kernel, a, argSizes, { ret: retSize > 0, callsOriginal: false });
    // what is called by a pointer begins so
    a.op('endbr64');
    frame.begin();
    frame.run({ prog, cookie: 0n, guarded: false, keep: retSize > 0 });
    frame.end();
    a.op('ret');
    a.op('int3');
    return a.bytes();
  };
  const image = kernel.bpfPack.allocChunks(emit(NOWHERE).length);
  kernel.bpfPack.write(image, emit(image));
  return image;
}
