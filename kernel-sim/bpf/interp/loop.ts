/**
 * The interpreter's loop, `___bpf_prog_run` of kernel/bpf/core.c: fetch a slot, go to its operation, go on. It is one
 * WebAssembly function, the same for every program, so that registers are 64 bits wide and what ran before makes no
 * difference to its speed. This file has moves from and to memory and puts the operations together.
 */
import { ModuleBuilder, type OpName } from '../../../src/machine/wasm/encoder.ts';
import { aluHandlers, type Handler, unaryHandlers } from './alu.ts';
import { CONTROL, conditionHandlers } from './control.ts';
import { Emitter, LEFT, type Left } from './emitter.ts';
import { LOADS, OPERATIONS, STORES } from './ops.ts';
import { SLOT, STATE } from './zone.ts';

const LOAD: Record<string, OpName> = {
  '1': 'i64.load8_u',
  '2': 'i64.load16_u',
  '4': 'i64.load32_u',
  '8': 'i64.load',
  '-1': 'i64.load8_s',
  '-2': 'i64.load16_s',
  '-4': 'i64.load32_s',
};
const STORE: Record<number, OpName> = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' };

function loadHandlers(): [string, Handler][] {
  return [...LOADS].map(([name, { size, signed, probe }]) => [
    name,
    (e) => {
      e.dst().source(64, 'x').field('i64.load32_s', SLOT.off).op('i64.add');
      e.physical(size, false);
      if (probe) {
        // user space reads as 0, which is the slow path's
        e.get(e.address).i64(0).op('i64.ge_s');
        e.leaveIf(LEFT.slow);
      }
      e.mem(LOAD[signed ? -size : size]!, 0).toDst(64);
      e.next();
    },
  ]);
}

function storeHandlers(): [string, Handler][] {
  return [...STORES].map(([name, { size, source }]) => [
    name,
    (e) => {
      e.loadDst().dstValue(64).field('i64.load32_s', SLOT.off).op('i64.add');
      e.physical(size, true).source(64, source).mem(STORE[size]!, 0);
      e.next();
    },
  ]);
}

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
  ...conditionHandlers(),
  ...CONTROL,
  ['ldimm64', ldimm64],
  ['movPercpu', slow],
  ['atomic', slow],
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
