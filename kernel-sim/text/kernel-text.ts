/**
 * The kernel's text: which functions there are, and their machine code, written page by page when
 * a page is first executed or read. What is not a modelled function is int3.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { type Fault, type Machine, PAGE_SIZE } from '../../src/machine/index.ts';
import { Assembler, rax } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';
import { capture, reinstate } from '../core/state.ts';
import type { Structs } from '../core/structs.ts';
import type { KernelSymbol } from '../sym/symbol.ts';
import type { Symbols } from '../sym/symbols.ts';
import type { Emit, EmitContext } from './assembly/context.ts';
import type { TraceSite } from './compile.ts';
import { beginningOf, emitBeginning, FunctionMaker, type FunctionSpec } from './function-maker.ts';
import { Hypercalls } from './hypercalls.ts';
import type { Pregenerated } from './pregenerated.ts';
import { TraceSites } from './trace-sites.ts';

export type { FunctionSpec } from './function-maker.ts';

/** Where the image's parts lie, from its `_stext`: Linux links 16 MiB of text, then data; the model's own text behind both. */
const IMAGE = { phys: 16 << 20, text: 16 << 20, ownData: 42 << 20, own: 44 << 20, end: 48 << 20 } as const;
const INT3 = 0xcc;
/** bytes for a function that the active kernel has no symbol for */
const PRIVATE_ROOM = 1024;
const ROOM: Readonly<Record<string, number>> = { x64_sys_call: 8192 };
/** room for a variable: kprobe_table has 64 pointers, `struct tracepoint` is smaller */
const VARIABLE_BYTES = 512;

const JMP_BYTES = 5;
/** What lies out of line is told by its function, as Linux's is. */
const coldName = (name: string): string => `${name}.cold`;

/** Machine code, and where it belongs. */
interface Piece {
  readonly name: string;
  readonly at: Addr;
  readonly bytes: Uint8Array;
}

interface Detour {
  readonly original: Addr;
  readonly stub: Addr;
  /** where the entry jumps to the stub, and what is there otherwise */
  readonly at: Addr;
  readonly before: Uint8Array;
  readonly handlers: ((original: Addr) => void)[];
}

export interface TextParts {
  readonly machine: Machine;
  readonly symbols: Symbols;
  readonly structs: Structs;
  readonly tables: Readonly<Record<string, string>>;
  readonly assembly: Readonly<Record<string, Emit>>;
  readonly percpu: Readonly<Record<string, number>>;
  readonly ready: Pregenerated | undefined;
  /** names of hypercalls whose numbers are fixed */
  readonly hypercalls?: readonly string[];
}

export class KernelText {
  /** `_stext` */
  readonly base: Addr;
  readonly sites: TraceSites;
  readonly hypercalls: Hypercalls;
  readonly maker: FunctionMaker;
  readonly #machine: Machine;
  readonly #symbols: Symbols;
  readonly #ready: Pregenerated | undefined;
  /** pages that are mapped, and pages whose gaps are filled */
  readonly #pages = new Set<number>();
  readonly #filled = new Set<number>();
  readonly #written = new Set<string>();
  /** all functions by address, made once */
  #functions: KernelSymbol[] | undefined;
  #ownText: Addr;
  #ownData: Addr;
  readonly #private = new Map<string, Addr>();
  /** functions that were diverted once, and where to */
  readonly #diverted = new Map<string, Detour>();
  /** how many functions needed more room than Linux's own have */
  overflowed = 0;

  constructor(parts: TextParts) {
    const { machine, symbols } = parts;
    this.#machine = machine;
    this.#symbols = symbols;
    const stext = symbols.address('_stext') ?? symbols.address('_text');
    if (stext === undefined)
      throw new KernelError('ENOENT', "the symbol table has no _stext: it is not a kernel's kallsyms");
    this.base = stext;
    this.#ready = parts.ready;
    this.#ownText = stext + (parts.ready?.ownText ?? IMAGE.own);
    this.#ownData = stext + (parts.ready?.ownData ?? IMAGE.ownData);
    for (const [name, at] of parts.ready?.own ?? []) this.#private.set(name, at);
    // 28 MiB of data, of which some twenty pages are ever written
    machine.memory.map(stext + IMAGE.text, IMAGE.phys + IMAGE.text, IMAGE.own - IMAGE.text, { write: true }, true);
    // perf_event_open's tables of system call events, which perf_syscall_enter and _exit read
    for (const name of ['enter_calls', 'exit_calls']) this.data(name, 8 * 512);
    this.data('virtual_clock', 8);
    this.sites = new TraceSites(machine);
    const fixed = parts.hypercalls ?? parts.ready?.hypercalls ?? [];
    this.hypercalls = new Hypercalls(machine, fixed, (rip) => symbols.format(rip));
    this.maker = new FunctionMaker({
      ...parts,
      hypercalls: this.hypercalls,
      privateText: (name) => this.#privateText(name),
      privateAddress: (name) => this.#private.get(name),
      data: (name) => this.data(name, VARIABLE_BYTES),
    });
  }

  save() {
    const [ownText, ownData, overflowed] = [this.#ownText, this.#ownData, this.overflowed];
    const state = capture({
      parts: [this.hypercalls, this.sites, this.maker],
      pages: this.#pages,
      filled: this.#filled,
      written: this.#written,
      private: this.#private,
      diverted: this.#diverted,
      ...{ ownText, ownData, overflowed },
    });
    // a list is never written to, but made anew
    return { state, functions: this.#functions };
  }
  restore({ state, functions }: ReturnType<KernelText['save']>): void {
    const { ownText, ownData, overflowed } = reinstate(state);
    this.#ownText = ownText;
    this.#ownData = ownData;
    this.overflowed = overflowed;
    this.#functions = functions;
  }

  /** Registers what `mov eax, nr; vmcall` reaches. Gives nr. */
  hypercall(name: string, handler: () => void): number {
    return this.hypercalls.register(name, handler);
  }
  hypercallName(nr: number): string | undefined {
    return this.hypercalls.nameOf(nr);
  }

  /** Defines a kernel function at its symbol's address, in place of the table's. Gives the address; private where the kernel has no such symbol. */
  define(spec: FunctionSpec): Addr {
    this.maker.define(spec);
    const symbol = this.#symbols.get(spec.name);
    if (!symbol) return this.#privateText(spec.name);
    if (this.#written.delete(spec.name)) this.#write(symbol);
    return symbol.address;
  }
  /**
   * Calls of a function go to a hypercall, until what this gives is called. `handler` is told where the function's own
   * body is meanwhile; of several the last one is asked. What ftrace patches at the entry stays as it is.
   * @throws KernelError ENOENT
   */
  divert(name: string, handler: (original: Addr) => void): () => void {
    const symbol = this.#symbols.get(name);
    if (symbol === undefined) throw new KernelError('ENOENT', `the active kernel has no ${name}`);
    this.ensure(symbol.address, Math.max(1, symbol.size));
    let to = this.#diverted.get(name);
    if (to === undefined) {
      to = this.#detour(symbol, `${name}.diverted`);
      this.#diverted.set(name, to);
    }
    const { original, handlers, at, before, stub } = to;
    if (handlers.length === 0) {
      this.hypercalls.register(`${name}.diverted`, () => handlers.at(-1)?.(original));
      this.#machine.patch(at, new Assembler(at).op('jmp rel32', stub).bytes());
    }
    // the same handler may be there twice
    const own = (place: Addr): void => handler(place);
    handlers.push(own);
    return () => {
      const n = handlers.indexOf(own);
      if (n < 0) return;
      handlers.splice(n, 1);
      if (handlers.length === 0) this.#machine.patch(at, before);
    };
  }
  /** The function's body at another place, and a stub that asks the host. */
  #detour(symbol: KernelSymbol, hypercall: string): Detour {
    const beginning = beginningOf(symbol);
    const make = (at: Addr) => this.maker.make(symbol.name, at, beginning, false);
    const original = this.#allocText(make(symbol.address).bytes.length);
    const { bytes, sites } = make(original);
    this.#put(original, bytes);
    for (const site of sites) this.sites.add(site);
    this.#symbols.add(`${symbol.name}.original`, original, bytes.length);
    const stub = (at: Addr): Uint8Array =>
      new Assembler(at).op('mov r32, imm32', rax, this.hypercalls.nr(hypercall)).op('vmcall').op('ret').bytes();
    const address = this.#allocText(stub(original).length);
    this.#put(address, stub(address));
    this.#symbols.add(hypercall, address, stub(address).length);
    const head = new Assembler(symbol.address);
    emitBeginning(head, beginning);
    const at = symbol.address + head.length;
    const before = this.#machine.memory.readBytes(at, JMP_BYTES).slice();
    return { original, stub: address, at, before, handlers: [] };
  }
  /** Whether a function of that name does something here (others return 0 at once). */
  has(name: string): boolean {
    return this.maker.has(name);
  }
  /** Text address of a function; undefined where the active kernel has none of that name. */
  address(name: string): Addr | undefined {
    return this.maker.address(name);
  }
  /** As {@link address}; a function that the model needs and this kernel has not gets a place of its own. @throws KernelError ENOENT */
  place(name: string): Addr {
    const at = this.maker.place(name);
    if (at === undefined) throw new KernelError('ENOENT', `the active kernel has no ${name}`);
    return at;
  }
  /** A function of a module that is loaded: it has a symbol, and a place of its own. */
  module(name: string, module: string): void {
    if (this.#symbols.get(name) !== undefined) return;
    const at = this.#privateText(name);
    this.#symbols.add(name, at, ROOM[name] ?? PRIVATE_ROOM, module);
  }
  /** A variable of a module that is loaded: there only to be compared with. */
  moduleData(name: string, module: string): Addr {
    const address = this.data(name, 8);
    this.#symbols.put({ name, address, size: 8, kind: 'd', module });
    return address;
  }
  /** Bytes of kernel text, generated where they were not yet. */
  read(at: Addr, bytes: number): Uint8Array {
    this.ensure(at, bytes);
    return this.#machine.memory.readBytes(at, bytes);
  }
  /** Generates the text of these pages where it was not yet. */
  ensure(at: Addr, bytes: number): void {
    const first = Math.floor((at - this.base) / PAGE_SIZE);
    const last = Math.floor((at + bytes - 1 - this.base) / PAGE_SIZE);
    for (let page = first; page <= last; page++) this.#page(page);
  }
  /** Fault on text that is not there yet: it is written, and the instruction runs again. */
  onFault(fault: Fault): boolean {
    if (fault.kind !== 'page' || fault.address === undefined || (fault.errorCode & 1) !== 0) return false;
    const offset = fault.address - this.base;
    return offset >= 0 && offset < IMAGE.end && this.#page(Math.floor(offset / PAGE_SIZE));
  }
  /** Address of the nop that ftrace patches at a function's entry; undefined where there is none. */
  entryNop(symbol: KernelSymbol): Addr | undefined {
    const kind = symbol.kind ?? 'e';
    if (kind === 'd' || /[nm]/i.test(kind)) return undefined;
    return symbol.address + (/b/i.test(kind) ? 0 : 4);
  }
  /** Memory for a variable: at its symbol, or of the model's own where the active kernel has none. */
  data(name: string, bytes: number): Addr {
    const known = this.#symbols.address(name) ?? this.#private.get(name);
    if (known !== undefined) return known;
    const at = this.#ownData;
    this.#ownData = at + Math.ceil(bytes / 16) * 16;
    this.#private.set(name, at);
    return at;
  }
  /** Per-CPU offset of a variable, Linux's or one of the model's own. @throws KernelError ENOENT */
  percpu(name: string): number {
    return this.maker.percpu(name);
  }
  /** Text and variables that the active kernel has no symbols for, and how far the memory for them is used: distances from {@link base}. */
  own(): { readonly places: ReadonlyMap<string, Addr>; readonly ownText: number; readonly ownData: number } {
    return { places: this.#private, ownText: this.#ownText - this.base, ownData: this.#ownData - this.base };
  }
  /** A function's text, of which a second piece lies out of line where it is longer than Linux's own. */
  pieces(f: KernelSymbol): { readonly pieces: readonly [Piece, Piece?]; readonly sites: readonly TraceSite[] } {
    const beginning = beginningOf(f);
    const { bytes, sites } = this.maker.make(f.name, f.address, beginning);
    // the padding behind it belongs to the next function
    if (bytes.length <= (f.told ?? f.size)) return { pieces: [{ name: f.name, at: f.address, bytes }], sites };
    const head = new Assembler(f.address);
    emitBeginning(head, beginning);
    const own = this.#allocText(bytes.length);
    head.op('jmp rel32', own);
    const body = this.maker.make(f.name, own, beginning, false);
    return {
      pieces: [
        { name: f.name, at: f.address, bytes: head.bytes() },
        { name: coldName(f.name), at: own, bytes: body.bytes },
      ],
      sites: body.sites,
    };
  }
  /** For text that is written elsewhere: trampolines. */
  emitContext(): EmitContext {
    return this.maker.emitContext([]);
  }
  /** Symbols were added: further functions of the kernel that were asked for by name. */
  symbolsChanged(): void {
    this.#functions = undefined;
  }
  /** Functions whose text has a site of a tracepoint: generated, so that the sites are known. */
  ensureSites(event: string): void {
    for (const name of this.maker.withSite(event)) {
      const at = this.maker.place(name);
      if (at !== undefined) this.ensure(at, Math.max(1, this.#symbols.get(name)?.size ?? 1));
    }
  }

  #page(page: number): boolean {
    const offset = page * PAGE_SIZE;
    if (page < 0 || offset >= IMAGE.end || this.#pages.has(page)) return false;
    if (offset >= IMAGE.text && offset < IMAGE.own) return false;
    this.#pages.add(page);
    this.#fill(page);
    const at = this.base + offset;
    this.#machine.memory.map(at, IMAGE.phys + offset, PAGE_SIZE, { exec: true });
    if (offset < IMAGE.own) {
      for (const f of this.#on(at)) if (!this.#written.has(f.name)) this.#write(f);
    } else for (const name of this.#ready?.ownNames(at, at + PAGE_SIZE) ?? []) this.#writeOwn(name);
    return true;
  }
  /** A page is int3 all over before the first function is written to it. */
  #fill(page: number): void {
    if (this.#filled.has(page) || page * PAGE_SIZE >= IMAGE.text) return;
    this.#filled.add(page);
    const phys = IMAGE.phys + page * PAGE_SIZE;
    const { memory } = this.#machine;
    // it need not be mapped yet
    memory.touched.add(phys, PAGE_SIZE);
    memory.u8.fill(INT3, phys, phys + PAGE_SIZE);
  }
  /** Functions that have bytes on the page at `at`. */
  #on(at: Addr): KernelSymbol[] {
    this.#functions ??= this.#symbols.functions();
    const list = this.#functions;
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      const f = list[mid] as KernelSymbol;
      if (f.address + f.size <= at) lo = mid + 1;
      else hi = mid;
    }
    const out: KernelSymbol[] = [];
    for (let i = lo; i < list.length && (list[i] as KernelSymbol).address < at + PAGE_SIZE; i++)
      out.push(list[i] as KernelSymbol);
    return out;
  }

  /** Writes one function where it belongs; its page may or may not be mapped. */
  #write(f: KernelSymbol): void {
    this.#written.add(f.name);
    // of several names of one address the one that has a body says what is there
    if (!this.has(f.name)) {
      const alias = this.#symbols.aliases(f).find((name) => this.has(name));
      const symbol = alias === undefined ? undefined : this.#symbols.get(alias);
      if (symbol) {
        if (!this.#written.has(symbol.name)) this.#write(symbol);
        return;
      }
    }
    const {
      pieces: [entry, cold],
      sites,
    } = this.pieces(f);
    if (cold) {
      this.#put(cold.at, cold.bytes);
      this.#name(cold);
    }
    this.#put(entry.at, entry.bytes);
    const ready =
      cold === undefined && !this.maker.isDefined(f.name) ? this.#ready?.place(coldName(f.name)) : undefined;
    if (ready) this.ensure(ready.at, ready.length);
    if (cold ?? ready) this.overflowed++;
    for (const site of sites) this.sites.add(site);
  }
  /** Writes text of the model's own that was made beforehand. */
  #writeOwn(name: string): void {
    if (this.#written.has(name)) return;
    this.#written.add(name);
    const at = this.#private.get(name);
    if (at !== undefined) {
      this.#writePrivate(name, at);
      return;
    }
    const piece = this.#ready?.piece(name);
    if (piece === undefined) return;
    this.#put(piece.at, piece.bytes);
    this.#name(piece);
  }
  /** A symbol for text of the model's own, which is no function of the kernel's image. */
  #name({ name, at, bytes }: Piece): void {
    const functions = this.#functions;
    this.#symbols.add(name, at, bytes.length);
    this.#functions = functions;
  }
  #put(at: Addr, bytes: Uint8Array): void {
    const offset = at - this.base;
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < offset + bytes.length; page++) this.#fill(page);
    this.#machine.memory.u8.set(bytes, IMAGE.phys + offset);
    this.#machine.invalidate(at, bytes.length);
  }
  #allocText(bytes: number): Addr {
    const at = this.#ownText;
    this.#ownText = at + Math.ceil(bytes / 16) * 16;
    if (this.#ownText > this.base + IMAGE.end)
      throw new KernelError('ENOMEM', 'no room left for out-of-line kernel text');
    this.ensure(at, bytes);
    return at;
  }
  #privateText(name: string): Addr {
    const known = this.#private.get(name);
    if (known !== undefined) return known;
    // the address must be known before the text, which may call itself
    const room = ROOM[name] ?? PRIVATE_ROOM;
    const at = this.#allocText(room);
    this.#private.set(name, at);
    this.#writePrivate(name, at);
    return at;
  }
  #writePrivate(name: string, at: Addr): void {
    const room = ROOM[name] ?? PRIVATE_ROOM;
    const { bytes, sites } = this.maker.make(name, at, 'endbr');
    if (bytes.length > room) throw new KernelError('ENOMEM', `${name} needs ${bytes.length} bytes of text`);
    this.#put(at, bytes);
    for (const site of sites) this.sites.add(site);
  }
}
