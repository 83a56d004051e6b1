export { jit } from './compile.ts';
export { type DispatcherInput, jitDispatcher } from './dispatcher.ts';
export { tailCallOffset } from './lower/tailcall.ts';
export { pokePatches, type TextPatch } from './poke.ts';
export { AUX, BPF_TO_X86 } from './regs.ts';
export * from './types.ts';
