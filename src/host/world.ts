/**
 * One kernel and the processes of the host that see it: each stopped call goes to its handler, and what the handler says is
 * what becomes of the call.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { FdObject, FdTable } from '../../kernel-sim/core/fds.ts';
import { EPOLLIN } from '../../kernel-sim/core/file-ops.ts';
import { AT_FDCWD, O } from '../uapi/fcntl.ts';
import { Call, cString, type Handler } from './calls/call.ts';
import { HANDLERS } from './calls/index.ts';
import type { SharedClock } from './clock.ts';
import type { Door } from './door.ts';
import { type Mirror, Mirrors } from './mirrors.ts';
import type { Model } from './model.ts';
import { SYS } from './numbers.ts';
import type { Outcome } from './outcome.ts';
import { Passed } from './passed.ts';
import type { PrivateDir } from './private-dir.ts';
import { type HostProcess, Processes } from './process.ts';
import { Streams } from './streams.ts';
import { type Listener, Supervisor } from './supervisor.ts';
import type { HostCall } from './wire.ts';

/** Beginnings of the paths that the model may have. */
export const PREFIXES = [
  '/sys/kernel/',
  '/sys/fs/bpf',
  '/sys/fs/cgroup',
  '/sys/devices/system/cpu',
  '/sys/bus/event_source',
  '/proc/kallsyms',
  '/proc/version',
  '/proc/mounts',
  '/proc/self/mounts',
  '/proc/self/mountinfo',
  '/proc/config.gz',
  '/proc/sys/kernel/',
  '/proc/sys/net/core/bpf',
  '/proc/self/fdinfo/',
  '/proc/self/ns/net',
  '/boot/',
  '/lib/modules/',
];
/** memfds are made this large, and take what is written */
const MEMORY_BYTES = 2 ** 30;
const EIO = 5;

export interface WorldOptions {
  readonly model: Model;
  /** a table of descriptors whose objects other tables of the model's may have too */
  readonly table: (first: number) => FdTable;
  readonly dir: PrivateDir;
  readonly clock: SharedClock;
  /** told of what the model lacks, and of what stands for something else, once each */
  readonly onMissing: (what: string) => void;
  /** a process is about to wait for what the model may give it */
  readonly onIdle: () => void;
  /**
   * A thread would sleep so long, in ns: whether it has slept, when what happens meanwhile has happened; undefined where the
   * host's clock is the one.
   */
  readonly onSleep: (ns: number, tid: number) => Promise<boolean> | undefined;
  readonly onEnd: () => void;
}

export class World implements Listener, Door {
  readonly model: Model;
  readonly supervisor: Supervisor;
  readonly processes: Processes;
  readonly mirrors: Mirrors;
  readonly dir: PrivateDir;
  readonly streams: Streams;
  readonly passed: Passed;
  readonly clock: SharedClock;
  /** paths of open directories */
  readonly directories = new WeakMap<object, string>();
  /** why COMMAND could not be started */
  startError: string | undefined;
  readonly #options: WorldOptions;
  #isClosed = false;
  #isQuiet = false;
  readonly #said = new Set<string>();
  /** eventfds of the supervisor's, by what they stand for */
  readonly #events = new Map<FdObject, { readonly own: number; readonly pid: number; readonly stop: () => void }>();
  /** eventfds of rings that have something, which is not pushed yet */
  readonly #woken = new Set<number>();
  readonly #making = new Map<FdObject, Promise<Mirror>>();
  readonly #lent: { readonly fd: number; readonly object: FdObject }[] = [];

  /** `socket`: the supervisor's */
  constructor(options: WorldOptions, socket: Duplex) {
    this.#options = options;
    this.model = options.model;
    this.dir = options.dir;
    this.clock = options.clock;
    this.passed = new Passed(options.table(0));
    this.processes = new Processes(options.table, options.model.processes, (pid, fd) => this.passed.find(pid, fd));
    this.mirrors = new Mirrors(options.model.ram);
    this.supervisor = new Supervisor(socket, this);
    this.streams = new Streams(this.supervisor, this.dir);
  }

  call(told: HostCall): void {
    const handler = HANDLERS.get(told.nr);
    this.#isQuiet = false;
    this.#takeLent();
    if (handler) void this.#answer(handler, new Call(this, this.processes.get(told.tgid), told));
    else this.supervisor.go(told.tid);
  }
  async #answer(handler: Handler, call: Call): Promise<void> {
    const { supervisor } = this;
    let outcome: Outcome;
    this.clock.sync();
    try {
      outcome = await handler(call);
    } catch (error) {
      this.#options.onMissing(error instanceof Error ? error.message : String(error));
      outcome = -EIO;
    }
    this.clock.sync();
    this.#wake();
    if (outcome === 'host') supervisor.go(call.tid);
    else if (typeof outcome === 'object') await supervisor.script(call.tid, outcome);
    else supervisor.return(call.tid, outcome);
  }
  start(tgid: number, base: number): void {
    this.processes.start(tgid, base);
    this.supervisor.clock(this.clock.path);
  }
  child(parent: number, tid: number, tgid: number): void {
    this.processes.child(parent, tid, tgid);
  }
  exec(tgid: number): void {
    this.processes.get(tgid).exec();
    this.#release();
  }
  exit(tid: number, tgid: number): void {
    if (this.processes.exit(tid, tgid)) this.#release();
  }
  idle(): void {
    this.#isQuiet = false;
    this.#takeLent();
    this.clock.sync();
    this.#options.onIdle();
  }
  failed(text: string): void {
    this.startError = text;
  }
  /** Whether every thread waits, and none has asked for anything since this was last asked. */
  isWaiting(): boolean {
    const isQuiet = this.#isQuiet;
    this.#isQuiet = true;
    return isQuiet && [...this.processes.all()].every((process) => process.isWaiting());
  }
  /** Whether every thread but this one waits. */
  isWaitingBut(tid: number): boolean {
    return [...this.processes.all()].every((process) => process.isWaiting(tid));
  }
  gone(): void {
    this.#options.onEnd();
  }

  sleep(ns: number, tid: number): Promise<boolean> | undefined {
    return this.#options.onSleep(ns, tid);
  }

  /** Says what the model lacked for a call. */
  explain(): void {
    for (const what of this.model.takeMissing()) this.missing(what);
  }
  missing(what: string): void {
    this.notice(`${what} is not modelled`);
  }
  notice(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#options.onMissing(text);
  }

  /** The eventfd at `fd` is readable where the object is. */
  async watch(process: HostProcess, fd: number, object: FdObject): Promise<void> {
    if (this.#events.has(object)) return;
    const own = await this.supervisor.grab(process.pid, fd);
    if (own < 0) return;
    const tell = (): void => {
      // what is in a ring is not the reader's to see before it has been pushed
      if (object.ring?.()) this.#woken.add(own);
      else this.supervisor.setReadable(own, ((object.poll?.() ?? 0) & EPOLLIN) !== 0);
    };
    this.#events.set(object, { own, pid: process.pid, stop: object.onWake?.(tell) ?? (() => {}) });
  }
  /** The memory that processes map in place of an object's. */
  mirror(object: FdObject): Promise<Mirror> {
    const known = this.mirrors.get(object);
    if (known) return Promise.resolve(known);
    let making = this.#making.get(object);
    if (!making) {
      making = this.supervisor
        .memfd(MEMORY_BYTES)
        .then((own) => this.mirrors.make(object, own, this.supervisor.pathOf(own)));
      this.#making.set(object, making);
    }
    return making;
  }
  /** The supervisor looks at the positions of a ring itself, whenever its reader waits. */
  ring(process: HostProcess, object: FdObject): void {
    const shape = object.ring?.();
    const event = this.#events.get(object);
    const mirror = this.mirrors.get(object);
    if (shape && event && mirror)
      this.supervisor.ring(process.pid, event.own, mirror.own, shape.consumer, shape.producer);
  }
  #wake(): void {
    for (const own of this.#woken) this.supervisor.setReadable(own, true);
    this.#woken.clear();
  }
  /** What the model stored is the processes' to see, and who polls a ring wakes; how full the fullest one is. */
  publish(): number {
    this.mirrors.push();
    this.#wake();
    let most = 0;
    for (const { object, fill } of this.mirrors.rings()) {
      most = Math.max(most, fill);
      const event = this.#events.get(object);
      if (event && fill > 0) this.supervisor.setReadable(event.own, true);
    }
    return most;
  }
  /** A path at which a process reads what the model writes there as it comes. */
  async stream(path: string, object: FdObject): Promise<string> {
    const at = await this.streams.open(path, object);
    // who opens it is about to wait for it
    this.#options.onIdle();
    return at;
  }
  /**
   * A low descriptor for an object, as a shell's redirection makes: a pipe, as the filter does not see what is done there.
   * What was written is taken before anything else is answered; only its errors are told here and not to the writer.
   */
  async lend(object: FdObject, to: number): Promise<Outcome> {
    const path = this.dir.fresh();
    await this.supervisor.fifo(path);
    this.#lent.push({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), object });
    object.get?.();
    return {
      steps: [
        { nr: SYS.openat, args: [AT_FDCWD, { data: 0 }, O.WRONLY] },
        { nr: SYS.dup3, args: [{ step: 0 }, to, 0] },
        { nr: SYS.close, args: [{ step: 0 }] },
      ],
      result: 1,
      data: cString(path),
    };
  }
  #takeLent(): void {
    const buffer = Buffer.alloc(1 << 16);
    for (const { fd, object } of this.#lent) {
      for (;;) {
        let n = 0;
        try {
          n = readSync(fd, buffer, 0, buffer.length, null);
        } catch {
          break; // EAGAIN: there is a writer, and nothing from it
        }
        if (n === 0) break;
        const result = object.write?.(new Uint8Array(buffer.subarray(0, n))) ?? -EIO;
        if (result < 0) this.#options.onMissing(`${object.fdName}: a write failed with error ${-result}`);
      }
    }
  }
  /** Descriptors of the supervisor's whose objects nothing has open any more. */
  #release(): void {
    const open = new Set<FdObject>();
    for (const process of this.processes.all()) for (const [, object] of process.fds.entries()) open.add(object);
    for (const [object, event] of this.#events) {
      if (open.has(object)) continue;
      event.stop();
      this.mirrors.drop(object);
      this.supervisor.drop(event.own);
      this.#events.delete(object);
    }
  }

  /** Ends everything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.supervisor.end();
    this.#takeLent();
    for (const { fd } of this.#lent) closeSync(fd);
    this.streams.close();
    this.mirrors.close();
    this.passed.end();
  }
}
