/** What the handlers of calls need: the model, the processes, and descriptors and memory of the host that stand for the model's. */
import type { FdObject } from '../../kernel-sim/core/fds.ts';
import type { SharedClock } from './clock.ts';
import type { Mirror, Mirrors } from './mirrors.ts';
import type { Model } from './model.ts';
import type { Outcome } from './outcome.ts';
import type { Passed } from './passed.ts';
import type { PrivateDir } from './private-dir.ts';
import type { HostProcess, Processes } from './process.ts';
import type { Supervisor } from './supervisor.ts';

export interface Door {
  readonly model: Model;
  readonly supervisor: Supervisor;
  readonly processes: Processes;
  readonly mirrors: Mirrors;
  readonly dir: PrivateDir;
  readonly passed: Passed;
  readonly clock: SharedClock;
  /** paths of open directories */
  readonly directories: WeakMap<object, string>;

  /** Says what the model lacked for a call. */
  explain(): void;
  /** Says once that something is not modelled. */
  missing(what: string): void;
  /** Says something once. */
  notice(text: string): void;
  /** The eventfd at `fd` is readable where the object is. */
  watch(process: HostProcess, fd: number, object: FdObject): Promise<void>;
  /** The memory that processes map in place of an object's. */
  mirror(object: FdObject): Promise<Mirror>;
  /** The supervisor looks at the positions of a ring itself, whenever its reader waits. */
  ring(process: HostProcess, object: FdObject): void;
  /** A path at which a process reads what the model writes there as it comes. */
  stream(path: string, object: FdObject): Promise<string>;
  /**
   * A thread would sleep so long, in ns: whether it has slept, when what happens meanwhile has happened; undefined where the
   * host's clock is the one.
   */
  sleep(ns: number, tid: number): Promise<boolean> | undefined;
  /** A low descriptor for an object, as a shell's redirection makes. */
  lend(object: FdObject, to: number): Promise<Outcome>;
}
