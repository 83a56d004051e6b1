/** Unit to WebAssembly function: its locals, what it loads at its start and leaves for the host at its end. */
import type { Addr } from '../../addr.ts';
import { RAX, RSP } from '../../cpu.ts';
import { FunctionBody as Body, type FunctionBody, I32, I64, type ModuleBuilder, OP } from '../../wasm/encoder.ts';
import { RUN_SLOTS } from '../ir/address-class.ts';
import type { FlagState } from '../ir/flags.ts';
import type { Unit } from '../ir/ir.ts';
import type { Left } from '../ir/mailbox.ts';
import type { Flow } from '../passes/flow.ts';
import { budgetNeeds, loopLevels } from './budgets.ts';
import { type CallImports, leftCode, PARAM, PARAMS, PASSED, RESULTS } from './calls.ts';
import { passParameters } from './direct-call.ts';
import { Emitter, type Window } from './emitter.ts';
import { emitEntry } from './entry.ts';
import { spillFunction } from './exit.ts';
import type { Locals } from './locals.ts';
import { Structure } from './structure.ts';

export interface EmitOptions {
  readonly module: ModuleBuilder;
  /** function index of the hypercall import */
  readonly vmcall: number;
  /** function index of the import that computes status flags from the mailbox */
  readonly settle: number;
  readonly calls: CallImports;
  /** slot of the unit at an address, see calls.ts */
  readonly slotOf: (entry: Addr) => number;
  readonly window: Window;
}

export interface Emitted {
  readonly body: FunctionBody;
  /** the budget that a call needs: the longest way to the first check */
  readonly need: number;
}

export function emitUnit(
  unit: Unit,
  flow: Flow,
  states: readonly (FlagState | undefined)[],
  options: EmitOptions,
): Emitted {
  const body = new Body(PARAMS, RESULTS);
  const local = (type: typeof I32 | typeof I64): number => body.local(type);
  const locals: Locals = {
    budget: PARAM.budget,
    rsp0: PARAM.rsp,
    depth: PARAM.depth,
    back: PARAM.back,
    backAt: PARAM.backAt,
    a: local(I64),
    b: local(I64),
    oa: local(I64),
    ob: local(I64),
    i64: local(I64),
    regs: Array.from({ length: 16 }, (_, n) => (PASSED.includes(n) ? PARAM.registers + PASSED.indexOf(n) : local(I64))),
    frame: local(I32),
    // always the stack's
    runs: Array.from({ length: RUN_SLOTS }, (_, slot) =>
      slot === 0 || (unit.runs >> slot) & 1 ? { start: local(I64), bytes: local(I64), delta: local(I32) } : undefined,
    ),
    code: local(I32),
    over: local(I32),
    soft: local(I32),
    marked: unit.blocks.some((b) => b.weights !== undefined) ? local(I32) : undefined,
    i32: local(I32),
  };
  const use = registerUse(flow);
  const spill = spillFunction(options.module, use.spilled, locals.marked !== undefined);
  const need = budgetNeeds(flow);
  const slot = options.slotOf(unit.entry);
  const e = new Emitter(body, locals, unit, {
    ...options,
    slot,
    spill,
    spilled: use.spilled,
    loaded: use.loaded,
  });
  const refuse = (left: Left): void => {
    body.i32(leftCode(slot, left));
    passParameters(body);
    body.call(options.calls.refuse).op(OP.return);
  };
  emitEntry(body, locals, unit, use.loaded, need[unit.blocks[0]!.id]!, refuse);
  new Structure(body, flow, states, need, flow.reducible ? loopLevels(flow) : new Uint8Array(need.length), e).emit();
  body.op(OP.unreachable);
  return { body, need: need[unit.blocks[0]!.id]! };
}

interface RegisterUse {
  /** read or written */
  readonly loaded: readonly number[];
  /** written */
  readonly spilled: readonly number[];
}

function registerUse(flow: Flow): RegisterUse {
  let any = 0;
  let changed = 1 << RSP;
  for (const r of PASSED) changed |= 1 << r;
  for (const b of flow.order) {
    any |= b.read;
    changed |= b.modified;
    if (b.term.kind === 'call') changed |= 1 << RAX;
  }
  const list = (mask: number): number[] => Array.from({ length: 16 }, (_, n) => n).filter((n) => (mask >> n) & 1);
  return { loaded: list((any | changed) & ~(1 << RSP)), spilled: list(changed) };
}
