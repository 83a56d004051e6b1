/** A task of a test: it makes the system calls that the test says, one at a time, as a task of a recording does. */
import type { Kernel, Task, TraceCall } from '../../kernel-sim/index.ts';
import { ArgumentError, checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { ERRNO, type Errno, KernelError } from '../errors/index.ts';
import { nearestText } from '../errors/near.ts';
import { addrToBigInt } from '../machine/addr.ts';
import { FORKS } from '../replay/index.ts';
import { SIG } from '../uapi/process.ts';
import { type Environment, environment, setStrings } from './happen/surroundings.ts';
import { type SyscallValues, syscallArgs } from './syscall-args.ts';
import { syscallFormat } from './syscall-format.ts';

export interface SyscallOutcome {
  /** what it returns where the model does not know better: a descriptor, a count. Default 0 */
  readonly result?: number | bigint;
  /** it fails: `'ENOENT'` */
  readonly error?: Errno;
}
export interface SyscallResult {
  /** rax on the way back to user space, signed. undefined: it did not return */
  readonly result: bigint | undefined;
  /** instructions executed, of the kernel and of the programs */
  readonly insns: number;
}
export interface ForkOptions {
  /** default: the next that is free */
  readonly pid?: number;
  /** a thread of the process (CLONE_THREAD and what comes with it). Default false */
  readonly thread?: boolean;
}

const OUTCOME: Schema<SyscallOutcome> = { result: is.u64, error: is.text };
const FORK: Schema<ForkOptions> = { pid: is.whole(1, 0x3f_ffff), thread: is.bool };

/** CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: as pthread_create(3) */
const THREAD_FLAGS = 0x0005_0f00;
/** they do not come back */
const ENDS: ReadonlySet<string> = new Set(['exit', 'exit_group']);

/** What a task asks of who made it. */
export interface TaskOwner {
  readonly kernel: Kernel;
  freePid(): number;
}

export class TestTask {
  readonly pid: number;
  readonly #owner: TaskOwner;
  readonly #task: Task;

  constructor(owner: TaskOwner, task: Task) {
    this.#owner = owner;
    this.#task = task;
    this.pid = task.pid;
  }
  /** the process that it is of */
  get tgid(): number {
    return this.#task.tgid;
  }
  /** its name, at most 15 bytes */
  get comm(): string {
    return this.#task.comm;
  }
  get uid(): number {
    return this.#task.uid;
  }
  /** its `task_struct` */
  get address(): bigint {
    return addrToBigInt(this.#task.address);
  }
  /** the CPU that it runs on */
  get cpu(): number {
    return this.#task.cpu;
  }
  /** It has not ended. */
  get alive(): boolean {
    return this.#owner.kernel.tasks.find(this.pid) === this.#task;
  }

  /**
   * Makes one system call. Its arguments go by the names that the call's event has
   * (`events/syscalls/sys_enter_openat/format`): `task.syscall('openat', { filename: '/etc/passwd' }, { result: 3 })`.
   *
   * @throws ArgumentError: a call, an argument or a constant that is unknown, with near ones; a value that its type cannot have
   * @throws KernelError ESRCH: the task has ended; EIO: the kernel oopsed, with what it logged
   */
  syscall(name: string, args: SyscallValues = {}, outcome: SyscallOutcome = {}): SyscallResult {
    checkOptions('outcome', outcome, OUTCOME);
    const format = syscallFormat(name);
    const traced = syscallArgs(format, args, () => this.#owner.kernel.btf);
    const result = ENDS.has(name) ? undefined : returned(outcome);
    const [first] = traced;
    // clone3 has its flags where its first argument points
    const cloneFlags = first?.kind === 'int' ? first.lo >>> 0 : first?.kind === 'bytes' ? firstWord(first.bytes) : 0;
    return this.#make({
      kind: 'call',
      pid: this.pid,
      time: 0,
      nr: format.row.nr,
      name,
      args: traced,
      result: result === undefined ? undefined : halves(result),
      unfinished: false,
      ...(FORKS.has(name) ? { cloneFlags } : {}),
    });
  }

  /** execve(2): the task becomes the program, and has its name. `argv` begins with the file where nothing is given. */
  exec(filename: string, argv: readonly string[] = [filename], env: Environment = []): SyscallResult {
    const envp = environment(env);
    const result = this.syscall('execve', { filename, argv, envp });
    if (this.alive) setStrings(this.#owner.kernel, this.#task, argv, envp);
    return result;
  }

  /** clone(2) as fork(3) makes it, or pthread_create(3). */
  fork(options: ForkOptions = {}): TestTask {
    checkOptions('options', options, FORK);
    const { kernel } = this.#owner;
    const pid = options.pid ?? this.#owner.freePid();
    if (kernel.tasks.find(pid)) throw new ArgumentError('options.pid', `there is a task ${pid} already`);
    this.syscall('clone', { clone_flags: options.thread ? THREAD_FLAGS : SIG.CHLD }, { result: pid });
    const child = kernel.tasks.find(pid);
    if (!child) throw new KernelError('ESRCH', `task ${this.pid} made no task ${pid}`);
    kernel.cgroups.move(kernel.cgroups.of(this).path, pid);
    kernel.memory.writeAddr(child.field('fs'), kernel.memory.readAddr(this.#task.field('fs')));
    return new TestTask(this.#owner, child);
  }

  /** exit_group(2). @param code 0 to 255 */
  exit(code = 0): void {
    this.syscall('exit_group', { error_code: code });
  }

  #make(call: TraceCall): SyscallResult {
    const { kernel } = this.#owner;
    if (!this.alive) throw new KernelError('ESRCH', `task ${this.pid} has ended`);
    const replay = kernel.replayer({ tasks: [], steps: [call] }, { keepTasks: true });
    try {
      replay.step();
    } catch (error) {
      replay.finish();
      throw error;
    }
    const { insns, oopses } = replay.finish();
    if (oopses[0] !== undefined)
      throw new KernelError('EIO', `the kernel oopsed in ${call.name} of task ${this.pid}:\n${oopses[0]}`);
    return { result: this.alive ? this.#rax() : undefined, insns };
  }

  /** `ax` of the registers that it went back to user space with, on top of its kernel stack. */
  #rax(): bigint {
    const { memory, structs } = this.#owner.kernel;
    const regs = structs.of('pt_regs');
    return BigInt.asIntN(64, memory.readU64(this.#task.stackTop - regs.size + regs.offset('ax')));
  }
}

function returned({ result = 0, error }: SyscallOutcome): bigint {
  if (error === undefined) return BigInt(result);
  const number = ERRNO[error];
  if (number === undefined)
    throw new ArgumentError('outcome.error', `there is no '${error}'${nearestText(error, Object.keys(ERRNO))}`);
  return BigInt(-number);
}

const halves = (value: bigint): { readonly lo: number; readonly hi: number } => ({
  lo: Number(BigInt.asIntN(32, value)),
  hi: Number(BigInt.asIntN(32, value >> 32n)),
});
const firstWord = (bytes: Uint8Array): number =>
  bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
