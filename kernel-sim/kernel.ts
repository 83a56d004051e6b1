/**
 * The kernel model: Linux 6.12, x86-64, as Debian configures it, `nokaslr mitigations=off`.
 *
 * `Kernel` only ties the parts together; each part is a small class of its own in a folder
 * beside this file, and what a real kernel keeps in memory is kept in guest memory, at an
 * address that a pointer can follow.
 */
import { Btf } from '../src/btf/index.ts';
import { checkArgument, checkOptions } from '../src/errors/argument.ts';
import * as is from '../src/errors/checks.ts';
import type { Addr } from '../src/machine/addr.ts';
import { type CpuState, GuestMemory, Machine, type MachineState, type Stop } from '../src/machine/index.ts';
import { shownAs } from '../src/platform/index.ts';
import { ZONE_BYTES } from './bpf/engine/interp/zone.ts';
import { Bpf } from './bpf/index.ts';
import { Cgroups } from './cgroup/cgroups.ts';
import { Args, type Pair } from './core/args.ts';
import { Clock } from './core/clock.ts';
import { Context } from './core/context.ts';
import { DirectMap } from './core/direct-map.ts';
import { FdTable } from './core/fds.ts';
import { Listeners } from './core/listeners.ts';
import { MODEL_PERCPU } from './core/model-percpu.ts';
import { type BootOptions, bootOptions, type EngineName } from './core/options.ts';
import type { Executor } from './core/pause.ts';
import { Printk } from './core/printk.ts';
import { ALL_CAPS, type Process } from './core/process.ts';
import { Random } from './core/random.ts';
import { Rcu } from './core/rcu.ts';
import type { Stateful } from './core/state.ts';
import { Structs } from './core/structs.ts';
import { Sysctl } from './core/sysctl.ts';
import { Arena } from './core/user-access.ts';
import { builtinBtf, builtinConfig, wholeBtf } from './data/builtin.ts';
import type { CpuName } from './data/cpus.ts';
import type { FileSystemName } from './data/file-systems.ts';
import { layouts } from './data/layouts.ts';
import { RELEASE } from './data/release.ts';
import { textTable } from './data/text.ts';
import { Faults } from './fault/faults.ts';
import type { PlacesFloor } from './floors/places.ts';
import { kernelFiles } from './kernel-files.ts';
import { BpfPack } from './mm/bpf-pack.ts';
import { PerCpu } from './mm/percpu.ts';
import { Slab } from './mm/slab.ts';
import { Vmalloc } from './mm/vmalloc.ts';
import { Net } from './net/net.ts';
import { Perf } from './probe/perf.ts';
import { Probes } from './probe/probes.ts';
import { drive, REPLAY_OPTIONS, type ReplayOptions } from './replay/drive.ts';
import { type ProgramRun, programTrace } from './replay/program-trace.ts';
import type { Replay, ReplayResult } from './replay/replay.ts';
import { Replayer } from './replay/replayer.ts';
import type { StepSource, Trace } from './replay/trace.ts';
import { testRuns } from './run/drive.ts';
import { Scheduler } from './sched/scheduler.ts';
import { Security } from './security/index.ts';
import { builtinSymbols, symbolsFrom } from './sym/kallsyms.ts';
import type { Symbols } from './sym/symbols.ts';
import { Departures } from './syscall/departures.ts';
import { registerEffects } from './syscall/effects.ts';
import { Recorded } from './syscall/recorded.ts';
import { Files } from './task/files.ts';
import { KernelObjects } from './task/objects.ts';
import { Tasks } from './task/tasks.ts';
import { assembly } from './text/assembly/index.ts';
import { tables } from './text/functions/index.ts';
import { KernelText } from './text/kernel-text.ts';
import { Pregenerated } from './text/pregenerated.ts';
import { TraceBuffer } from './trace/buffer.ts';
import { TracePipe } from './trace/pipe.ts';
import { Programs } from './user/programs.ts';
import { RootFiles } from './user/root.ts';
import type { ProgramStreams } from './user/user-files.ts';
import { MadeEvents } from './vfs/tracefs/made-events.ts';
import type { KernelFiles } from './vfs/types.ts';

/** What {@link Kernel.save} gives, and {@link Kernel.restore} of the same kernel takes. */
export interface KernelMark {
  readonly version: 1;
  readonly machine: MachineState;
  readonly parts: readonly (readonly [part: Stateful, state: unknown])[];
}

/** virtual time at boot's end, and the wall clock then */
const BOOT_NS = 600e9;
const BOOT_REALTIME = 1_750_000_000_000_000_000n;
/** IA32_FMASK as Linux sets it: every flag that user space could use against the kernel */
const SYSCALL_MASK = 0x257fd5;
const STAR_HIGH = (0x23 << 16) | 0x10;

const isMark: is.Check = (value) =>
  (value as Partial<KernelMark> | null | undefined)?.machine === undefined
    ? `${is.shown(value)} is no mark; kernel.save() gives one`
    : undefined;

export class Kernel implements PlacesFloor {
  /** `uname -r` */
  readonly release: string = RELEASE;
  readonly cpus: number;
  readonly engine: EngineName;
  readonly cpuModel: CpuName;
  readonly mitigations: boolean;
  readonly rootfs: FileSystemName | undefined;
  readonly machine: Machine;
  readonly memory: GuestMemory;
  /** the kernel's own objects */
  readonly direct: DirectMap;
  readonly cpu: CpuState;
  /** arguments and result of a hypercall */
  readonly args: Args;

  readonly symbols: Symbols;
  /** modelled functions: `kernel.text.define({ name: 'bpf_trace_printk', handler })` */
  readonly text: KernelText;
  readonly structs: Structs;

  readonly slab: Slab;
  readonly vmalloc: Vmalloc;
  readonly percpu: PerCpu;
  readonly bpfPack: BpfPack;
  readonly rcu: Rcu;

  readonly objects: KernelObjects;
  readonly files: Files;
  readonly root: RootFiles;
  readonly programs: Programs;
  readonly tasks: Tasks;
  readonly sched: Scheduler;
  readonly context: Context;
  readonly clock: Clock;
  readonly random: Random;
  readonly fds: FdTable;
  /** the loader, as system calls see it: root, with memory of its own for what attributes point to */
  readonly process: Process & { readonly memory: Arena };
  readonly sysctl = new Sysctl();
  /** events that were made by writing to tracefs */
  readonly madeEvents: MadeEvents;
  /** the kernel went back to a mark */
  readonly restored = new Listeners<[]>();
  /** what was asked for by system calls that the model has not, by name */
  readonly missing = new Set<string>();

  readonly trace: TraceBuffer;
  readonly tracePipe: TracePipe;
  readonly printk: Printk;
  readonly probes: Probes;
  readonly perf: Perf;
  readonly net: Net;
  readonly cgroups: Cgroups;
  readonly #effects: readonly Stateful[];
  /** what hooks of the LSM are given */
  readonly security: Security;
  readonly faults: Faults;

  /** the recorded result of the system call that runs, where the text reads it */
  readonly recorded: Recorded;

  /** where verdicts of programs changed what recorded calls return */
  readonly departures: Departures;

  /** value of {@link Machine.marked} from which helpers call nothing back any more */
  markedLimit: number = Number.POSITIVE_INFINITY;
  /** the BPF interpreter, where it is the engine and has something to run */
  interp: Executor | undefined;

  readonly #btfBytes: Uint8Array | undefined;
  readonly #replayer: Replayer;
  #btf: Btf | undefined;
  readonly #isShipped: boolean;
  #bpf: Bpf | undefined;
  #vfs: KernelFiles | undefined;

  /** Boots a kernel. @throws BootError naming the option that cannot be used */
  static async boot(options: BootOptions = {}): Promise<Kernel> {
    return new Kernel(options);
  }

  protected constructor(options: BootOptions) {
    const o = bootOptions(options);
    this.cpus = o.cpus;
    this.engine = o.engine;
    this.mitigations = o.mitigations;
    this.rootfs = o.rootfs;
    this.cpuModel = o.cpu;
    this.#btfBytes = o.btf;
    this.#isShipped = o.kallsyms === undefined;
    this.memory = new GuestMemory({ bytes: o.memory, hostBytes: o.engine === 'interp' ? ZONE_BYTES : 0 });
    this.direct = new DirectMap(this.memory);
    this.machine = new Machine(this.memory, { engine: o.engine === 'jit' ? 'jit' : 'step' });
    this.rcu = new Rcu(this.machine);
    this.cpu = this.machine.cpu;
    this.args = new Args(this.cpu);
    this.random = new Random(o.seed);
    this.fds = new FdTable();
    this.symbols = o.kallsyms === undefined ? builtinSymbols() : symbolsFrom(o.kallsyms);
    this.structs = new Structs(layouts, o.btf !== undefined, () => this.btf);
    this.slab = new Slab(this.memory);
    this.vmalloc = new Vmalloc(this.memory);
    this.percpu = new PerCpu(this.memory, this.vmalloc, o.cpus);
    this.bpfPack = new BpfPack(this.machine, this.random);
    this.text = new KernelText({
      machine: this.machine,
      symbols: this.symbols,
      structs: this.structs,
      tables,
      assembly,
      percpu: MODEL_PERCPU,
      ready: o.kallsyms === undefined && o.btf === undefined ? new Pregenerated(textTable) : undefined,
    });
    const clockAt = this.memory.hostPhysical(this.text.data('virtual_clock', 8), 1) >> 2;
    this.clock = new Clock(this.memory.i32, clockAt, BOOT_NS, BOOT_REALTIME);
    this.printk = new Printk(this.clock);
    this.symbols.added.add(() => this.text.symbolsChanged());
    this.context = new Context(this.memory, this.cpu);
    this.objects = new KernelObjects(this);
    this.files = new Files(this);
    this.root = new RootFiles(o.sysroot);
    this.tasks = new Tasks(this);
    this.sched = new Scheduler(this);
    this.faults = new Faults(this);
    const { pid, comm } = this.tasks.loader;
    this.process = { pid, tid: pid, comm, uid: 0, caps: ALL_CAPS, fds: this.fds, memory: new Arena() };
    this.#startCpu();

    this.trace = new TraceBuffer(this.clock, this.context, this.cpus, o.traceFormat);
    this.tracePipe = new TracePipe(this.trace);
    const percpuWord = this.memory.translate(this.percpu.base + MODEL_PERCPU.result, 1, false) >> 2;
    this.recorded = new Recorded(
      this.memory.i32,
      percpuWord,
      (MODEL_PERCPU.block - MODEL_PERCPU.result) >> 2,
      this.percpu.unit >> 2,
      this.context,
    );
    this.departures = new Departures(this.tasks, this.recorded);
    this.departures.register(this.text, this.args, () =>
      this.symbols.format(this.cpu.rip).replace(/^security_|\+.*$/g, ''),
    );
    this.probes = new Probes(this);
    this.perf = new Perf(this);
    this.madeEvents = new MadeEvents(this);
    this.programs = new Programs(this);
    this.programs.provide({
      bpf: (call) => this.bpf.syscallAt(call.int(0), call.long(1), call.u32(2), call.process),
      perf_event_open: (call) =>
        this.perf.syscall(call.long(0), call.int(1), call.int(2), call.int(3), call.long(4), call.process),
    });
    this.#replayer = new Replayer(this, o.seed, () => this.bpf.state.images());
    this.#effects = registerEffects(this);
    this.net = new Net(this);
    this.cgroups = new Cgroups(this);
    this.security = new Security(this);
  }

  /** The kernel's own BTF: the built-in one, or the one given at boot. Parsed on first use. */
  get btf(): Btf {
    this.#btf ??= this.#btfBytes ? Btf.parse(this.#btfBytes) : builtinBtf();
    return this.#btf;
  }
  /** text of /proc/config.gz, for `.kconfig` externs */
  get config(): string {
    return builtinConfig();
  }
  /** bpf(2) */
  get bpf(): Bpf {
    this.#bpf ??= new Bpf(this, testRuns);
    return this.#bpf;
  }
  /** files of the kernel's own by path: proc, sysfs, tracefs, debugfs, bpffs, /boot */
  get vfs(): KernelFiles {
    this.#vfs ??= kernelFiles(
      {
        kernel: this,
        bpf: this.bpf.state,
        config: () => this.config,
        btf: () => this.#btfBytes ?? wholeBtf(),
        isShipped: this.#isShipped,
        tracePipe: this.tracePipe,
        missing: (what) => this.missing.add(what),
      },
      this.madeEvents,
    );
    return this.#vfs;
  }
  /** gs base of CPU 0 in the kernel */
  get perCpuBase(): Addr {
    return this.percpu.base;
  }

  /** Calls a guest function on the current task's kernel stack; re-entrant from hypercall handlers. Result in cpu.regs. */
  call(target: Addr, args: readonly Pair[] = [], maxInsns?: number): Stop {
    return this.machine.call(target, args, maxInsns);
  }

  /** Replays a recording: its tasks make its system calls, in its order and at its times. */
  async replay(recording: Trace | StepSource, options: ReplayOptions = {}): Promise<ReplayResult> {
    checkOptions('options', options, REPLAY_OPTIONS);
    return drive(this.replayer(recording, options), options);
  }
  /**
   * A program of user space as a recording to replay: a process of its own executes it, and its system calls are what
   * happens. It must be static, or find its dynamic linker in the root.
   * @throws KernelError ENOENT, ENOEXEC where it cannot be executed here
   */
  program(run: ProgramRun, streams?: ProgramStreams): Trace {
    this.programs.check(run.path);
    let pid = this.tasks.loader.pid + 1;
    while (this.tasks.find(pid) !== undefined) pid++;
    this.programs.expect(pid, streams);
    return programTrace(pid, run);
  }
  /**
   * As {@link replay}, to be stepped: {@link Replay.step}, then {@link Replay.finish}.
   * With `keepTasks` the tasks wait in the kernel for the next replay, unless this one is stopped.
   * @throws KernelError EBUSY while there is another one
   */
  replayer(
    recording: Trace | StepSource,
    options: { readonly maxInsns?: number; readonly keepTasks?: boolean } = {},
  ): Replay {
    checkArgument('options', options, is.object);
    const { maxInsns, keepTasks } = options;
    return this.#replayer.open(recording, maxInsns, keepTasks);
  }

  /**
   * Everything that this kernel is at this moment. Costs what changed since the last mark, and a look at the pages in
   * use. @throws MachineBusy while guest code runs
   */
  save(): KernelMark {
    return { version: 1, machine: this.machine.save(), parts: this.#parts().map((part) => [part, part.save()]) };
  }
  /**
   * The kernel as it was at a mark, whatever has happened since, or, gone back to an earlier one, will: handles of
   * what existed then are good again. What the host has outside of the kernel (bytes taken from a ring buffer, lines
   * read) is the host's. @throws MachineBusy while guest code runs
   */
  restore(mark: KernelMark): void {
    checkArgument('mark', mark, isMark);
    this.machine.restore(mark.machine);
    for (const [part, state] of mark.parts) part.restore(state);
    this.memory.flushTlb();
    this.restored.tell();
  }
  /** Whatever keeps state outside of guest memory, from the ground up. */
  #parts(): readonly Stateful[] {
    const { clock, context, random, fds, printk, slab, vmalloc, percpu, bpfPack, rcu, symbols, text, faults } = this;
    const { objects, files, root, programs, tasks, sched, trace, probes, net, cgroups, security, bpf } = this;
    const ground = [clock, context, random, fds, printk, slab, vmalloc, percpu, bpfPack, rcu, symbols, text, faults];
    return [
      ...ground,
      this.sysctl,
      this.madeEvents,
      this.departures,
      objects,
      files,
      root,
      programs,
      tasks,
      sched,
      trace,
      probes,
      net,
      cgroups,
      security,
      ...this.#effects,
      bpf,
      this.#replayer,
      this.#limits,
    ];
  }
  readonly #limits: Stateful<number> = {
    save: () => this.markedLimit,
    restore: (limit) => {
      this.markedLimit = limit;
    },
  };

  #startCpu(): void {
    const { cpu, text, machine, memory } = this;
    const address = (name: string): Addr => text.place(name);
    cpu.gsBase = this.percpu.base;
    cpu.kernelGsBase = 0;
    cpu.lstar = address('entry_SYSCALL_64');
    cpu.starHigh = STAR_HIGH;
    cpu.sfmask = SYSCALL_MASK;
    cpu.setReg(4, this.tasks.loader.stackTop - 256);
    machine.idt[1] = address('asm_exc_debug');
    machine.idt[3] = address('asm_exc_int3');
    memory.writeU32(text.data('nr_cpu_ids', 4), this.cpus);
    const thisCpu = text.percpu('this_cpu_off');
    const cpuNumber = text.percpu('pcpu_hot') + this.structs.of('pcpu_hot').offset('cpu_number');
    const table = text.data('__per_cpu_offset', 8 * 64);
    for (let n = 0; n < this.cpus; n++) {
      memory.writeAddr(this.percpu.offset(n) + thisCpu, this.percpu.offset(n));
      memory.writeAddr(table + 8 * n, this.percpu.offset(n));
      memory.writeU32(this.percpu.offset(n) + cpuNumber, n);
    }
  }
}
shownAs(
  Kernel.prototype,
  ({ release, cpus, engine, cpuModel, mitigations }) => ({ release, cpus, engine, cpuModel, mitigations }),
  'Kernel',
);

export type { BootOptions };
