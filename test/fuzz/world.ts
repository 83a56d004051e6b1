/** One kernel with the maps that random programs use, put back to the same state before each run. */
import { CAP, type Process } from '../../kernel-sim/core/process.ts';
import { Arena } from '../../kernel-sim/core/user-access.ts';
import { BpfError, type EngineName, type MapHandle, type Program } from '../../src/index.ts';
import { type Insn, writeInsns } from '../../src/isa/index.ts';
import { type Engine, engine } from '../support/drivers.ts';
import { type Maps, tailTarget } from './assemble.ts';
import { BUFFER, BUFFER_AT, CONTEXT } from './grammar.ts';
import { Rng } from './rng.ts';

/** What a run leaves behind. */
export interface Outcome {
  /** errno of a load or run that failed, with its reason; '' where both went well */
  readonly error: string;
  /** whether the program was loaded */
  readonly loaded: boolean;
  readonly r0: string;
  readonly insns: number;
  /** hexadecimal */
  readonly buffer: string;
  /** or the packet */
  readonly context: string;
  readonly array: string;
  readonly hash: string;
}

const ARRAY_ENTRIES = 4;
const HASH_ENTRIES = 4;
const TARGETS = 2;
/** U16_MAX: no access that the verifier lets a syscall program make of its context lies beyond */
const LARGEST_CONTEXT = 0xffff;
/** include/uapi/linux/bpf.h */
const BPF_PROG_LOAD = 5;
const PROG_TYPE = { xdp: 6, syscall: 31 } as const;
const BPF_F_SLEEPABLE = 16;
/** what bpf(2) asks of who loads an XDP or syscall program, without CAP_PERFMON: it may not tell an address */
const NO_PERFMON = (1n << BigInt(CAP.BPF)) | (1n << BigInt(CAP.NET_ADMIN));
/** BPF_F_MMAPABLE: values lie in pages of their own, with nothing behind them */
const MMAPABLE = 1024;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);

export class World {
  readonly name: EngineName;
  readonly engine: Engine;
  readonly maps: Maps;
  private readonly verify: boolean;
  private readonly buffer: MapHandle;
  private readonly array: MapHandle;
  private readonly hash: MapHandle;
  private readonly targets: readonly Program[];

  static async boot(name: EngineName, verify: boolean): Promise<World> {
    return new World(await engine(name), verify);
  }

  private constructor(booted: Engine, verify: boolean) {
    this.name = booted.name;
    this.engine = booted;
    this.verify = verify;
    const { bpf } = booted.kernel;
    this.buffer = bpf.mapCreate({
      type: 'array',
      keySize: 4,
      valueSize: BUFFER_AT + BUFFER,
      maxEntries: 1,
      flags: MMAPABLE,
    });
    this.array = bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: ARRAY_ENTRIES });
    this.hash = bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: HASH_ENTRIES });
    const programs = booted.progArray(4);
    this.maps = { buffer: this.buffer.fd, array: this.array.fd, hash: this.hash.fd, programs: programs.fd };
    this.targets = Array.from({ length: TARGETS }, (_, n) =>
      booted.load({ type: verify ? 'xdp' : 'syscall', insns: writeInsns(tailTarget(this.maps, n)), verify }),
    );
    this.targets.forEach((t, n) => {
      programs.update(n, t.fd);
    });
  }

  /** Why a program is refused. */
  reason(type: 'syscall' | 'xdp', insns: readonly Insn[]): string {
    try {
      this.engine.load({ type, insns: writeInsns([...insns]), verify: this.verify, log: true }).close();
      return 'loaded after all';
    } catch (error) {
      return error instanceof BpfError ? error.message : String(error);
    }
  }

  /**
   * Whether what a program leaves behind may come of addresses, which no two engines share. Linux says so: it refuses
   * such programs to who has no CAP_PERFMON. Some others it refuses, too: those that read stack they never wrote.
   */
  mayTellAddresses(type: 'syscall' | 'xdp', insns: readonly Insn[]): boolean {
    const { kernel } = this.engine;
    const memory = new Arena();
    const process: Process = { ...kernel.process, caps: NO_PERFMON, memory };
    const attr = new Uint8Array(48);
    const view = new DataView(attr.buffer);
    view.setUint32(0, PROG_TYPE[type], true);
    view.setUint32(4, insns.length, true);
    view.setBigUint64(8, BigInt(memory.put(writeInsns([...insns]))), true);
    view.setBigUint64(16, BigInt(memory.put('GPL')), true);
    view.setUint32(44, type === 'syscall' ? BPF_F_SLEEPABLE : 0, true);
    const fd = kernel.bpf.syscall(BPF_PROG_LOAD, attr, attr.length, memory, process);
    if (fd >= 0) kernel.fds.close(fd);
    return fd < 0;
  }

  /** Puts the maps into the state that `seed` names; the context or packet that goes with it. */
  reset(seed: number): Uint8Array {
    const r = new Rng(seed ^ 0x1234567);
    this.buffer.update(0, r.bytes(BUFFER_AT + BUFFER));
    for (let n = 0; n < ARRAY_ENTRIES; n++) this.array.update(n, r.bytes(8));
    for (const [key] of [...this.hash.entries()]) this.hash.delete(key);
    for (let n = 0; n < HASH_ENTRIES - 2; n++) this.hash.update(u32(n * 2), r.bytes(8));
    return r.bytes(CONTEXT);
  }

  /** Runs a program on the state that `seed` names. */
  run(type: 'syscall' | 'xdp', insns: readonly Insn[], seed: number): Outcome {
    const bytes = this.reset(seed);
    const input = type === 'xdp' ? { packet: bytes } : { memory: this.verify ? padded(bytes) : bytes };
    let prog: Program | undefined;
    try {
      prog = this.engine.load({ type, insns: writeInsns([...insns]), verify: this.verify });
      const out = this.engine.test(prog, input);
      const at = (map: MapHandle, n: number): string => hex(map.lookup(n) ?? new Uint8Array(0));
      return {
        error: '',
        loaded: true,
        r0: out.r0.toString(16),
        insns: out.insns,
        buffer: at(this.buffer, 0),
        context: hex(out.memory),
        array: Array.from({ length: ARRAY_ENTRIES }, (_, n) => at(this.array, n)).join(' '),
        hash: [...this.hash.entries()].map(([k, v]) => `${hex(k)}:${hex(v)}`).join(' '),
      };
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const nothing = { r0: '', insns: 0, buffer: '', context: '', array: '', hash: '' };
      return { error: `${error.errno}: ${error.message}`, loaded: prog !== undefined, ...nothing };
    } finally {
      prog?.close();
    }
  }
}

/** With zeroes up to where a syscall program may look: a shorter context is refused, EINVAL. */
function padded(bytes: Uint8Array): Uint8Array {
  const context = new Uint8Array(LARGEST_CONTEXT);
  context.set(bytes);
  return context;
}

const FIELDS = ['error', 'r0', 'buffer', 'context', 'array', 'hash', 'insns'] as const;

/** How two outcomes differ, '' where they agree. Two that failed need not fail with the same words. */
export function difference(a: Outcome, b: Outcome, names: readonly [string, string]): string {
  for (const field of FIELDS) {
    if (field === 'error' && a.error !== '' && b.error !== '') continue;
    if (a[field] !== b[field]) return `${field}: ${names[0]} ${a[field]}, ${names[1]} ${b[field]}`;
  }
  return '';
}
