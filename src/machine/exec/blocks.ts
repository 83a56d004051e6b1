/**
 * The block cache: straight runs of decoded instructions as micro-operations, chained to each other.
 *
 * Kernel blocks are found by address and forgotten by {@link Blocks.invalidate}. User blocks are checked against
 * the bytes they were decoded from at their first use after every entry to user mode, since address spaces
 * come and go; they lie within one page and are not chained directly.
 */
import { type Addr, addrHi, addrLo } from '../addr.ts';
import { Fault, GuestFault } from '../fault.ts';
import { EXEC, PAGE_SIZE } from '../layout.ts';
import type { GuestMemory } from '../memory.ts';
import { ConstantPool } from './constants.ts';
import type { Context, Step } from './context.ts';
import { eliminateFlags } from './dead-flags.ts';
import { fetch, notMapped, tryFetch } from './fetch.ts';
import { lower, type Sink } from './lower.ts';
import { STRIDE, UOP } from './uop.ts';

/** Instructions of a block; see MAX_BLOCK in hot.ts. */
const MAX_INSNS = 64;
const CAPACITY = 1 << 17;
const MAX_SINGLES = 10_000;
/** Micro-operations that one block can need at most, stubs included. */
const ROOM = MAX_INSNS * 6;
/** Entries of the cache of indirect branch targets. */
export const JUMPS_MASK = 1023;

interface Block {
  readonly start: Addr;
  readonly end: Addr;
  readonly at: number;
  /** user blocks: the bytes that were decoded */
  readonly bytes: Uint8Array | undefined;
}

export class Blocks implements Sink {
  /** micro-operations, {@link STRIDE} words each */
  readonly words = new Int32Array(CAPACITY * STRIDE);
  /** per micro-operation: its instruction */
  readonly steps: (Step | undefined)[] = [];
  /** per micro-operation: for `resolve`, where it leads; for branches, the target */
  readonly targets = new Float64Array(CAPACITY);
  /** per first micro-operation of a block: its address (leading nops have no operation) */
  readonly starts = new Float64Array(CAPACITY);
  /** per micro-operation: instructions of its block before its own */
  readonly ordinals = new Uint8Array(CAPACITY);
  /** the current mode's cache of targets: lo, hi, block */
  jumps: Int32Array;
  onTransfer: ((target: Addr) => boolean) | undefined;
  /** why `lookup` gave -1, and the rip that could not be fetched */
  fault: Fault | undefined;
  faultRip: Addr = 0;
  readTable = 0;
  writeTable = 0;

  private readonly memory: GuestMemory;
  private readonly x: Context;
  private readonly pool: ConstantPool;
  private readonly weights: ReadonlyMap<Addr, number>;
  private readonly kernel = new Map<Addr, Block>();
  private readonly user = new Map<Addr, Block>();
  /** kernel instructions that were stepped one by one */
  private readonly singles = new Map<Addr, Step>();
  /** kernel blocks by page */
  private readonly pages = new Map<number, Block[]>();
  private readonly kernelJumps = new Int32Array((JUMPS_MASK + 1) * 4);
  private readonly userJumps = new Int32Array((JUMPS_MASK + 1) * 4);
  /** entries of userJumps that are set */
  private readonly userTouched = new Int32Array(256);
  private touched = 0;
  private userMode = false;
  private used = 0;
  private generation = 0;
  // of the block being built
  private current: Step | undefined;
  private count = 0;
  /** weights of its instructions so far */
  private weight = 0;
  private lastOp = -1;
  private lastOrdinal = -1;
  private pending: { from: number; target: Addr }[] = [];

  constructor(memory: GuestMemory, x: Context, weights: ReadonlyMap<Addr, number>) {
    this.memory = memory;
    this.weights = weights;
    this.x = x;
    this.pool = new ConstantPool(memory);
    this.jumps = this.kernelJumps;
    this.flush();
  }

  /** Selects the mode's tables; forgets which user blocks were checked. */
  enter(userMode: boolean): void {
    this.userMode = userMode;
    this.jumps = userMode ? this.userJumps : this.kernelJumps;
    if (userMode) this.forgetUserJumps();
    this.readTable = this.x.table(0);
    this.writeTable = this.x.table(1);
    this.x.writeTable = this.writeTable;
  }

  /** First word of the block at `rip`, or -1 with `fault` set. */
  lookup(rip: Addr): number {
    const lo = addrLo(rip);
    const hi = addrHi(rip);
    const { jumps } = this;
    const k = ((lo ^ (lo >>> 10)) & JUMPS_MASK) << 2;
    if (jumps[k] === lo && jumps[k + 1] === hi && jumps[k + 2]! >= 0) return jumps[k + 2]!;
    try {
      const at = this.userMode || rip >= 0 ? this.userBlock(rip) : (this.kernel.get(rip) ?? this.build(rip)).at;
      this.jumps[k] = lo;
      this.jumps[k + 1] = hi;
      this.jumps[k + 2] = at;
      if (this.userMode) {
        if (this.touched === this.userTouched.length) this.forgetUserJumps();
        this.userTouched[this.touched++] = k;
      }
      return at;
    } catch (error) {
      if (error instanceof Fault) this.fault = error;
      else if (error instanceof GuestFault) this.fault = Fault.fromAccess(error, rip, this.userMode);
      else throw error;
      this.faultRip = rip;
      return -1;
    }
  }

  /** Follows a `resolve` operation and makes what led to it lead on directly. */
  resolve(stub: number): number {
    const { words } = this;
    const generation = this.generation;
    const at = this.lookup(this.targets[stub >> 3]!);
    if (at < 0 || generation !== this.generation || this.userMode) return at;
    const from = words[stub + 1]!;
    if (from >= 0) words[from + 5] = at;
    words[stub] = UOP.go;
    words[stub + 5] = at;
    return at;
  }

  ask(target: Addr): boolean {
    return (this.onTransfer as (target: Addr) => boolean)(target);
  }

  /** Asks about a direct branch: calls and backward jumps. */
  askFrom(from: number): boolean {
    const target = this.targets[from >> 3]!;
    const s = this.steps[from >> 3] as Step;
    return (this.words[from] === UOP.call || target <= s.rip) && this.ask(target);
  }

  /** rip of a block's first instruction, or where a `resolve` or `go` leads. */
  ripAt(at: number): Addr {
    const op = this.words[at];
    return op === UOP.resolve || op === UOP.go ? this.targets[at >> 3]! : this.starts[at >> 3]!;
  }

  /** Weights of a block's instructions up to and with that of an operation that accesses memory or hands over. */
  markedAt(at: number): number {
    return this.words[at + 6]!;
  }

  /** One prepared instruction, for stepping without a block. @throws GuestFault, Fault */
  single(rip: Addr): Step {
    if (this.userMode || rip >= 0) return fetch(this.memory, rip);
    let s = this.singles.get(rip);
    if (s === undefined) {
      s = fetch(this.memory, rip);
      if (this.singles.size >= MAX_SINGLES) this.singles.clear();
      this.singles.set(rip, s);
    }
    return s;
  }

  /** Whether a kernel block that was executed has this address. */
  covers(va: Addr): boolean {
    const list = this.pages.get(Math.floor(va / PAGE_SIZE));
    return list?.some((b) => b.start <= va && va < b.end) ?? false;
  }

  /** Forgets blocks with any byte in the range. */
  invalidate(va: Addr, bytes: number): void {
    if (va >= 0) {
      this.forgetUserJumps();
      return;
    }
    this.singles.clear();
    const end = va + bytes;
    const first = Math.floor(va / PAGE_SIZE);
    const last = Math.floor((end - 1) / PAGE_SIZE);
    if (last - first > this.pages.size) {
      for (const page of [...this.pages.keys()]) if (page >= first && page <= last) this.forget(page, va, end);
    } else for (let page = first; page <= last; page++) this.forget(page, va, end);
  }

  private forgetUserJumps(): void {
    for (let i = 0; i < this.touched; i++) this.userJumps[this.userTouched[i]! + 2] = -1;
    this.touched = 0;
  }

  private forget(page: number, va: Addr, end: Addr): void {
    const list = this.pages.get(page);
    if (list === undefined) return;
    const kept = list.filter((b) => b.start >= end || b.end <= va);
    if (kept.length === list.length) return;
    for (const b of list) {
      if (b.start >= end || b.end <= va) continue;
      if (this.kernel.get(b.start) === b) this.kernel.delete(b.start);
      // whoever leads here finds the new block, or the fault
      this.words[b.at] = UOP.resolve;
      this.words[b.at + 1] = -1;
      this.targets[b.at >> 3] = b.start;
      const lo = addrLo(b.start);
      const k = ((lo ^ (lo >>> 10)) & JUMPS_MASK) << 2;
      if (this.kernelJumps[k + 2] === b.at) this.kernelJumps[k + 2] = -1;
    }
    if (kept.length > 0) this.pages.set(page, kept);
    else this.pages.delete(page);
  }

  private flush(): void {
    this.generation++;
    this.used = 0;
    this.steps.length = 0;
    this.kernel.clear();
    this.singles.clear();
    this.user.clear();
    this.pages.clear();
    this.pool.clear();
    this.kernelJumps.fill(-1);
    this.userJumps.fill(-1);
  }

  private userBlock(rip: Addr): number {
    const phys = this.memory.physical(addrLo(rip), addrHi(rip), EXEC);
    const known = this.user.get(rip);
    if (known?.bytes !== undefined) {
      const { u8 } = this.memory;
      const { bytes } = known;
      let same = true;
      for (let i = 0; i < bytes.length; i++) {
        if (bytes[i] !== u8[phys + i]) {
          same = false;
          break;
        }
      }
      if (same) return known.at;
    }
    return this.build(rip).at;
  }

  private build(rip: Addr): Block {
    if (this.memory.regionAt(rip) === undefined) throw notMapped(rip, this.userMode);
    if (this.used + ROOM > CAPACITY || !this.pool.hasRoom(ROOM)) this.flush();
    let s = fetch(this.memory, rip); // the first instruction must be there; a later one that is not ends the block
    const at = this.used * STRIDE;
    const user = rip >= 0;
    this.starts[this.used] = rip;
    this.pending = [];
    this.lastOp = -1;
    this.lastOrdinal = -1;
    this.count = 0;
    this.weight = 0;
    let end = rip;
    for (;;) {
      this.current = s;
      this.weight += this.weights.get(s.rip) ?? 0;
      const ends = lower(s, this);
      this.count++;
      end = s.next;
      if (ends) break;
      const next =
        this.count < MAX_INSNS && (!user || samePage(rip, s.next))
          ? tryFetch(this.memory, s.next, this.userMode)
          : undefined;
      if (next === undefined || (user && !samePage(rip, next.next - 1))) {
        this.emit(UOP.end);
        this.lastCount();
        this.link(this.used - 1, s.next);
        break;
      }
      s = next;
    }
    eliminateFlags(this.words, at, this.used * STRIDE, this.steps);
    for (const { from, target } of this.pending) {
      // where the branch leads is found out when it is first taken
      const stub = this.used * STRIDE;
      this.current = undefined;
      this.emit(UOP.resolve, from);
      this.targets[stub >> 3] = target;
      this.words[from + 5] = stub;
    }
    const phys = user ? this.memory.physical(addrLo(rip), addrHi(rip), EXEC) : 0;
    const block: Block = {
      start: rip,
      end,
      at,
      bytes: user ? this.memory.u8.slice(phys, phys + (end - rip)) : undefined,
    };
    if (user) this.user.set(rip, block);
    else {
      this.kernel.set(rip, block);
      for (let page = Math.floor(rip / PAGE_SIZE); page <= Math.floor((end - 1) / PAGE_SIZE); page++) {
        const list = this.pages.get(page);
        if (list) list.push(block);
        else this.pages.set(page, [block]);
      }
    }
    return block;
  }

  // --- Sink ---

  emit(op: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = this.weight): void {
    const { words } = this;
    const n = this.used++;
    const at = n * STRIDE;
    words[at] = op;
    words[at + 1] = a;
    words[at + 2] = b;
    words[at + 3] = c;
    words[at + 4] = d;
    words[at + 5] = e;
    words[at + 6] = f;
    words[at + 7] = this.count + 1;
    this.steps[n] = this.current;
    this.ordinals[n] = this.count;
    this.lastOp = op;
    this.lastOrdinal = this.count;
  }

  constant(lo: number, hi: number): number {
    return this.pool.index(lo, hi);
  }

  get fusible(): number {
    return this.lastOrdinal === this.count - 1 ? this.lastOp : -1;
  }

  fuse(op: number, negate: number, target: Addr): void {
    const at = (this.used - 1) * STRIDE;
    this.words[at] = op;
    this.words[at + 4] = negate;
    this.words[at + 6] = this.weight;
    this.words[at + 7] = this.count + 1;
    this.lastOp = op;
    this.link(this.used - 1, target);
  }

  branch(op: number, negate: number, target: Addr): void {
    this.emit(op, 0, 0, 0, negate);
    this.link(this.used - 1, target);
  }

  jump(target: Addr): void {
    this.link(this.used - 1, target);
  }

  private link(n: number, target: Addr): void {
    this.targets[n] = target;
    this.pending.push({ from: n * STRIDE, target });
  }

  /** An `end` operation stands behind the last instruction, whose count is already in. */
  private lastCount(): void {
    this.words[(this.used - 1) * STRIDE + 7] = this.count;
  }
}

const samePage = (a: Addr, b: Addr): boolean => Math.floor(a / PAGE_SIZE) === Math.floor(b / PAGE_SIZE);
