/**
 * kprobes and kretprobes (Linux 6.12 Documentation/trace/kprobes.rst): on a function's entry through
 * ftrace's nop, elsewhere through a breakpoint and a copy of the displaced instruction.
 */

import { nearIt } from '../../src/errors/near.ts';
import { type Addr, addrToBigInt, formatAddr } from '../../src/machine/addr.ts';
import { decode } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';
import { capture, reinstate } from '../core/state.ts';
import { KPROBE } from '../core/trace-kprobe.ts';
import { becameText } from '../data/renamed.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { KernelSymbol } from '../sym/symbol.ts';
import type { Task } from '../task/task.ts';
import type { Ftrace } from './ftrace.ts';
import { type AttachedProg, EventCall, PerCpuCounter } from './guest.ts';
import { insnSlot } from './insn-slot.ts';
import type { KprobePoint, ProbeLink, ProgRef } from './types.ts';

const INT3 = 0xcc;
/** return nodes of one kretprobe: max(10, 2 * CPUs) */
const MIN_ACTIVE = 10;

interface Handler {
  readonly address: Addr;
  readonly call: EventCall;
  readonly prog: AttachedProg;
  readonly nhit: PerCpuCounter;
  /** return nodes of a kretprobe */
  readonly nodes: readonly Addr[];
  /** one of a multi kprobe's places */
  readonly multi: boolean;
}
interface Site {
  readonly at: Addr;
  readonly ftrace: boolean;
  readonly before: Uint8Array;
  after: Uint8Array;
  readonly handlers: Handler[];
  aggregate: Addr;
  slot: Addr;
}

export class Kprobes {
  readonly #kernel: ObjectFloor;
  readonly #ftrace: Ftrace;
  readonly #sites = new Map<Addr, Site>();
  /** heads of kprobe_table, as the host last wrote them */
  readonly #lists = new Map<number, Addr[]>();
  #slots: Addr = 0;
  #slotsUsed = 0;
  readonly #freeSlots: Addr[] = [];
  /** kretprobes that were detached while tasks were inside their functions: these still return through them */
  readonly #leaving: Handler[] = [];

  constructor(kernel: ObjectFloor, ftrace: Ftrace) {
    this.#kernel = kernel;
    this.#ftrace = ftrace;
    kernel.text.data('kprobe_table', 8 << KPROBE.hashBits);
  }

  save() {
    return capture({
      sites: this.#sites,
      lists: this.#lists,
      freeSlots: this.#freeSlots,
      leaving: this.#leaving,
      slots: this.#slots,
      slotsUsed: this.#slotsUsed,
    });
  }
  restore(state: ReturnType<Kprobes['save']>): void {
    const { slots, slotsUsed } = reinstate(state);
    this.#slots = slots;
    this.#slotsUsed = slotsUsed;
  }

  /** Whether a probe can be there. @throws KernelError as {@link attach} */
  check(point: KprobePoint): void {
    this.#place(point);
  }
  #place(point: KprobePoint): { symbol: KernelSymbol; at: Addr; entry: boolean } {
    const { symbol, offset } = this.#resolve(point);
    const nop = this.#kernel.text.entryNop(symbol);
    const wanted = symbol.address + offset;
    // on the entry, be it endbr64 or the nop behind it, the place is the nop (`arch_adjust_kprobe_addr`)
    const entry = nop !== undefined && (offset === 0 || wanted === nop);
    if (point.ret && offset !== 0 && !entry)
      throw new KernelError(
        'EINVAL',
        `a kretprobe on ${symbol.name}+0x${offset.toString(16)}: only on a function's entry`,
      );
    const at = entry ? (nop as Addr) : wanted;
    if (!entry) this.#checkBoundary(symbol, at);
    return { symbol, at, entry };
  }
  attach(prog: ProgRef, point: KprobePoint): ProbeLink {
    this.#reap();
    const { symbol, at, entry } = this.#place(point);
    const site = this.#sites.get(at) ?? this.#newSite(symbol, at, entry);
    const handler = this.#handler(prog, point, site);
    site.handlers.push(handler);
    this.#publish(site);
    const link: ProbeLink = {
      kind: point.ret ? 'kretprobe' : 'kprobe',
      symbol: symbol.name,
      address: at,
      offset: at - symbol.address,
      before: site.before,
      after: site.after,
      via: site.ftrace ? 'ftrace' : 'int3',
      get hits() {
        return handler.nhit.value;
      },
      missed: () => this.#nmissed(handler),
      detach: () => this.#detach(site, handler),
    };
    return link;
  }

  #resolve(point: KprobePoint): { symbol: KernelSymbol; offset: number } {
    const { symbols } = this.#kernel;
    let symbol: KernelSymbol | undefined;
    let offset = point.offset ?? 0;
    if (point.symbol !== undefined) {
      symbol = symbols.find(point.symbol);
      if (!symbol || symbol.kind === 'd') {
        throw new KernelError(
          'ENOENT',
          `no kernel function ${point.symbol}${becameText(point.symbol, (now) => symbols.find(now) !== undefined)}${nearIt(symbols.near(point.symbol))}`,
        );
      }
    } else if (point.address !== undefined) {
      const covering = symbols.at(point.address);
      symbol = covering && symbols.get(covering.name);
      if (!symbol) throw new KernelError('EINVAL', `no kernel function at ${formatAddr(point.address)}`);
      offset += point.address - symbol.address;
    } else throw new KernelError('EINVAL', 'a kprobe needs a symbol or an address');
    if (symbol.kind !== undefined && symbol.kind !== symbol.kind.toLowerCase()) {
      throw new KernelError('EINVAL', `${symbol.name} is on the kprobe blacklist`);
    }
    if (offset < 0 || offset >= Math.max(symbol.size, 1)) {
      throw new KernelError(
        'EINVAL',
        `${symbol.name}+0x${offset.toString(16)} lies outside the function (0x${symbol.size.toString(16)} bytes)`,
      );
    }
    return { symbol, offset };
  }
  /** @throws KernelError EILSEQ where no instruction starts there */
  #checkBoundary(symbol: KernelSymbol, at: Addr): void {
    const bytes = this.#kernel.text.read(symbol.address, symbol.size);
    // patched text decodes as what was there before
    for (const site of this.#sites.values()) {
      if (site.at >= symbol.address && site.at < symbol.address + symbol.size)
        bytes.set(site.before, site.at - symbol.address);
    }
    for (let o = 0; symbol.address + o < at; ) {
      const insn = decode(bytes, o);
      o += insn.row < 0 ? 1 : insn.length;
      if (symbol.address + o > at) {
        throw new KernelError(
          'EILSEQ',
          `${symbol.name}+0x${(at - symbol.address).toString(16)} is not the start of an instruction`,
        );
      }
    }
  }
  #newSite(symbol: KernelSymbol, at: Addr, ftrace: boolean): Site {
    const { text, slab } = this.#kernel;
    const code = text.read(at, Math.min(15, symbol.address + symbol.size - at));
    let slot: Addr = 0;
    let length = 5;
    if (!ftrace) {
      slot = this.#allocSlot();
      const made = insnSlot(code, at, slot);
      this.#kernel.bpfPack.write(slot, made.code);
      length = made.length;
    }
    const site: Site = {
      at,
      ftrace,
      before: code.slice(0, length),
      after: code.slice(0, length),
      handlers: [],
      aggregate: slab.kmalloc(KPROBE.size),
      slot,
    };
    this.#sites.set(at, site);
    return site;
  }
  /** `kprobe_insn_page`: slots of 64 bytes */
  #allocSlot(): Addr {
    const again = this.#freeSlots.pop();
    if (again !== undefined) return again;
    if (this.#slots === 0 || this.#slotsUsed === 64) {
      this.#slots = this.#kernel.bpfPack.allocPages(4096);
      this.#kernel.symbols.add('kprobe_insn_page', this.#slots, 4096, '__builtin__kprobes');
      this.#slotsUsed = 0;
    }
    return this.#slots + 64 * this.#slotsUsed++;
  }

  #handler(prog: ProgRef, point: KprobePoint, site: Site): Handler {
    const { slab, memory, structs, cpus } = this.#kernel;
    const kprobe = structs.of('kprobe');
    const address = slab.kmalloc(KPROBE.size);
    const call = new EventCall(this.#kernel);
    const added = call.add(prog, point.cookie ?? 0n);
    const nhit = new PerCpuCounter(this.#kernel);
    memory.writeAddr(address + kprobe.offset('addr'), site.at);
    memory.writeAddr(
      address + kprobe.offset('pre_handler'),
      this.#text(point.ret ? 'pre_handler_kretprobe' : 'kprobe_dispatcher'),
    );
    memory.writeU64(address + KPROBE.nhit, BigInt(nhit.pointer));
    memory.writeAddr(address + KPROBE.call, call.address);
    memory.writeAddr(address + KPROBE.slot, site.slot);
    const nodes: Addr[] = [];
    if (point.ret) {
      const node = structs.of('rethook_node');
      const next = node.offset('llist.next');
      for (let n = Math.max(MIN_ACTIVE, 2 * cpus); n > 0; n--) {
        const at = slab.kmalloc(node.size);
        memory.writeAddr(at + next, nodes.at(-1) ?? 0);
        nodes.push(at);
      }
      memory.writeAddr(address + KPROBE.pool, nodes.at(-1) ?? 0);
    }
    return { address, call, prog: added, nhit, nodes, multi: point.multi === true };
  }
  #text(name: string): Addr {
    return this.#kernel.text.place(name);
  }

  /** Makes guest memory and text say what the site's list of handlers says. */
  #publish(site: Site): void {
    const { memory, structs, machine } = this.#kernel;
    const kprobe = structs.of('kprobe');
    let first = site.handlers[0]?.address ?? 0;
    if (site.handlers.length > 1) {
      first = site.aggregate;
      memory.writeAddr(first + kprobe.offset('addr'), site.at);
      memory.writeAddr(first + kprobe.offset('pre_handler'), this.#text('aggr_pre_handler'));
      memory.writeAddr(first + KPROBE.slot, site.slot);
      // a circular list, the probe registered last in front
      const list = kprobe.offset('list');
      const nodes = [first, ...site.handlers.map((h) => h.address).reverse()];
      nodes.forEach((node, n) => {
        memory.writeAddr(node + list, (nodes[(n + 1) % nodes.length] as Addr) + list);
        memory.writeAddr(node + list + 8, (nodes.at(n - 1) as Addr) + list);
      });
    }
    this.#hash(site.at, first);
    if (site.ftrace) {
      this.#ftrace.setKprobe(site.at, first !== 0);
      site.after = this.#ftrace.bytes(site.at);
    } else {
      site.after = site.before.slice();
      if (first !== 0) site.after[0] = INT3;
      machine.patch(site.at, site.after);
    }
    if (first === 0) {
      this.#sites.delete(site.at);
      // the displaced instruction may be the one that is executed
      this.#kernel.rcu.call(() => {
        this.#kernel.slab.kfree(site.aggregate);
        if (site.slot !== 0) this.#freeSlots.push(site.slot);
      });
    }
  }
  /** Puts a kprobe into kprobe_table under its address, or takes it out. */
  #hash(at: Addr, kprobe: Addr): void {
    const { memory, structs, text } = this.#kernel;
    const bucket = Number(BigInt.asUintN(64, addrToBigInt(at) * 0x61c8864680b583ebn) >> BigInt(64 - KPROBE.hashBits));
    const hlist = structs.of('kprobe').offset('hlist');
    const addr = structs.of('kprobe').offset('addr');
    const list = (this.#lists.get(bucket) ?? []).filter((k) => memory.readAddr(k + addr) !== at);
    if (kprobe !== 0) list.push(kprobe);
    this.#lists.set(bucket, list);
    memory.writeAddr(text.data('kprobe_table', 8 << KPROBE.hashBits) + 8 * bucket, list[0] ?? 0);
    list.forEach((k, n) => void memory.writeAddr(k + hlist, list[n + 1] ?? 0));
  }
  #detach(site: Site, handler: Handler): void {
    const at = site.handlers.indexOf(handler);
    if (at < 0) return;
    site.handlers.splice(at, 1);
    this.#publish(site);
    // no program runs for those that return from now on
    handler.call.remove(handler.prog);
    this.#leaving.push(handler);
    this.#reap();
  }
  /** `trace_kprobe_missed`: `nmissed` of the kprobe, and of the kretprobe around it. */
  #nmissed(handler: Handler): bigint {
    const { memory, structs } = this.#kernel;
    const nmissed = handler.address + structs.of('kprobe').offset('nmissed');
    return memory.readU64(nmissed) + memory.readU64(handler.address + KPROBE.nmissed);
  }
  /**
   * A kprobe was hit while the handlers of another one were at work: `kprobes_inc_nmissed_count`. A multi kprobe is an
   * fprobe on Linux, which neither sees kprobes at work nor is seen by them: there each program's run is left out and
   * counted instead (Linux 6.12 Documentation/trace/fprobe.rst).
   *
   * @param kprobe the one that was hit, or what stands for all of its place
   * @param running the one at work
   * @param leftOut is told of each program whose run is left out
   */
  hitWithin(kprobe: Addr, running: Addr, leftOut: (prog: ProgRef) => void): void {
    const { memory, structs } = this.#kernel;
    const own = structs.of('kprobe');
    const handlersOf = (probe: Addr): readonly Handler[] =>
      this.#sites.get(memory.readAddr(probe + own.offset('addr')))?.handlers ?? [];
    const withinMulti = handlersOf(running).every((handler) => handler.multi);
    for (const { address, prog, multi } of handlersOf(kprobe)) {
      const nmissed = address + own.offset('nmissed');
      if (multi || withinMulti) leftOut(prog.prog);
      else memory.writeU64(nmissed, memory.readU64(nmissed) + 1n);
    }
  }
  /** Frees detached probes that no task returns through any more. */
  #reap(): void {
    const { rcu, slab } = this.#kernel;
    const left = this.#leaving.filter((h) => {
      if (this.#nodesHome(h) < h.nodes.length) return true;
      h.call.free();
      h.nhit.free();
      rcu.call(() => {
        for (const node of h.nodes) slab.kfree(node);
        slab.kfree(h.address);
      });
      return false;
    });
    this.#leaving.splice(0, this.#leaving.length, ...left);
  }
  /** Return nodes in a kretprobe's pool. */
  #nodesHome(handler: Handler): number {
    const { memory, structs } = this.#kernel;
    const next = structs.of('rethook_node').offset('llist.next');
    let count = 0;
    if (handler.nodes.length > 0)
      for (let at = memory.readAddr(handler.address + KPROBE.pool); at !== 0; at = memory.readAddr(at + next)) count++;
    return count;
  }

  /** A task ends: the hooks of functions that it never returns from go back to their probes. */
  flush(task: Task): void {
    const { memory, structs } = this.#kernel;
    const node = structs.of('rethook_node');
    const next = node.offset('llist.next');
    let at = memory.readAddr(task.field('rethooks'));
    while (at !== 0) {
      const following = memory.readAddr(at);
      const probe = memory.readAddr(at - next + node.offset('rethook'));
      memory.writeAddr(at, memory.readAddr(probe + KPROBE.pool));
      memory.writeAddr(probe + KPROBE.pool, at - next);
      at = following;
    }
    memory.writeAddr(task.field('rethooks'), 0);
  }
}
