/** The machine code of one kernel function: from the tables, from hand-written text, or a return at once. */
import type { Addr } from '../../src/machine/addr.ts';
import { Assembler, rax, rbp, rcx, rdi, rdx, rsi, rsp } from '../../src/x86/index.ts';
import { KernelError } from '../core/errno.ts';
import { layoutOf } from '../core/map-layout.ts';
import { STAND_IN_PERCPU } from '../core/model-percpu.ts';
import type { Structs } from '../core/structs.ts';
import type { KernelSymbol } from '../sym/symbol.ts';
import type { Symbols } from '../sym/symbols.ts';
import type { Emit, EmitContext } from './assembly/context.ts';
import {
  type Compiled,
  compile,
  emitEntry,
  emitRefusal,
  LSM_HOOK,
  type Prologue,
  percpuMem,
  type TraceSite,
} from './compile.ts';
import type { Hypercalls } from './hypercalls.ts';
import { functionName, parseFunction, returnsInt } from './language.ts';
import type { Pregenerated } from './pregenerated.ts';
import { type Reach, reach } from './reach.ts';

/** A function that the kernel's text has, apart from those of the function tables. */
export interface FunctionSpec {
  /** symbol; its address is the active kallsyms' */
  readonly name: string;
  /** what it does, in TypeScript: arguments and result by {@link Kernel.args} */
  readonly handler?: () => void;
  /** the handler may say `rip += 1`: the function's hand-written text then does it, behind the handler's `ret` */
  readonly orText?: true;
  /** or its body as instructions, ret included */
  readonly code?: (asm: Assembler) => void;
}

export interface MakerParts {
  readonly symbols: Symbols;
  readonly structs: Structs;
  readonly hypercalls: Hypercalls;
  /** function table: signature to body */
  readonly tables: Readonly<Record<string, string>>;
  /** hand-written text: of a function, or (`@name`) of a hypercall that needs no host */
  readonly assembly: Readonly<Record<string, Emit>>;
  /** per-CPU offsets of the model's own variables */
  readonly percpu: Readonly<Record<string, number>>;
  /** text made beforehand, where it is for these symbols and structures */
  readonly ready: Pregenerated | undefined;
  /** address of text that the active kernel has no symbol for */
  readonly privateText: (name: string) => Addr;
  readonly privateAddress: (name: string) => Addr | undefined;
  /** address of a variable: a tracepoint's structure, the table of kprobes */
  readonly data: (name: string) => Addr;
}

/** how a function begins; `plain`: endbr64 without ftrace's nop, `none`: nothing */
export type Beginning = Prologue | 'plain' | 'none';

const BEGINNINGS: Readonly<Record<string, Beginning>> = { e: 'endbr', s: 'sealed', b: 'bare', n: 'plain' };
export const beginningOf = (f: KernelSymbol): Beginning => BEGINNINGS[(f.kind ?? 'e').toLowerCase()] ?? 'none';

export function emitBeginning(a: Assembler, b: Beginning): void {
  if (b === 'plain') a.op('endbr64');
  else if (b !== 'none') emitEntry(a, b);
}

export class FunctionMaker {
  readonly #parts: MakerParts;
  readonly #defined = new Map<string, FunctionSpec>();
  /** names of table rows to their keys */
  readonly #rows = new Map<string, string>();

  readonly #byHost = new Set<string>();
  #reached: Reach | undefined;
  #reachable: Set<Addr> | undefined;

  constructor(parts: MakerParts) {
    this.#parts = parts;
    for (const signature of Object.keys(parts.tables)) this.#rows.set(functionName(signature), signature);
  }
  save() {
    return new Map(this.#defined);
  }
  restore(defined: ReturnType<FunctionMaker['save']>): void {
    this.#defined.clear();
    for (const [name, spec] of defined) this.#defined.set(name, spec);
  }

  define(spec: FunctionSpec): void {
    this.#defined.set(spec.name, spec);
    this.#reachable = undefined;
    if (spec.handler) this.#parts.hypercalls.register(spec.name, spec.handler);
  }
  /** Whether a function was given to {@link define}. */
  isDefined(name: string): boolean {
    return this.#defined.has(name);
  }
  /** Whether a function of that name does something (others return 0 at once). */
  has(name: string): boolean {
    return this.#defined.has(name) || this.#rows.has(name) || name in this.#parts.assembly;
  }
  /** Names of the functions in the tables and in hand-written text. */
  names(): string[] {
    return [...this.#rows.keys(), ...Object.keys(this.#parts.assembly)].filter((name) => !name.startsWith('@'));
  }
  /** Functions whose table row has a site of a tracepoint. */
  withSite(event: string): string[] {
    const call = new RegExp(`trace ${event}\\(`);
    const names = Object.entries(this.#parts.tables)
      .filter(([, body]) => call.test(body))
      .map(([signature]) => functionName(signature));
    return event === 'sys_exit' ? [...names, 'syscall_exit_to_user_mode'] : names;
  }

  /** Functions that hypercalls give to a body to call: no row names them. */
  mayCall(names: Iterable<string>): void {
    for (const name of names) this.#byHost.add(name);
    this.#reachable = undefined;
  }
  /** Whether a body has a site of the tracepoint. All bodies are read only where no row's text says so. */
  fires(event: string): boolean {
    return this.withSite(event).length > 0 || this.#reach().events.has(event);
  }
  /**
   * Whether a modelled path may call what lies at an address: false, it is never executed. `name`: one that it has, which
   * often says so before all bodies are read.
   */
  reaches(at: Addr, name?: string): boolean {
    if (name !== undefined && (this.has(name) || this.#byHost.has(name))) return true;
    if (this.#reachable === undefined) {
      const reachable = new Set<Addr>();
      const names = [...this.#reach().functions, ...this.#byHost, ...this.#defined.keys()];
      for (const name of names) {
        const hook = name.startsWith('security_') ? this.#lsmHook(name.slice('security_'.length)) : undefined;
        const cap = hook === undefined ? undefined : this.#capHook(name);
        for (const address of [this.address(name), hook, cap]) if (address !== undefined) reachable.add(address);
      }
      this.#reachable = reachable;
    }
    return this.#reachable.has(at);
  }
  #reach(): Reach {
    const { tables, assembly, symbols } = this.#parts;
    return (this.#reached ??= reach(tables, assembly, this.emitContext([]), symbols.address('_stext') ?? 0));
  }

  /** Text for an address; `entry` false leaves out what ftrace patches. */
  make(name: string, at: Addr, beginning: Beginning, entry = true): Compiled {
    const { assembly, hypercalls, ready, percpu } = this.#parts;
    const spec = this.#defined.get(name);
    if (!spec && entry) {
      const known = ready?.get(name, at);
      if (known) return known;
    }
    const row = this.#rows.get(name);
    const emit = assembly[name];
    if (!spec && !emit && row !== undefined) return this.#fromTable(row, at, beginning, entry);
    const hook = name.startsWith('security_') ? this.#lsmHook(name.slice(9)) : undefined;
    if (!spec && !emit && hook === undefined && !name.startsWith('__x64_sys_')) return leaf(beginning);
    const a = new Assembler(at);
    if (entry) emitBeginning(a, beginning);
    const sites: TraceSite[] = [];
    if (spec?.code) spec.code(a);
    else if (spec?.handler) {
      a.op('mov r32, imm32', rax, hypercalls.nr(name)).op('vmcall').op('ret');
      if (spec.orText && emit) emit(a, this.emitContext(sites));
    } else if (emit) emit(a, this.emitContext(sites));
    else if (hook !== undefined)
      lsmHook(
        a,
        hook,
        this.address(name.replace(/^security_/, 'cap_')),
        hypercalls.nr('lsm_refused'),
        percpu['result'] as number,
      );
    else a.op('mov r64, r/m64', rax, percpuMem(percpu['result'] as number)).op('ret');
    a.op('int3');
    return { bytes: a.bytes(), sites };
  }

  #fromTable(row: string, at: Addr, beginning: Beginning, entry: boolean): Compiled {
    const { hypercalls, structs, percpu, assembly } = this.#parts;
    const hot = structs.of('pcpu_hot');
    return compile(parseFunction(row, this.#parts.tables[row] as string), at, beginning, entry, {
      address: (callee) => this.place(callee),
      returnsInt: (callee) => returnsInt(this.#rows.get(callee) ?? ''),
      hypercall: (name) => hypercalls.nr(name),
      inline: (name, a) => {
        const emit = assembly[`@${name}`];
        emit?.(a, this.emitContext([]));
        return emit !== undefined;
      },
      traceiter: (event) => this.place(`__traceiter_${event}`),
      structs,
      percpu: {
        result: percpu['result'] as number,
        block: percpu['block'] as number,
        currentTask: this.percpu('pcpu_hot') + hot.offset('current_task'),
        preemptCount: this.percpu('pcpu_hot') + hot.offset('preempt_count'),
      },
    });
  }

  /** The hook that `security_NAME` asks, by the names of security/security.c and include/linux/lsm_hook_defs.h. */
  #lsmHook(name: string): Addr | undefined {
    const spelled = [name, `${name}_security`, LSM_NAMES[name] ?? ''];
    for (const hook of spelled) {
      const address = this.address(LSM_HOOK + hook);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  /** The hook of the capability LSM that `security_NAME` asks first. */
  #capHook(name: string): Addr | undefined {
    return this.address(name.replace(/^security_/, 'cap_'));
  }

  /** As {@link address}; what this kernel has inlined or calls otherwise, but the model needs, gets a place of its own. */
  place(name: string): Addr | undefined {
    const needed = this.has(name) || name.startsWith('__x64_sys_');
    return this.address(name) ?? (needed ? this.#parts.privateText(name) : undefined);
  }
  /** Text address of a function; undefined where the active kernel has none of that name. */
  address(name: string): Addr | undefined {
    return this.#parts.symbols.address(name) ?? this.#parts.privateAddress(name);
  }
  /** Per-CPU offset of a variable: the model's own, Linux's at its symbol, or its stand-in. @throws KernelError ENOENT */
  percpu(name: string): number {
    const offset = this.#parts.percpu[name] ?? this.#parts.symbols.address(name) ?? STAND_IN_PERCPU[name];
    if (offset === undefined) throw new KernelError('ENOENT', `no per-CPU variable ${name}`);
    return offset;
  }
  /** What hand-written text refers to. */
  emitContext(sites: TraceSite[]): EmitContext {
    const { structs, hypercalls } = this.#parts;
    return {
      sym: (name) => {
        const isData = name.startsWith('__tracepoint_') || name === 'kprobe_table';
        const at = isData ? this.#parts.data(name) : this.place(name);
        if (at !== undefined) return at;
        throw new KernelError('ENOENT', `kernel text needs ${name}, which this kernel has not`);
      },
      hypercall: (name) => hypercalls.nr(name),
      data: (name) => this.#parts.data(name),
      maps: layoutOf(structs),
      state: structs.offsets('task_struct', ['__state']).__state,
      off: (struct, path) => structs.of(struct).offset(path),
      sizeOf: (struct) => structs.of(struct).size,
      percpu: (name) => this.percpu(name),
      site: (event, at, outOfLine) => void sites.push({ event, at, outOfLine }),
    };
  }
}

const leaves = new Map<Beginning, Compiled>();
/** A function that is called and does nothing here: it returns 0. */
function leaf(beginning: Beginning): Compiled {
  let made = leaves.get(beginning);
  if (!made) {
    const a = new Assembler(0);
    emitBeginning(a, beginning);
    a.op('xor r/m32, r32', rax, rax).op('ret').op('int3');
    made = { bytes: a.bytes(), sites: [] };
    leaves.set(beginning, made);
  }
  return made;
}

/** arguments of a hook that the first callee may change */
const HOOK_ARGS = [rdi, rsi, rdx, rcx];
/** hooks whose names are neither their function's nor that with `_security` behind it */
const LSM_NAMES: Readonly<Record<string, string>> = {
  prepare_creds: 'cred_prepare',
  transfer_creds: 'cred_transfer',
  sock_rcv_skb: 'socket_sock_rcv_skb',
  settime64: 'settime',
  sk_classify_flow: 'sk_getsecid',
  vm_enough_memory_mm: 'vm_enough_memory',
};

/**
 * security_X(...): the hook of the capability LSM, where it has one (security/commoncap.c), and behind it the BPF LSM's, in
 * the order of CONFIG_LSM. A refusal becomes the system call's result, whatever the recording says.
 */
function lsmHook(a: Assembler, hook: Addr, cap: Addr | undefined, refused: number, result: number): void {
  const fine = a.label();
  a.op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
  if (cap !== undefined) {
    for (const reg of HOOK_ARGS) a.op('push r64', reg);
    a.op('call rel32', cap);
    for (const reg of HOOK_ARGS.toReversed()) a.op('pop r64', reg);
  }
  a.op('call rel32', hook);
  emitRefusal(a, result, refused, fine);
  a.bind(fine);
  a.op('pop r64', rbp).op('ret');
}
