/** The kernel as its users have it: the model, and what tests make happen in it. */
import { type BootOptions, type KernelMark, Kernel as KernelModel, type Task } from '../../kernel-sim/index.ts';
import { ArgumentError, checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { Coverage } from './coverage/coverage.ts';
import { HelperClock, type LineCost, lineCosts } from './coverage/profile.ts';
import { type EmitOptions, type EventFields, emit } from './happen/event.ts';
import { type CallOptions, callFunction, type FunctionArguments, type FunctionResult } from './happen/function.ts';
import { type KernelObject, KernelObjects, type ObjectMembers } from './happen/objects.ts';
import { type Surroundings, surround } from './happen/surroundings.ts';
import { type Fault, type FaultName, injectFault } from './mocks/faults.ts';
import { type Mock, type MockBehaviour, type MockOptions, Mocks } from './mocks/mock.ts';
import { type TaskOwner, TestTask } from './task.ts';

export interface TaskOptions extends Surroundings {
  /** default: the next that is free, from 1000 */
  readonly pid?: number;
  /** a task that there is; default: the kernel's first, 0 */
  readonly ppid?: number;
  /** its name, of which Linux keeps 15 bytes. Default `test` */
  readonly comm?: string;
  /** all four user ids; one other than 0 has no capabilities. Default 0 */
  readonly uid?: number;
  /** all four group ids. Default 0 */
  readonly gid?: number;
  /** the CPU that it runs on; default: by its pid */
  readonly cpu?: number;
}
/** What the verifier gives up at, where it is not Linux's. */
export interface VerifierLimitOptions {
  /** instructions processed. Linux's is 1000000 */
  readonly insns?: number;
  /** jumps that wait to be followed. Linux's is 8192 */
  readonly jumps?: number;
}

const ID = is.whole(0, 0xffff_fffe);
const PID = is.whole(1, 0x3f_ffff);
const TASK: Schema<TaskOptions> = {
  pid: PID,
  ppid: is.whole(0, 0x3f_ffff),
  comm: is.text,
  uid: ID,
  gid: ID,
  cpu: is.whole(0, 63),
  cgroup: is.text,
  cwd: is.text,
  env: is.either(is.listOf(is.text), is.recordOf(is.text)),
  argv: is.listOf(is.text),
};
const LIMITS: Schema<VerifierLimitOptions> = { insns: is.whole(1, 1_000_000), jumps: is.whole(1, 8192) };
export interface MeasureOptions {
  /** times helpers and kfuncs. Default false */
  readonly profile?: boolean;
}
const MEASURE: Schema<MeasureOptions> = { profile: is.bool };
const FIRST_PID = 1000;

export class Kernel extends KernelModel implements TaskOwner {
  readonly #mocks = new Mocks(this);
  readonly #objects = new KernelObjects(this);
  #clock: HelperClock | undefined;
  #traced = '';

  /** Boots a kernel. @throws BootError naming the option that cannot be used */
  static override async boot(options: BootOptions = {}): Promise<Kernel> {
    return new Kernel(options);
  }

  /** this kernel, as a task asks for it */
  get kernel(): this {
    return this;
  }

  /**
   * A process that is there, and waits for what it is to do.
   * @throws ArgumentError: a pid that is taken, a parent that is not there
   */
  task(options: TaskOptions = {}): TestTask {
    checkOptions('options', options, TASK);
    const { tasks } = this;
    const { pid = this.freePid(), ppid = 0, comm = 'test', uid = 0, gid = 0 } = options;
    if (tasks.find(pid)) throw new ArgumentError('options.pid', `there is a task ${pid} already`);
    const parent = tasks.find(ppid);
    if (!parent) throw new ArgumentError('options.ppid', `there is no task ${ppid}; make it before its child`);
    const task = tasks.create(pid, pid, comm, parent);
    this.#setIds(task, uid, gid);
    const { cpu } = options;
    if (cpu !== undefined) this.#setCpu(task, cpu);
    surround(this, task, options);
    return new TestTask(this, task);
  }

  /** The next pid that no task has, from 1000. */
  freePid(): number {
    let pid = FIRST_PID;
    while (this.tasks.find(pid)) pid++;
    return pid;
  }

  /**
   * Lets an event happen by its name and fields in tracefs (`events/sched/sched_switch/format`); programs of type
   * tracepoint, raw_tp and tp_btf see it. Fields that are left out are 0, or what the arguments give.
   *
   *     kernel.emit('sched:sched_switch', { prev_comm: 'bash', prev_pid: 7, next_comm: 'cat', next_pid: 8 });
   *
   * @returns instructions executed
   * @throws ArgumentError: an event or a field that there is not, with near ones; a value that a field cannot have
   * @throws KernelError EOPNOTSUPP: a tracepoint with more arguments than go in registers; EIO: the kernel oopsed
   */
  emit(event: string, fields: EventFields = {}, options: EmitOptions = {}): number {
    return emit(this, this.#objects, event, fields, options);
  }
  /**
   * Calls a kernel function; its machine code runs, and what is attached to it (kprobe, kretprobe, fentry, fexit, lsm).
   *
   *     kernel.callFunction('vfs_read', { file: kernel.object('file'), count: 64 }, { result: 64 });
   *
   * @throws ArgumentError: a function or an argument that there is not, with near ones; a value that its type cannot have
   * @throws KernelError EIO: the kernel oopsed, with what it logged
   */
  callFunction(name: string, args: FunctionArguments = [], options: CallOptions = {}): FunctionResult {
    return callFunction(this, this.#objects, name, args, options);
  }
  /**
   * A structure of the kernel's, by its name and members in C; the rest is 0. Pointers take what they are to point to.
   *
   *     kernel.object('file', { f_flags: 0o100000, f_inode: { i_ino: 5n, i_sb: { s_dev: 8 } } });
   *
   * @throws ArgumentError: a structure or a member that there is not, with near ones; a value that its type cannot have
   */
  object(type: string, members: ObjectMembers = {}): KernelObject {
    return this.#objects.make(type, members);
  }

  /** All that programs have traced (bpf_printk) and nobody else has read. */
  get traced(): string {
    this.#traced += this.tracePipe.read();
    return this.#traced;
  }

  /**
   * Answers for a helper or a kfunc, on every engine and also where Linux has it inlined:
   *
   *     kernel.mock('bpf_ktime_get_ns', () => 42n);
   *     kernel.mock('bpf_get_prandom_u32', [1, 2, 3]);               // then the kernel's own again
   *     kernel.mock('bpf_map_update_elem', { error: 'E2BIG' }, { map: 'counts', from: 3 });
   *     const spy = kernel.mock('bpf_map_update_elem');              // the kernel answers; spy.calls has the arguments
   *
   * @throws ArgumentError: no such function, with near ones; one that is mocked already; a result that no register holds
   */
  mock(name: string, behaviour?: MockBehaviour, options: MockOptions = {}): Mock {
    return this.#mocks.add(name, behaviour, options);
  }
  /**
   * Lets something go wrong as it does on Linux, for programs and for who uses bpf(2): `kernel.fail('ringbuf_full')`, `kernel.fail('probe_read', { from: 3, times: 1 })`.
   * @throws ArgumentError: no such fault, with near ones
   */
  fail(fault: FaultName, options: MockOptions = {}): Fault {
    return injectFault(this, this.#mocks, fault, options);
  }
  /** What the verifier gives up at from now on; without an argument as Linux. */
  limitVerifier(limits: VerifierLimitOptions = {}): void {
    checkOptions('limits', limits, LIMITS);
    this.bpf.state.verifierLimits = limits;
  }
  /**
   * From now on it is counted which lines, functions and branches of programs are executed. Programs run code that counts;
   * `profile` also times the kernel functions that they call.
   */
  measure({ profile = false }: MeasureOptions = {}): void {
    checkOptions('options', { profile }, MEASURE);
    if (profile) this.#clock ??= new HelperClock(this);
    this.bpf.state.detours.count();
  }
  /** What was executed since {@link measure}, of programs that were loaded with records of their lines (clang -g). */
  get coverage(): Coverage {
    const coverage = new Coverage();
    for (const counts of this.bpf.state.detours.counts) coverage.add(counts);
    return coverage;
  }
  /** As {@link coverage}; what is counted from now on is counted anew. */
  takeCoverage(): Coverage {
    const { coverage } = this;
    this.bpf.state.detours.forgetCounts();
    return coverage;
  }
  /** What the lines of programs cost since {@link measure}. */
  get profile(): LineCost[] {
    return lineCosts(this, this.bpf.state.detours.counts, this.#clock);
  }

  override save(): KernelMark {
    void this.bpf.state.detours.counts;
    return super.save();
  }
  override restore(mark: KernelMark): void {
    void this.bpf.state.detours.counts;
    super.restore(mark);
    this.#traced = '';
  }

  /** Takes all mocks and faults back, and the limits of the verifier. */
  restoreMocks(): void {
    this.#mocks.restore();
    this.limitVerifier();
  }

  #setCpu(task: Task, cpu: number): void {
    if (cpu >= this.cpus)
      throw new ArgumentError('options.cpu', `there are ${this.cpus} CPUs; Kernel.boot({ cpus: ${cpu + 1} }) has more`);
    this.tasks.runqueues.adopt(task, cpu);
  }

  #setIds(task: Task, uid: number, gid: number): void {
    const { creds } = this.tasks;
    const cred = creds.prepare(task);
    for (const field of ['uid', 'suid', 'euid', 'fsuid'] as const) creds.setId(cred, field, uid);
    for (const field of ['gid', 'sgid', 'egid', 'fsgid'] as const) creds.setId(cred, field, gid);
    // capabilities(7): a user other than root has what root gave, which is nothing
    if (uid !== 0) for (const set of ['cap_permitted', 'cap_effective'] as const) creds.setCaps(cred, set, 0n);
    creds.commit(task, cred);
  }
}
