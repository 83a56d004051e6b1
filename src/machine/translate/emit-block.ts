/**
 * Micro-operations to WebAssembly. Guest registers are i64 locals; a 32-bit operation is the i32
 * instruction between wrap and extend, which the engine's code generator folds away.
 */
import { type Addr, addrHi, addrLo } from '../addr.ts';
import { CPU, RBP, RSP } from '../cpu.ts';
import { CPU_PHYS, GENERAL_ZONE_PHYS, PAGE_OFFSET, TLB_ENTRIES, TLB_PHYS, TLB_TABLE_BYTES } from '../layout.ts';
import { Bytes, type FunctionBody, I64, OP } from '../wasm/encoder.ts';
import { runSlot } from './address-class.ts';
import { type CallImports, leftCode } from './calls.ts';
import type { Locals } from './emit.ts';
import { emitJump, emitReturn, loadFlags, loadRegisters } from './emit-call.ts';
import { emitCondition, emitFlags } from './emit-condition.ts';
import { afterUop, type FlagState, flagCode, overlayCode } from './flags.ts';
import type { Block, Terminator, Unit } from './ir.ts';
import { LEFT, type Left, MAIL, VMCALL } from './mailbox.ts';
import { type AluOp, DYNAMIC, type ExitPoint, TEMP, type Uop } from './uop.ts';
import { USE } from './uses.ts';

/** A run of pages is at least a page. */
const MIN_RUN = 4096;
/** No check covers more; an access farther from its pointer is the stepper's. */
const MAX_SPAN = 1 << 24;

/** The direct map's part that is always readable and writable: physical [GENERAL_ZONE_PHYS, end). */
export interface Window {
  readonly end: number;
}

export interface BlockOptions {
  readonly spill: number;
  readonly vmcall: number;
  readonly settle: number;
  readonly calls: CallImports;
  readonly slotOf: (entry: Addr) => number;
  /** the unit's own */
  readonly slot: number;
  readonly window: Window;
  readonly spilled: readonly number[];
  readonly loaded: readonly number[];
}

/** i32 and i64 instruction of each operation. */
const ALU: Readonly<Record<AluOp, readonly [number, number]>> = {
  add: [OP['i32.add'], OP['i64.add']],
  sub: [OP['i32.sub'], OP['i64.sub']],
  and: [OP['i32.and'], OP['i64.and']],
  or: [OP['i32.or'], OP['i64.or']],
  xor: [OP['i32.xor'], OP['i64.xor']],
  mul: [OP['i32.mul'], OP['i64.mul']],
  shl: [OP['i32.shl'], OP['i64.shl']],
  shr: [OP['i32.shr_u'], OP['i64.shr_u']],
  sar: [OP['i32.shr_s'], OP['i64.shr_s']],
  rotl: [OP['i32.rotl'], OP['i64.rotl']],
  rotr: [OP['i32.rotr'], OP['i64.rotr']],
  divu: [OP['i32.div_u'], OP['i64.div_u']],
  remu: [OP['i32.rem_u'], OP['i64.rem_u']],
  divs: [OP['i32.div_s'], OP['i64.div_s']],
  rems: [OP['i32.rem_s'], OP['i64.rem_s']],
};
/** By width. */
const LOAD = [0, OP['i64.load8_u'], OP['i64.load16_u'], 0, OP['i64.load32_u'], 0, 0, 0, OP['i64.load']];
const LOAD_SIGNED = [0, OP['i64.load8_s'], OP['i64.load16_s'], 0, OP['i64.load32_s'], 0, 0, 0, OP['i64.load']];
const STORE = [0, OP['i64.store8'], OP['i64.store16'], 0, OP['i64.store32'], 0, 0, 0, OP['i64.store']];
const MASK: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff };

/** Fields that may name a variable. */
interface Named {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly p: number;
}

export class BlockEmitter {
  readonly body: FunctionBody;
  readonly l: Locals;
  readonly o: BlockOptions;
  private readonly unit: Unit;
  private block!: Block;
  private state!: FlagState;
  /** temporaries' locals; reused after the last use */
  private readonly temps: Int32Array;
  private readonly free: number[] = [];
  /** the end of every spill: flags, all registers but rsp and rbp, the call */
  private readonly spillTail: Uint8Array;

  constructor(body: FunctionBody, locals: Locals, unit: Unit, options: BlockOptions) {
    this.body = body;
    this.l = locals;
    this.unit = unit;
    this.o = options;
    this.temps = new Int32Array(unit.temps).fill(-1);
    const tail = new Bytes();
    const l = locals;
    for (const local of [l.code, l.a, l.b, l.over, l.oa, l.ob]) tail.u8(OP['local.get']).u32(local);
    for (const r of options.spilled) if (r !== RSP && r !== RBP) tail.u8(OP['local.get']).u32(l.regs[r]!);
    this.spillTail = tail.u8(OP.call).u32(options.spill).view();
  }

  /** Emits the block's micro-operations. */
  begin(block: Block, state: FlagState): void {
    const { body, l } = this;
    this.block = block;
    this.state = state;
    if (block.count > 0) body.get(l.budget).i32(block.count).op(OP['i32.sub']).set(l.budget);
    const weight = block.weights?.at(-1) ?? 0;
    if (weight > 0) body.get(l.marked!).i32(weight).op(OP['i32.add']).set(l.marked!);
    for (const u of block.uops) {
      if (u.uses & USE.alu) this.alu(u as Extract<Uop, { op: AluOp }>);
      else this.uop(u);
      if (u.uses & USE.flags) this.state = afterUop(this.state, u);
      if (u.ends !== 0) this.release(u as unknown as Named, u.ends);
    }
  }

  /** Temporaries that are named for the last time give their locals back. */
  private release(u: Named, ends: number): void {
    if (ends & USE.a) this.giveBack(u.a);
    if (ends & USE.b) this.giveBack(u.b);
    if (ends & USE.c) this.giveBack(u.c);
    if (ends & USE.d) this.giveBack(u.d);
    if (ends & (USE.p | USE.setsP)) this.giveBack(u.p);
  }

  private giveBack(v: number): void {
    const local = this.temps[v - TEMP]!;
    if (local < 0) return;
    this.free.push(local);
    this.temps[v - TEMP] = -1;
  }

  private local(v: number): number {
    if (v < TEMP) return this.l.regs[v]!;
    const t = v - TEMP;
    let local = this.temps[t]!;
    if (local < 0) {
      local = this.free.pop() ?? this.body.local(I64);
      this.temps[t] = local;
    }
    return local;
  }

  get(v: number): FunctionBody {
    return this.body.get(this.local(v));
  }

  private set(v: number): void {
    this.body.set(this.local(v));
  }

  /** Variable or immediate, as i64. */
  private value(v: number, lo: number, hi: number): void {
    if (v >= 0) this.get(v);
    else this.body.i64(lo, hi);
  }

  /** Variable or immediate, as i32. */
  private value32(v: number, lo: number): void {
    if (v >= 0) this.get(v).op(OP['i32.wrap_i64']);
    else this.body.i32(lo);
  }

  private uop(u: Uop): void {
    const { body, l } = this;
    switch (u.op) {
      // most frequent first
      case 'zext':
        this.get(u.a);
        if (u.w === 4) body.op(OP['i32.wrap_i64']).op(OP['i64.extend_i32_u']);
        else if (u.w < 4) body.i64(MASK[u.w]!, 0).op(OP['i64.and']);
        this.set(u.d);
        return;
      case 'mov':
        this.get(u.a);
        this.set(u.d);
        return;
      case 'load':
        this.address(u);
        body.mem((u.sign ? LOAD_SIGNED : LOAD)[u.w]!, this.offset(u));
        this.set(u.d);
        return;
      case 'flags': {
        const shift = u.kind === 'shl' || u.kind === 'shr' || u.kind === 'sar';
        body.i32(flagCode(u.kind, u.w, shift ? u.lo : 0)).set(l.code);
        body.i32(0).set(l.over);
        this.get(u.a).set(l.a);
        this.value(u.b, u.lo, u.hi);
        body.set(l.b);
        return;
      }
      case 'load.sp':
        body.get(l.frame).mem((u.sign ? LOAD_SIGNED : LOAD)[u.w]!, u.disp - this.unit.frame.lo);
        this.set(u.d);
        return;
      case 'const':
        body.i64(u.lo, u.hi);
        this.set(u.d);
        return;
      case 'check':
        this.check(u);
        return;
      case 'store.sp':
        body.get(l.frame);
        this.value(u.b, u.lo, u.hi);
        body.mem(STORE[u.w]!, u.disp - this.unit.frame.lo);
        return;
      case 'store':
        this.address(u);
        this.value(u.b, u.lo, u.hi);
        body.mem(STORE[u.w]!, this.offset(u));
        return;
      case 'sp':
        this.stackAddress(u.disp);
        this.set(u.d);
        return;
      case 'cpu':
        body.i32(0).mem(OP['i64.load'], CPU_PHYS + u.at);
        this.set(u.d);
        return;
      case 'sext':
        this.get(u.a);
        if (u.w < 8) body.op(u.w === 4 ? OP['i64.extend32_s'] : u.w === 2 ? OP['i64.extend16_s'] : OP['i64.extend8_s']);
        this.set(u.d);
        return;
      case 'insert':
        this.insert(u);
        return;
      case 'bswap':
        this.bswap(u);
        return;
      case 'mulhu':
        this.mulhu(u);
        return;
      case 'cmov':
        this.condition(u.cc);
        body.open('if');
        this.get(u.a);
        this.set(u.d);
        body.end();
        return;
      case 'setcc':
        this.condition(u.cc);
        body.op(OP['i64.extend_i32_u']);
        this.set(u.d);
        return;
      case 'rflags':
        emitFlags(body, l, this.state, this.o.settle);
        this.set(u.d);
        return;
      case 'swapgs': {
        const kernel = CPU_PHYS + CPU.kernelGsBase;
        const now = CPU_PHYS + CPU.gsBase;
        body.i32(0).mem(OP['i64.load'], now).set(l.i64);
        body.i32(0).i32(0).mem(OP['i64.load'], kernel).mem(OP['i64.store'], now);
        body.i32(0).get(l.i64).mem(OP['i64.store'], kernel);
        return;
      }
      case 'system':
        body
          .i32(0)
          .i32(0)
          .mem(OP['i32.load'], CPU_PHYS + CPU.rflags)
          .i32(~u.hi)
          .op(OP['i32.and']);
        if (u.a < 0) body.i32(u.lo & u.hi);
        else this.get(u.a).op(OP['i32.wrap_i64']).i32(u.hi).op(OP['i32.and']);
        body.op(OP['i32.or']).mem(OP['i32.store'], CPU_PHYS + CPU.rflags);
        return;
      case 'flags.var':
        this.get(u.c).op(OP['i32.wrap_i64']).tee(l.i32).open('if');
        body.get(l.i32).i32(16).op(OP['i32.shl']).i32(flagCode(u.kind, u.w)).op(OP['i32.or']).set(l.code);
        body.i32(0).set(l.over);
        this.get(u.a).set(l.a);
        this.get(u.b).set(l.b);
        body.end();
        return;
      case 'overlay':
        body.i32(overlayCode(u.kind, u.w)).set(l.over);
        this.get(u.a).set(l.oa);
        this.value(u.b, u.lo, u.hi);
        body.set(l.ob);
        return;
      case 'expect':
        this.expect(u);
        return;
    }
  }

  private alu(u: Extract<Uop, { op: AluOp }>): void {
    const code = ALU[u.op];
    if (u.w === 8) {
      this.get(u.a);
      this.value(u.b, u.lo, u.hi);
      this.body.op(code[1]);
    } else {
      this.value32(u.a, 0);
      this.value32(u.b, u.lo);
      this.body.op(code[0]).op(OP['i64.extend_i32_u']);
    }
    this.set(u.d);
  }

  /** Pushes rsp at entry + disp. */
  stackAddress(disp: number): void {
    this.body.get(this.l.rsp0);
    if (disp !== 0) this.body.i64(disp, disp >> 31).op(OP['i64.add']);
  }

  private insert(u: Extract<Uop, { op: 'insert' }>): void {
    const { body } = this;
    const mask = u.w === 1 ? 0xff << u.shift : 0xffff;
    this.get(u.d).i64(~mask, -1).op(OP['i64.and']);
    this.get(u.a);
    if (u.shift > 0) body.i64(u.shift, 0).op(OP['i64.shl']);
    body.i64(mask, 0).op(OP['i64.and']).op(OP['i64.or']);
    this.set(u.d);
  }

  private bswap(u: Extract<Uop, { op: 'bswap' }>): void {
    const { body, l } = this;
    if (u.w === 8) {
      // bytes within halfwords, halfwords within words, words
      const swap = (n: number, lo: number): void => {
        body.get(l.i64).i64(n, 0).op(OP['i64.shr_u']).i64(lo, lo).op(OP['i64.and']);
        body.get(l.i64).i64(lo, lo).op(OP['i64.and']).i64(n, 0).op(OP['i64.shl']).op(OP['i64.or']);
      };
      this.get(u.a).set(l.i64);
      swap(8, 0x00ff00ff);
      body.set(l.i64);
      swap(16, 0x0000ffff);
      body.i64(32, 0).op(OP['i64.rotl']);
    } else {
      this.get(u.a).op(OP['i32.wrap_i64']).set(l.i32);
      if (u.w === 4) {
        body.get(l.i32).i32(8).op(OP['i32.rotl']).i32(0x00ff00ff).op(OP['i32.and']);
        body
          .get(l.i32)
          .i32(8)
          .op(OP['i32.rotr'])
          .i32(0xff00ff00 | 0)
          .op(OP['i32.and'])
          .op(OP['i32.or']);
      } else {
        body.get(l.i32).i32(8).op(OP['i32.shl']);
        body.get(l.i32).i32(8).op(OP['i32.shr_u']).i32(0xff).op(OP['i32.and']).op(OP['i32.or']);
        body.i32(0xffff).op(OP['i32.and']);
      }
      body.op(OP['i64.extend_i32_u']);
    }
    this.set(u.d);
  }

  /** Upper half of a 64 x 64 product from four 32 x 32 ones (Knuth, TAOCP vol. 2, 4.3.1). */
  private mulhu(u: Extract<Uop, { op: 'mulhu' }>): void {
    const { body, l } = this;
    const low = (v: number): FunctionBody => this.get(v).i64(-1, 0).op(OP['i64.and']);
    const high = (v: number): FunctionBody => this.get(v).i64(32, 0).op(OP['i64.shr_u']);
    // t = aHi * bLo + (aLo * bLo >> 32)
    high(u.a);
    low(u.b).op(OP['i64.mul']);
    low(u.a);
    low(u.b).op(OP['i64.mul']).i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']).set(l.i64);
    // high = aHi * bHi + (t >> 32) + ((aLo * bHi + low(t)) >> 32)
    high(u.a);
    high(u.b).op(OP['i64.mul']);
    body.get(l.i64).i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']);
    low(u.a);
    high(u.b).op(OP['i64.mul']).get(l.i64).i64(-1, 0).op(OP['i64.and']).op(OP['i64.add']);
    body.i64(32, 0).op(OP['i64.shr_u']).op(OP['i64.add']);
    this.set(u.d);
  }

  private expect(u: Extract<Uop, { op: 'expect' }>): void {
    const { body } = this;
    if (u.sp !== undefined) {
      this.get(u.a);
      this.stackAddress(u.sp);
      body.op(OP['i64.ne']);
    } else if (u.w === 8) {
      this.get(u.a)
        .i64(u.lo, u.hi)
        .op(u.not ? OP['i64.eq'] : OP['i64.ne']);
    } else {
      this.get(u.a)
        .op(OP['i32.wrap_i64'])
        .i32(u.lo)
        .op(u.not ? OP['i32.eq'] : OP['i32.ne']);
    }
    body.open('if');
    this.exit(u.exit, LEFT.step);
    body.end();
  }

  // --- memory ---

  private check(u: Extract<Uop, { op: 'check' }>): void {
    const { body, l } = this;
    if (u.cls === 'tlb') {
      this.lookup(u);
      return;
    }
    // The pointer itself must be inside too, so that its low half plus the displacement does not wrap.
    const lo = Math.min(u.lo, 0);
    const bytes = Math.max(u.hi, 1) - lo;
    if (bytes > (u.cls === 'direct' ? MAX_SPAN : MIN_RUN)) {
      this.exit(u.exit, LEFT.step);
      return;
    }
    this.get(u.a);
    if (u.cls === 'direct') {
      const add = -(PAGE_OFFSET + GENERAL_ZONE_PHYS) + lo;
      const limit = this.o.window.end - GENERAL_ZONE_PHYS - bytes;
      body.i64(addrLo(add), addrHi(add)).op(OP['i64.add']).i64(limit, 0).op(OP['i64.gt_u']);
    } else {
      const run = l.runs[runSlot(u.cls)]!;
      body.get(run.start).op(OP['i64.sub']);
      if (lo !== 0) body.i64(lo, lo >> 31).op(OP['i64.add']);
      body.get(run.bytes).i64(bytes, 0).op(OP['i64.sub']).op(OP['i64.gt_u']);
    }
    body.open('if');
    this.exit(u.exit, LEFT.step);
    body.end();
  }

  /** The software TLB, as memory.ts has it. */
  private lookup(u: Extract<Uop, { op: 'check' }>): void {
    const { body, l } = this;
    const table = TLB_PHYS + (u.write ? TLB_TABLE_BYTES : 0);
    const size = u.hi - u.lo;
    this.get(u.a);
    if (u.lo !== 0) body.i64(u.lo, u.lo >> 31).op(OP['i64.add']);
    body.tee(l.i64).i64(12, 0).op(OP['i64.shr_u']).op(OP['i32.wrap_i64']);
    body
      .i32(TLB_ENTRIES - 1)
      .op(OP['i32.and'])
      .i32(4)
      .op(OP['i32.shl'])
      .tee(l.i32);
    body.mem(OP['i64.load'], table).get(l.i64);
    if (size > 1) body.i64(size - 1, 0).op(OP['i64.add']);
    body.i64(4095, 0).op(OP['i64.or']).op(OP['i64.ne']).open('if');
    this.exit(u.exit, LEFT.step);
    body.end();
    body.get(l.i32).mem(OP['i64.load32_u'], table + 8);
    body.get(l.i64).i64(4095, 0).op(OP['i64.and']).op(OP['i64.or']);
    this.set(u.p);
  }

  /** Pushes the i32 index of a load or store; {@link offset} is the rest. */
  private address(u: Extract<Uop, { op: 'load' | 'store' }>): void {
    const { body, l } = this;
    if (u.cls === 'tlb') {
      this.get(u.p).op(OP['i32.wrap_i64']);
      return;
    }
    // PAGE_OFFSET's low half is zero: an address in the direct map is its offset in memory.
    this.get(u.a).op(OP['i32.wrap_i64']);
    if (u.cls !== 'direct') body.get(l.runs[runSlot(u.cls)]!.delta).op(OP['i32.add']);
    if (u.disp < 0) body.i32(u.disp).op(OP['i32.add']);
  }

  private offset(u: { disp: number; cls: string }): number {
    return u.cls === 'tlb' || u.disp < 0 ? 0 : u.disp;
  }

  // --- leaving ---

  /** Pushes whether a condition holds now. */
  condition(cc: number): void {
    emitCondition(this.body, this.l, this.state, cc, this.o.settle);
  }

  /** Leaves at a point, or where the variable `rip` says. */
  exit(e: ExitPoint, left: Left, rip = -1): void {
    this.spill(e, rip);
    this.left(left);
  }

  /** Returns: the state is in memory. */
  private left(left: Left): void {
    this.body.i32(leftCode(this.o.slot, left)).i64(0, 0).op(OP.return);
  }

  private spill(e: ExitPoint, rip: number): void {
    const { body, l } = this;
    if (rip >= 0) this.get(rip);
    else body.i64(addrLo(e.rip), addrHi(e.rip));
    body.get(l.budget);
    const undone = this.block.count - e.done;
    if (undone > 0) body.i32(undone).op(OP['i32.add']);
    if (l.marked !== undefined) {
      body.get(l.marked);
      const { weights } = this.block;
      const unmarked = weights === undefined ? 0 : weights.at(-1)! - weights[e.done]!;
      if (unmarked > 0) body.i32(unmarked).op(OP['i32.sub']);
    }
    this.stackAddress(e.sp);
    if (e.bp !== DYNAMIC) this.stackAddress(e.bp);
    else body.get(l.regs[RBP]!);
    body.code.bytes(this.spillTail);
  }

  leave(term: Extract<Terminator, { kind: 'leave' }>): void {
    if (term.way === 'return') emitReturn(this, term);
    else if (term.way !== undefined) {
      emitJump(this, term);
      return;
    }
    if (term.site !== undefined) this.body.i32(0).i32(addrLo(term.site)).mem(OP['i32.store'], MAIL.site);
    this.exit(term.exit, term.step ? LEFT.stop : LEFT.transfer, term.a);
  }

  /** In front of a back edge. `level`: 0 until it is spent, 1 leaving `soft`, 2 a quarter of that. */
  budgetCheck(to: Block, need: number, level: number): void {
    const { body, l } = this;
    body.get(l.budget).i32(need);
    if (level > 0) body.get(l.soft);
    if (level > 1) body.i32(2).op(OP['i32.shr_u']);
    if (level > 0) body.op(OP['i32.add']);
    body.op(OP['i32.lt_s']).open('if');
    this.exit({ rip: to.rip, done: this.block.count, sp: to.sp, bp: to.bp }, LEFT.budget);
    body.end();
  }

  /** `need`: what the code behind it wants of the budget. */
  vmcall(e: ExitPoint, need: number): void {
    const { body, l } = this;
    this.spill(e, -1);
    body.call(this.o.vmcall).tee(l.i32).i32(VMCALL.leave).op(OP['i32.eq']).open('if');
    this.left(LEFT.transfer);
    body.end();
    loadRegisters(this, e.bp);
    if (l.marked !== undefined) body.i32(0).set(l.marked);
    body.get(l.i32).open('if');
    loadFlags(body, l);
    body.i32(0).mem(OP['i32.load'], MAIL.left).tee(l.budget).i32(need).op(OP['i32.lt_s']).open('if');
    this.exit(e, LEFT.budget);
    body.end().end();
  }
}
