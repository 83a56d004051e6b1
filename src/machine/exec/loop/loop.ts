/** The stepping loop over a machine's memory. */
import { generated } from './generated.ts';

/** Executes from a slot on: gives the slot in front of which it stopped, or 0 where the host said so (see {@link Emitter.loop}). */
export type Loop = (slot: number) => number;

let module: WebAssembly.Module | undefined;

/** `host` executes the slot it is given, for which the loop has no code: it gives the next one, or 0. */
export function makeLoop(memory: WebAssembly.Memory, host: Loop): Loop {
  module ??= new WebAssembly.Module(generated.bytes() as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module, { m: { memory, host } }).exports['loop'] as Loop;
}
