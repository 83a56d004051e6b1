/**
 * Calls between translated functions: what they pass, and the one module with the table of them.
 *
 * A unit has a slot for as long as the machine lives; the table has its code there, or, before it is
 * translated and after it was dropped, one that leaves for the run loop. Callers do not import the
 * table (every module that does is kept alive by it, and changing it takes time for each) but the
 * functions here that look into it.
 *
 * The caller has put into memory what is not passed: the other registers, flags and marks into the
 * mailbox, and rip, where the callee starts. A result of 0 or more is the budget that is left: the
 * callee has returned where it was told to, and memory has what is not a result. Any other result says
 * who left the machine, and why; its state is complete in memory then, the caller is forgotten and
 * returns the same at once.
 */
import { type Addr, addrHi, addrLo } from '../../addr.ts';
import { CPU, R8, RBP, RCX, RDI, RDX, RSI, RSP } from '../../cpu.ts';
import { CALLS_PHYS, CPU_PHYS } from '../../layout.ts';
import type { GuestMemory } from '../../memory.ts';
import { FunctionBody, I32, I64, ModuleBuilder, OP, type ValType } from '../../wasm/encoder.ts';
import { LEFT, type Left, MAIL } from '../ir/mailbox.ts';

/** Registers that are passed; rax is a result. */
export const PASSED: readonly number[] = [RBP, RDI, RSI, RDX, RCX, R8];
/** Parameters of every unit's function. */
export const PARAM = {
  budget: 0,
  rsp: 1,
  /** calls that may still nest: WebAssembly's own stack has an end */
  depth: 2,
  /** the return address, and where it lies: 0 where the host called */
  back: 3,
  backAt: 4,
  /** then {@link PASSED} */
  registers: 5,
} as const;
export const PARAMS: readonly ValType[] = [I32, I64, I32, I64, I64, ...PASSED.map(() => I64 as ValType)];
/** Budget left, or ~(slot << 3 | why it left); rax. */
export const RESULTS: readonly ValType[] = [I32, I64];

export const leftCode = (slot: number, left: Left): number => ~((slot << 3) | left);
export const leftOf = (code: number): Left => (~code & 7) as Left;
export const slotOf = (code: number): number => ~code >> 3;

/** Calls that nest before the host starts over. */
export const MAX_NESTED = 64;

/** Function indices of the imports that units have for this. */
export interface CallImports {
  /** (slot, parameters) */
  readonly call: number;
  /** (address, parameters): the unit that starts there */
  readonly jump: number;
  /** (result, parameters): stores the parameters where nothing has happened yet */
  readonly refuse: number;
}

/** Entries of the cache by address: i64 address, i32 slot. */
const ENTRIES = 4096;
const ENTRY_BYTES = 16;
const FIRST_SIZE = 256;

export class Calls {
  /** the next slot that nobody has; 0 is nobody's */
  private next = 1;
  private readonly slots = new Map<Addr, number>();
  private readonly memory: GuestMemory;
  /** from the first unit on: a run that translates nothing does not wait for it */
  private opened: Switchboard | undefined;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  private get board(): Switchboard {
    this.opened ??= openSwitchboard(this.memory);
    return this.opened;
  }

  /** (slot, budget): runs a unit from the state in memory; a result below 0 */
  get enter(): (slot: number, budget: number) => number {
    return this.board.enter;
  }

  /** Declares the imports in a module; {@link functions} are what is imported. */
  static declare(module: ModuleBuilder): CallImports {
    return {
      call: module.import('call', [I32, ...PARAMS], RESULTS),
      jump: module.import('jump', [I64, ...PARAMS], RESULTS),
      refuse: module.import('refuse', [I32, ...PARAMS], RESULTS),
    };
  }

  get imports(): Readonly<Record<string, unknown>> {
    const { call, jump, refuse } = this.board;
    return { call, jump, refuse };
  }

  /** Slot of the unit at an address, whether there is one or not. */
  slotOf = (entry: Addr): number => {
    let slot = this.slots.get(entry);
    if (slot === undefined) {
      slot = this.next++;
      this.slots.set(entry, slot);
      const { table, stub } = this.board;
      if (slot >= table.length) table.grow(table.length);
      table.set(slot, stub);
    }
    return slot;
  };

  /** Slot of the unit at an address given by its halves, if that is in the cache; else 0. */
  cached(lo: number, hi: number): number {
    const { i32 } = this.memory;
    const at = place(lo) >> 2;
    return i32[at] === lo && i32[at + 1] === hi ? i32[at + 2]! : 0;
  }

  /** From now on calls of `entry` go to this function. */
  connect(entry: Addr, code: unknown): void {
    const slot = this.slotOf(entry);
    this.board.table.set(slot, code);
    // The cache may keep entries of dropped units, as a slot is always the same address'.
    const { i32 } = this.memory;
    const at = place(addrLo(entry)) >> 2;
    i32[at] = addrLo(entry);
    i32[at + 1] = addrHi(entry);
    i32[at + 2] = slot;
  }

  /** From now on calls of the unit in a slot leave. */
  disconnect(slot: number): void {
    const { table, stub } = this.board;
    table.set(slot, stub);
  }
}

/** Offset of the cache entry of an address with this low half; {@link placeOf} computes the same. */
const place = (lo: number): number => CALLS_PHYS + ((lo ^ (lo >>> 12)) & (ENTRIES - 1)) * ENTRY_BYTES;

const register = (n: number): number => CPU_PHYS + CPU.regs + 8 * n;

/** What the module with the table exports. */
interface Switchboard {
  readonly table: WebAssembly.Table;
  readonly enter: (slot: number, budget: number) => number;
  readonly stub: unknown;
  readonly call: unknown;
  readonly jump: unknown;
  readonly refuse: unknown;
}

function openSwitchboard(memory: GuestMemory): Switchboard {
  const { exports: board } = new WebAssembly.Instance<Switchboard>(switchboard(memory.wasm.buffer.byteLength / 65536), {
    m: { memory: memory.wasm },
  });
  board.table.set(0, board.stub);
  return board;
}

let made: { pages: number; module: WebAssembly.Module } | undefined;

/** The module with the table: the same for every machine of a size. */
function switchboard(pages: number): WebAssembly.Module {
  if (made?.pages !== pages) {
    const module = new ModuleBuilder(pages);
    module.table(FIRST_SIZE);
    const refuse = module.add(refuseFunction(), 'refuse');
    module.add(stubFunction(refuse), 'stub');
    module.add(enterFunction(module), 'enter');
    module.add(callFunction(module, refuse), 'call');
    module.add(jumpFunction(module, refuse), 'jump');
    made = { pages, module: new WebAssembly.Module(module.encode()) };
  }
  return made.module;
}

/** Pushes parameters that start at local `first`. */
function pass(body: FunctionBody, first: number): void {
  for (let i = 0; i < PARAMS.length; i++) body.get(first + i);
}

function refuseFunction(): FunctionBody {
  const body = new FunctionBody([I32, ...PARAMS], RESULTS);
  const first = 1;
  body
    .i32(0)
    .get(first + PARAM.budget)
    .mem(OP['i32.store'], MAIL.left);
  body
    .i32(0)
    .get(first + PARAM.rsp)
    .mem(OP['i64.store'], register(RSP));
  PASSED.forEach((r, i) => {
    body
      .i32(0)
      .get(first + PARAM.registers + i)
      .mem(OP['i64.store'], register(r));
  });
  return body.get(0).i64(0, 0);
}

/** What slots of units that are not translated have. */
function stubFunction(refuse: number): FunctionBody {
  const body = new FunctionBody(PARAMS, RESULTS);
  body.i32(leftCode(0, LEFT.transfer));
  pass(body, 0);
  return body.call(refuse);
}

/**
 * Runs the unit in a slot, and where control then goes to another that it knows, that one: after a switch of stacks the
 * frames of the other stack return one by one.
 */
function enterFunction(module: ModuleBuilder): FunctionBody {
  const body = new FunctionBody([I32, I32], [I32]);
  const slot = 0;
  const budget = 1;
  const code = body.local(I32);
  const at = body.local(I32);
  const rip = body.local(I64);
  const load = (n: number): FunctionBody => body.i32(0).mem(OP['i64.load'], register(n));
  body.open('loop');
  body.get(budget);
  load(RSP).i32(MAX_NESTED).i64(0, 0).i64(0, 0);
  for (const r of PASSED) load(r);
  body.get(slot).callIndirect(module.type(PARAMS, RESULTS)).op(OP.drop).set(code);
  // by a unit, not by a stub; a site that left is the host's to learn from
  body.get(code).i32(-1).op(OP['i32.xor']).tee(at).i32(7).op(OP['i32.and']).i32(LEFT.transfer).op(OP['i32.eq']);
  body.get(at).i32(7).op(OP['i32.gt_u']).op(OP['i32.and']);
  body.i32(0).mem(OP['i32.load'], MAIL.site).op(OP['i32.eqz']).op(OP['i32.and']).open('if');
  body
    .i32(0)
    .mem(OP['i64.load'], CPU_PHYS + CPU.rip)
    .set(rip);
  placeOf(body, rip, at);
  body.get(at).mem(OP['i64.load'], CALLS_PHYS).get(rip).op(OP['i64.eq']).open('if');
  body
    .get(at)
    .mem(OP['i32.load'], CALLS_PHYS + 8)
    .set(slot);
  body.i32(0).mem(OP['i32.load'], MAIL.left).set(budget);
  body.br(2).end().end().end();
  return body.get(code);
}

/** Sets local `at` to the offset of the cache entry of the address in local `address`, as {@link place} does. */
function placeOf(body: FunctionBody, address: number, at: number): void {
  body.get(address).op(OP['i32.wrap_i64']).tee(at).get(at).i32(12).op(OP['i32.shr_u']).op(OP['i32.xor']);
  body
    .i32(ENTRIES - 1)
    .op(OP['i32.and'])
    .i32(4)
    .op(OP['i32.shl'])
    .set(at);
}

/** Where too many calls nest: the run loop goes on at the callee. */
function guardDepth(body: FunctionBody, refuse: number): void {
  body
    .get(1 + PARAM.depth)
    .op(OP['i32.eqz'])
    .open('if');
  body.i32(leftCode(0, LEFT.transfer));
  pass(body, 1);
  body.call(refuse).op(OP.return).end();
}

function callFunction(module: ModuleBuilder, refuse: number): FunctionBody {
  const body = new FunctionBody([I32, ...PARAMS], RESULTS);
  guardDepth(body, refuse);
  pass(body, 1);
  return body.get(0).callIndirect(module.type(PARAMS, RESULTS));
}

function jumpFunction(module: ModuleBuilder, refuse: number): FunctionBody {
  const body = new FunctionBody([I64, ...PARAMS], RESULTS);
  const at = body.local(I32);
  guardDepth(body, refuse);
  placeOf(body, 0, at);
  body.get(at).mem(OP['i64.load'], CALLS_PHYS).get(0).op(OP['i64.ne']).open('if');
  body.i32(leftCode(0, LEFT.transfer));
  pass(body, 1);
  body.call(refuse).op(OP.return).end();
  pass(body, 1);
  return body
    .get(at)
    .mem(OP['i32.load'], CALLS_PHYS + 8)
    .callIndirect(module.type(PARAMS, RESULTS));
}
