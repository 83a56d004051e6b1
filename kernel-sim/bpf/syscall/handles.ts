/** What callers hold: programs and maps by their descriptors. */
import { ArgumentError, checkArgument } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import { writeInsns } from '../../../src/isa/index.ts';
import { addrToBigInt } from '../../../src/machine/addr.ts';
import { BPF_F_WRONLY, mapTypeName, progTypeName } from '../../../src/uapi/index.ts';
import type { FdObject } from '../../core/fds.ts';
import { BpfError } from '../errors.ts';
import type { BpfMap } from '../maps/index.ts';
import { HashMap, RingbufMap } from '../maps/index.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { AsyncTestRunOptions, ProgramThread, TestRun, TestRunOptions, TestRunResult } from '../prog/test-run.ts';
import type { MapBytes, MapCommands } from './map-commands.ts';

/** One function of a program's image. */
export interface JitedFunc {
  /** its kernel symbol, `bpf_prog_<tag>_<name>` */
  readonly name: string;
  readonly address: bigint;
  /** bytes */
  readonly length: number;
}

/** What of bpf(2) a program handle needs. */
export interface ProgCommands {
  testRun(prog: BpfProg, options: TestRunOptions): TestRunResult;
  thread(prog: BpfProg, options: TestRunOptions, cpu: number): ProgramThread;
  run(prog: BpfProg, options: AsyncTestRunOptions): Promise<TestRunResult>;
  begin(prog: BpfProg, options: TestRunOptions): TestRun;
  dump(prog: BpfProg): Uint8Array;
}

/** The process's descriptors. */
export interface Descriptors {
  find(fd: number): FdObject | undefined;
  close(fd: number): void;
}

/** What a descriptor refers to, as long as it is open: afterwards the object may be gone, and the number another's. */
class Descriptor<T extends FdObject> {
  readonly fd: number;
  readonly #fds: Descriptors;
  readonly #object: T;
  constructor(fds: Descriptors, object: T, fd: number) {
    this.#fds = fds;
    this.#object = object;
    this.fd = fd;
  }
  /** @throws BpfError EBADF */
  open(command: string): T {
    if (this.#fds.find(this.fd) !== this.#object)
      throw new BpfError(command, 'EBADF', `file descriptor ${this.fd} is not open`);
    return this.#object;
  }
  close(): void {
    this.open('close');
    this.#fds.close(this.fd);
  }
}

/** A loaded program. */
export class Program {
  readonly fd: number;
  /** the kernel's object */
  readonly prog: BpfProg;
  readonly #commands: ProgCommands;
  readonly #descriptor: Descriptor<BpfProg>;
  constructor(commands: ProgCommands, fds: Descriptors, prog: BpfProg, fd: number) {
    this.#commands = commands;
    this.#descriptor = new Descriptor(fds, prog, fd);
    this.prog = prog;
    this.fd = fd;
  }
  get id(): number {
    return this.prog.id;
  }
  get name(): string {
    return this.prog.name;
  }
  get type(): string {
    return progTypeName(this.prog.type);
  }
  /** sixteen hexadecimal digits */
  get tag(): string {
    return this.prog.init.tag;
  }
  /** what the verifier wrote, at the level asked for */
  get log(): string {
    return this.prog.init.log;
  }
  /** instructions as loaded, 8 bytes each */
  get insns(): Uint8Array {
    return writeInsns(this.prog.init.loaded);
  }
  /** instructions after the verifier's rewrites, as OBJ_GET_INFO_BY_FD reports them */
  get xlated(): Uint8Array {
    return this.#commands.dump(this.prog);
  }
  /** machine code of all functions in order; empty where the interpreter runs the program */
  get jited(): Uint8Array {
    return this.prog.jited ? this.prog.image : new Uint8Array(0);
  }
  get jitedFuncs(): JitedFunc[] {
    if (!this.prog.jited) return [];
    return this.prog.shown.map((f) => ({ name: f.name, address: addrToBigInt(f.address), length: f.bytes.length }));
  }
  /** kernel functions that it calls and this model has no body for: reaching one stops the run, by name */
  get unmodelled(): readonly string[] {
    return this.prog.init.unmodelled;
  }
  /**
   * Instructions, as loaded, that read stack which was never written. The verifier lets programs that are loaded with
   * CAP_PERFMON do so, and refuses others.
   */
  get uninitReads(): readonly number[] {
    return this.prog.init.uninitReads;
  }
  get verifiedInsns(): number {
    return this.prog.init.verifiedInsns;
  }
  /** PROG_TEST_RUN. @throws BpfError as bpf(2) fails: EINTR where `maxInsns` stopped it, EFAULT where it faulted, EBADF closed */
  testRun(options: TestRunOptions = {}): TestRunResult {
    return this.#commands.testRun(this.#descriptor.open('BPF_PROG_TEST_RUN'), options);
  }
  /**
   * As {@link testRun}, to be stepped: {@link TestRun.step} until it says 'end', then {@link TestRun.finish}.
   * @throws BpfError EBUSY while another run is under way
   */
  beginRun(options: TestRunOptions = {}): TestRun {
    return this.#commands.begin(this.#descriptor.open('BPF_PROG_TEST_RUN'), options);
  }
  /**
   * The program on a CPU, to be executed beside others, a piece of each in turn ({@link ProgramThread}). What it leaves in
   * the kernel stays: save the kernel first. @throws BpfError as {@link testRun}
   */
  beginThread(cpu: number, options: TestRunOptions = {}): ProgramThread {
    return this.#commands.thread(this.#descriptor.open('BPF_PROG_TEST_RUN'), options, cpu);
  }
  /**
   * As {@link testRun}, in slices of some hundredths of a second with a turn of the event loop after each, so that
   * timers and signals are heard while a long program runs. One at a time in a kernel.
   * @throws BpfError EINTR where `signal` or `maxInsns` ended it, EBUSY while another run is under way
   */
  async run(options: AsyncTestRunOptions = {}): Promise<TestRunResult> {
    return this.#commands.run(this.#descriptor.open('BPF_PROG_TEST_RUN'), options);
  }
  close(): void {
    this.#descriptor.close();
  }
}

/** A map. Its commands throw a BpfError, EBADF once it is closed. */
export class MapHandle {
  readonly fd: number;
  /** the kernel's object */
  readonly map: BpfMap;
  readonly #commands: MapCommands;
  readonly #descriptor: Descriptor<BpfMap>;
  constructor(commands: MapCommands, fds: Descriptors, map: BpfMap, fd: number) {
    this.#commands = commands;
    this.#descriptor = new Descriptor(fds, map, fd);
    this.map = map;
    this.fd = fd;
  }
  get id(): number {
    return this.map.id;
  }
  get name(): string {
    return this.map.name;
  }
  get type(): string {
    return mapTypeName(this.map.type);
  }
  get keySize(): number {
    return this.map.keySize;
  }
  get valueSize(): number {
    return this.map.valueSize;
  }
  get maxEntries(): number {
    return this.map.maxEntries;
  }
  get flags(): number {
    return this.map.flags;
  }
  /** address of `struct bpf_map` */
  get address(): bigint {
    return addrToBigInt(this.map.addr);
  }
  /** MAP_LOOKUP_ELEM: the value (all CPUs' in a row for per-CPU kinds), undefined where there is none. @throws BpfError */
  lookup(key?: MapBytes, flags = 0): Uint8Array | undefined {
    return this.#commands.lookup(this.#descriptor.open('BPF_MAP_LOOKUP_ELEM'), key, flags);
  }
  /** MAP_UPDATE_ELEM. @throws BpfError: E2BIG full, EEXIST, ENOENT, EPERM frozen ... */
  update(key: MapBytes, value: MapBytes, flags = 0): void {
    this.#commands.update(this.#descriptor.open('BPF_MAP_UPDATE_ELEM'), key, value, flags);
  }
  /** MAP_DELETE_ELEM. @throws BpfError ENOENT where there is no such key */
  delete(key: MapBytes): void {
    this.#commands.delete(this.#descriptor.open('BPF_MAP_DELETE_ELEM'), key);
  }
  /** MAP_GET_NEXT_KEY: the first key without an argument; undefined after the last. */
  nextKey(key?: MapBytes): Uint8Array | undefined {
    return this.#commands.nextKey(this.#descriptor.open('BPF_MAP_GET_NEXT_KEY'), key);
  }
  /** MAP_LOOKUP_AND_DELETE_ELEM; undefined where there is none. */
  lookupAndDelete(key?: MapBytes): Uint8Array | undefined {
    return this.#commands.lookupAndDelete(this.#descriptor.open('BPF_MAP_LOOKUP_AND_DELETE_ELEM'), key);
  }
  /** All entries, in the order of MAP_GET_NEXT_KEY. */
  entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    const { map } = this;
    if (map instanceof HashMap && map.takesBytes && (map.flags & BPF_F_WRONLY) === 0)
      return map.entriesBytes(() => void this.#descriptor.open('BPF_MAP_GET_NEXT_KEY'));
    return this.#eachEntry();
  }
  *#eachEntry(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    for (let key = this.nextKey(); key !== undefined; key = this.nextKey(key)) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }
  [Symbol.iterator](): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    return this.entries();
  }
  *keys(): IterableIterator<Uint8Array> {
    for (let key = this.nextKey(); key !== undefined; key = this.nextKey(key)) yield key;
  }
  /** MAP_FREEZE: no more writes from user space. */
  freeze(): void {
    this.#commands.freeze(this.#descriptor.open('BPF_MAP_FREEZE'));
  }
  /** Ring buffers: takes the records that are ready. */
  consume(): Uint8Array[] {
    const map = this.#descriptor.open('poll');
    return map instanceof RingbufMap ? this.#commands.consume(map) : [];
  }
  /**
   * Ring buffers: `wake` is called where the kernel would wake up a reader that waits in epoll(2). Gives what ends that.
   * @throws ArgumentError for other maps
   */
  onReady(wake: () => void): () => void {
    checkArgument('onReady', wake, is.callback);
    if (!(this.map instanceof RingbufMap))
      throw new ArgumentError('onReady', `${this.map.describe()} is no ring buffer`);
    return this.map.woken.add(wake);
  }
  close(): void {
    this.#descriptor.close();
  }
}
