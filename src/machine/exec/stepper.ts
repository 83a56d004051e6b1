/**
 * The stepping interpreter: exact at each instruction. Blocks of micro-operations while the budget is
 * larger than a block, single instructions at its end and while the trap flag is set.
 */
import { FLAG } from '../../x86/index.ts';
import { type Addr, addrOf } from '../addr.ts';
import { type CpuState, RBP, RSP } from '../cpu.ts';
import { EXIT, type Exit, type Stepper } from '../executor.ts';
import { Fault, GuestFault } from '../fault.ts';
import { EXEC } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import { Blocks } from './blocks.ts';
import { AGAIN, Context, type Step } from './context.ts';
import { writeStatus } from './flags.ts';
import { Host, LEFT } from './host.ts';
import { MAX_BLOCK } from './loop/slot.ts';
import { trapAt } from './traps.ts';

const STACK = /^(push|pop|call|ret|enter|leave|iret)/;
/** Largest budget of one turn of the loop: V8 replaces a function by its optimised form only between turns. */
const SLICE = 1 << 20;

class BlockStepper implements Stepper {
  executed = 0;
  marked = 0;
  fault: Fault | undefined;
  private readonly cpu: CpuState;
  private readonly x: Context;
  private readonly blocks: Blocks;
  private readonly host: Host;
  private readonly weights: ReadonlyMap<Addr, number>;
  private readonly stops: ReadonlySet<Addr>;

  constructor(memory: GuestMemory, cpu: CpuState, weights: ReadonlyMap<Addr, number>, stops: ReadonlySet<Addr>) {
    this.weights = weights;
    this.stops = stops;
    this.cpu = cpu;
    this.x = new Context(cpu, memory);
    this.blocks = new Blocks(memory, this.x, weights, stops);
    this.host = new Host(this.x, this.blocks);
  }

  onTransfer(ask: (target: Addr, times: number) => boolean, every: number): void {
    this.blocks.onTransfer = ask;
    this.blocks.every = every;
  }

  seen(va: Addr): boolean {
    return this.blocks.covers(va);
  }

  invalidate(va: Addr, bytes: number): void {
    this.blocks.invalidate(va, bytes);
  }

  run(limit: number): Exit {
    const { cpu, x } = this;
    this.executed = 0;
    this.marked = 0;
    this.fault = undefined;
    writeStatus(x.f, cpu.rflags);
    x.next = cpu.rip;
    x.serialize = false;
    const { stops } = this;
    try {
      if (stops.size > 0 && limit > 0 && stops.has(x.next)) {
        this.blocks.enter(cpu.cpl === 3);
        const exit = this.single(limit);
        if (exit >= 0) return exit as Exit;
      }
      for (;;) {
        this.blocks.enter(cpu.cpl === 3);
        while (limit - this.executed >= MAX_BLOCK && (cpu.rflags & FLAG.TF) === 0) {
          const exit = this.runBlocks(Math.min(limit - this.executed, SLICE));
          if (exit >= 0) return exit as Exit;
        }
        if (this.executed >= limit) return EXIT.budget;
        if (stops.size > 0 && stops.has(x.next)) return EXIT.breakpoint;
        const exit = this.single(limit);
        if (exit >= 0) return exit as Exit;
      }
    } finally {
      cpu.rip = x.next;
      cpu.rflags = x.rflags();
    }
  }

  /** Runs blocks from x.next; -1 to go on. */
  private runBlocks(budget: number): number {
    const { x, blocks } = this;
    const at = blocks.lookup(x.next);
    if (at === 0) return this.unfetched();
    const { host } = this;
    let why: number;
    try {
      why = host.run(at, budget);
    } catch (error) {
      const n = blocks.number(host.at);
      const s = blocks.steps[n] as Step;
      this.executed += budget - host.left + blocks.ordinals[n]! + x.turns;
      x.turns = 0;
      this.marked += host.marked + blocks.markedAt(host.at);
      x.next = s.rip;
      return this.caught(error, s);
    }
    this.executed += budget - host.left;
    this.marked += host.marked;
    switch (why) {
      case LEFT.handler:
        return this.left(host.leave);
      case LEFT.serialize:
        blocks.enter(this.cpu.cpl === 3);
        return -1;
      case LEFT.fetch:
        return this.unfetched();
      default:
        x.next = blocks.ripAt(host.at);
        return why === LEFT.hot ? EXIT.hot : -1;
    }
  }

  /** Executes one instruction; -1 to go on. */
  private single(limit: number): number {
    const { x, cpu, blocks } = this;
    const rip = x.next;
    const trap = (cpu.rflags & FLAG.TF) !== 0;
    let s: Step | undefined;
    try {
      s = blocks.single(rip);
      this.marked += this.weights.get(rip) ?? 0;
      x.next = s.next;
      x.room = Math.min(limit - this.executed, SLICE);
      const leave = s.run(x, s);
      if (leave !== AGAIN) this.executed++;
      if (leave > 0) return this.left(leave);
      x.serialize = false;
    } catch (error) {
      x.next = rip;
      return this.caught(error, s);
    } finally {
      this.executed += x.turns;
      x.turns = 0;
    }
    if (!trap) return -1;
    this.fault = trapAt('db', x.next);
    return EXIT.fault;
  }

  private left(leave: number): number {
    this.fault = this.x.pending;
    return leave - 1;
  }

  private unfetched(): number {
    this.fault = this.blocks.fault;
    this.x.next = this.blocks.faultRip;
    return this.fault === undefined ? EXIT.breakpoint : EXIT.fault;
  }

  private caught(error: unknown, s: Step | undefined): number {
    if (error instanceof GuestFault) this.fault = this.accessFault(error, s);
    else if (error instanceof Fault) this.fault = error;
    else throw error;
    return EXIT.fault;
  }

  /** #PF, #GP, or #SS where a non-canonical address came through the stack segment. */
  private accessFault(error: GuestFault, s: Step | undefined): Fault {
    const rip = this.x.next;
    if (error.errorCode < 0 && error.access !== EXEC && s !== undefined && this.throughStack(s, error)) {
      return new Fault('ss', rip, { detail: 'non-canonical stack address' });
    }
    return Fault.fromAccess(error, rip, this.cpu.cpl === 3);
  }

  /** Whether the failed access went through ss by default (SDM vol. 1, table 3-5). */
  private throughStack(s: Step, error: GuestFault): boolean {
    const { insn } = s;
    const operand = insn.mem && insn.segment === 0 && (insn.base === RSP || insn.base === RBP);
    if (!STACK.test(s.form.mnemonic) || !insn.mem) return operand || STACK.test(s.form.mnemonic);
    const lo = this.x.address(s);
    return addrOf(lo, this.x.hi) === error.address ? operand : true;
  }
}

/**
 * @param weights what executing the instruction at an address adds to `marked`
 * @param stops where runs end; {@link Stepper.invalidate} says that an address came or went
 */
export function createStepper(
  memory: GuestMemory,
  cpu: CpuState,
  weights: ReadonlyMap<Addr, number> = new Map(),
  stops: ReadonlySet<Addr> = new Set(),
): Stepper {
  return new BlockStepper(memory, cpu, weights, stops);
}
