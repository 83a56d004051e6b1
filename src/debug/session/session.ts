/**
 * A debugger's session: a kernel with an object in it and a recording that is replayed, and moves through that time in
 * both directions. docs/debugger.md tells of it.
 */
import { Kernel } from '../../../kernel-sim/index.ts';
import { type AttachedLink, BpfObject, type LoadedObject } from '../../object/index.ts';
import { Breakpoints } from '../breakpoints/breakpoints.ts';
import type { Breakpoint, BreakpointOptions } from '../breakpoints/types.ts';
import { DebugError, NoValue } from '../error.ts';
import { assigned } from '../expr/assign.ts';
import { evaluate, truth, valueAt } from '../expr/evaluate.ts';
import { printValue } from '../expr/print.ts';
import { readRegister } from '../expr/registers.ts';
import { SessionScope } from '../expr/scope.ts';
import { sizeOf, typeName, type Value } from '../expr/value.ts';
import { Locals } from '../program/locals.ts';
import { Programs } from '../program/programs.ts';
import { encodeSession } from '../record/session-file.ts';
import { type Change, Changes } from '../time/changes.ts';
import { Timeline } from '../time/timeline.ts';
import { type Written, whoWrote } from '../time/writer.ts';
import { asKernel } from './as-kernel.ts';
import type { SessionContext, Shown, TraceLine } from './context.ts';
import { follow } from './follow.ts';
import { CallStack, type Frame } from './frames.ts';
import { Motions } from './motions.ts';
import { Selection } from './selection.ts';
import { Stations } from './stations.ts';
import type { Motion, MoveOptions, SessionOptions, Stop } from './types.ts';
import { Places } from './world.ts';

const HISTORY = 64 << 20;
/** log_level at which the verifier writes the state behind each instruction */
const LOG_STATES = 2;

export class Session implements SessionContext {
  readonly options: SessionOptions;
  readonly kernel: Kernel;
  readonly loaded: LoadedObject<Kernel>;
  readonly links: readonly AttachedLink[];
  readonly programs: Programs;
  readonly stations: Stations;
  readonly places: Places;
  readonly breakpoints: Breakpoints;
  readonly timeline: Timeline;
  readonly scope: SessionScope;
  readonly locals: Locals;
  readonly #motions: Motions;
  readonly #callStack: CallStack;
  readonly #lines: TraceLine[] = [];
  #stop: Stop;
  readonly #selection: Selection;
  #isMoving = false;
  registersBefore: readonly bigint[] | undefined;

  /**
   * Boots, loads, attaches, and goes to the first hit of a program, with the way there behind it.
   * @throws BpfError where the verifier refuses a program, ObjectError, BootError ...
   */
  static async open(options: SessionOptions): Promise<Session> {
    const kernel = await Kernel.boot(options.boot ?? {});
    if (kernel.engine === 'interp')
      throw new DebugError("the debugger follows machine code: boot with engine 'jit' or 'step'");
    const opened = BpfObject.open(options.object, { name: options.name });
    const programs = options.programs === undefined ? {} : { programs: options.programs };
    const loaded = opened.load(kernel, { ...programs, logLevel: LOG_STATES });
    const session = new Session(options, kernel, loaded);
    session.breakpoints.restore(options.breakpoints ?? []);
    await session.#motions.toFirstHit();
    session.#stop = session.#describe('start');
    return session;
  }

  private constructor(options: SessionOptions, kernel: Kernel, loaded: LoadedObject<Kernel>) {
    this.options = options;
    this.kernel = kernel;
    this.loaded = loaded;
    this.links = loaded.attach();
    this.programs = new Programs(kernel, Object.values(loaded.programs), loaded.object.model.btf);
    this.stations = new Stations(kernel, this.programs, this.links);
    this.places = new Places(kernel, this.programs, this.stations.helpers);
    this.#callStack = new CallStack(kernel, this.places, this.programs);
    this.#selection = new Selection(kernel.cpu, this.#callStack);
    const changes = new Changes({ kernel, loaded }, options.changes);
    this.timeline = new Timeline(kernel, kernel.replayer(options.recording), options.history ?? HISTORY, changes);
    const { timeline } = this;
    const lines = this.#lines;
    this.scope = new SessionScope(kernel, loaded, {
      get count() {
        return timeline.count;
      },
      get calls() {
        return timeline.replay.calls;
      },
      register: (name) => this.#selection.register(name),
      local: (name) => this.locals.value(name),
      locals: () => this.locals.names(),
      peek: (read) => this.peek(read),
    });
    this.locals = new Locals(
      loaded,
      this.programs,
      () => this.#selection.frame,
      () => this.scope,
    );
    const { locals } = this;
    this.breakpoints = new Breakpoints(
      {
        kernel,
        programs: this.programs,
        stations: this.stations,
        map: (name) => loaded.maps[name]?.handle.map.addr,
        maps: Object.keys(loaded.maps),
        inlined: (name) => this.locals.inlined(name),
        get inlinedNames() {
          return locals.inlinedNames;
        },
      },
      {
        isTrue: (text) => truth(evaluate(text, this.scope)),
        text: (text) => this.#text(text),
      },
    );
    kernel.tracePipe.onLine((text) => void lines.push({ count: timeline.count, text }));
    timeline.restored.add((count) => {
      while (lines.length > 0 && (lines.at(-1) as TraceLine).count > count) lines.pop();
    });
    this.#motions = new Motions(this);
    this.#stop = this.#describe('begin');
  }

  /** Where it stands. */
  get stop(): Stop {
    return this.#stop;
  }
  /** Lines of trace_pipe up to here. */
  get lines(): readonly TraceLine[] {
    return this.#lines;
  }
  /** What the kernel's log says of faults in it up to here, one oops each. */
  get oopses(): readonly string[] {
    return this.timeline.replay.oopses;
  }
  /** The call stack, the innermost frame first. */
  get frames(): readonly Frame[] {
    return this.#callStack.frames();
  }

  get selected(): number {
    return this.#selection.n;
  }
  /** The frame that names are about, until the next motion. @throws DebugError where there is none of this number */
  selectFrame(n: number): Frame {
    return this.#selection.select(n);
  }
  /** Looks at things in another frame than the selected one. @throws DebugError where there is none of this number */
  inFrame<T>(n: number, look: () => T): T {
    return this.#selection.inFrame(n, look);
  }

  /** Makes one motion. One at a time. @throws DebugError while another is under way, or where it makes no sense here */
  async move(motion: Motion, options: MoveOptions = {}): Promise<Stop> {
    if (this.#isMoving) throw new DebugError('the session is moving already');
    this.#isMoving = true;
    this.#selection.clear();
    this.registersBefore = [...this.kernel.cpu.regs64, BigInt(this.kernel.cpu.rflags >>> 0)];
    try {
      const { reason, breakpoint, change } = await this.#motions.make(motion, options);
      if (breakpoint?.temporary === true) this.breakpoints.remove(breakpoint.id);
      this.breakpoints.wentTo(this.timeline.count);
      this.#stop = this.#describe(reason, breakpoint, change);
    } finally {
      this.#isMoving = false;
    }
    return this.#stop;
  }

  /** @throws DebugError where it is no expression, or what it names is not there */
  evaluate(text: string): Shown {
    return this.show(this.value(text));
  }
  /**
   * Stops behind the instruction that changes it, or the first time that there is a value. `on`: behind one of the guest's
   * that reads it, or reads or writes it, for what lies in memory. @throws DebugError where it is no expression
   */
  watch(text: string, options: BreakpointOptions = {}, on: 'write' | 'read' | 'access' = 'write'): Breakpoint {
    let value: Value | undefined;
    try {
      value = this.value(text);
    } catch (error) {
      if (!(error instanceof NoValue)) throw error;
    }
    const at = value?.address;
    const isFixed = at !== undefined && this.#namesFrame(text);
    if (on === 'write' && !isFixed) return this.breakpoints.watch({ kind: 'expression', text }, options);
    if (value === undefined || at === undefined)
      throw new DebugError(`${text} lies in no memory: whether it is read, nothing tells`);
    return this.breakpoints.watch({ kind: 'memory', address: at, bytes: sizeOf(value.type), on }, options);
  }
  /** Whether what it names is another thing elsewhere: a variable of the function that runs, a register. */
  #namesFrame(text: string): boolean {
    const names = text.match(/\$?[A-Za-z_]\w*/g) ?? [];
    const locals = this.locals.names();
    return names.some((n) => locals.includes(n) || readRegister(this.kernel.cpu, n) !== undefined);
  }
  /** As {@link evaluate}, to be looked into. */
  value(text: string): Value {
    return evaluate(text, this.scope);
  }
  show(value: Value): Shown {
    return { text: this.#print(value), bits: value.bits, type: value.type, typeName: typeName(value.type) };
  }
  /**
   * Sets a register, memory or a map's value. What lay behind this moment is another future from now on.
   * @throws DebugError where it cannot be set, or the session stands inside of a helper's callback
   */
  assign(target: string, value: string): Shown {
    this.change([assigned(this, target, value)]);
    return this.evaluate(target);
  }
  /** As {@link assign}, whatever `set` does to registers and memory. @throws DebugError */
  change(changes: readonly Change[]): void {
    if (!this.timeline.canChange)
      throw new DebugError('here, in what a helper calls back, nothing can be set: step back to before the call');
    this.timeline.change(changes);
  }

  /**
   * Goes back to the instruction that wrote a register, memory or a map's value last; undefined where nothing did since
   * the start. `what` is an expression. @throws DebugError
   */
  async whoWrote(what: string, options: MoveOptions = {}): Promise<Written | undefined> {
    const looking = this.#looking(what);
    this.#selection.clear();
    const written = await whoWrote(this.timeline, looking, options);
    this.breakpoints.wentTo(this.timeline.count);
    this.#stop = this.#describe(written === undefined ? 'begin' : 'watchpoint');
    return written;
  }

  /** What looks at it from wherever time goes: what lies in memory, at the address where it lies here. */
  #looking(what: string): () => string {
    const { type, address } = this.value(what);
    if (address === undefined || !this.#namesFrame(what)) return () => this.#watched(what);
    return () => {
      try {
        return this.#print(valueAt(this.scope, type, address));
      } catch (error) {
        if (error instanceof DebugError) return error.message;
        throw error;
      }
    };
  }
  /** What a watched expression is now, as text that differs where the value does. */
  #watched(what: string): string {
    try {
      return this.#text(what);
    } catch (error) {
      if (error instanceof DebugError) return error.message;
      throw error;
    }
  }
  watched(what: Breakpoint['at']): string {
    if (what.kind === 'expression') return this.#watched(what.text);
    if (what.kind === 'memory') return String(this.scope.memory.read(what.address, what.bytes));
    return '';
  }

  /**
   * The session as one file's bytes: object, recording, options, sources, breakpoints, and what was set on the way.
   * @throws DebugError where the recording's bytes are gone
   */
  record(): Uint8Array {
    const { options, programs } = this;
    const recording = options.recordingBytes?.();
    if (recording === undefined)
      throw new DebugError('what is replayed cannot be read again: record from a file (--replay FILE)');
    const files = new Set(programs.list.flatMap((p) => [...p.lineStarts()].map(([, line]) => line.file)));
    const sources: Record<string, string> = {};
    for (const file of files) {
      const text = options.source?.(file);
      if (text !== undefined) sources[file] = text;
    }
    return encodeSession({
      name: options.name.replace(/^.*[/\\]/, ''),
      object: options.object,
      recording,
      boot: { ...options.boot, seed: options.boot?.seed ?? 1 },
      ...(options.programs === undefined ? {} : { programs: options.programs }),
      sources,
      breakpoints: this.breakpoints.save(),
      changes: this.timeline.changes.list,
    });
  }

  /** Ends the replay and gives everything back. */
  close(): void {
    this.timeline.replay.finish();
  }

  /** Reads by the kernel's own commands, which use its memory; leaves no trace of it. */
  readonly peek = <T>(read: () => T): T => {
    const mark = this.kernel.save();
    try {
      return asKernel(this.kernel.cpu, read);
    } finally {
      this.kernel.restore(mark);
    }
  };

  /** What an address points to, in words: `counts[3]`, `task_struct of cat`, a symbol, a string. */
  follow(at: bigint): string | undefined {
    return follow(this, at);
  }

  #text(text: string): string {
    return this.#print(evaluate(text, this.scope));
  }
  #print(value: Value): string {
    return printValue(value, this.scope.memory, { follow: (at) => this.follow(at) });
  }

  #describe(reason: Stop['reason'], breakpoint?: Breakpoint, change?: Stop['change']): Stop {
    const { kernel, timeline } = this;
    const { current } = kernel.tasks;
    return {
      reason,
      count: timeline.count,
      time: kernel.clock.now,
      calls: timeline.replay.calls,
      task: { pid: current.pid, comm: current.comm },
      place: this.places.at(kernel.cpu.rip),
      station: this.stations.here(),
      ...(breakpoint === undefined ? {} : { breakpoint }),
      ...(change === undefined ? {} : { change }),
      logged: this.breakpoints.takeLog(),
    };
  }
}
