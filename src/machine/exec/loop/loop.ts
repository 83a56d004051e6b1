/** The stepping loop over a machine's memory. */
import { host } from '../../../platform/index.ts';
import { generated } from './generated.ts';

/** Executes from a slot on: gives the slot in front of which it stopped, or 0 where the host said so (see {@link Emitter.loop}). */
export type Loop = (slot: number) => number;

let module: WebAssembly.Module | undefined;

/** `byHost` executes the slot it is given, for which the loop has no code: it gives the next one, or 0. */
export function makeLoop(memory: WebAssembly.Memory, byHost: Loop): Loop {
  module ??= new WebAssembly.Module(generated.bytes(host.sharesMemory) as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module, { m: { memory, host: byHost } }).exports['loop'] as Loop;
}
