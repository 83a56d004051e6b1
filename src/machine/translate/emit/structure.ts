/**
 * Structured control flow from the dominator tree (Ramsey, "Beyond Relooper", ICFP 2022): a loop for each header, a
 * block for each merge. Only an irreducible unit gets a dispatch loop. What is still to be written is a list
 * here and not the host's stack, as dominator trees may be as deep as the unit has blocks.
 */
import { type FunctionBody, I32, OP } from '../../wasm/encoder.ts';
import type { FlagState } from '../ir/flags.ts';
import { type Block, successor } from '../ir/ir.ts';
import type { Flow } from '../passes/flow.ts';
import { emitBlock } from './block.ts';
import { emitCondition } from './condition.ts';
import { emitCall } from './direct-call.ts';
import type { Emitter } from './emitter.ts';
import { emitBudgetCheck } from './exit.ts';
import { emitLeave, emitVmcall } from './leave.ts';

/** What is still to be written: a block and what it dominates; the end of a loop, block or if; the way from one block to another. */
const DO = { tree: 0, close: 1, edge: 2 } as const;

export class Structure {
  private readonly body: FunctionBody;
  private readonly flow: Flow;
  private readonly states: readonly (FlagState | undefined)[];
  private readonly need: Int32Array;
  private readonly levels: Uint8Array;
  private readonly e: Emitter;
  /** blocks that several ways forward lead to */
  private readonly merge: Uint8Array;
  /** by id: merges that a block dominates immediately, in reverse postorder */
  private readonly merges: (Block[] | undefined)[];
  /** how many loops, blocks and ifs are open */
  private depth = 0;
  /** by block id: depth inside the loop that it heads, and inside the block that it follows */
  private readonly loopDepth: Int32Array;
  private readonly blockDepth: Int32Array;
  /** the last is next; blocks where they are needed */
  private readonly todo: number[] = [];
  private readonly from: (Block | undefined)[] = [];
  private readonly to: (Block | undefined)[] = [];

  /**
   * @param states flag state at the start of each block, by id
   * @param need longest way in instructions from each block to the next budget check, by id
   * @param levels how early a loop gives the machine back, by header id
   */
  constructor(
    body: FunctionBody,
    flow: Flow,
    states: readonly (FlagState | undefined)[],
    need: Int32Array,
    levels: Uint8Array,
    e: Emitter,
  ) {
    this.body = body;
    this.flow = flow;
    this.states = states;
    this.need = need;
    this.levels = levels;
    this.e = e;
    const n = flow.position.length;
    this.merge = new Uint8Array(n);
    this.merges = new Array<Block[] | undefined>(n).fill(undefined);
    this.loopDepth = new Int32Array(n);
    this.blockDepth = new Int32Array(n);
    const forward = new Uint8Array(n);
    for (const b of flow.order) {
      // a branch whose two ways meet at once counts twice
      for (let way = 0; way < 2; way++) {
        const s = successor(b.term, way as 0 | 1);
        if (s !== undefined && !this.isBack(b, s) && forward[s.id]! < 2) forward[s.id]!++;
      }
    }
    for (const b of flow.order) {
      if (forward[b.id]! < 2) continue;
      this.merge[b.id] = 1;
      const above = flow.idom[b.id]!;
      const siblings = this.merges[above];
      if (siblings === undefined) this.merges[above] = [b];
      else siblings.push(b);
    }
  }

  emit(): void {
    if (!this.flow.reducible) {
      this.dispatch();
      return;
    }
    this.later(DO.tree, undefined, this.flow.order[0]!);
    const { todo, from, to } = this;
    while (todo.length > 0) {
      const what = todo.pop()!;
      const source = from.pop();
      const block = to.pop();
      if (what === DO.tree) this.tree(block!);
      else if (what === DO.edge) this.edge(source!, block!);
      else {
        this.body.end();
        this.depth--;
      }
    }
  }

  private later(what: number, from: Block | undefined, to: Block | undefined): void {
    this.todo.push(what);
    this.from.push(from);
    this.to.push(to);
  }

  private open(kind: 'block' | 'loop' | 'if'): void {
    this.body.open(kind);
    this.depth++;
  }

  private tree(block: Block): void {
    if (this.flow.header[block.id]) {
      this.open('loop');
      this.loopDepth[block.id] = this.depth;
      this.later(DO.close, undefined, undefined);
    }
    const merges = this.merges[block.id];
    if (merges !== undefined) {
      // The last in reverse postorder is outermost, as its code comes last.
      for (let i = merges.length - 1; i >= 0; i--) {
        const m = merges[i]!;
        this.open('block');
        this.blockDepth[m.id] = this.depth;
        this.later(DO.tree, undefined, m);
        this.later(DO.close, undefined, undefined);
      }
    }
    this.content(block);
  }

  private content(block: Block): void {
    emitBlock(this.e, block, this.states[block.id]!);
    const { term } = block;
    switch (term.kind) {
      case 'jump':
        this.edge(block, term.to);
        break;
      case 'call':
        emitCall(this.e, term, this.need[term.to.id]!);
        this.edge(block, term.to);
        break;
      case 'vmcall':
        emitVmcall(this.e, term.exit, this.need[term.to.id]!);
        this.edge(block, term.to);
        break;
      case 'leave':
        emitLeave(this.e, term);
        break;
      case 'branch':
        this.branch(block, term.cc, term.taken, term.other);
    }
  }

  private branch(block: Block, cc: number, taken: Block, other: Block): void {
    emitCondition(this.e, cc);
    if (taken === other) {
      this.body.op(OP.drop);
      this.edge(block, other);
    } else if (this.isPlain(block, taken)) {
      this.body.brIf(this.depth - this.blockDepth[taken.id]!);
      this.edge(block, other);
    } else if (this.isPlain(block, other)) {
      this.body.op(OP['i32.eqz']).brIf(this.depth - this.blockDepth[other.id]!);
      this.edge(block, taken);
    } else {
      this.open('if');
      this.later(DO.edge, block, other);
      this.later(DO.close, undefined, undefined);
      this.edge(block, taken);
    }
  }

  private isBack(from: Block, to: Block): boolean {
    return this.flow.position[to.id]! <= this.flow.position[from.id]!;
  }

  /** Whether the way is a branch and nothing else. */
  private isPlain(from: Block, to: Block): boolean {
    return this.merge[to.id] === 1 && !this.isBack(from, to);
  }

  private edge(from: Block, to: Block): void {
    if (this.isBack(from, to)) {
      emitBudgetCheck(this.e, to, this.need[to.id]!, this.levels[to.id]!);
      this.body.br(this.depth - this.loopDepth[to.id]!);
    } else if (this.merge[to.id]) this.body.br(this.depth - this.blockDepth[to.id]!);
    else this.later(DO.tree, undefined, to);
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
        if (this.isBack(block, to)) emitBudgetCheck(this.e, to, this.need[to.id]!, this.levels[to.id]!);
        this.body
          .i32(position[to.id]!)
          .set(next)
          .br(loop + depth);
      };
      emitBlock(this.e, block, this.states[block.id]!);
      const { term } = block;
      if (term.kind === 'leave') emitLeave(this.e, term);
      else if (term.kind === 'branch') {
        emitCondition(this.e, term.cc);
        this.body.open('if');
        go(term.taken, 1);
        this.body.end();
        go(term.other, 0);
      } else {
        if (term.kind === 'vmcall') emitVmcall(this.e, term.exit, this.need[term.to.id]!);
        else if (term.kind === 'call') emitCall(this.e, term, this.need[term.to.id]!);
        go(term.to, 0);
      }
      this.body.end();
    });
    this.body.op(OP.unreachable).end();
  }
}
