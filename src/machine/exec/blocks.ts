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
import { numberOf } from './loop/operations.ts';
import {
  JUMP_BYTES,
  JUMP_ENTRIES,
  jumpIndex,
  MAX_BLOCK,
  SLOT,
  SLOT_BYTES,
  SLOT_SHIFT,
  SLOT_WORDS,
  STATE,
} from './loop/slot.ts';
import { lower, type Sink } from './lower.ts';

const CAPACITY = 1 << 17;
const MAX_SINGLES = 10_000;
/** Micro-operations that one block can need at most, stubs included. */
const ROOM = MAX_BLOCK * 6;
const TABLE_BYTES = JUMP_ENTRIES * JUMP_BYTES;
/** What lies in front of the slots in the zone behind the guest's RAM: two caches of branch targets. */
const SLOTS_OFFSET = 2 * TABLE_BYTES;

const RESOLVE = numberOf('resolve');
const SEEK = numberOf('seek');
const ASK = numberOf('ask');
const GO = numberOf('go');
const END = numberOf('end');

interface Block {
  readonly start: Addr;
  readonly end: Addr;
  /** its first slot */
  readonly at: number;
  /** user blocks: the bytes that were decoded */
  readonly bytes: Uint8Array | undefined;
}

export class Blocks implements Sink {
  /** micro-operations; slots are named by their physical address, what is kept of them beside it by number */
  readonly words: Int32Array;
  /** per micro-operation: its instruction */
  readonly steps: (Step | undefined)[] = [];
  /** per micro-operation: for stubs, where it leads; for the first of a block, its address (leading nops have no operation) */
  readonly addresses = new Float64Array(CAPACITY);
  /** per micro-operation: instructions of its block before its own */
  readonly ordinals = new Uint8Array(CAPACITY);
  onTransfer: ((target: Addr, times: number) => boolean) | undefined;
  /** transfers between two questions about a target that is not translated */
  every = 1;
  /** why `lookup` gave -1, and the rip that could not be fetched */
  fault: Fault | undefined;
  faultRip: Addr = 0;
  readTable = 0;
  writeTable = 0;

  private readonly memory: GuestMemory;
  private readonly x: Context;
  private readonly pool: ConstantPool;
  private readonly weights: ReadonlyMap<Addr, number>;
  /** no block begins here, and none goes on to here */
  private readonly stops: ReadonlySet<Addr>;
  private readonly kernel = new Map<Addr, Block>();
  private readonly user = new Map<Addr, Block>();
  /** kernel instructions that were stepped one by one */
  private readonly singles = new Map<Addr, Step>();
  /** kernel blocks by page */
  private readonly pages = new Map<number, Block[]>();
  /** caches of branch targets: lo, hi, slot; `jumps` is the current mode's */
  private readonly kernelJumps: Int32Array;
  private readonly userJumps: Int32Array;
  private jumps: Int32Array;
  /** {@link STATE}.jumps */
  private readonly jumpsState: Int32Array;
  /** physical address of the first slot */
  private readonly base: number;
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
  private pending: { from: number; target: Addr; asks: boolean }[] = [];

  constructor(memory: GuestMemory, x: Context, weights: ReadonlyMap<Addr, number>, stops: ReadonlySet<Addr>) {
    this.memory = memory;
    this.weights = weights;
    this.stops = stops;
    this.x = x;
    this.pool = new ConstantPool(memory);
    const { buffer } = memory.wasm;
    const zone = memory.bytes;
    this.base = zone + SLOTS_OFFSET;
    this.words = new Int32Array(buffer, this.base, CAPACITY * SLOT_WORDS);
    this.kernelJumps = new Int32Array(buffer, zone, TABLE_BYTES >> 2);
    this.userJumps = new Int32Array(buffer, zone + TABLE_BYTES, TABLE_BYTES >> 2);
    this.jumps = this.kernelJumps;
    this.jumpsState = new Int32Array(buffer, STATE.jumps, 1);
    this.flush();
  }

  /** Selects the mode's tables; forgets which user blocks were checked. */
  enter(userMode: boolean): void {
    this.userMode = userMode;
    this.jumps = userMode ? this.userJumps : this.kernelJumps;
    this.jumpsState[0] = this.jumps.byteOffset;
    if (userMode) this.forgetUserJumps();
    this.readTable = this.x.table(0);
    this.writeTable = this.x.table(1);
    this.x.writeTable = this.writeTable;
  }

  /** Number of a slot. */
  number(slot: number): number {
    return (slot - this.base) >>> SLOT_SHIFT;
  }

  private slot(n: number): number {
    return this.base + n * SLOT_BYTES;
  }

  /** First slot of the block at `rip`, or 0 with `fault` set, undefined where `rip` is an address to stop at. */
  lookup(rip: Addr): number {
    const lo = addrLo(rip);
    const hi = addrHi(rip);
    const { jumps } = this;
    const k = jumpIndex(lo);
    if (jumps[k] === lo && jumps[k + 1] === hi && jumps[k + 2] !== 0) return jumps[k + 2]! >>> 0;
    if (this.stops.size > 0 && this.stops.has(rip)) {
      this.fault = undefined;
      this.faultRip = rip;
      return 0;
    }
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
      return 0;
    }
  }

  /** Follows a `resolve` or `seek` and makes what led there lead on directly where it may: the slot to go on at, or 0. */
  resolve(stub: number): number {
    const { words } = this;
    const { generation } = this;
    const n = this.number(stub);
    const at = this.lookup(this.addresses[n]!);
    const word = n * SLOT_WORDS;
    if (at === 0 || generation !== this.generation || words[word] !== RESOLVE) return at;
    words[word + (SLOT.target >> 2)] = at;
    const from = words[word + (SLOT.src >> 2)]! >>> 0;
    if (words[word + (SLOT.disp >> 2)] === 1 && this.onTransfer !== undefined) {
      words[word] = ASK;
      words[word + (SLOT.src >> 2)] = 1;
      return stub;
    }
    if (from !== 0) words[this.number(from) * SLOT_WORDS + (SLOT.target >> 2)] = at;
    words[word] = GO;
    return at;
  }

  /** At an `ask` stub: whether its target is to be executed elsewhere. If not, gives the slot to go on at, else 0. */
  asked(stub: number): number {
    const n = this.number(stub);
    const word = n * SLOT_WORDS;
    const elsewhere = this.ask(this.addresses[n]!, this.every);
    this.words[word + (SLOT.src >> 2)] = elsewhere ? 1 : this.every;
    return elsewhere ? 0 : this.words[word + (SLOT.target >> 2)]! >>> 0;
  }

  ask(target: Addr, times: number): boolean {
    return this.onTransfer?.(target, times) ?? false;
  }

  /** rip of a block's first instruction, or where a stub leads. */
  ripAt(slot: number): Addr {
    return this.addresses[this.number(slot)]!;
  }

  /** Weights of a block's instructions up to and with that of an operation that accesses memory or hands over. */
  markedAt(slot: number): number {
    return this.words[this.number(slot) * SLOT_WORDS + (SLOT.weight >> 2)]!;
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
      this.user.clear();
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
    for (let i = 0; i < this.touched; i++) this.userJumps[this.userTouched[i]! + 2] = 0;
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
      const n = this.number(b.at);
      const word = n * SLOT_WORDS;
      this.words[word] = RESOLVE;
      this.words[word + (SLOT.src >> 2)] = 0;
      this.words[word + (SLOT.disp >> 2)] = 0;
      this.addresses[n] = b.start;
      const k = jumpIndex(addrLo(b.start));
      if (this.kernelJumps[k + 2]! >>> 0 === b.at) this.kernelJumps[k + 2] = 0;
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
    this.kernelJumps.fill(0);
    this.userJumps.fill(0);
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
    const first = this.used;
    const at = this.slot(first);
    const user = rip >= 0;
    this.addresses[first] = rip;
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
        this.count < MAX_BLOCK && (!user || samePage(rip, s.next)) && !this.stops.has(s.next)
          ? tryFetch(this.memory, s.next, this.userMode)
          : undefined;
      if (next === undefined || (user && !samePage(rip, next.next - 1))) {
        // behind the last instruction, whose count is already in
        this.emit(END);
        this.words[this.word(SLOT.count)] = this.count;
        this.link(s.next, false);
        break;
      }
      s = next;
    }
    eliminateFlags(this.words, first, this.used, this.steps);
    for (const { from, target, asks } of this.pending) {
      // where the branch leads is found out when it is taken, of kernel code the first time only
      const stub = this.used;
      this.current = undefined;
      if (user) this.emit(SEEK, addrLo(target), addrHi(target));
      else this.emit(RESOLVE, 0, from, asks ? 1 : 0);
      this.addresses[stub] = target;
      this.words[this.number(from) * SLOT_WORDS + (SLOT.target >> 2)] = this.slot(stub);
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

  emit(op: number, dst = 0, src = 0, disp = 0, table = 0, target = 0): void {
    const { words } = this;
    const n = this.used++;
    const at = n * SLOT_WORDS;
    words[at + (SLOT.op >> 2)] = op;
    words[at + (SLOT.dst >> 2)] = dst;
    words[at + (SLOT.src >> 2)] = src;
    words[at + (SLOT.disp >> 2)] = disp;
    words[at + (SLOT.table >> 2)] = table;
    words[at + (SLOT.target >> 2)] = target;
    words[at + (SLOT.weight >> 2)] = this.weight;
    words[at + (SLOT.count >> 2)] = this.count + 1;
    this.steps[n] = this.current;
    this.ordinals[n] = this.count;
    this.lastOp = op;
    this.lastOrdinal = this.count;
  }

  constant(lo: number, hi: number): number {
    return this.pool.at(lo, hi);
  }

  get fusible(): number {
    return this.lastOrdinal === this.count - 1 ? this.lastOp : -1;
  }

  fuse(op: number, target: Addr): void {
    this.words[this.word(SLOT.op)] = op;
    this.words[this.word(SLOT.weight)] = this.weight;
    this.words[this.word(SLOT.count)] = this.count + 1;
    this.lastOp = op;
    this.link(target, false);
  }

  branch(op: number, negate: number, target: Addr): void {
    this.emit(op, 0, 0, 0, negate);
    this.link(target, false);
  }

  jump(target: Addr, call: boolean): void {
    this.link(target, call);
  }

  /** A field of the last micro-operation. */
  private word(field: number): number {
    return (this.used - 1) * SLOT_WORDS + (field >> 2);
  }

  /** The last micro-operation leads to `target`. Calls and backward jumps are asked about. */
  private link(target: Addr, call: boolean): void {
    const rip = this.current?.rip ?? target;
    const end = this.lastOp === END;
    this.pending.push({ from: this.slot(this.used - 1), target, asks: !end && (call || target <= rip) });
  }
}

const samePage = (a: Addr, b: Addr): boolean => Math.floor(a / PAGE_SIZE) === Math.floor(b / PAGE_SIZE);
