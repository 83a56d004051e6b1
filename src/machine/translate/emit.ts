/** Unit to WebAssembly function: its locals, what it loads at its start and leaves for the host at its end. */
import type { Addr } from '../addr.ts';
import { CPU, RAX, RBP, RSP } from '../cpu.ts';
import { CPU_PHYS } from '../layout.ts';
import {
  FunctionBody as Body,
  type FunctionBody,
  I32,
  I64,
  type ModuleBuilder,
  OP,
  type ValType,
} from '../wasm/encoder.ts';
import { RUN_SLOTS } from './address-class.ts';
import { type CallImports, leftCode, MAX_NESTED, PARAM, PARAMS, PASSED, RESULTS } from './calls.ts';
import { BlockEmitter, type Window } from './emit-block.ts';
import { loadFlags, passParameters } from './emit-call.ts';
import type { FlagState } from './flags.ts';
import type { Flow } from './flow.ts';
import { successor, type Unit } from './ir.ts';
import { LEFT, type Left, MAIL, RUN } from './mailbox.ts';
import { Structure } from './structure.ts';
import { DYNAMIC } from './uop.ts';

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

/** Locals with a slot's run of pages. */
export interface Run {
  readonly start: number;
  readonly bytes: number;
  readonly delta: number;
}

/** Locals that every unit has; the first are its parameters. */
export interface Locals {
  readonly budget: number;
  readonly rsp0: number;
  readonly depth: number;
  readonly back: number;
  readonly backAt: number;
  /** weights so far; undefined where the unit has none */
  readonly marked: number | undefined;
  /** offset in memory of the frame's lowest byte */
  readonly frame: number;
  /** by slot; undefined where the unit does not use it */
  readonly runs: readonly (Run | undefined)[];
  readonly code: number;
  readonly over: number;
  readonly a: number;
  readonly b: number;
  readonly oa: number;
  readonly ob: number;
  /** extra budget that outer loops want: see {@link loopLevels} */
  readonly soft: number;
  readonly i64: number;
  readonly i32: number;
  readonly regs: readonly number[];
}

/** Longest way in instructions from each block to the next budget check, by id. */
function budgetNeeds(flow: Flow): Int32Array {
  const need = new Int32Array(flow.position.length);
  for (let i = flow.order.length - 1; i >= 0; i--) {
    const b = flow.order[i]!;
    let most = 0;
    // What a call leaves of the budget is looked at behind it.
    for (let way = b.term.kind === 'call' ? 2 : 0; way < 2; way++) {
      const s = successor(b.term, way as 0 | 1);
      if (s !== undefined && flow.position[s.id]! > i) most = Math.max(most, need[s.id]!);
    }
    need[b.id] = b.count + most;
  }
  return need;
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
  const block = new BlockEmitter(body, locals, unit, {
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
  prologue(body, locals, unit, use.loaded, need[unit.blocks[0]!.id]!, refuse);
  new Structure(
    body,
    flow,
    states,
    need,
    flow.reducible ? loopLevels(flow) : new Uint8Array(need.length),
    block,
  ).emit();
  body.op(OP.unreachable);
  return { body, need: need[unit.blocks[0]!.id]! };
}

/**
 * How early a loop gives the machine back when its budget runs out, by header id: 1 outermost loops, 2 loops
 * in between, 0 innermost ones, which use it up. So a long run is mostly resumed at an outer loop, and
 * the function that starts there has its loops nested as the code has them.
 */
function loopLevels(flow: Flow): Uint8Array {
  const levels = new Uint8Array(flow.position.length);
  const { header, outer } = flow;
  for (let id = 0; id < levels.length; id++) {
    if (!header[id]) continue;
    const around = outer[id]!;
    if (around < 0) levels[id] = 1;
    else if (levels[around] === 0) levels[around] = 2;
  }
  return levels;
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

/** Stores the state for the host: rip, budget, count, registers, flags. One function keeps the many cold places small. */
function spillFunction(module: ModuleBuilder, regs: readonly number[], marks: boolean): number {
  const rest = regs.filter((r) => r !== RSP && r !== RBP);
  const params: ValType[] = [I64, I32, ...(marks ? [I32 as ValType] : []), I64, I64, I32, I64, I64, I32, I64, I64];
  for (const _ of rest) params.push(I64);
  const body = new Body(params, []);
  const put = (at: number, param: number): void => {
    body
      .i32(0)
      .get(param)
      .mem(params[param] === I64 ? OP['i64.store'] : OP['i32.store'], at);
  };
  const reg = (r: number): number => CPU_PHYS + CPU.regs + 8 * r;
  const flags = [MAIL.code, MAIL.a, MAIL.b, MAIL.over, MAIL.oa, MAIL.ob];
  const places = [CPU_PHYS + CPU.rip, MAIL.left, ...(marks ? [MAIL.marked] : [])];
  places.push(reg(RSP), reg(RBP), ...flags, ...rest.map(reg));
  for (let i = 0; i < places.length; i++) put(places[i]!, i);
  return module.shared(`spill ${regs} ${marks}`, body);
}

/** `need`: budget that the unit wants at least; `refuse`: leaves, nothing has happened. */
function prologue(
  body: FunctionBody,
  l: Locals,
  unit: Unit,
  loaded: readonly number[],
  need: number,
  refuse: (left: Left) => void,
): void {
  const load = (at: number, to: number): void => {
    body.i32(0).mem(OP['i64.load'], at).set(to);
  };
  body.get(l.budget).i32(need).op(OP['i32.lt_s']).open('if');
  refuse(LEFT.budget);
  body.end();
  // What was called gives the machine back later than its caller, whose loops are the outer ones.
  body.i32(0).mem(OP['i32.load'], MAIL.soft);
  body.get(l.depth).i32(MAX_NESTED).op(OP['i32.ne']).i32(1).op(OP['i32.shl']).op(OP['i32.shr_u']).set(l.soft);
  l.runs.forEach((run, slot) => {
    if (run === undefined) return;
    const at = MAIL.runs + slot * RUN.size;
    load(at + RUN.start, run.start);
    load(at + RUN.bytes, run.bytes);
    body
      .i32(0)
      .mem(OP['i32.load'], at + RUN.delta)
      .set(run.delta);
  });
  const stack = l.runs[0]!;
  const { frame } = unit;
  if (frame.lo !== frame.hi) {
    // rsp0 + lo - start must be at most its bytes - (hi - lo), as unsigned numbers
    const bytes = frame.hi - frame.lo;
    body.get(stack.bytes).i64(bytes, 0).op(OP['i64.lt_u']).open('if');
    refuse(LEFT.frame);
    body.end();
    body
      .get(l.rsp0)
      .i64(frame.lo, frame.lo >> 31)
      .op(OP['i64.add'])
      .tee(l.i64)
      .get(stack.start)
      .op(OP['i64.sub']);
    body.get(stack.bytes).i64(bytes, 0).op(OP['i64.sub']).op(OP['i64.gt_u']);
    body.open('if');
    refuse(LEFT.frame);
    body.end();
    body.get(l.i64).op(OP['i32.wrap_i64']).get(stack.delta).op(OP['i32.add']).set(l.frame);
  }
  if (unit.bp !== DYNAMIC) {
    body.get(l.regs[RBP]!);
    body
      .get(l.rsp0)
      .i64(unit.bp, unit.bp >> 31)
      .op(OP['i64.add'])
      .op(OP['i64.ne']);
    body.open('if');
    refuse(LEFT.frame);
    body.end();
  }
  for (const r of loaded) if (!PASSED.includes(r)) load(CPU_PHYS + CPU.regs + 8 * r, l.regs[r]!);
  if (l.marked !== undefined) body.i32(0).mem(OP['i32.load'], MAIL.marked).set(l.marked);
  loadFlags(body, l);
}
