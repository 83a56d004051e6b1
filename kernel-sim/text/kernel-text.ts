/**
 * The kernel's text: which functions there are, and their machine code, written page by page when
 * a page is first executed or read. Patches (probes, static keys) go through here too.
 */
import { type Addr, formatAddr } from '../../src/machine/addr.ts';
import { type Fault, type Machine, PAGE_SIZE } from '../../src/machine/index.ts';
import { Assembler } from '../../src/x86/index.ts';
import type { Structs } from '../core/structs.ts';
import { KernelError } from '../errno.ts';
import type { KernelSymbol, Symbols } from '../sym/symbols.ts';
import { type Compiled, compile, emitEntry, type Prologue } from './compile.ts';
import { functionName, parseFunction } from './language.ts';
import type { Emit, EmitContext } from './special/emit.ts';
import { TraceSites } from './trace-sites.ts';

/** A function that the kernel's text has, apart from those of the function tables. */
export interface FunctionSpec {
  /** symbol; its address is the active kallsyms' */
  readonly name: string;
  /** what it does, in TypeScript: arguments and result by {@link Kernel.args} */
  readonly handler?: () => void;
  /** or its body as instructions, ret included */
  readonly code?: (asm: Assembler) => void;
}

/** Where the image's parts lie, from its `_stext`: Linux links 16 MiB of text, then data; the model's own text behind both. */
const IMAGE = { phys: 16 << 20, text: 16 << 20, own: 44 << 20, end: 48 << 20 } as const;
const INT3 = 0xcc;

export interface TextParts {
  readonly machine: Machine;
  readonly symbols: Symbols;
  readonly structs: Structs;
  /** function table: signature to body */
  readonly tables: Readonly<Record<string, string>>;
  readonly special: Readonly<Record<string, Emit>>;
  /** per-CPU offsets of the model's own variables */
  readonly percpu: Readonly<Record<string, number>>;
}

export class KernelText {
  /** `_stext` */
  readonly base: Addr;
  readonly sites: TraceSites;
  readonly #parts: TextParts;
  readonly #hypercalls: { readonly name: string; handler: (() => void) | undefined }[] = [];
  readonly #hypercallByName = new Map<string, number>();
  readonly #defined = new Map<string, FunctionSpec>();
  /** names of table rows to their keys */
  readonly #rows = new Map<string, string>();
  readonly #pages = new Set<number>();
  readonly #filled = new Set<number>();
  readonly #written = new Set<string>();
  /** functions by page number of the image, sorted once */
  #functions: KernelSymbol[] | undefined;
  #ownText: Addr;
  #ownData: Addr;
  readonly #private = new Map<string, Addr>();
  /** how many functions needed more room than Linux's own have */
  overflowed = 0;

  constructor(parts: TextParts) {
    this.#parts = parts;
    const { machine, symbols } = parts;
    const stext = symbols.address('_stext') ?? symbols.address('_text');
    if (stext === undefined)
      throw new KernelError('ENOENT', "the symbol table has no _stext: it is not a kernel's kallsyms");
    this.base = stext;
    for (const signature of Object.keys(parts.tables)) this.#rows.set(functionName(signature), signature);
    this.#ownText = stext + IMAGE.own;
    this.#ownData = stext + IMAGE.own - (2 << 20);
    machine.memory.map(stext + IMAGE.text, IMAGE.phys + IMAGE.text, IMAGE.own - IMAGE.text, { write: true });
    this.sites = new TraceSites(machine);
    this.#hypercalls.push({ name: 'none', handler: undefined });
    machine.onVmcall = (nr) => {
      const handler = this.#hypercalls[nr]?.handler;
      if (!handler)
        throw new KernelError(
          'ENOSYS',
          `hypercall ${this.hypercallName(nr) ?? nr} at ${symbols.format(machine.cpu.rip)}: nobody handles it`,
        );
      handler();
    };
  }

  // --- hypercalls ---

  /** Registers what `mov eax, nr; vmcall` reaches. Gives nr. */
  hypercall(name: string, handler: () => void): number {
    const nr = this.#hypercallNr(name);
    const slot = this.#hypercalls[nr] as { handler: (() => void) | undefined };
    slot.handler = handler;
    return nr;
  }
  hypercallName(nr: number): string | undefined {
    return this.#hypercalls[nr]?.name;
  }
  #hypercallNr(name: string): number {
    let nr = this.#hypercallByName.get(name);
    if (nr === undefined) {
      nr = this.#hypercalls.push({ name, handler: undefined }) - 1;
      this.#hypercallByName.set(name, nr);
    }
    return nr;
  }

  // --- functions ---

  /** Defines a kernel function at its symbol's address, in place of the table's. Gives the address; private where the kernel has no such symbol. */
  define(spec: FunctionSpec): Addr {
    this.#defined.set(spec.name, spec);
    if (spec.handler) this.hypercall(spec.name, spec.handler);
    const symbol = this.#parts.symbols.get(spec.name);
    if (!symbol) return this.#privateText(spec.name);
    if (this.#written.delete(spec.name)) this.#write(symbol);
    return symbol.address;
  }
  /** Whether a function of that name does something here (others return 0 at once). */
  has(name: string): boolean {
    return this.#defined.has(name) || this.#rows.has(name) || name in this.#parts.special;
  }
  /** Text address of a function; undefined where the active kernel has none of that name. */
  address(name: string): Addr | undefined {
    return this.#parts.symbols.address(name) ?? this.#private.get(name);
  }
  /** Bytes of kernel text, generated where they were not yet. */
  read(at: Addr, bytes: number): Uint8Array {
    this.ensure(at, bytes);
    return this.#parts.machine.memory.readBytes(at, bytes);
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
  /** First byte that a function's own instructions have behind what ftrace patches. */
  entryNop(symbol: KernelSymbol): Addr | undefined {
    const kind = symbol.kind ?? 'e';
    if (kind === 'd' || /[nm]/i.test(kind)) return undefined;
    return symbol.address + (/b/i.test(kind) ? 0 : 4);
  }
  /** Memory for a variable that the active kernel has no symbol for. */
  data(name: string, bytes: number): Addr {
    const known = this.#parts.symbols.address(name) ?? this.#private.get(name);
    if (known !== undefined) return known;
    const at = this.#ownData;
    this.#ownData = at + Math.ceil(bytes / 16) * 16;
    this.#private.set(name, at);
    return at;
  }

  #page(page: number): boolean {
    if (page < 0 || page * PAGE_SIZE >= IMAGE.end) return false;
    if (page * PAGE_SIZE >= IMAGE.text && page * PAGE_SIZE < IMAGE.own) return false;
    if (this.#pages.has(page)) return false;
    this.#pages.add(page);
    const { memory } = this.#parts.machine;
    const at = this.base + page * PAGE_SIZE;
    const phys = IMAGE.phys + page * PAGE_SIZE;
    this.#fill(page);
    memory.map(at, phys, PAGE_SIZE, { exec: true });
    if (page * PAGE_SIZE < IMAGE.own) for (const f of this.#on(at)) if (!this.#written.has(f.name)) this.#write(f);
    return true;
  }
  /** What no modelled function covers is int3. A page is filled before the first function is written to it. */
  #fill(page: number): void {
    if (this.#filled.has(page) || page * PAGE_SIZE >= IMAGE.text) return;
    this.#filled.add(page);
    const phys = IMAGE.phys + page * PAGE_SIZE;
    this.#parts.machine.memory.u8.fill(INT3, phys, phys + PAGE_SIZE);
  }
  /** Functions that have bytes on the page at `at`. */
  #on(at: Addr): KernelSymbol[] {
    this.#functions ??= this.#parts.symbols.functions();
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
  /** Symbols were added: further functions of the kernel that were asked for by name. */
  symbolsChanged(): void {
    this.#functions = undefined;
  }

  /** Writes one function where it belongs; its page may or may not be mapped. */
  #write(f: KernelSymbol): void {
    // aliases of one address: the one that has a body
    if (!this.has(f.name)) {
      const alias = this.#parts.symbols.aliases(f).find((name) => this.has(name));
      if (alias) {
        this.#written.add(f.name);
        const symbol = this.#parts.symbols.get(alias);
        if (symbol && !this.#written.has(alias)) this.#write(symbol);
        return;
      }
    }
    this.#written.add(f.name);
    const prologue = prologueOf(f);
    let made = this.#make(f.name, f.address, prologue, true);
    if (made.bytes.length > f.size) {
      // longer than Linux's own: the entry stays, the rest lies out of line
      this.overflowed++;
      const head = new Assembler(f.address);
      beginning(head, prologue);
      const own = this.#allocText(made.bytes.length);
      head.op('jmp rel32', own);
      made = this.#make(f.name, own, prologue, false);
      this.#put(own, made.bytes);
      this.#parts.symbols.add(`${f.name}.cold`, own, made.bytes.length);
      this.#put(f.address, head.bytes());
    } else this.#put(f.address, made.bytes);
    for (const site of made.sites) this.sites.add(site);
  }
  #put(at: Addr, bytes: Uint8Array): void {
    const offset = at - this.base;
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < offset + bytes.length; page++) this.#fill(page);
    const phys = IMAGE.phys + offset;
    this.#parts.machine.memory.u8.set(bytes, phys);
    this.#parts.machine.invalidate(at, bytes.length);
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
    const size = this.#make(name, this.#ownText, 'endbr', true).bytes.length;
    const at = this.#allocText(size);
    this.#private.set(name, at);
    this.#put(at, this.#make(name, at, 'endbr', true).bytes);
    return at;
  }

  #make(name: string, at: Addr, prologue: Prologue | 'none' | 'plain', entry: boolean): Compiled {
    const spec = this.#defined.get(name);
    const special = this.#parts.special[name];
    const row = this.#rows.get(name);
    if (!spec && !special && row !== undefined) {
      const body = parseFunction(row, this.#parts.tables[row] as string);
      return compile(body, at, prologue, entry, {
        address: (callee) => this.address(callee),
        hypercall: (h) => this.#hypercallNr(h),
        traceiter: (event) => this.address(`__traceiter_${event}`),
        structs: this.#parts.structs,
        percpu: {
          result: this.#parts.percpu['result'] as number,
          block: this.#parts.percpu['block'] as number,
          currentTask: this.#percpu('pcpu_hot') + this.#parts.structs.of('pcpu_hot').offset('current_task'),
          preemptCount: this.#percpu('pcpu_hot') + this.#parts.structs.of('pcpu_hot').offset('preempt_count'),
        },
      });
    }
    const a = new Assembler(at);
    if (entry) beginning(a, prologue);
    const sites: { event: string; at: Addr; outOfLine: Addr }[] = [];
    if (spec?.code) spec.code(a);
    else if (spec?.handler) {
      a.op('mov r32, imm32', 0, this.#hypercallNr(name));
      a.op('vmcall');
      a.op('ret');
    } else if (special) special(a, this.#emitContext(sites));
    else if (name.startsWith('security_') && this.address(`bpf_lsm_${name.slice(9)}`) !== undefined) {
      lsmHook(a, this.address(`bpf_lsm_${name.slice(9)}`) as Addr, this.#parts.percpu['result'] as number);
    } else if (name.startsWith('__x64_sys_')) {
      a.op('mov r64, r/m64', 0, gsMem(this.#parts.percpu['result'] as number));
      a.op('ret');
    } else {
      a.op('xor r/m32, r32', 0, 0);
      a.op('ret');
    }
    a.raw(INT3);
    return { bytes: a.bytes(), sites };
  }
  /** Offset of one of the model's own per-CPU variables. */
  ownPercpu(name: string): number | undefined {
    return this.#parts.percpu[name];
  }
  #percpu(name: string): number {
    const own = this.#parts.percpu[name] ?? this.#parts.symbols.address(name);
    if (own === undefined) throw new KernelError('ENOENT', `no per-CPU variable ${name}`);
    return own;
  }
  /** For text that is written elsewhere: trampolines. */
  emitContext(): EmitContext {
    return this.#emitContext([]);
  }
  #emitContext(sites: { event: string; at: Addr; outOfLine: Addr }[]): EmitContext {
    const { structs } = this.#parts;
    return {
      sym: (name) => {
        const at = this.address(name);
        if (at !== undefined) return at;
        if (this.has(name)) return this.#privateText(name);
        throw new KernelError('ENOENT', `kernel text needs ${name}, which this kernel has not`);
      },
      hypercall: (name) => this.#hypercallNr(name),
      off: (struct, path) => structs.of(struct).offset(path),
      sizeOf: (struct) => structs.of(struct).size,
      percpu: (name) => this.#percpu(name),
      site: (event, at, outOfLine) => void sites.push({ event, at, outOfLine }),
    };
  }

  /** Functions whose text has a site of a tracepoint: generated, so that the sites are known. */
  ensureSites(event: string): void {
    const call = new RegExp(`trace ${event}\\(`);
    for (const [signature, body] of Object.entries(this.#parts.tables)) {
      if (!call.test(body)) continue;
      const symbol = this.#parts.symbols.get(functionName(signature));
      if (symbol) this.ensure(symbol.address, symbol.size);
    }
    if (event === 'sys_exit') this.ensure(this.#parts.symbols.address('syscall_exit_to_user_mode') ?? this.base, 1);
  }
}

import { percpuMem as gsMem } from './compile.ts';

/** security_X(...): the BPF LSM's hook. A refusal becomes the system call's result, whatever the recording says. */
function lsmHook(a: Assembler, hook: Addr, result: number): void {
  const fine = a.label();
  a.op('push r64', 5);
  a.op('mov r/m64, r64', 5, 4);
  a.op('call rel32', hook);
  a.op('movsxd r64, r/m32', 0, 0);
  a.op('test r/m64, r64', 0, 0);
  a.op('jns rel8', fine);
  a.op('mov r/m64, r64', gsMem(result), 0);
  a.bind(fine);
  a.op('pop r64', 5);
  a.op('ret');
}

/** How a function begins, by the table's letter; text that ftrace does not know has no nop. */
function prologueOf(f: KernelSymbol): Prologue | 'none' | 'plain' {
  switch ((f.kind ?? 'e').toLowerCase()) {
    case 'e':
      return 'endbr';
    case 's':
      return 'sealed';
    case 'b':
      return 'bare';
    case 'n':
      return 'plain';
    default:
      return 'none';
  }
}
function beginning(a: Assembler, p: Prologue | 'none' | 'plain'): void {
  if (p === 'none') return;
  if (p === 'plain') a.raw(0xf3, 0x0f, 0x1e, 0xfa);
  else emitEntry(a, p);
}

export { formatAddr };
