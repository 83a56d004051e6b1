/** A loaded program: `struct bpf_prog` in guest memory, its functions, and where its code is. */

import type { Insn } from '../../../src/isa/index.ts';
import { writeInsns } from '../../../src/isa/index.ts';
import { type Addr, formatAddr } from '../../../src/machine/addr.ts';
import { concatBytes, fromHex } from '../../../src/platform/index.ts';
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from '../../../src/uapi/index.ts';
import type { Counters } from '../../../src/verifier/index.ts';
import type { FuncInfo, LineInfo } from '../../../src/verifier/types.ts';
import type { FdObject } from '../../core/fds.ts';
import type { Ground } from '../../floors/ground.ts';
import type { InterpProgram } from '../engine/interp/index.ts';
import type { BpfMap, ProgArrayMap } from '../maps/index.ts';
import type { BtfObject } from '../objects/btf-object.ts';
import { funcTag } from './tag.ts';

/** One function of a program; the first is the program itself. */
export interface ProgFunc {
  readonly name: string;
  /** slots in the rewritten program */
  readonly start: number;
  readonly end: number;
  readonly stackDepth: number;
  readonly tailCallReachable: boolean;
  readonly isExceptionCb?: boolean;
  readonly exceptionBoundary?: boolean;
  /** compiled, but user space is not shown it */
  readonly hidden?: boolean;
}

/** A function as placed: symbol, address, bytes. */
export interface PlacedFunc {
  readonly name: string;
  readonly address: Addr;
  readonly bytes: Uint8Array;
  /** for each slot of the function, the offset of its first byte */
  readonly insnOffsets: Uint32Array;
}

/** What the pipeline made of the instructions. */
export interface ProgCode {
  /** as the engines execute it: addresses in place */
  readonly insns: readonly Insn[];
  /** slot of the program as loaded that each slot belongs to */
  readonly origins: Int32Array;
  readonly funcs: readonly ProgFunc[];
  readonly maps: readonly BpfMap[];
}

/** How a program can be made otherwise than Linux makes it. */
export interface Remaking {
  /** functions of the kernel whose calls were made something quicker */
  readonly inlined: ReadonlySet<string>;
  /** records of its BTF, with slots as loaded */
  readonly lineInfo: readonly LineInfo[];
  readonly funcInfo: readonly FuncInfo[];
  /** @throws RewriteError */
  readonly remake: (options: RemakeOptions) => Remade;
}
export interface RemakeOptions {
  /** functions of the kernel whose calls stay calls */
  readonly called?: ReadonlySet<string>;
  /** address of counters */
  readonly counters?: bigint;
}
export interface Remade {
  readonly code: ProgCode;
  readonly pokes: readonly PokeSlot[];
  readonly counters?: Counters;
}
/** A slot of an array of programs that is jumped to directly. */
export interface PokeSlot {
  readonly map: ProgArrayMap;
  readonly key: number;
}

export interface ProgInit {
  readonly type: number;
  readonly expectedAttachType: number;
  readonly name: string;
  readonly tag: string;
  readonly gpl: boolean;
  readonly flags: number;
  readonly log: string;
  /** bytes that the log took at its longest */
  readonly logLongest: number;
  /** as loaded */
  readonly loaded: readonly Insn[];
  readonly code: ProgCode;
  readonly verified: boolean;
  readonly classic: boolean;
  readonly verifiedInsns: number;
  /** instructions, as loaded, that read stack which was never written: without CAP_PERFMON the verifier refuses that */
  readonly uninitReads: readonly number[];
  readonly attachBtfId: number;
  readonly attachTarget: string | undefined;
  readonly loadTime: bigint;
  /** address of `struct bpf_prog_aux` */
  readonly aux: Addr;
  /** kernel functions that it calls and the model has no body for: reaching one stops the program, by name */
  readonly unmodelled: readonly string[];
  /** end of the context as far as the program reads or writes it */
  readonly maxCtxOffset: number;
  /** bytes of keys and of values that an iterator over elements accesses */
  readonly maxAccess: { readonly rdonly: number; readonly rdwr: number };
  /** user who loaded it */
  readonly uid: number;
  /** records of its BTF, with slots of the rewritten program */
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
  readonly remaking?: Remaking | undefined;
}

/** Fields of `struct bpf_prog` that are kept in guest memory. */
const BPF_PROG = ['type', 'expected_attach_type', 'len', 'jited_len', 'tag', 'bpf_func', 'aux', 'insnsi'] as const;

/** BPF_FUNC_get_func_ip */
const GET_FUNC_IP = 173;

export class BpfProg implements FdObject {
  readonly fdName = 'anon_inode:bpf-prog';
  readonly init: ProgInit;
  /** `struct bpf_prog`, its instructions behind it */
  readonly addr: Addr;
  id = 0;
  /** value of `bpf_func` */
  entry: Addr = 0;
  placed: readonly PlacedFunc[] = [];
  interp: InterpProgram | undefined;
  /** nothing refers to it any more: it has no id */
  onGone: () => void = () => undefined;
  /** undoes what placing did: symbols, exception table, image */
  onFree: (() => void)[] = [];
  /** its BTF, where it was loaded with records of it */
  btfObject: BtfObject | undefined;
  /** the program that it was loaded to attach to, which lives as long (`dst_prog`) */
  targetProg: BpfProg | undefined;
  /** it was attached there once: a further link must say where */
  isTargetTaken = false;
  /** id of the BTF that attach_btf_id is in, 0 where it attaches to nothing by BTF */
  attachBtfObjectId = 0;
  recursionMisses = 0;
  runCount = 0;
  runTime = 0n;
  readonly #kernel: Ground;
  readonly #maps: BpfMap[];
  readonly #offsets: { readonly [F in (typeof BPF_PROG)[number]]: number };
  #refs = 1;

  constructor(kernel: Ground, init: ProgInit) {
    this.#kernel = kernel;
    this.init = init;
    this.#offsets = kernel.structs.offsets('bpf_prog', BPF_PROG);
    const f = this.#offsets;
    const code = writeInsns(init.code.insns);
    // bpf_prog_alloc: whole pages of vmalloc space
    this.addr = kernel.vmalloc.alloc(f.insnsi + code.length);
    const { memory } = kernel;
    memory.writeU32(this.addr + f.type, init.type);
    memory.writeU32(this.addr + f.expected_attach_type, init.expectedAttachType);
    memory.writeU32(this.addr + f.len, init.code.insns.length);
    memory.writeBytes(this.addr + f.tag, fromHex(init.tag));
    memory.writeAddr(this.addr + f.aux, init.aux);
    memory.writeBytes(this.addr + f.insnsi, code);
    this.#maps = init.code.maps.map((map) => map.get());
  }

  save() {
    const { id, entry, placed, interp, runCount, runTime, recursionMisses, btfObject, attachBtfObjectId } = this;
    const { targetProg, isTargetTaken } = this;
    const counts = { runCount, runTime, recursionMisses };
    return {
      fields: { id, entry, placed, interp, btfObject, attachBtfObjectId, targetProg, isTargetTaken, ...counts },
      maps: this.#maps.slice(),
      onFree: this.onFree.slice(),
      refs: this.#refs,
    };
  }
  restore({ fields, maps, onFree, refs }: ReturnType<BpfProg['save']>): void {
    Object.assign(this, fields);
    this.#maps.splice(0, this.#maps.length, ...maps);
    this.onFree = onFree.slice();
    this.#refs = refs;
  }

  get name(): string {
    return this.init.name;
  }
  get type(): number {
    return this.init.type;
  }
  get expectedAttachType(): number {
    return this.init.expectedAttachType;
  }
  /** functions as user space is shown them */
  get shown(): readonly PlacedFunc[] {
    return this.placed.filter((_, n) => !this.init.code.funcs[n]?.hidden);
  }
  /** machine code as it lies in memory, of all functions that are shown */
  get image(): Uint8Array {
    const { memory } = this.#kernel;
    return concatBytes(this.shown.map((f) => memory.readBytes(f.address, f.bytes.length)));
  }
  get attachBtfId(): number {
    return this.init.attachBtfId;
  }
  get jited(): boolean {
    return this.interp === undefined;
  }
  get xdpHasFrags(): boolean {
    return (this.init.flags & BPF_F_XDP_HAS_FRAGS) !== 0;
  }
  get maxCtxOffset(): number {
    return this.init.maxCtxOffset;
  }
  get getsFuncIp(): boolean {
    return this.init.loaded.some((i) => i.code === 0x85 && i.src === 0 && i.imm === GET_FUNC_IP);
  }
  get sleepable(): boolean {
    return (this.init.flags & BPF_F_SLEEPABLE) !== 0;
  }
  /** address of the first instruction, which the kernel's own text passes to the entry beside the context */
  get insnsi(): Addr {
    return this.addr + this.#offsets.insnsi;
  }
  /** as the kernel's text sees it */
  get address(): Addr {
    return this.addr;
  }
  /**
   * Symbol of one of its functions, `bpf_prog_<tag>_<name>` (`bpf_get_prog_name`): the name is BTF's where there is one,
   * else the program's own, or F for its further functions, which have tags of their own.
   */
  symbol(n: number): string {
    const func = this.init.code.funcs[n]!;
    const named = this.init.verified ? func.name : '';
    const name = named || (n === 0 ? this.name : 'F');
    const { funcs, insns } = this.init.code;
    const tag =
      n === 0
        ? this.init.tag
        : funcTag(
            insns,
            funcs.map((f) => f.start),
            n,
          );
    return `bpf_prog_${tag}${name ? `_${name}` : ''}`;
  }

  setEntry(entry: Addr, jitedLength: number): void {
    this.entry = entry;
    this.#kernel.memory.writeAddr(this.addr + this.#offsets.bpf_func, entry);
    this.#kernel.memory.writeU32(this.addr + this.#offsets.jited_len, jitedLength);
  }

  /** Maps that it holds: those that it refers to, and those that were bound to it. */
  get usedMaps(): readonly BpfMap[] {
    return this.#maps;
  }
  /** BPF_PROG_BIND_MAP: the map lives as long as the program. */
  bindMap(map: BpfMap): void {
    if (!this.#maps.includes(map)) this.#maps.push(map.get());
  }
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs > 0) return;
    this.onGone();
    const { rcu, vmalloc, slab } = this.#kernel;
    rcu.call(() => {
      for (const undo of this.onFree) undo();
      this.targetProg?.put();
      for (const map of this.#maps) map.put();
      vmalloc.free(this.addr);
      slab.kfree(this.init.aux);
    });
  }
  get refs(): number {
    return this.#refs;
  }
  release(): void {
    this.put();
  }
  /** Lines of /proc/PID/fdinfo/N: `bpf_prog_show_fdinfo`. */
  fdinfo(): string {
    const { init, type, jited, id, runTime, runCount, recursionMisses } = this;
    const pages = Math.ceil((this.#offsets.insnsi + 8 * init.code.insns.length) / 4096);
    return [
      ['prog_type', type],
      ['prog_jited', jited ? 1 : 0],
      ['prog_tag', init.tag],
      ['memlock', pages * 4096],
      ['prog_id', id],
      ['run_time_ns', runTime],
      ['run_cnt', runCount],
      ['recursion_misses', recursionMisses],
      ['verified_insns', init.verifiedInsns],
    ]
      .map(([name, value]) => `${name}:\t${value}\n`)
      .join('');
  }
  describe(): string {
    return `program ${this.id} '${this.name}' at ${formatAddr(this.entry)}`;
  }
}
