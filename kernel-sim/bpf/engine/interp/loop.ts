/**
 * The interpreter's loop, `___bpf_prog_run` of kernel/bpf/core.c: fetch a slot, go to its operation, go on. It is one
 * WebAssembly function, the same for every program, so that registers are 64 bits wide and what ran before makes no
 * difference to its speed.
 */
import { ModuleBuilder } from '../../../../src/machine/wasm/encoder.ts';
import { aluHandlers, type Handler, unaryHandlers } from './alu.ts';
import { CONTROL, conditionHandlers } from './control.ts';
import { Emitter, LEFT, type Left } from './emitter.ts';
import { atomicHandlers, loadHandlers, storeHandlers } from './memory.ts';
import { OPERATIONS } from './ops.ts';
import { SLOT, STATE } from './zone.ts';

function ldimm64(e: Emitter): void {
  e.dst().field('i64.load', SLOT.off).toDst(64);
  e.next(2);
}

const slow: Handler = (e) => e.leave(LEFT.slow);

const HANDLERS = new Map<string, Handler>([
  ...aluHandlers(),
  ...unaryHandlers(),
  ...loadHandlers(),
  ...storeHandlers(),
  ...atomicHandlers(),
  ...conditionHandlers(),
  ...CONTROL,
  ['ldimm64', ldimm64],
  ['movPercpu', slow],
]);

/**
 * Runs from slot `pc` with frames from `fp`; those down to `base` are others'. Leaves its state at {@link STATE}.
 * `limit`: instructions to count until it leaves at the next taken jump.
 */
export type Loop = (pc: number, fp: number, base: number, limit: number) => Left;

const modules = new Map<string, WebAssembly.Module>();

/** The loop over a memory whose zone begins at `zone`. `single`: it leaves after each instruction. */
export function makeLoop(memory: WebAssembly.Memory, zone: number, single: boolean): Loop {
  const pages = memory.buffer.byteLength / 65536;
  const key = `${pages} ${zone} ${single}`;
  let module = modules.get(key);
  if (module === undefined) {
    const builder = new ModuleBuilder(pages);
    builder.add(new Emitter(zone, single).loop(OPERATIONS.map((name) => HANDLERS.get(name)!)), 'loop');
    module = new WebAssembly.Module(builder.encode());
    modules.set(key, module);
  }
  return new WebAssembly.Instance(module, { m: { memory } }).exports['loop'] as Loop;
}
