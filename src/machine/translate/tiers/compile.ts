/** Units to a WebAssembly module: blocks of micro-operations, the passes over them, code, and an instance of it. */
import type { GuestMemory } from '../../memory.ts';
import { I32, ModuleBuilder } from '../../wasm/encoder.ts';
import { Calls } from '../emit/calls.ts';
import { emitUnit } from '../emit/unit.ts';
import type { Unit } from '../ir/ir.ts';
import { joinChecks } from '../passes/checks.ts';
import { analyseFlow } from '../passes/flow.ts';
import { dropDead, flagStates } from '../passes/passes.ts';

/** What translated code calls. */
export interface Imports {
  /** executes a hypercall; VMCALL says what then */
  readonly vmcall: () => number;
  /** the status flags of what the mailbox says of them */
  readonly settle: () => number;
}

export interface Code {
  readonly unit: Unit;
  /** budget below which it cannot run */
  readonly need: number;
}

/** Code of the units, in one module, connected to what calls them. */
export function compileUnits(units: readonly Unit[], memory: GuestMemory, imports: Imports, to: Calls): Code[] {
  const module = new ModuleBuilder(memory.wasm.buffer.byteLength / 65536);
  const vmcall = module.import('vmcall', [], [I32]);
  const settle = module.import('settle', [], [I32]);
  const calls = Calls.declare(module);
  const { slotOf } = to;
  const window = { end: memory.bytes };
  const needs: number[] = [];
  for (const unit of units) {
    const flow = analyseFlow(unit);
    if (flow.reducible) joinChecks(unit, flow);
    dropDead(unit, flow);
    const { body, need } = emitUnit(unit, flow, flagStates(unit, flow), {
      module,
      vmcall,
      settle,
      calls,
      slotOf,
      window,
    });
    module.add(body, `f${needs.length}`);
    needs.push(need);
  }
  const compiled = new WebAssembly.Module(module.encode());
  const instance = new WebAssembly.Instance(compiled, { m: { memory: memory.wasm, ...imports, ...to.imports } });
  return units.map((unit, i) => {
    to.connect(unit.entry, instance.exports[`f${i}`]);
    return { unit, need: needs[i]! };
  });
}
