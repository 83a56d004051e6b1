/**
 * What writing a unit's code needs: its locals, where each variable is, and the block at hand with what is known of
 * the flags. Guest registers are i64 locals; temporaries share some more.
 */
import type { Addr } from '../../addr.ts';
import { RBP, RSP } from '../../cpu.ts';
import { Bytes, type FunctionBody, I64, OP } from '../../wasm/encoder.ts';
import type { FlagState } from '../ir/flags.ts';
import type { Block, Unit } from '../ir/ir.ts';
import { TEMP, type Uop } from '../ir/uop.ts';
import { type Named, USE } from '../ir/uses.ts';
import type { CallImports } from './calls.ts';
import type { Locals } from './locals.ts';

/** The direct map's part that is always readable and writable: physical [GENERAL_ZONE_PHYS, end). */
export interface Window {
  readonly end: number;
}

export interface EmitterOptions {
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

export class Emitter {
  readonly body: FunctionBody;
  readonly l: Locals;
  readonly o: EmitterOptions;
  readonly unit: Unit;
  block!: Block;
  state!: FlagState;
  /** temporaries' locals; reused after the last use */
  private readonly temps: Int32Array;
  private readonly free: number[] = [];
  /** the end of every spill: flags, all registers but rsp and rbp, the call */
  readonly spillTail: Uint8Array;

  constructor(body: FunctionBody, locals: Locals, unit: Unit, options: EmitterOptions) {
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

  /** Temporaries that are named for the last time give their locals back. */
  release(uop: Uop): void {
    const { ends } = uop;
    const u: Named = uop;
    if (ends & USE.a) this.giveBack(u.a!);
    if (ends & USE.b) this.giveBack(u.b!);
    if (ends & USE.c) this.giveBack(u.c!);
    if (ends & USE.d) this.giveBack(u.d!);
    if (ends & (USE.p | USE.setsP)) this.giveBack(u.p!);
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

  set(v: number): void {
    this.body.set(this.local(v));
  }

  /** Variable or immediate, as i64. */
  value(v: number, lo: number, hi: number): void {
    if (v >= 0) this.get(v);
    else this.body.i64(lo, hi);
  }

  /** Variable or immediate, as i32. */
  value32(v: number, lo: number): void {
    if (v >= 0) this.get(v).op(OP['i32.wrap_i64']);
    else this.body.i32(lo);
  }

  /** Pushes rsp at entry + disp. */
  stackAddress(disp: number): void {
    this.body.get(this.l.rsp0);
    if (disp !== 0) this.body.i64(disp, disp >> 31).op(OP['i64.add']);
  }
}
