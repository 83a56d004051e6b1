/**
 * The stepping loop: one WebAssembly function, made from the rows of this folder, the same for every machine. It executes
 * micro-operations (slot.ts) until a block boundary finds fewer instructions left than a block may have, or the host says so.
 */
import { I32, ModuleBuilder } from '../../wasm/encoder.ts';
import { conditionFunction } from './conditions.ts';
import { Emitter } from './emitter.ts';
import { CONDITION_FUNCTION } from './moves.ts';
import { OPERATIONS } from './operations.ts';

/** Executes from a slot on: see {@link Emitter.loop}. */
export type Loop = (slot: number) => number;

let module: WebAssembly.Module | undefined;

/** The module's bytes. */
export function loopBytes(): Uint8Array {
  const builder = new ModuleBuilder(1, 65536);
  const host = builder.import('host', [I32], [I32]);
  if (builder.add(conditionFunction()) !== CONDITION_FUNCTION) throw new Error('the condition function has moved');
  builder.add(
    new Emitter().loop(
      host,
      OPERATIONS.map(({ emit }) => emit),
    ),
    'loop',
  );
  return builder.encode();
}

/** The loop over a memory. `host` executes the slot it is given, for which the loop has no code: it gives the next one, or 0. */
export function makeLoop(memory: WebAssembly.Memory, host: Loop): Loop {
  module ??= new WebAssembly.Module(loopBytes() as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module, { m: { memory, host } }).exports['loop'] as Loop;
}
