/**
 * Unit to WebAssembly function. Control flow is structured from the dominator tree (Ramsey,
 * "Beyond Relooper", ICFP 2022): a loop for each header, a block for each merge. Only an irreducible
 * unit gets a dispatch loop.
 */
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
import { type CallImports, leftCode, MAX_NESTED, PARAM, PARAMS, PASSED, RESULTS } from './calls.ts';
import { BlockEmitter, type Window } from './emit-block.ts';
import { emitCall, loadFlags, passParameters } from './emit-call.ts';
import type { FlagState } from './flags.ts';
import type { Flow } from './flow.ts';
import {
  type Block,
  DYNAMIC,
  RUN_SLOTS,
  reads,
  runSlot,
  successors,
  TEMP,
  termReads,
  type Unit,
  written,
} from './ir.ts';
import { LEFT, type Left, MAIL, RUN } from './mailbox.ts';

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
    if (b.term.kind !== 'call')
      for (const s of successors(b.term)) {
        if (flow.position[s.id]! > i) most = Math.max(most, need[s.id]!);
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
    runs: usedRuns(unit).map((used) =>
      used ? { start: local(I64), bytes: local(I64), delta: local(I32) } : undefined,
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
  const loops = [...flow.loops].map(([id, body]) => ({ id, ids: new Set([...body].map((b) => b.id)) }));
  for (const { id, ids } of loops) {
    const depth = loops.filter((o) => o.id !== id && o.ids.has(id)).length;
    const inner = loops.some((o) => o.id !== id && ids.has(o.id));
    levels[id] = depth === 0 ? 1 : inner ? 2 : 0;
  }
  return levels;
}

/** Which slots a unit needs; always the stack's. */
function usedRuns(unit: Unit): boolean[] {
  const used = new Array<boolean>(RUN_SLOTS).fill(false);
  used[0] = true;
  for (const b of unit.blocks) {
    for (const u of b.uops) {
      const slot = u.op === 'check' ? runSlot(u.cls) : -1;
      if (slot > 0) used[slot] = true;
    }
  }
  return used;
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
  const scratch = new Int32Array(5);
  for (const b of flow.order) {
    const target = termReads(b.term);
    if (target >= 0 && target < TEMP) any |= 1 << target;
    if (b.term.kind === 'call') changed |= 1 << RAX;
    for (const u of b.uops) {
      const n = reads(u, scratch);
      for (let k = 0; k < n; k++) if (scratch[k]! < TEMP) any |= 1 << scratch[k]!;
      const d = written(u);
      if (d >= 0 && d < TEMP) changed |= 1 << d;
    }
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

type Label = { readonly block: Block | undefined; readonly loop: boolean };

class Structure {
  private readonly body: FunctionBody;
  private readonly flow: Flow;
  private readonly states: readonly (FlagState | undefined)[];
  private readonly need: Int32Array;
  private readonly levels: Uint8Array;
  private readonly block: BlockEmitter;
  private readonly children: Block[][];
  private readonly merge: Uint8Array;
  private readonly labels: Label[] = [];

  constructor(
    body: FunctionBody,
    flow: Flow,
    states: readonly (FlagState | undefined)[],
    need: Int32Array,
    levels: Uint8Array,
    block: BlockEmitter,
  ) {
    this.body = body;
    this.flow = flow;
    this.states = states;
    this.need = need;
    this.levels = levels;
    this.block = block;
    this.children = flow.preds.map(() => []);
    this.merge = new Uint8Array(flow.preds.length);
    for (const b of flow.order) {
      const idom = flow.idom[b.id]!;
      if (idom !== b.id) this.children[idom]!.push(b);
      let forward = 0;
      for (const p of flow.preds[b.id]!) {
        if (flow.position[p.id]! >= flow.position[b.id]!) continue;
        // a branch whose two ways meet at once counts twice
        forward += successors(p.term).filter((s) => s === b).length;
      }
      if (forward > 1) this.merge[b.id] = 1;
    }
  }

  emit(): void {
    if (this.flow.reducible) this.tree(this.flow.order[0]!);
    else this.dispatch();
  }

  private tree(block: Block): void {
    const merges = this.children[block.id]!.filter((c) => this.merge[c.id]);
    if (this.flow.header[block.id]) {
      this.open('loop', { block, loop: true });
      this.within(block, merges, merges.length);
      this.close();
    } else this.within(block, merges, merges.length);
  }

  /** `merges` in reverse postorder: the last is outermost, as its code comes last. */
  private within(block: Block, merges: readonly Block[], count: number): void {
    if (count === 0) {
      this.content(block);
      return;
    }
    const last = merges[count - 1]!;
    this.open('block', { block: last, loop: false });
    this.within(block, merges, count - 1);
    this.close();
    this.tree(last);
  }

  private open(kind: 'block' | 'loop', label: Label): void {
    this.body.open(kind);
    this.labels.push(label);
  }

  private close(): void {
    this.body.end();
    this.labels.pop();
  }

  private content(block: Block): void {
    this.block.begin(block, this.states[block.id]!);
    const { term } = block;
    switch (term.kind) {
      case 'jump':
        this.edge(block, term.to);
        break;
      case 'call':
        emitCall(this.block, term, this.need[term.to.id]!);
        this.edge(block, term.to);
        break;
      case 'vmcall':
        this.block.vmcall(term.exit, this.need[term.to.id]!);
        this.edge(block, term.to);
        break;
      case 'leave':
        this.block.leave(term);
        break;
      case 'branch':
        this.branch(block, term.cc, term.taken, term.other);
    }
  }

  private branch(block: Block, cc: number, taken: Block, other: Block): void {
    this.block.condition(cc);
    if (taken === other) {
      this.body.op(OP.drop);
      this.edge(block, other);
      return;
    }
    const plain = (to: Block): boolean => this.isBranch(block, to) && !this.isBack(block, to);
    if (plain(taken)) {
      this.body.brIf(this.label(taken, false));
      this.edge(block, other);
    } else if (plain(other)) {
      this.body.op(OP['i32.eqz']).brIf(this.label(other, false));
      this.edge(block, taken);
    } else {
      this.body.open('if');
      this.labels.push({ block: undefined, loop: false });
      this.edge(block, taken);
      this.close();
      this.edge(block, other);
    }
  }

  private isBack(from: Block, to: Block): boolean {
    return this.flow.position[to.id]! <= this.flow.position[from.id]!;
  }

  private isBranch(from: Block, to: Block): boolean {
    return this.isBack(from, to) || this.merge[to.id] === 1;
  }

  private edge(from: Block, to: Block): void {
    const back = this.isBack(from, to);
    if (back) this.block.budgetCheck(to, this.need[to.id]!, this.levels[to.id]!);
    if (back || this.merge[to.id]) this.body.br(this.label(to, back));
    else this.tree(to);
  }

  private label(to: Block, loop: boolean): number {
    for (let i = this.labels.length - 1; i >= 0; i--) {
      const l = this.labels[i]!;
      if (l.block === to && l.loop === loop) return this.labels.length - 1 - i;
    }
    throw new Error(`no label for block ${to.id}`);
  }

  /** Irreducible: each block a case of one switch inside a loop. */
  private dispatch(): void {
    const { order, position } = this.flow;
    const next = this.body.local(I32);
    this.body.open('loop');
    for (let i = 0; i <= order.length; i++) this.body.open('block');
    this.body.get(next).brTable(
      order.map((_, i) => i),
      order.length,
    );
    this.body.end();
    order.forEach((block, i) => {
      const loop = order.length - i;
      const go = (to: Block, depth: number): void => {
        if (this.isBack(block, to)) this.block.budgetCheck(to, this.need[to.id]!, this.levels[to.id]!);
        this.body
          .i32(position[to.id]!)
          .set(next)
          .br(loop + depth);
      };
      this.block.begin(block, this.states[block.id]!);
      const { term } = block;
      if (term.kind === 'leave') this.block.leave(term);
      else if (term.kind === 'branch') {
        this.block.condition(term.cc);
        this.body.open('if');
        go(term.taken, 1);
        this.body.end();
        go(term.other, 0);
      } else {
        if (term.kind === 'vmcall') this.block.vmcall(term.exit, this.need[term.to.id]!);
        else if (term.kind === 'call') emitCall(this.block, term, this.need[term.to.id]!);
        go(term.to, 0);
      }
      this.body.end();
    });
    this.body.op(OP.unreachable).end();
  }
}
